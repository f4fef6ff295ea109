//! What the platform's staff sees and does outside every business: which businesses there are, what they use, who has a
//! log-in, suspension. Nothing of a debtor.

use std::collections::HashMap;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Datelike as _, TimeZone as _, Utc};
use uuid::Uuid;

use super::{
    RoleName, approvals::ProviderApproval, mutations::request, registration::BusinessRole, user::UserStatus,
};
use crate::{
    access::Role,
    identity::{
        Caller, Identity, delete_business,
        invite::open_address,
        platform_store::{self, BusinessCriteria, BusinessRow, PersonRow, PlaceRow, Usage},
        provider_approvals::approvals_of,
    },
    platform::{
        context::SystemCtx,
        db::SystemTx,
        email::EmailAddress,
        error::OpError,
        gql::{AtHand, EdgeCursor, EmailAddressScalar, PageArgs, PageRequest, not_found, op_error, parse_id},
        ids::{self, IdKind},
    },
};

crate::relay_connection!(PlatformBusiness, PlatformBusinessConnection, PlatformBusinessEdge);
crate::relay_connection!(PlatformUser, PlatformUserConnection, PlatformUserEdge);

/// Whether a business works.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum BusinessStatus {
    /// Waits for its founder to verify their address.
    Pending,
    /// Works.
    Active,
    /// Suspended by the platform: nobody comes in, nothing goes out.
    Suspended,
    /// Suspended and deleted; for a while that can be taken back.
    Deleted,
}

impl BusinessStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Deleted => "DELETED",
        }
    }

    fn of(row: &BusinessRow) -> Self {
        match row.status.as_str() {
            _ if row.deleted_at.is_some() => Self::Deleted,
            "ACTIVE" => Self::Active,
            "PENDING" => Self::Pending,
            _ => Self::Suspended,
        }
    }
}

/// How much a business uses, counted exactly.
#[derive(Clone, SimpleObject)]
pub struct BusinessUsage {
    /// Active members of its staff.
    users: i32,
    /// Its accounts, deleted ones too.
    accounts: i32,
    /// Messages of this calendar month (UTC), both ways.
    messages_this_month: i32,
    /// Imports that were begun in this calendar month (UTC) and are completed.
    imports_this_month: i32,
    /// Rows that those brought.
    imported_rows_this_month: i32,
    /// What its files take in the object store, in mebibytes (1,048,576 bytes), rounded up; null until it was counted first,
    /// within an hour after the business was made.
    storage_mebibytes: Option<i32>,
    /// Of when that is: it is counted each hour (business time).
    storage_counted_at: Option<DateTime<Utc>>,
}

impl From<Usage> for BusinessUsage {
    fn from(usage: Usage) -> Self {
        let count = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            users: count(usage.users),
            accounts: count(usage.accounts),
            messages_this_month: count(usage.messages),
            imports_this_month: count(usage.imports),
            imported_rows_this_month: count(usage.imported_rows),
            storage_mebibytes: usage.stored_bytes.map(|bytes| count(mebibytes(bytes))),
            storage_counted_at: usage.stored_at,
        }
    }
}

/// Rounded up.
fn mebibytes(bytes: i64) -> i64 {
    const MEBIBYTE: i64 = 1_048_576;
    bytes / MEBIBYTE + i64::from(bytes % MEBIBYTE > 0)
}

/// A business as the platform's staff sees it: nothing of its debtors.
#[derive(Clone, SimpleObject)]
pub struct PlatformBusiness {
    /// The business's id (`biz_…`).
    id: ID,
    /// Its name.
    name: String,
    /// Its name in addresses.
    slug: String,
    /// What it is to the debts.
    role: BusinessRole,
    /// Whether it works.
    status: BusinessStatus,
    /// When it registered (business time).
    created_at: DateTime<Utc>,
    /// Since when it is suspended; null while it is not.
    suspended_at: Option<DateTime<Utc>>,
    /// Why it is suspended.
    suspension_reason: Option<String>,
    /// Since when it is deleted (business time); null while it is not.
    deleted_at: Option<DateTime<Utc>>,
    /// Why it is deleted.
    deletion_reason: Option<String>,
    /// Until when its deletion can be taken back (business time).
    restorable_until: Option<DateTime<Utc>>,
    /// How much it uses.
    usage: BusinessUsage,
    /// What providers have approved for it, newest first (at most 100).
    provider_approvals: Vec<ProviderApproval>,
}

impl AtHand for PlatformBusiness {}

