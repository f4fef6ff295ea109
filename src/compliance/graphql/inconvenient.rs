//! Inconvenient times in the API.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ComplianceLoaders, by_person::by_person, sealed::open_sealed};
use crate::{
    accounts::Channel,
    compliance::{
        inconvenient::{InconvenientRow, NewInconvenientTime, standing_times, time_by_id},
        record_inconvenient_time,
        said_times::times_of_message,
        withdraw_inconvenient_time,
    },
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{Done, OpScope, Outcome, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// A day of the week.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DayOfWeek {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl DayOfWeek {
    const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// As ISO 8601 counts: Monday is 1.
    pub fn number(self) -> i16 {
        Self::ALL
            .into_iter()
            .zip(1..)
            .find_map(|(day, number)| (day == self).then_some(number))
            .unwrap_or(1)
    }

    /// The reverse of [`Self::number`].
    pub fn numbered(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|day| day.number() == number)
    }

    /// As the database spells these, each once and in the week's order.
    pub(crate) fn words(given: Vec<Self>) -> Vec<&'static str> {
        let is_given = |day: &Self| given.contains(day);
        Self::ALL.into_iter().filter(is_given).map(Self::as_str).collect()
    }

    /// As the database spells it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Monday => "MON",
            Self::Tuesday => "TUE",
            Self::Wednesday => "WED",
            Self::Thursday => "THU",
            Self::Friday => "FRI",
            Self::Saturday => "SAT",
            Self::Sunday => "SUN",
        }
    }
}

/// A time at which a person does not want to be contacted, on their own clock. The gate waits until it is over.
#[derive(Clone)]
pub struct InconvenientTime {
    row: Arc<InconvenientRow>,
}

/// Those of one person.
pub(super) type Times = Arc<Vec<Arc<InconvenientRow>>>;

async fn load(scope: &OpScope, debtors: &[Uuid]) -> Result<HashMap<Uuid, Times>, OpError> {
    let rows = standing_times(&mut *scope.snapshot().await?, debtors).await?;
    Ok(by_person(rows))
}

impl InconvenientTime {
    fn new(scope: &OpScope, row: Arc<InconvenientRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// Those that stand on a person.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_debtor(ctx: &Context<'_>, debtor: Uuid) -> async_graphql::Result<Vec<Self>> {
        let scope = ctx.scope()?;
        let found = ctx
            .data::<ComplianceLoaders>()?
            .inconvenient
            .load(debtor, async |debtors: Vec<Uuid>| load(scope, &debtors).await)
            .await
            .map_err(op_error)?;
        let rows = found.unwrap_or_default();
        Ok(rows.iter().map(|row| Self::new(scope, row.clone())).collect())
    }

    /// Those that a received text called so, as far as the viewer may see whose they are.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_message(ctx: &Context<'_>, message: Uuid) -> async_graphql::Result<Vec<Self>> {
        let rows = times_of_message(&mut *ctx.snapshot().await?, message).await;
        let rows = rows.map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        Ok(rows
            .into_iter()
            .map(|row| Self::new(scope, Arc::new(row)))
            .collect())
    }
}

/// A time at which a person does not want to be contacted, on their own clock. The gate waits until it is over.
#[Object]
impl InconvenientTime {
    /// The id (`itm_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::InconvenientTime, self.row.id).into()
    }

    /// The days on which it begins; null for every day.
    async fn days(&self) -> Option<Vec<DayOfWeek>> {
        let days = self.row.days.as_ref()?;
        let is_named = |day: &DayOfWeek| days.iter().any(|word| word == day.as_str());
        Some(DayOfWeek::ALL.into_iter().filter(is_named).collect())
    }

    /// When it begins, `HH:MM`.
    async fn from(&self) -> String {
        clock(self.row.from_minute)
    }

    /// When it is over, `HH:MM`; the next day where that is before it begins.
    async fn to(&self) -> String {
        clock(self.row.to_minute)
    }

    /// On which channels; null for every one.
    async fn channels(&self) -> Option<Vec<Channel>> {
        let channels = self.row.channels.as_ref()?;
        Some(channels.iter().filter_map(|word| Channel::parse(word)).collect())
    }

    /// What the person said or wrote; null when the records were destroyed.
    async fn statement(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let (row, column) = (&self.row, "statement_cipher");
        let cipher = Some(row.statement_cipher.as_slice());
        open_sealed(ctx, &row.key, ("inconvenient_times", column, row.id), cipher).await
    }

    /// When they said so.
    async fn stated_at(&self) -> DateTime<Utc> {
        self.row.stated_at
    }

    /// The member of staff who recorded it; null for an API key, and for what a text of the debtor said or they told us in the
    /// portal.
    async fn recorded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.recorded_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Until when it stood; null while it stands.
    async fn withdrawn_at(&self) -> Option<DateTime<Utc>> {
        self.row.withdrawn_at
    }

    /// The member of staff who recorded that the person took it back.
    async fn withdrawn_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.withdrawn_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

