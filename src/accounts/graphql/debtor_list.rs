//! Queries about people: one of them, and the list with its filter and order.

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::{
    DateTimeRange, Debtor, DebtorConnection, OrderDirection,
    filter::{MOST_CONDITIONS, NO_ALTERNATIVE, languages},
    queries::{counts, find, look_limit, too_broad},
};
use crate::{
    accounts::{
        RiskLevel,
        list::{self, DebtorCriteria, DebtorKey, DebtorList, DebtorOrdering, Search, WantedDebtors},
    },
    compliance::graphql::HoldKind,
    platform::{
        gql::{EdgeCursor, PageArgs, ScopeExt as _, bad_input, not_found, op_error, parse_id},
        ids::IdKind,
    },
};

/// Which people: all conditions given must hold.
#[derive(Clone, Debug, InputObject)]
pub struct DebtorFilter {
    /// Written to in one of these languages (at most 50 BCP 47 tags): `es` is all Spanish, `es-MX` that of Mexico alone.
    preferred_language: Option<Vec<String>>,
    /// With at least one of these holds standing, on the person or on one of their debts.
    hold: Option<Vec<HoldKind>>,
    /// True: with a debt that is worked on, neither paid nor closed; false: without. Of the debts that you may see.
    has_open_accounts: Option<bool>,
    /// Of one of these levels of risk.
    risk_level: Option<Vec<RiskLevel>>,
    /// Known by one of these numbers of yours (`externalDebtorReference`, at most 100), on whichever of their records.
    external_debtor_reference: Option<Vec<String>>,
    /// True: a hold on the person stops all contact with them (see `Debtor.doNotContact`); false: none does. What is
    /// suppressed is found by `suppressionList`.
    contact_stopped: Option<bool>,
    /// First recorded in this time.
    created_at: Option<DateTimeRange>,
    /// All of these hold too.
    and: Option<Vec<DebtorFilter>>,
    /// At least one of these holds.
    or: Option<Vec<DebtorFilter>>,
    /// This does not hold.
    not: Option<Box<DebtorFilter>>,
}

impl DebtorFilter {
    fn parse(self) -> async_graphql::Result<DebtorCriteria> {
        let mut left = MOST_CONDITIONS;
        self.parse_within(&mut left)
    }

    fn parse_within(self, left: &mut usize) -> async_graphql::Result<DebtorCriteria> {
        *left = left
            .checked_sub(1)
            .ok_or_else(|| bad_input(format!("filter: a filter has at most {MOST_CONDITIONS} parts.")))?;
        if self.or.as_ref().is_some_and(Vec::is_empty) {
            return Err(bad_input(format!("filter.or: {NO_ALTERNATIVE}")));
        }
        let languages = languages(self.preferred_language.as_deref())
            .map_err(|message| bad_input(format!("filter.preferredLanguage: {message}")))?;
        let kinds = |all: Vec<HoldKind>| all.into_iter().map(|kind| kind.as_str().to_owned()).collect();
        let levels = |all: Vec<RiskLevel>| all.into_iter().map(|level| level.as_str().to_owned()).collect();
        let created = self.created_at.as_ref();
        let references = references(self.external_debtor_reference)?;
        let (mut stops, mut all_of) = (None, parse_all(self.and, left)?);
        let stopping = || HoldKind::STOPPING.map(|kind| kind.as_str().to_owned()).to_vec();
        match self.contact_stopped {
            Some(true) => stops = Some(stopping()),
            Some(false) => all_of.push(DebtorCriteria {
                none_of: Some(Box::new(DebtorCriteria {
                    stops: Some(stopping()),
                    ..DebtorCriteria::default()
                })),
                ..DebtorCriteria::default()
            }),
            None => {}
        }
        Ok(DebtorCriteria {
            languages,
            holds: self.hold.map(kinds),
            has_open_accounts: self.has_open_accounts,
            risk_levels: self.risk_level.map(levels),
            references,
            stops,
            created_from: created.and_then(|range| range.from),
            created_to: created.and_then(|range| range.to),
            all_of,
            any_of: parse_all(self.or, left)?,
            none_of: match self.not {
                Some(filter) => Some(Box::new(filter.parse_within(left)?)),
                None => None,
            },
        })
    }
}

/// The most numbers of people that one filter names.
const MOST_REFERENCES: usize = 100;

fn references(given: Option<Vec<String>>) -> async_graphql::Result<Option<Vec<String>>> {
    let Some(given) = given else { return Ok(None) };
    if given.len() > MOST_REFERENCES {
        return Err(bad_input(format!(
            "filter.externalDebtorReference: name at most {MOST_REFERENCES}."
        )));
    }
    // No text of the database holds the character.
    let told = given
        .into_iter()
        .map(|reference| reference.trim().replace('\0', ""));
    let mut told: Vec<String> = told.collect();
    told.sort_unstable();
    told.dedup();
    Ok(Some(told))
}

