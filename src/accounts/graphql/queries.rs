//! Queries of the slice.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use uuid::Uuid;

use super::{Account, AccountConnection, AccountFilter, AccountOrder};
use crate::{
    accounts::{
        LookLimit,
        list::{self, AccountCriteria, AccountKey, AccountList, AccountOrdering, Search, Wanted},
    },
    platform::{
        db::TenantTx,
        email::EmailAddress,
        error::OpError,
        gql::{
            EdgeCursor, InPlace, PageArgs, PageRequest, ScopeExt as _, bad_input, not_found, op_error,
            parse_id,
        },
        ids::IdKind,
        keys::TenantKeys,
        phone::PhoneNumber,
    },
};

/// A count stops here.
const COUNT_AT_MOST: i64 = 10_000;
/// A search that finds more people than this asks for more of the name.
const SEARCH_AT_MOST: usize = 500;

/// Queries about accounts.
#[derive(Default)]
pub struct ListQueries;

#[Object]
impl ListQueries {
    /// One account; null with a NOT_FOUND error when there is no such account of yours.
    async fn account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`acct_…`")] id: ID,
    ) -> async_graphql::Result<Option<Account>> {
        let id = parse_id(IdKind::Account, "id", &id)?;
        Account::load(ctx, id)
            .await?
            .map(Some)
            .ok_or_else(|| not_found("account"))
    }

    /// Accounts, newest first unless ordered otherwise. An agent sees those assigned to them or to nobody.
    ///
    /// Conditions whose accounts are many, and yet rare where the order begins or goes on, are refused with
    /// BAD_USER_INPUT once 10,000 accounts have been looked through for the page, which may be a later one; the message
    /// says how to narrow them. One condition hardly ever is refused, a combination may be. `totalCount` is null where it
    /// cannot be told from 10,000 accounts.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a filtered Relay connection"
    )]
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which accounts.")] filter: Option<AccountFilter>,
        #[graphql(desc = "In which order.")] order_by: Option<AccountOrder>,
        #[graphql(
            desc = "Three letters or more of a name, the start of an account number, a whole e-mail address or phone number. BAD_USER_INPUT when more than 500 people are found: give more of the name."
        )]
        search: Option<String>,
        #[graphql(desc = "How many from the start (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor, going forward.")] after: Option<String>,
        #[graphql(desc = "How many from the end (1 to 100).")] last: Option<i32>,
        #[graphql(desc = "Past this cursor, going backward.")] before: Option<String>,
    ) -> async_graphql::Result<InPlace<AccountConnection>> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        }
        .check(ctx)?;
        let today = ctx.scope()?.db().clock().now().date_naive();
        let criteria = match &filter {
            Some(filter) => filter
                .parse(today)
                .map_err(|problem| bad_input(format!("{}: {}", problem.place, problem.message)))?,
            None => AccountCriteria::default(),
        };
        let (ordering, descending) = AccountOrder::parts(order_by);
        let search = match search {
            None => None,
            Some(text) => Some(find(ctx, &text).await?),
        };
        list_accounts(
            ctx,
            AccountList {
                criteria,
                search,
                ordering,
                descending,
            },
            page,
        )
        .await
        .map(InPlace)
    }
}

async fn list_accounts(
    ctx: &Context<'_>,
    list: AccountList,
    page: PageRequest,
) -> async_graphql::Result<AccountConnection> {
    let name = list.ordering.list_name(list.descending);
    let past = page.key::<AccountKey>(&name)?;
    let scope = ctx.scope()?;
    let wanted = Wanted {
        page: &page,
        past,
        count: counts(ctx),
    };
    let listed = list::page_of_accounts(&mut *ctx.snapshot().await?, &list, &wanted, look_limit(ctx))
        .await
        .map_err(|error| op_error(error.into()))?
        .ok_or_else(|| too_broad(ctx, "accounts", NARROW))?;
    let rows = listed
        .rows
        .into_iter()
        .map(|listed| {
            (
                EdgeCursor::of(name.clone(), listed.key),
                Account::new(scope, Arc::new(listed.row)),
            )
        })
        .collect();
    let mut connection = AccountConnection::from_rows(&page, rows);
    connection.total_count = listed.count.and_then(|count| i32::try_from(count).ok());
    Ok(connection)
}

/// Up to how many the list counts, if anybody asks.
pub(super) fn counts(ctx: &Context<'_>) -> Option<i64> {
    let is_asked = ctx.look_ahead().field("totalCount").exists();
    is_asked.then_some(COUNT_AT_MOST)
}

const NARROW: &str = "Add a name, an account number, a label, a creditor, a placement, an agent or a hold that few \
     accounts have, or a shorter range of dates or amounts; or order the list by what its range is of.";

/// What was asked for is too rare along the list's order, and too frequent to be sorted.
pub(super) fn too_broad(ctx: &Context<'_>, what: &str, remedy: &str) -> async_graphql::Error {
    let LookLimit(limit) = look_limit(ctx);
    bad_input(format!(
        "This combination of conditions and order is too broad: more than {limit} {what} would have to be looked \
         through. {remedy}"
    ))
}

