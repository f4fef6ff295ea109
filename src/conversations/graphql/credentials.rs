//! Vendor accounts in the API: their secrets are written and never read.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use crate::{
    conversations::{
        credentials::{self, AccountRow},
        ports::VendorAccounts,
    },
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{Done, ScopeExt as _, UserError, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// A vendor.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ProviderName {
    /// Text messages.
    Twilio,
}

/// Your business's account at a vendor. Its secret is never shown.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct ProviderAccount {
    /// The account's id (`pacc_…`).
    id: ID,
    /// At which vendor.
    provider: ProviderName,
    /// The vendor's own id of it: at Twilio the Account SID.
    external_id: String,
    /// The last four characters of the secret; null for one that was set before they were kept.
    secret_ends_with: Option<String>,
    /// Until when webhooks that were signed with the secret before are still taken; null where there is none.
    previous_secret_until: Option<DateTime<Utc>>,
    /// When it was connected (business time).
    connected_at: DateTime<Utc>,
    /// When its secret was set last (business time).
    set_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    setter: Option<Uuid>,
}

/// Your business's account at a vendor. Its secret is never shown.
#[async_graphql::ComplexObject]
impl ProviderAccount {
    /// Who set its secret last; null where it was not a member of your staff.
    async fn set_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.setter {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl From<AccountRow> for ProviderAccount {
    fn from(row: AccountRow) -> Self {
        Self {
            id: ids::encode(IdKind::ProviderAccount, row.id).into(),
            provider: ProviderName::Twilio,
            external_id: row.external_id,
            secret_ends_with: row.secret_hint,
            previous_secret_until: row.previous_secret_until,
            connected_at: row.created_at,
            set_at: row.set_at,
            setter: row.set_by,
        }
    }
}

/// What Twilio's console shows of an account.
#[derive(InputObject)]
pub struct TwilioCredentialsInput {
    /// The Account SID: AC and 32 hexadecimal digits.
    account_sid: String,
    /// The auth token: 32 hexadecimal digits.
    auth_token: String,
}

/// Credentials of one vendor.
#[derive(InputObject)]
pub struct SetProviderCredentialsInput {
    /// Of Twilio.
    twilio: TwilioCredentialsInput,
}

/// What setProviderCredentials answers.
#[derive(SimpleObject)]
pub struct SetProviderCredentialsPayload {
    /// The account, without its secret; null when there are user errors.
    provider_account: Option<ProviderAccount>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of vendor accounts.
#[derive(Default)]
pub struct ProviderAccountQueries;

#[Object]
impl ProviderAccountQueries {
    /// Your business's accounts at vendors (at most 100), oldest first.
    async fn provider_accounts(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<ProviderAccount>> {
        accounts(ctx).await
    }
}

async fn accounts(ctx: &Context<'_>) -> async_graphql::Result<Vec<ProviderAccount>> {
    let rows = credentials::provider_accounts(&mut *ctx.snapshot().await?)
        .await
        .map_err(|error| op_error(error.into()))?;
    Ok(rows.into_iter().map(ProviderAccount::from).collect())
}

/// Mutations of vendor accounts.
#[derive(Default)]
pub struct ProviderAccountMutations;

#[Object]
impl ProviderAccountMutations {
    /// Connects an account at a vendor, or gives a connected one a new secret. The vendor is asked whether the two belong
    /// together. Nobody can read the secret afterwards.
    /// After a rotation, webhooks that are signed with the secret before are taken for another day.
    async fn set_provider_credentials(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The credentials.")] input: SetProviderCredentialsInput,
    ) -> async_graphql::Result<SetProviderCredentialsPayload> {
        let TwilioCredentialsInput {
            account_sid,
            auth_token,
        } = input.twilio;
        let vendor = ctx.data::<Arc<dyn VendorAccounts>>()?.as_ref();
        let scope = ctx.scope()?;
        // The vendor is asked while no transaction is open.
        scope.close().await;
        let auth_token = SecretString::from(auth_token);
        let proven =
            credentials::prove_twilio_credentials(scope.ctx(), vendor, account_sid.trim(), auth_token).await;
        let proven = match proven {
            Ok(proven) => proven,
            Err(OpError::User(user_errors)) => {
                return Ok(SetProviderCredentialsPayload {
                    provider_account: None,
                    user_errors,
                });
            }
            Err(error) => return Err(op_error(error)),
        };
        let outcome = mutate(ctx, async |tx, scope| {
            let id = credentials::set_twilio_credentials(tx, scope.keyring(), &proven).await?;
            Ok(Done::from(id))
        })
        .await?;
        let wanted = outcome.object.map(|id| ids::encode(IdKind::ProviderAccount, id));
        let provider_account = match wanted {
            Some(id) => accounts(ctx).await?.into_iter().find(|account| *account.id == id),
            None => None,
        };
        Ok(SetProviderCredentialsPayload {
            provider_account,
            user_errors: outcome.user_errors,
        })
    }
}