fn parse_all(
    filters: Option<Vec<DebtorFilter>>,
    left: &mut usize,
) -> async_graphql::Result<Vec<DebtorCriteria>> {
    let parts = filters.into_iter().flatten();
    parts.map(|filter| filter.parse_within(left)).collect()
}

/// What people can be ordered by.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DebtorOrderField {
    /// By last, then first name.
    Name,
    /// When the person was first recorded.
    CreatedAt,
}

/// The order of a list of people; ties are broken by id.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct DebtorOrder {
    /// By what.
    field: DebtorOrderField,
    /// Which way.
    direction: OrderDirection,
}

impl DebtorOrder {
    fn parts(order: Option<Self>) -> (DebtorOrdering, bool) {
        let Some(order) = order else {
            return (DebtorOrdering::Name, false);
        };
        let ordering = match order.field {
            DebtorOrderField::Name => DebtorOrdering::Name,
            DebtorOrderField::CreatedAt => DebtorOrdering::CreatedAt,
        };
        (ordering, order.direction == OrderDirection::Desc)
    }
}

const NARROW: &str = "Search for a name, an e-mail address or a phone number, ask for a hold or a language that few have, \
     or for a shorter time in which they were recorded.";

/// Queries about people.
#[derive(Default)]
pub struct DebtorQueries;

#[Object]
impl DebtorQueries {
    /// One person; null with a NOT_FOUND error when there is no such person of yours.
    async fn debtor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`dbtr_…`")] id: ID,
    ) -> async_graphql::Result<Option<Debtor>> {
        let id = parse_id(IdKind::Debtor, "id", &id)?;
        Debtor::load(ctx, id)
            .await?
            .map(Some)
            .ok_or_else(|| not_found("debtor"))
    }

    /// People, by last and first name unless ordered otherwise. An agent sees those with an account or thread of theirs or
    /// of nobody's. Where those asked for are few among many and no condition leads to them, it is refused with
    /// BAD_USER_INPUT once 10,000 people have been looked through: the message says how to narrow it. `totalCount` is null
    /// where it cannot be told from 10,000 people.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a filtered Relay connection"
    )]
    async fn debtors(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which people.")] filter: Option<DebtorFilter>,
        #[graphql(desc = "In which order.")] order_by: Option<DebtorOrder>,
        #[graphql(
            desc = "Three letters or more of a person's or company's name, a whole e-mail address or phone number. BAD_USER_INPUT when more than 500 people are found: give more of the name."
        )]
        search: Option<String>,
        #[graphql(desc = "How many from the start (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor, going forward.")] after: Option<String>,
        #[graphql(desc = "How many from the end (1 to 100).")] last: Option<i32>,
        #[graphql(desc = "Past this cursor, going backward.")] before: Option<String>,
    ) -> async_graphql::Result<DebtorConnection> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        }
        .check(ctx)?;
        let criteria = filter.map_or_else(|| Ok(DebtorCriteria::default()), DebtorFilter::parse)?;
        let found = match search {
            None => None,
            Some(text) => match find(ctx, &text).await? {
                Search::Person(ids) | Search::DebtorsOrNumber(ids, _) => Some(ids),
            },
        };
        let (ordering, descending) = DebtorOrder::parts(order_by);
        let list = DebtorList {
            criteria,
            found,
            ordering,
            descending,
        };
        let wanted = WantedDebtors {
            page: &page,
            past: page.key::<DebtorKey>(&list.name())?,
            count: counts(ctx),
        };
        let listed = list::page_of_debtors(&mut *ctx.snapshot().await?, &list, wanted, look_limit(ctx))
            .await
            .map_err(|error| op_error(error.into()))?
            .ok_or_else(|| too_broad(ctx, "people", NARROW))?;
        let keys = listed.keys;
        let loads = keys.iter().map(|key| Debtor::load(ctx, key.id()));
        let debtors = futures_util::future::try_join_all(loads).await?;
        let rows = keys
            .iter()
            .zip(debtors)
            .filter_map(|(key, debtor)| {
                debtor.map(|debtor| (EdgeCursor::of(list.name(), key.clone()), debtor))
            })
            .collect();
        let mut connection = DebtorConnection::from_rows(&page, rows);
        connection.total_count = listed.count.and_then(|count| i32::try_from(count).ok());
        Ok(connection)
    }
}
