//! The audit trail in the API.

mod access_log;
mod acts;
mod bundles;

use async_graphql::{Context, ID, InputObject, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    access::Role,
    accounts::graphql::DateTimeRange,
    identity::graphql::RoleName,
    platform::{
        db::{DbError, TenantTx},
        gql::{AtHand, EdgeCursor, PageArgs, PageRequest, ScopeExt as _, bad_input, op_error, parse_id},
        ids::{self, IdKind},
        keys::Keyring,
        request_origin::RequestOrigin,
    },
};

pub use access_log::AccessLogQueries;
pub use acts::{AuditLoaders, UserActConnection};
pub use bundles::{BundleMutations, BundleQueries};

crate::relay_connection!(AuditEvent, AuditEventConnection, AuditEventEdge);

/// One act that was recorded: who did what to what, and when.
#[derive(Clone, SimpleObject)]
pub struct AuditEvent {
    /// The row's id (`aud_…`).
    id: ID,
    /// Its place in your business's chain, from 1, without holes.
    position: i64,
    /// When (business time).
    at: DateTime<Utc>,
    /// USER, DEBTOR, SERVICE (an API key), PLATFORM (the platform's staff, by break-glass) or SYSTEM.
    actor_kind: String,
    /// Who acted: the user, the API key, or the stay of the platform's staff.
    actor_id: Option<ID>,
    /// The role in which they acted; null for funnelchat itself, for whoever is not known, for the bytes of an upload, and in
    /// rows from before it was kept.
    actor_role: Option<RoleName>,
    /// The client's address, of the staff, of programs, and of whoever tried to sign in; null for funnelchat itself, for
    /// debtors, for the bytes of an upload, and in rows from before it was kept.
    address: Option<String>,
    /// What the client's program calls itself (its own claim, at most 200 characters); null as `address`.
    user_agent: Option<String>,
    /// What was done, for example `message.queued`.
    action: String,
    /// What it was done to, as a plain UUID.
    object_id: Option<String>,
    /// The person concerned.
    debtor_id: Option<ID>,
    /// The request that did it.
    request_id: Option<String>,
    /// What was changed, from what to what, where that tells nothing of a debtor; null where it does.
    details: Option<Json<serde_json::Value>>,
    /// The row's hash, in hexadecimal: SHA-256 over the previous row's hash and this row's bytes.
    hash: String,
}

struct AuditRow {
    id: Uuid,
    position: i64,
    at: DateTime<Utc>,
    actor_kind: String,
    actor_id: Option<Uuid>,
    actor_role: Option<String>,
    action: String,
    object_id: Option<Uuid>,
    debtor_id: Option<Uuid>,
    request_id: Option<String>,
    origin_cipher: Option<Vec<u8>>,
    details: Option<Vec<u8>>,
    key_id: Option<Uuid>,
    hash: Vec<u8>,
}

impl AtHand for AuditEvent {}

