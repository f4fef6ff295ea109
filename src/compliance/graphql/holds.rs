//! Holds in the API.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ComplianceLoaders, by_person::by_person};
use crate::{
    accounts::graphql::{Account, Debtor},
    compliance::{
        awaiting_holds::{AwaitingKey, LOOKED_AT_WITHIN, awaiting_holds, count_awaiting},
        holds::{HoldKind, HoldRow, HoldSource, hold_by_id, holds_of_message, standing_holds},
        place_hold::{NewHold, confirm_hold, release_hold, set_hold},
    },
    conversations::graphql::Message,
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{
            AtHand, Done, EdgeCursor, OpScope, Outcome, PageArgs, ScopeExt as _, UserError, input_id, mutate,
            op_error,
        },
        ids::{self, IdKind},
        keys::TenantKeys,
    },
};

/// What is known of a person or a debt that stops or shapes collection.
#[derive(Clone)]
pub struct Hold {
    row: Arc<HoldRow>,
}

impl Hold {
    fn new(scope: &OpScope, row: Arc<HoldRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// The holds that stand on a person and their debts.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_debtor(ctx: &Context<'_>, debtor: Uuid) -> async_graphql::Result<Vec<Self>> {
        let scope = ctx.scope()?;
        let found = ctx
            .data::<ComplianceLoaders>()?
            .holds
            .load(debtor, async |debtors: Vec<Uuid>| load(scope, &debtors).await)
            .await
            .map_err(op_error)?;
        let rows = found.unwrap_or_default();
        Ok(rows.iter().map(|row| Self::new(scope, row.clone())).collect())
    }

    /// The holds that a message placed, released ones too.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_message(ctx: &Context<'_>, message: Uuid) -> async_graphql::Result<Vec<Self>> {
        let rows = holds_of_message(&mut *ctx.snapshot().await?, message).await;
        let rows = rows.map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        Ok(rows
            .into_iter()
            .map(|row| Self::new(scope, Arc::new(row)))
            .collect())
    }

    /// A text of the hold, opened; null when the records were destroyed.
    fn open(
        &self,
        scope: &OpScope,
        keys: &TenantKeys,
        column: &'static str,
        cipher: Option<&[u8]>,
    ) -> Result<Option<String>, OpError> {
        let (Some(cipher), Some(key)) = (cipher, scope.data_key(keys, &self.row.key())?) else {
            return Ok(None);
        };
        let text = keys.open_text(&key, "holds", column, self.row.id, cipher)?;
        Ok(Some(text.expose().clone()))
    }

    /// Whether it stops all contact with the person.
    pub fn stops_all_contact(&self) -> bool {
        let kind = HoldKind::parse(&self.row.kind);
        self.row.account_id.is_none() && kind.is_some_and(|kind| HoldKind::STOPPING.contains(&kind))
    }

    /// Those of them that stand on the person or on this debt.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_account(
        ctx: &Context<'_>,
        debtor: Uuid,
        account: Uuid,
    ) -> async_graphql::Result<Vec<Self>> {
        let mut holds = Self::of_debtor(ctx, debtor).await?;
        holds.retain(|hold| hold.row.account_id.is_none_or(|id| id == account));
        Ok(holds)
    }
}

/// The holds of one person.
pub(super) type Holds = Arc<Vec<Arc<HoldRow>>>;

async fn load(scope: &OpScope, debtors: &[Uuid]) -> Result<HashMap<Uuid, Holds>, OpError> {
    let rows = standing_holds(&mut *scope.snapshot().await?, debtors).await?;
    Ok(by_person(rows.into_iter().map(|row| (row.asked, row))))
}

