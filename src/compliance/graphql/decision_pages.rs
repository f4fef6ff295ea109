//! The decisions about an account or a person, and the facts behind each.

use async_graphql::{Context, Json};
use uuid::Uuid;

use super::{ComplianceDecision, ComplianceLoaders};
use crate::{
    access::{Cell, authorize},
    accounts::PageOf,
    compliance::decision_pages::{Decisions, decisions_of_accounts, decisions_of_people, facts_of},
    platform::{
        error::OpError,
        gql::{AtHand, EdgeCursor, OpScope, PageArgs, PageRequest, ScopeExt as _, op_error},
    },
};

crate::relay_connection!(
    ComplianceDecision,
    ComplianceDecisionConnection,
    ComplianceDecisionEdge
);

impl AtHand for ComplianceDecision {}

fn decision_reader<'a>(ctx: &'a Context<'_>) -> async_graphql::Result<&'a OpScope> {
    let scope = ctx.scope()?;
    authorize(scope.ctx(), Cell::DecisionRead)
        .map_err(|denied| op_error(OpError::Forbidden(denied.to_string())))?;
    Ok(scope)
}

fn connection(
    scope: &OpScope,
    page: &PageRequest,
    found: Option<Decisions>,
) -> async_graphql::Result<ComplianceDecisionConnection> {
    let rows = found
        .unwrap_or_default()
        .iter()
        .map(|row| {
            scope.saw_debtor(row.debtor_id);
            let decision = ComplianceDecision::of_row(row.clone())?;
            Ok((EdgeCursor::of("decisions", row.id), decision))
        })
        .collect::<Result<Vec<_>, OpError>>()
        .map_err(op_error)?;
    Ok(ComplianceDecisionConnection::from_rows(page, rows))
}

impl ComplianceDecision {
    /// What was decided of contacts about an account, the last first.
    ///
    /// # Errors
    /// FORBIDDEN for who may not read decisions, BAD_USER_INPUT for a page that does not fit.
    pub(crate) async fn of_account(
        ctx: &Context<'_>,
        account: Uuid,
        args: PageArgs,
    ) -> async_graphql::Result<ComplianceDecisionConnection> {
        let (scope, page) = (decision_reader(ctx)?, args.check(ctx)?);
        let asked = PageOf::new(account, &page, page.key::<Uuid>("decisions")?);
        let loaders = ctx.data::<ComplianceLoaders>()?;
        let found = loaders
            .decisions_of_accounts
            .load(asked, async |pages: Vec<PageOf>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(decisions_of_accounts(&mut tx, pages).await?)
            });
        connection(scope, &page, found.await.map_err(op_error)?)
    }

    /// What was decided of contacts with a person, whichever debt they were about, the last first.
    ///
    /// # Errors
    /// FORBIDDEN for who may not read decisions, BAD_USER_INPUT for a page that does not fit.
    pub(crate) async fn of_debtor(
        ctx: &Context<'_>,
        debtor: Uuid,
        args: PageArgs,
    ) -> async_graphql::Result<ComplianceDecisionConnection> {
        let (scope, page) = (decision_reader(ctx)?, args.check(ctx)?);
        let asked = PageOf::new(debtor, &page, page.key::<Uuid>("decisions")?);
        let loaders = ctx.data::<ComplianceLoaders>()?;
        let found = loaders
            .decisions_of_people
            .load(asked, async |pages: Vec<PageOf>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(decisions_of_people(&mut tx, pages).await?)
            });
        connection(scope, &page, found.await.map_err(op_error)?)
    }

    /// The facts document of a stored decision, in clear.
    pub(super) async fn open_facts(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Option<Json<serde_json::Value>>> {
        let scope = ctx.scope()?;
        if authorize(scope.ctx(), Cell::EvidenceExport).is_err() {
            return Ok(None);
        }
        let sealed = ctx
            .data::<ComplianceLoaders>()?
            .facts
            .load(self.id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(facts_of(&mut tx, &ids).await?)
            })
            .await
            .map_err(op_error)?;
        let Some(sealed) = sealed else { return Ok(None) };
        let keys = scope.keys().await.map_err(op_error)?;
        let Some(key) = scope.data_key(&keys, &sealed.key).map_err(op_error)? else {
            return Ok(None);
        };
        let text = keys
            .open_text(&key, "decisions", "facts_cipher", self.id, &sealed.cipher)
            .map_err(|error| op_error(error.into()))?;
        let facts =
            serde_json::from_str(text.expose()).map_err(|error| op_error(OpError::Internal(error.into())))?;
        Ok(Some(Json(facts)))
    }
}