pub(super) fn look_limit(ctx: &Context<'_>) -> LookLimit {
    ctx.data_opt().copied().unwrap_or_default()
}

/// The accounts on these records of one person, newest first.
pub(super) async fn accounts_of_debtor(
    ctx: &Context<'_>,
    records: Vec<Uuid>,
    args: PageArgs,
) -> async_graphql::Result<AccountConnection> {
    let list = AccountList {
        criteria: AccountCriteria::default(),
        search: Some(Search::Person(records)),
        ordering: AccountOrdering::CreatedAt,
        descending: true,
    };
    list_accounts(ctx, list, args.check(ctx)?).await
}

/// Says what a search text can mean: an e-mail address or phone number is looked up by its blind index, anything
/// else by name or as the start of an account number. Who is found is found with all of their records.
pub(super) async fn find(ctx: &Context<'_>, text: &str) -> async_graphql::Result<Search> {
    let text = text.trim();
    if let Some(problem) = search_problem(text) {
        return Err(bad_input(format!("search: {problem}")));
    }
    let keys = ctx.scope()?.keys().await.map_err(op_error)?;
    let mut tx = ctx.snapshot().await?;
    if let Some(normalised) = as_contact(text) {
        let ids = by_contact(&mut tx, &keys, &normalised).await.map_err(op_error)?;
        return found_people(
            &mut tx,
            &ids,
            text,
            "Search for a name or an account number instead.",
        )
        .await;
    }
    let terms = name_terms(text);
    let ids = sqlx::query_scalar!(
        r#"SELECT DISTINCT found AS "found!" FROM unnest($1::text[]) AS t(term), app.search_debtors(t.term, $2) AS found"#,
        &terms,
        i32::try_from(SEARCH_AT_MOST + 1).unwrap_or(i32::MAX),
    )
    .fetch_all(tx.conn())
    .await
    .map_err(|error| op_error(OpError::from(error)))?;
    let remedy = "Give more of the name, or an account number, e-mail address or phone number.";
    found_people(&mut tx, &ids, text, remedy).await
}

/// At most so many places are tried where the first name may end.
const MOST_TURNS: usize = 8;

/// As what a name is looked for. Names are keyed "last first", and either may be of several words: what is typed is tried
/// as it stands, and turned round at each of its spaces.
fn name_terms(text: &str) -> Vec<String> {
    let typed = text.to_lowercase();
    let turned = typed.match_indices(' ').filter_map(|(at, _)| {
        let (first, last) = (typed[..at].trim(), typed[at..].trim());
        // Of several spaces in a row, the first is the place.
        (!first.is_empty() && !typed[..at].ends_with(' ')).then(|| format!("{last} {first}"))
    });
    let mut terms: Vec<String> = turned.take(MOST_TURNS).collect();
    terms.insert(0, typed.clone());
    terms
}

/// Not cut silently: whoever is missing would be looked for in vain. Who is found is found with all of their records.
async fn found_people(
    tx: &mut TenantTx,
    ids: &[Uuid],
    text: &str,
    remedy: &str,
) -> async_graphql::Result<Search> {
    if ids.len() > SEARCH_AT_MOST {
        return Err(bad_input(format!(
            "search: more than {SEARCH_AT_MOST} people are found. {remedy}"
        )));
    }
    let records = all_records(tx, ids).await.map_err(op_error)?;
    Ok(Search::DebtorsOrNumber(records, text.to_owned()))
}

/// Why a text, trimmed, cannot be searched for.
pub(super) fn search_problem(text: &str) -> Option<&'static str> {
    match text.chars().count() {
        0..3 => Some("give at least three characters."),
        3..=100 => None,
        _ => Some("at most 100 characters."),
    }
}

fn as_contact(text: &str) -> Option<String> {
    if text.contains('@') {
        return EmailAddress::parse(text).ok().map(|email| email.normalised());
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits < 10 || text.chars().any(char::is_alphabetic) {
        return None;
    }
    PhoneNumber::parse_lenient(text, "US")
        .ok()
        .map(|phone| phone.as_e164().to_owned())
}

async fn by_contact(tx: &mut TenantTx, keys: &TenantKeys, normalised: &str) -> Result<Vec<Uuid>, OpError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT DISTINCT debtor_id FROM contact_points
         WHERE business_id = $1 AND blind_index = ANY($2) AND removed_at IS NULL LIMIT $3",
        business,
        &keys.blinds(normalised),
        i64::try_from(SEARCH_AT_MOST + 1).unwrap_or(i64::MAX),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// All records of the people whom these are records of.
async fn all_records(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<Uuid>, OpError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT g.id FROM debtors g WHERE g.business_id = $1 AND g.person_id = ANY(ARRAY(
             SELECT d.person_id FROM debtors d WHERE d.business_id = $1 AND d.id = ANY($2)))",
        business,
        ids,
    )
    .fetch_all(tx.conn())
    .await?)
}