impl PlatformBusiness {
    fn of(row: BusinessRow, usage: Usage, provider_approvals: Vec<ProviderApproval>) -> Self {
        Self {
            id: ids::encode(IdKind::Business, row.id).into(),
            status: BusinessStatus::of(&row),
            name: row.name,
            slug: row.slug,
            role: if row.role == "FIRST_PARTY_CREDITOR" {
                BusinessRole::FirstPartyCreditor
            } else {
                BusinessRole::ThirdPartyCollector
            },
            created_at: row.created_at,
            suspended_at: row.suspended_at,
            suspension_reason: row.suspension_reason,
            deleted_at: row.deleted_at,
            deletion_reason: row.deletion_reason,
            restorable_until: row.deleted_at.map(|at| at + delete_business::GRACE),
            usage: usage.into(),
            provider_approvals,
        }
    }

    pub(super) async fn find(
        identity: &Identity,
        request_id: &str,
        id: Uuid,
    ) -> Result<Option<Self>, OpError> {
        let mut tx = panel(identity, request_id).await?;
        let Some(row) = platform_store::business(&mut tx, id).await? else {
            return Ok(None);
        };
        let usage = usage_of(&mut tx, &[id]).await?.remove(&id).unwrap_or_default();
        let approvals = approvals_by_business(&mut tx, &[id]).await?.remove(&id);
        tx.commit().await?;
        Ok(Some(Self::of(row, usage, approvals.unwrap_or_default())))
    }
}

async fn panel(identity: &Identity, request_id: &str) -> Result<SystemTx, OpError> {
    let ctx = SystemCtx::for_reason("the platform's panel", request_id);
    Ok(identity.db.system(&ctx).await?)
}

async fn usage_of(tx: &mut SystemTx, businesses: &[Uuid]) -> Result<HashMap<Uuid, Usage>, OpError> {
    let now = tx.now();
    let month = Utc
        .with_ymd_and_hms(now.year(), now.month(), 1, 0, 0, 0)
        .single()
        .unwrap_or(now);
    Ok(platform_store::usage(tx, businesses, month)
        .await?
        .into_iter()
        .collect())
}

async fn approvals_by_business(
    tx: &mut SystemTx,
    businesses: &[Uuid],
) -> Result<HashMap<Uuid, Vec<ProviderApproval>>, OpError> {
    let now = tx.now();
    let mut found: HashMap<Uuid, Vec<ProviderApproval>> = HashMap::new();
    for row in approvals_of(tx.conn(), businesses).await? {
        let of_one = found.entry(row.business_id).or_default();
        of_one.push(ProviderApproval::of(row, now)?);
    }
    Ok(found)
}

/// A person's place in a business.
#[derive(Clone, SimpleObject)]
pub struct PlatformMembership {
    /// The business (`biz_…`).
    business_id: ID,
    /// Its name.
    business_name: String,
    /// Their role there.
    role: RoleName,
    /// Whether they may come in there.
    status: UserStatus,
}

/// A person with a log-in, whatever businesses they belong to.
#[derive(Clone, SimpleObject)]
pub struct PlatformUser {
    /// The person's id on the platform (`idn_…`).
    id: ID,
    /// E-mail address.
    email: EmailAddressScalar,
    /// Whether they have shown that it is theirs.
    email_verified: bool,
    /// Whether they have a second factor.
    second_factor: bool,
    /// Whether they operate the platform.
    super_admin: bool,
    /// Since when they have a log-in (business time).
    created_at: DateTime<Utc>,
    /// Where they are a member of the staff (at most 100).
    memberships: Vec<PlatformMembership>,
}

impl AtHand for PlatformUser {}

impl PlatformUser {
    fn of(identity: &Identity, row: PersonRow, places: Vec<PlaceRow>) -> Result<Self, OpError> {
        let email = open_address(&identity.keyring, "identities", row.id, &row.email_cipher)?;
        Ok(Self {
            id: ids::encode(IdKind::Identity, row.id).into(),
            email: EmailAddressScalar(email.as_str().to_owned()),
            email_verified: row.is_verified,
            second_factor: row.is_enrolled,
            super_admin: row.is_super_admin,
            created_at: row.created_at,
            memberships: places
                .into_iter()
                .filter_map(|place| {
                    Some(PlatformMembership {
                        business_id: ids::encode(IdKind::Business, place.business_id).into(),
                        business_name: place.business_name,
                        role: Role::parse(&place.role)?.into(),
                        status: UserStatus::parse(&place.status),
                    })
                })
                .collect(),
        })
    }
}

/// Which businesses: all conditions given must hold.
#[derive(Debug, Default, InputObject)]
pub struct PlatformBusinessFilter {
    /// In one of these states.
    status: Option<Vec<BusinessStatus>>,
}

/// Which people: all conditions given must hold.
#[derive(Debug, Default, InputObject)]
pub struct PlatformUserFilter {
    /// With exactly this address.
    email: Option<EmailAddressScalar>,
    /// Only who operates the platform.
    #[graphql(default = false)]
    super_admins: bool,
}

