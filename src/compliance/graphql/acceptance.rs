//! Acceptances of the privacy notice, in the API.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ComplianceLoaders, by_person::by_person};
use crate::{
    compliance::{
        content::disclosure_language,
        privacy::{
            ACCEPTANCES, AcceptanceRow, NewAcceptance, accept_notice, acceptances_of_people,
            acceptances_of_staff, notice, own_acceptance,
        },
    },
    identity::graphql::RequestFacts,
    platform::{
        error::OpError,
        gql::{Done, OpScope, ScopeExt as _, UserError, mutate, op_error},
        request_origin::{OpenedOrigin, RequestOrigin},
    },
};

/// Those of one person.
pub(super) type Acceptances = Arc<Vec<Arc<AcceptanceRow>>>;

/// That a person accepted a version of the privacy notice (`privacyNotice`), when and from where.
#[derive(Clone)]
pub struct PrivacyAcceptance {
    row: Arc<AcceptanceRow>,
}

impl PrivacyAcceptance {
    fn new(scope: &OpScope, row: Arc<AcceptanceRow>) -> Self {
        if let Some(debtor) = row.debtor_id {
            scope.saw_debtor(debtor);
        }
        Self { row }
    }

    /// Those of a debtor, newest first.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_debtor(ctx: &Context<'_>, debtor: Uuid) -> async_graphql::Result<Vec<Self>> {
        let scope = ctx.scope()?;
        let found = ctx
            .data::<ComplianceLoaders>()?
            .acceptances
            .load(debtor, async |debtors: Vec<Uuid>| {
                let rows = acceptances_of_people(&mut *scope.snapshot().await?, &debtors).await?;
                Ok::<_, OpError>(by_person(rows))
            })
            .await
            .map_err(op_error)?;
        let rows: Acceptances = found.unwrap_or_default();
        Ok(rows.iter().map(|row| Self::new(scope, row.clone())).collect())
    }

    /// The newest of a member of staff.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_user(ctx: &Context<'_>, user: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        let found = ctx
            .data::<ComplianceLoaders>()?
            .staff_acceptances
            .load(user, async |users: Vec<Uuid>| {
                let rows = acceptances_of_staff(&mut *scope.snapshot().await?, &users).await?;
                let rows = rows
                    .into_iter()
                    .filter_map(|row| Some((row.user_id?, Arc::new(row))));
                Ok::<_, OpError>(rows.collect())
            })
            .await
            .map_err(op_error)?;
        Ok(found.map(|row| Self::new(scope, row)))
    }

    /// From where; none where the keys are gone.
    async fn origin(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<OpenedOrigin>> {
        let (scope, row) = (ctx.scope()?, &self.row);
        if let Some(cipher) = &row.origin_cipher {
            return Ok(RequestOrigin::open(scope.keyring(), ACCEPTANCES, row.id, cipher));
        }
        let Some(key) = row.key() else { return Ok(None) };
        let place = (ACCEPTANCES, "evidence_cipher", row.id);
        let text = super::sealed::open_sealed(ctx, &key, place, row.evidence_cipher.as_deref()).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

/// That a person accepted a version of the privacy notice (`privacyNotice`), when and from where.
#[Object]
impl PrivacyAcceptance {
    /// The version that they accepted.
    async fn version(&self) -> &str {
        &self.row.version
    }

    /// Whether that is the version in force: where it is not, ask anew.
    async fn is_current(&self) -> bool {
        self.row.version == notice().version
    }

    /// In which language they read it: `en` or `es`.
    async fn language(&self) -> &str {
        &self.row.language
    }

    /// When they accepted it, for the first time.
    async fn accepted_at(&self) -> DateTime<Utc> {
        self.row.accepted_at
    }

    /// The network address that it came from; null when the person's records were destroyed.
    async fn ip_address(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        Ok(self.origin(ctx).await?.map(|origin| origin.address.to_string()))
    }

    /// What the program called itself; null where it did not, and when the person's records were destroyed.
    async fn user_agent(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        Ok(self.origin(ctx).await?.and_then(|origin| origin.user_agent))
    }
}

/// What you accept.
#[derive(Debug, InputObject)]
pub struct AcceptPrivacyNoticeInput {
    /// The version that was shown, as `privacyNotice { version }` told it.
    version: String,
    /// The language in which it was shown, a BCP 47 tag.
    #[graphql(default_with = "\"en\".to_owned()")]
    language: String,
}

/// What acceptPrivacyNotice answers.
#[derive(SimpleObject)]
pub struct AcceptPrivacyNoticePayload {
    /// Your acceptance of this version, the first where you accepted it before; null when there are user errors.
    privacy_acceptance: Option<PrivacyAcceptance>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of acceptances.
#[derive(Default)]
pub struct AcceptanceMutations;

#[Object]
impl AcceptanceMutations {
    /// Records that you accept the privacy notice: for a debtor who is signed in, and for staff. Kept with time, network address
    /// and program. A version that is not in force any more is CONFLICT: show the present one, and ask anew.
    async fn accept_privacy_notice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which version.")] input: AcceptPrivacyNoticeInput,
    ) -> async_graphql::Result<AcceptPrivacyNoticePayload> {
        let facts = ctx.data::<RequestFacts>()?;
        let outcome = mutate(ctx, async |tx, scope| {
            let new = NewAcceptance {
                version: &input.version,
                language: disclosure_language(&input.language),
                origin: OpenedOrigin::new(facts.peer, facts.user_agent.as_deref()),
            };
            Ok(Done::from(
                accept_notice(tx, scope.keyring(), scope.db(), new).await?,
            ))
        })
        .await?;
        let row = match outcome.object {
            Some(id) => own_acceptance(&mut *ctx.snapshot().await?, id)
                .await
                .map_err(|error| op_error(error.into()))?,
            None => None,
        };
        let scope = ctx.scope()?;
        Ok(AcceptPrivacyNoticePayload {
            privacy_acceptance: row.map(|row| PrivacyAcceptance::new(scope, Arc::new(row))),
            user_errors: outcome.user_errors,
        })
    }
}