/// What is known of a person or a debt that stops or shapes collection.
#[Object]
impl Hold {
    /// The hold's id (`hold_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::Hold, self.row.id).into()
    }

    /// What it says.
    async fn kind(&self) -> async_graphql::Result<HoldKind> {
        HoldKind::parse(&self.row.kind)
            .ok_or_else(|| op_error(OpError::Internal(anyhow::anyhow!("a hold of unknown kind"))))
    }

    /// The person that it is on; null when they are not yours to see.
    async fn debtor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Debtor>> {
        Debtor::load(ctx, self.row.debtor_id).await
    }

    /// The one debt that it is set on; null when it is on the person, hence on all of their debts.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        match self.row.account_id {
            Some(id) => Account::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Where it is known from; null when the service placed it (a text said so), or when the records were destroyed.
    async fn reason(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let scope = ctx.scope()?;
        let keys = scope.keys().await.map_err(op_error)?;
        self.open(scope, &keys, "reason_cipher", self.row.reason_cipher.as_deref())
            .map_err(op_error)
    }

    /// Whence it is known.
    async fn source(&self) -> async_graphql::Result<HoldSource> {
        HoldSource::parse(&self.row.source)
            .ok_or_else(|| op_error(OpError::Internal(anyhow::anyhow!("a hold of unknown source"))))
    }

    /// The text that says so; null for other sources, for a moment after the text came in, and when it is not yours to
    /// see.
    async fn message(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Message>> {
        match self.row.message_id {
            Some(id) => Message::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// A text placed it, and nobody has looked yet: confirm it with confirmHold, or end it with releaseHold. It binds
    /// meanwhile.
    async fn needs_confirmation(&self) -> bool {
        self.row.needs_confirmation()
    }

    /// Until when somebody should have looked, two days after it was placed; null when nobody has to look any more.
    async fn confirmation_due_at(&self) -> Option<DateTime<Utc>> {
        self.row
            .needs_confirmation()
            .then(|| self.row.placed_at + LOOKED_AT_WITHIN)
    }

    /// When a person confirmed what the text says; null when nobody has, or nobody has to.
    async fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        self.row.confirmed_at
    }

    /// Who confirmed it.
    async fn confirmed_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.confirmed_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// What they wrote to it; null when they wrote nothing, or when the records were destroyed.
    async fn confirmation_note(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let scope = ctx.scope()?;
        let keys = scope.keys().await.map_err(op_error)?;
        let cipher = self.row.confirmation_cipher.as_deref();
        self.open(scope, &keys, "confirmation_cipher", cipher)
            .map_err(op_error)
    }

    /// The member of staff who placed it; null for the service or an API key.
    async fn placed_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.placed_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Since when it stands.
    async fn placed_at(&self) -> DateTime<Utc> {
        self.row.placed_at
    }

    /// The member of staff who released it.
    async fn released_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.lifted_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Until when it stood; null while it stands.
    async fn released_at(&self) -> Option<DateTime<Utc>> {
        self.row.lifted_at
    }
}

crate::relay_connection!(Hold, HoldConnection, HoldEdge);

impl AtHand for Hold {}

/// Queries of holds.
#[derive(Default)]
pub struct HoldQueries;

#[Object]
impl HoldQueries {
    /// What texts stated and nobody has looked at yet, of all people, the oldest first: confirm each with confirmHold, or end
    /// it with releaseHold. `totalCount` counts up to 1,000.
    async fn holds_awaiting_confirmation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of these kinds; of all when left out.")] kinds: Option<Vec<HoldKind>>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<HoldConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<AwaitingKey>("awaiting holds")?;
        let scope = ctx.scope()?;
        let mut tx = ctx.snapshot().await?;
        let rows = awaiting_holds(&mut tx, kinds.as_deref(), &page, past).await;
        let rows = rows
            .map_err(op_error)?
            .into_iter()
            .map(|row| {
                (
                    EdgeCursor::of("awaiting holds", (row.placed_at, row.id)),
                    Hold::new(scope, Arc::new(row)),
                )
            })
            .collect();
        let mut connection = HoldConnection::from_rows(&page, rows);
        if ctx.look_ahead().field("totalCount").exists() {
            let count = count_awaiting(&mut tx, kinds.as_deref())
                .await
                .map_err(op_error)?;
            connection.total_count = i32::try_from(count).ok();
        }
        Ok(connection)
    }

    /// How many holds wait for somebody to look, up to 1,000: for a badge.
    async fn holds_awaiting_confirmation_count(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of these kinds; of all when left out.")] kinds: Option<Vec<HoldKind>>,
    ) -> async_graphql::Result<i32> {
        let count = count_awaiting(&mut *ctx.snapshot().await?, kinds.as_deref()).await;
        Ok(i32::try_from(count.map_err(op_error)?).unwrap_or(i32::MAX))
    }
}

