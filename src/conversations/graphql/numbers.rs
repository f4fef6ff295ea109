//! A business's numbers in the API.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    conversations::{
        numbers::{self, NumberRow, Webhook},
        ports::{VendorAccounts, inbound_webhook},
    },
    identity::{Identity, graphql::User},
    platform::{
        error::OpError,
        gql::{Done, PhoneNumberScalar, ScopeExt as _, UserError, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// Whose words a vendor confirms an opt-out with, before the text reaches us.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum OptOutReply {
    /// Twilio's own, which tell how to resume: more than a confirmation may say (12 CFR 1006.14(h)(2)(i)). Put the number into a
    /// Messaging Service with Advanced Opt-Out at Twilio, and let its reply to opt-out words say that the request is received
    /// and honoured, and nothing else.
    Default,
    /// Your account's, by Advanced Opt-Out. We do not see them: they may say nothing but that.
    Own,
}

impl OptOutReply {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "DEFAULT" => Some(Self::Default),
            "OWN" => Some(Self::Own),
            _ => None,
        }
    }
}

/// A number that debtors text to, and that texts leave from.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct ConnectedNumber {
    /// The number's id (`num_…`).
    id: ID,
    /// The number.
    phone: PhoneNumberScalar,
    /// The account at the vendor that has it (`pacc_…`).
    provider_account_id: ID,
    /// The vendor's own id of that account: at Twilio the Account SID.
    account_external_id: String,
    /// When it was connected (business time).
    connected_at: DateTime<Utc>,
    /// When it was disconnected (business time): nothing leaves from it any more. Null while it is connected.
    disconnected_at: Option<DateTime<Utc>>,
    /// Whose words confirmed the last opt-out by a keyword that came to it; null while there was none.
    opt_out_reply: Option<OptOutReply>,
    #[graphql(skip)]
    row_id: Uuid,
    #[graphql(skip)]
    connector: Option<Uuid>,
}

/// A number that debtors text to, and that texts leave from.
#[ComplexObject]
impl ConnectedNumber {
    /// Who connected it last; null where it was not a member of your staff.
    async fn connected_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.connector {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl From<NumberRow> for ConnectedNumber {
    fn from(row: NumberRow) -> Self {
        Self {
            id: ids::encode(IdKind::ConnectedNumber, row.id).into(),
            phone: PhoneNumberScalar(row.e164),
            provider_account_id: ids::encode(IdKind::ProviderAccount, row.provider_account_id).into(),
            account_external_id: row.external_id,
            connected_at: row.created_at,
            disconnected_at: row.disconnected_at,
            opt_out_reply: row.opt_out_reply.as_deref().and_then(OptOutReply::parse),
            row_id: row.id,
            connector: row.connected_by,
        }
    }
}

/// Which number to connect.
#[derive(InputObject)]
pub struct ConnectNumberInput {
    /// The number, in one of your connected accounts at Twilio.
    phone: PhoneNumberScalar,
    /// Whether we may tell Twilio to bring us the texts to this number where they go elsewhere now. Whatever receives them
    /// now receives them no more.
    #[graphql(default = false)]
    set_webhook: bool,
}

/// Which number to disconnect.
#[derive(InputObject)]
pub struct DisconnectNumberInput {
    /// The number.
    phone: PhoneNumberScalar,
}

/// What connectNumber answers.
#[derive(SimpleObject)]
pub struct ConnectNumberPayload {
    /// The number; null when there are user errors.
    number: Option<ConnectedNumber>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What disconnectNumber answers.
#[derive(SimpleObject)]
pub struct DisconnectNumberPayload {
    /// The number that was disconnected; null when there are user errors.
    number: Option<ConnectedNumber>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of numbers.
#[derive(Default)]
pub struct NumberQueries;

#[Object]
impl NumberQueries {
    /// Your business's connected numbers (at most 100), in order.
    async fn connected_numbers(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<ConnectedNumber>> {
        let mut all = all_numbers(ctx).await?;
        all.retain(|number| number.disconnected_at.is_none());
        Ok(all)
    }
}

async fn all_numbers(ctx: &Context<'_>) -> async_graphql::Result<Vec<ConnectedNumber>> {
    let rows = numbers::numbers(&mut *ctx.snapshot().await?)
        .await
        .map_err(|error| op_error(error.into()))?;
    Ok(rows.into_iter().map(ConnectedNumber::from).collect())
}

async fn number_by_id(ctx: &Context<'_>, id: Option<Uuid>) -> async_graphql::Result<Option<ConnectedNumber>> {
    let Some(id) = id else { return Ok(None) };
    let mut all = all_numbers(ctx).await?.into_iter();
    Ok(all.find(|number| number.row_id == id))
}

/// Mutations of numbers.
#[derive(Default)]
pub struct NumberMutations;

#[Object]
impl NumberMutations {
    /// Connects a number: debtors text to it, and texts leave from it. Twilio is asked whether it is in one of your accounts,
    /// and whether texts to it come to us. A text still needs what a provider has approved: see Business.providerApprovals.
    async fn connect_number(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which number.")] input: ConnectNumberInput,
    ) -> async_graphql::Result<ConnectNumberPayload> {
        let vendor = ctx.data::<Arc<dyn VendorAccounts>>()?.as_ref();
        let url = inbound_webhook(&ctx.data::<Identity>()?.settings.public_base_url);
        let scope = ctx.scope()?;
        // The vendor is asked while no transaction is open.
        scope.close().await;
        let webhook = Webhook {
            url: &url,
            may_set: input.set_webhook,
        };
        let asks = (scope.ctx(), scope.db(), scope.keyring());
        let proven = match numbers::prove_number(asks, vendor, &input.phone.0, webhook).await {
            Ok(proven) => proven,
            Err(OpError::User(user_errors)) => {
                return Ok(ConnectNumberPayload {
                    number: None,
                    user_errors,
                });
            }
            Err(error) => return Err(op_error(error)),
        };
        let outcome = mutate(ctx, async |tx, _| {
            Ok(Done::from(numbers::connect_number(tx, &proven).await?))
        })
        .await?;
        Ok(ConnectNumberPayload {
            number: number_by_id(ctx, outcome.object).await?,
            user_errors: outcome.user_errors,
        })
    }

    /// Disconnects a number: nothing leaves from it any more, and what waits to is stopped. Its conversations keep their
    /// history. What debtors still write to it is taken, opt-outs above all, as long as Twilio brings it.
    async fn disconnect_number(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which number.")] input: DisconnectNumberInput,
    ) -> async_graphql::Result<DisconnectNumberPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            Ok(Done::from(numbers::disconnect_number(tx, &input.phone.0).await?))
        })
        .await?;
        Ok(DisconnectNumberPayload {
            number: number_by_id(ctx, outcome.object).await?,
            user_errors: outcome.user_errors,
        })
    }
}