impl AuditEvent {
    fn of(row: AuditRow, keyring: &Keyring) -> Self {
        let origin = row
            .origin_cipher
            .as_deref()
            .and_then(|sealed| RequestOrigin::open(keyring, "audit_events", row.id, sealed));
        let (address, user_agent) = origin
            .map(|origin| (origin.address.to_string(), origin.user_agent))
            .unzip();
        let actor = match row.actor_kind.as_str() {
            "USER" => Some(IdKind::User),
            "SERVICE" => Some(IdKind::ApiKey),
            "PLATFORM" => Some(IdKind::BreakGlassSession),
            _ => None,
        };
        // What tells something of a debtor is sealed, and read where the debtor's own records are.
        let plain = row.details.filter(|_| row.key_id.is_none());
        Self {
            details: plain
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .map(Json),
            id: ids::encode(IdKind::AuditEntry, row.id).into(),
            position: row.position,
            at: row.at,
            actor_id: row
                .actor_id
                .zip(actor)
                .map(|(id, kind)| ids::encode(kind, id).into()),
            actor_kind: row.actor_kind,
            actor_role: row
                .actor_role
                .as_deref()
                .and_then(Role::parse)
                .map(RoleName::from),
            address,
            user_agent: user_agent.flatten(),
            action: row.action,
            object_id: row.object_id.map(|id| id.to_string()),
            debtor_id: row.debtor_id.map(|id| ids::encode(IdKind::Debtor, id).into()),
            request_id: row.request_id,
            hash: row.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// Which rows: all conditions given must hold.
#[derive(Debug, Default, InputObject)]
pub struct AuditFilter {
    /// About this person.
    debtor_id: Option<ID>,
    /// Done by this user, their log-ins among it.
    user_id: Option<ID>,
    /// Done with this API key.
    api_key_id: Option<ID>,
    /// Done during this stay of the platform's staff.
    break_glass_session_id: Option<ID>,
    /// With exactly this action.
    action: Option<String>,
    /// With an action that begins so: `contact_policy.` finds every change of the contact policy.
    action_prefix: Option<String>,
    /// Done to this object: an id of any kind, or a plain UUID as in `objectId`.
    object: Option<String>,
    /// In this time (business time).
    at: Option<DateTimeRange>,
}

/// A filter that was read.
#[derive(Default)]
struct Criteria {
    debtor: Option<Uuid>,
    actor: Option<Uuid>,
    action: Option<String>,
    action_from: Option<String>,
    action_until: Option<String>,
    object: Option<Uuid>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

impl AuditFilter {
    fn parse(self) -> async_graphql::Result<Criteria> {
        let prefix = self.action_prefix.map(|text| text.replace('\0', ""));
        let actors = [
            (IdKind::User, "filter.userId", self.user_id),
            (IdKind::ApiKey, "filter.apiKeyId", self.api_key_id),
            (
                IdKind::BreakGlassSession,
                "filter.breakGlassSessionId",
                self.break_glass_session_id,
            ),
        ];
        Ok(Criteria {
            debtor: self
                .debtor_id
                .map(|id| parse_id(IdKind::Debtor, "filter.debtorId", &id))
                .transpose()?,
            actor: one_actor(actors)?,
            action: self.action.map(|text| text.replace('\0', "")),
            // No letter of an action is greater.
            action_until: prefix.as_ref().map(|text| format!("{text}\u{10ffff}")),
            action_from: prefix,
            object: self.object.map(|text| object_id(&text)).transpose()?,
            from: self.at.as_ref().and_then(|range| range.from),
            to: self.at.and_then(|range| range.to),
        })
    }
}

/// The one actor that is named, if one is.
fn one_actor<const N: usize>(
    actors: [(IdKind, &'static str, Option<ID>); N],
) -> async_graphql::Result<Option<Uuid>> {
    let mut named = None;
    for (kind, field, id) in actors {
        let Some(id) = id else { continue };
        let id = parse_id(kind, field, &id)?;
        if named.replace(id).is_some() {
            return Err(bad_input(format!("{field}: name one actor, not several.")));
        }
    }
    Ok(named)
}

fn object_id(text: &str) -> async_graphql::Result<Uuid> {
    Uuid::parse_str(text)
        .ok()
        .or_else(|| ids::decode_any(text).ok().map(|(_, id)| id))
        .ok_or_else(|| bad_input("filter.object: give an id such as `acct_…`, or a UUID."))
}

/// Queries of the audit trail.
#[derive(Default)]
pub struct AuditQueries;

#[Object]
impl AuditQueries {
    /// Your business's audit trail, newest first.
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rows.")] filter: Option<AuditFilter>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<AuditEventConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<i64>("audit")?;
        let criteria = filter.unwrap_or_default().parse()?;
        let rows = page_of_events(&mut *ctx.snapshot().await?, &criteria, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?;
        let keyring = ctx.scope()?.keyring();
        let rows = rows
            .into_iter()
            .map(|row| {
                (
                    EdgeCursor::of("audit", row.position),
                    AuditEvent::of(row, keyring),
                )
            })
            .collect();
        Ok(AuditEventConnection::from_rows(&page, rows))
    }
}

async fn page_of_events(
    tx: &mut TenantTx,
    criteria: &Criteria,
    page: &PageRequest,
    past: Option<i64>,
) -> Result<Vec<AuditRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        AuditRow,
        r#"SELECT id, position, at, actor_kind, actor_id, actor_role, action, object_id, debtor_id, request_id,
                  origin_cipher, details AS "details?", key_id, hash
           FROM audit_events
           WHERE business_id = $1 AND ($2::uuid IS NULL OR debtor_id = $2) AND ($3::uuid IS NULL OR actor_id = $3)
             AND ($4::text IS NULL OR action COLLATE "C" = $4)
             AND ($5::text IS NULL OR (action COLLATE "C" >= $5 AND action COLLATE "C" < $6))
             AND ($7::uuid IS NULL OR object_id = $7)
             AND ($8::timestamptz IS NULL OR at >= $8) AND ($9::timestamptz IS NULL OR at <= $9)
             AND ($10::bigint IS NULL OR position < $10)
           ORDER BY position DESC LIMIT $11"#,
        business,
        criteria.debtor,
        criteria.actor,
        criteria.action,
        criteria.action_from,
        criteria.action_until,
        criteria.object,
        criteria.from,
        criteria.to,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}