/// A hold on a person, or on one of their debts.
#[derive(Debug, InputObject)]
pub struct SetHoldInput {
    /// The person; may be left out where `accountId` is given.
    debtor_id: Option<ID>,
    /// The one debt that it concerns; all of the person's when left out. A bankruptcy, a cease request, a death, active
    /// duty and DO_NOT_RECONTACT are the person's all the same.
    account_id: Option<ID>,
    /// What is known.
    kind: HoldKind,
    /// Where it is known from, 1 to 1,000 characters; sealed.
    reason: String,
}

/// A hold that ends.
#[derive(Debug, InputObject)]
pub struct ReleaseHoldInput {
    /// The hold.
    id: ID,
    /// Why it ends, 1 to 1,000 characters. A hold of kind DISPUTE asks for it: it becomes the resolution of the disputes that
    /// end with the hold, sealed. Of other kinds it is not kept.
    reason: Option<String>,
}

/// A hold that a text placed and a person has looked at.
#[derive(Debug, InputObject)]
pub struct ConfirmHoldInput {
    /// The hold (`hold_…`).
    hold_id: ID,
    /// What was found, 1 to 1,000 characters; sealed.
    note: Option<String>,
}

/// What confirmHold answers.
#[derive(SimpleObject)]
pub struct ConfirmHoldPayload {
    /// The confirmed hold; null when there are user errors.
    hold: Option<Hold>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What setHold answers.
#[derive(SimpleObject)]
pub struct SetHoldPayload {
    /// The new hold; null when there are user errors.
    hold: Option<Hold>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What releaseHold answers.
#[derive(SimpleObject)]
pub struct ReleaseHoldPayload {
    /// The hold that ended; null when there are user errors.
    hold: Option<Hold>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of holds.
#[derive(Default)]
pub struct HoldMutations;

#[Object]
impl HoldMutations {
    /// Records what is known of a person or a debt: an attorney, a bankruptcy, a dispute. The gate minds it from the
    /// next decision on, also for messages that wait.
    async fn set_hold(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "On whom, and what is known.")] input: SetHoldInput,
    ) -> async_graphql::Result<SetHoldPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let debtor_id = input
                .debtor_id
                .as_ref()
                .map(|id| input_id(IdKind::Debtor, "debtorId", id))
                .transpose()?;
            let account_id = input
                .account_id
                .as_ref()
                .map(|id| input_id(IdKind::Account, "accountId", id))
                .transpose()?;
            let new = NewHold {
                debtor_id,
                account_id,
                kind: input.kind,
                reason: &input.reason,
            };
            Ok(Done::from(set_hold(tx, scope.keyring(), scope.db(), new).await?))
        })
        .await?;
        let (hold, user_errors) = payload(ctx, outcome).await?;
        Ok(SetHoldPayload { hold, user_errors })
    }

    /// Confirms what a text said: the hold that it placed stays. A wrong party's marks the number on the person's record as
    /// WRONG_NUMBER. A person does it, not an API key.
    async fn confirm_hold(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which hold, and what was found.")] input: ConfirmHoldInput,
    ) -> async_graphql::Result<ConfirmHoldPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Hold, "holdId", &input.hold_id)?;
            confirm_hold(tx, scope.keyring(), scope.db(), id, input.note.as_deref()).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (hold, user_errors) = payload(ctx, outcome).await?;
        Ok(ConfirmHoldPayload { hold, user_errors })
    }

    /// Ends a hold. That it stood, and who ended it, stays on record. What a wrong party's or a request to cease did to the
    /// number that it came from ends with it. A hold of kind DISPUTE takes the permission to resolve disputes too: those that
    /// were not answered count as withdrawn.
    async fn release_hold(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which hold.")] input: ReleaseHoldInput,
    ) -> async_graphql::Result<ReleaseHoldPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Hold, "id", &input.id)?;
            release_hold(tx, scope.keyring(), scope.db(), id, input.reason.as_deref()).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (hold, user_errors) = payload(ctx, outcome).await?;
        Ok(ReleaseHoldPayload { hold, user_errors })
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<Hold>, Vec<UserError>)> {
    let hold = match outcome.object {
        Some(id) => hold_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?,
        None => None,
    };
    let scope = ctx.scope()?;
    Ok((
        hold.map(|row| Hold::new(scope, Arc::new(row))),
        outcome.user_errors,
    ))
}
