//! The audit trail in the API.

mod access_log;
mod acts;
mod bundles;

use async_graphql::{Context, ID, InputObject, Json, Object, SimpleObject};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    access::{Cell, Role, authorize},
    accounts::graphql::DateTimeRange,
    identity::graphql::RoleName,
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
        gql::{
            AtHand, EdgeCursor, OpScope, PageArgs, PageRequest, ScopeExt as _, bad_input, op_error, parse_id,
        },
        ids::{self, IdKind},
        keys::{Keyring, TenantKeys, WrappedKey},
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
    /// What was changed: of an edit the fields (`changed`), what they were (`before`) and what they are since (`after`). What
    /// tells something of a debtor is there for those who may read the trail and debtors' data both, and gone once the
    /// debtor was erased: then `changed` alone says which fields it was.
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
    key_version: Option<i32>,
    wrapped_key: Option<Vec<u8>>,
    hash: Vec<u8>,
}

impl AtHand for AuditEvent {}

impl AuditEvent {
    fn of(row: AuditRow, details: Option<serde_json::Value>, keyring: &Keyring) -> Self {
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
        Self {
            details: details.map(Json),
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

/// The row's details, with what of them is sealed opened by `keys`; without those, and where the key was destroyed, only
/// what tells nothing of a person is there.
fn details_of(
    row: &AuditRow,
    scope: &OpScope,
    keys: Option<&TenantKeys>,
) -> Result<Option<serde_json::Value>, OpError> {
    let Some(mut details) = row
        .details
        .as_deref()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok())
    else {
        return Ok(None);
    };
    let sealed = details.as_object_mut().and_then(|fields| fields.remove("sealed"));
    let (Some(key_id), Some(sealed), Some(keys)) = (row.key_id, sealed, keys) else {
        return Ok(Some(details));
    };
    let stored = WrappedKey {
        id: key_id,
        business_key_version: row.key_version.unwrap_or_default(),
        wrapped: row.wrapped_key.clone(),
    };
    let Some(key) = scope.data_key(keys, &stored)? else {
        return Ok(Some(details));
    };
    let bytes = sealed.as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let bytes = bytes.unwrap_or_default();
    let text = keys.open_text(&key, "audit_events", "details", row.id, &bytes)?;
    if let Ok(serde_json::Value::Object(opened)) = serde_json::from_str(text.expose()) {
        for (part, fields) in opened {
            if let (Some(known), serde_json::Value::Object(fields)) = (
                details.get_mut(&part).and_then(|known| known.as_object_mut()),
                fields,
            ) {
                known.extend(fields);
            }
        }
    }
    if let Some(debtor) = row.debtor_id {
        scope.saw_debtor(debtor);
    }
    Ok(Some(details))
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
        let scope = ctx.scope()?;
        // Nobody's data is opened, nor written down as read, where nobody asks for it.
        let are_asked_for = ctx
            .look_ahead()
            .field("edges")
            .field("node")
            .field("details")
            .exists();
        let may_open = are_asked_for && authorize(scope.ctx(), Cell::AccountRead).is_ok();
        let keys = match may_open && rows.iter().any(|row| row.key_id.is_some()) {
            true => Some(scope.keys().await.map_err(op_error)?),
            false => None,
        };
        let rows = rows
            .into_iter()
            .map(|row| {
                let details = details_of(&row, scope, keys.as_deref()).map_err(op_error)?;
                Ok((
                    EdgeCursor::of("audit", row.position),
                    AuditEvent::of(row, details, scope.keyring()),
                ))
            })
            .collect::<async_graphql::Result<_>>()?;
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
        r#"SELECT e.id, position, at, actor_kind, actor_id, actor_role, action, object_id, e.debtor_id, request_id,
                  origin_cipher, details AS "details?", key_id, k.business_key_version AS "key_version?",
                  k.wrapped AS wrapped_key, hash
           FROM audit_events e LEFT JOIN data_keys k ON k.business_id = e.business_id AND k.id = e.key_id
           WHERE e.business_id = $1 AND ($2::uuid IS NULL OR e.debtor_id = $2) AND ($3::uuid IS NULL OR actor_id = $3)
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