/// The super admin who asks.
pub(super) fn operator_of(ctx: &Context<'_>) -> async_graphql::Result<Uuid> {
    match ctx.data::<Caller>()? {
        Caller::Platform { identity_id, .. } => Ok(*identity_id),
        _ => Err(op_error(OpError::Forbidden(
            "Only the platform's own staff may do this, outside every business.".to_owned(),
        ))),
    }
}

/// Queries of the platform's panel.
#[derive(Default)]
pub struct PlatformQueries;

#[Object]
impl PlatformQueries {
    /// The platform's businesses, newest first. For super admins.
    async fn businesses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which businesses.")] filter: Option<PlatformBusinessFilter>,
        #[graphql(desc = "A part of the name, or of the name in addresses.")] search: Option<String>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<PlatformBusinessConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("businesses")?;
        operator_of(ctx)?;
        let criteria = BusinessCriteria {
            statuses: filter
                .unwrap_or_default()
                .status
                .map(|all| all.iter().map(|status| status.as_str().to_owned()).collect()),
            search: search
                .map(|text| text.trim().replace('\0', ""))
                .filter(|text| !text.is_empty()),
        };
        let (identity, facts) = request(ctx)?;
        page_of_businesses(identity, &facts.request_id, &criteria, &page, past)
            .await
            .map_err(op_error)
    }

    /// One business; null with a NOT_FOUND error when there is none. For super admins.
    async fn platform_business(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`biz_…`")] id: ID,
    ) -> async_graphql::Result<Option<PlatformBusiness>> {
        operator_of(ctx)?;
        let id = parse_id(IdKind::Business, "id", &id)?;
        let (identity, facts) = request(ctx)?;
        PlatformBusiness::find(identity, &facts.request_id, id)
            .await
            .map_err(op_error)?
            .map(Some)
            .ok_or_else(|| not_found("business"))
    }

    /// People with a log-in, newest first. For super admins.
    async fn platform_users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which people.")] filter: Option<PlatformUserFilter>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<PlatformUserConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("platformUsers")?;
        operator_of(ctx)?;
        let (identity, facts) = request(ctx)?;
        let filter = filter.unwrap_or_default();
        let email = filter
            .email
            .map(|email| {
                EmailAddress::parse(&email.0)
                    .map_err(|error| crate::platform::gql::bad_input(format!("filter.email: {error}")))
            })
            .transpose()?;
        page_of_people(
            identity,
            &facts.request_id,
            email,
            filter.super_admins,
            &page,
            past,
        )
        .await
        .map_err(op_error)
    }
}

async fn page_of_businesses(
    identity: &Identity,
    request_id: &str,
    criteria: &BusinessCriteria,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<PlatformBusinessConnection, OpError> {
    let mut tx = panel(identity, request_id).await?;
    let rows = platform_store::businesses(&mut tx, criteria, page, past).await?;
    let found: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut usage = usage_of(&mut tx, &found).await?;
    let mut approvals = approvals_by_business(&mut tx, &found).await?;
    tx.commit().await?;
    let rows = rows
        .into_iter()
        .map(|row| {
            let cursor = EdgeCursor::of("businesses", row.id);
            let used = usage.remove(&row.id).unwrap_or_default();
            let approved = approvals.remove(&row.id).unwrap_or_default();
            (cursor, PlatformBusiness::of(row, used, approved))
        })
        .collect();
    Ok(PlatformBusinessConnection::from_rows(page, rows))
}

async fn page_of_people(
    identity: &Identity,
    request_id: &str,
    email: Option<EmailAddress>,
    super_admins: bool,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<PlatformUserConnection, OpError> {
    let blind = email.map(|email| identity.keyring.platform_blind(&email.normalised()));
    let blind = blind.as_ref().map(|blind| blind.as_slice());
    let mut tx = panel(identity, request_id).await?;
    let rows = platform_store::people(&mut tx, blind, super_admins, page, past).await?;
    let found: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut places: HashMap<Uuid, Vec<PlaceRow>> = HashMap::new();
    for place in platform_store::places_of(&mut tx, &found).await? {
        places.entry(place.identity_id).or_default().push(place);
    }
    tx.commit().await?;
    let rows = rows
        .into_iter()
        .map(|row| {
            let cursor = EdgeCursor::of("platformUsers", row.id);
            let own = places.remove(&row.id).unwrap_or_default();
            Ok((cursor, PlatformUser::of(identity, row, own)?))
        })
        .collect::<Result<_, OpError>>()?;
    Ok(PlatformUserConnection::from_rows(page, rows))
}