fn clock(minute: i16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// A time that a person called inconvenient.
#[derive(Debug, InputObject)]
pub struct RecordInconvenientTimeInput {
    /// The person.
    debtor_id: ID,
    /// The days on which it begins; every day when left out.
    days: Option<Vec<DayOfWeek>>,
    /// When it begins, `HH:MM` on the person's clock; midnight when left out.
    from: Option<String>,
    /// When it is over, `HH:MM`; the end of the day when left out. Before `from` means the next day.
    to: Option<String>,
    /// On which channels; every one when left out.
    channels: Option<Vec<Channel>>,
    /// What the person said, 1 to 1,000 characters; sealed.
    statement: String,
}

/// A time that the person took back.
#[derive(Debug, InputObject)]
pub struct WithdrawInconvenientTimeInput {
    /// The inconvenient time.
    id: ID,
}

/// What recordInconvenientTime answers.
#[derive(SimpleObject)]
pub struct RecordInconvenientTimePayload {
    /// What was recorded; null when there are user errors.
    inconvenient_time: Option<InconvenientTime>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What withdrawInconvenientTime answers.
#[derive(SimpleObject)]
pub struct WithdrawInconvenientTimePayload {
    /// What stands no more; null when there are user errors.
    inconvenient_time: Option<InconvenientTime>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of inconvenient times.
#[derive(Default)]
pub struct InconvenientTimeMutations;

#[Object]
impl InconvenientTimeMutations {
    /// Records that a person called a time inconvenient. The gate minds it from the next decision on, also for messages
    /// that wait.
    async fn record_inconvenient_time(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who, and when not.")] input: RecordInconvenientTimeInput,
    ) -> async_graphql::Result<RecordInconvenientTimePayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let new = NewInconvenientTime {
                debtor_id: input_id(IdKind::Debtor, "debtorId", &input.debtor_id)?,
                days: input.days.map(DayOfWeek::words),
                from: input.from.as_deref(),
                to: input.to.as_deref(),
                channels: input.channels.map(each_once),
                statement: &input.statement,
            };
            Ok(Done::from(
                record_inconvenient_time(tx, scope.keyring(), scope.db(), new).await?,
            ))
        })
        .await?;
        Ok(RecordInconvenientTimePayload {
            inconvenient_time: payload(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }

    /// Ends an inconvenient time because the person took it back. That it stood stays on record.
    async fn withdraw_inconvenient_time(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: WithdrawInconvenientTimeInput,
    ) -> async_graphql::Result<WithdrawInconvenientTimePayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::InconvenientTime, "id", &input.id)?;
            withdraw_inconvenient_time(tx, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        Ok(WithdrawInconvenientTimePayload {
            inconvenient_time: payload(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }
}

/// Each channel once, in the order in which they were given.
pub(super) fn each_once(given: Vec<Channel>) -> Vec<Channel> {
    given.into_iter().fold(Vec::new(), |mut kept, channel| {
        if !kept.contains(&channel) {
            kept.push(channel);
        }
        kept
    })
}

async fn payload(ctx: &Context<'_>, outcome: &Outcome) -> async_graphql::Result<Option<InconvenientTime>> {
    let time = match outcome.object {
        Some(id) => time_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?,
        None => None,
    };
    let scope = ctx.scope()?;
    Ok(time.map(|row| InconvenientTime::new(scope, Arc::new(row))))
}
