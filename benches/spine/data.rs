//! The data set: made of the service's own keys and seals, copied in beside the service (which would take an hour).

use std::{fmt::Write as _, sync::Arc};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use funnelchat::{
    access::Role,
    app::App,
    cli::seed::{DEMO_PASSWORD, DEMO_TOTP_SECRET},
    conversations::route::connect_twilio,
    identity::{
        KnownMember, NewApproval, NewBusiness, ProviderApprovalKind, add_known_member, hash_password,
        insert_approval, insert_business,
    },
    platform::{
        context::SystemCtx,
        crypto::DataKey,
        email::EmailAddress,
        ids,
        keys::{NewDataKey, TenantKeys},
    },
};
use secrecy::SecretString;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::figures::Bar;

pub const BUSINESSES: usize = 20;
pub const MESSAGES: i32 = 5;
/// The address over which the vendor signs; nobody connects to it.
pub const PUBLIC_BASE_URL: &str = "http://bench.example";
/// Accounts written at once.
const BLOCK: usize = 1_000;

/// One business of the data set.
pub struct Tenant {
    pub id: Uuid,
    /// The e-mail address of its agent.
    pub agent: String,
    /// The e-mail address of who imports accounts.
    pub manager: String,
    pub twilio_sid: String,
    pub twilio_token: String,
    /// Its own number.
    pub number: String,
    /// Its threads, in the order of [`debtor_number`].
    pub threads: Vec<Uuid>,
    pub keys: Arc<TenantKeys>,
}

/// The number of the n-th debtor of any business: NANP 555-0100 to 555-0199 in the n-th area code, for fiction.
pub fn debtor_number(nth: usize) -> String {
    format!("+1{}55501{:02}", 201 + nth / 100 % 700, nth % 100)
}

/// Writes everything, and lets PostgreSQL look at it as autovacuum would.
pub async fn fill(app: &App, superuser: &mut PgConnection, accounts: usize) -> anyhow::Result<Vec<Tenant>> {
    let hash = hash_password(&SecretString::from(DEMO_PASSWORD)).await?;
    // Rows come whole and in any order: the triggers of foreign keys and of the ledger would only look at them again.
    sqlx::query("SET session_replication_role = replica")
        .execute(&mut *superuser)
        .await?;
    let mut bar = Bar::new("writing the data set", BUSINESSES * accounts);
    let mut tenants = Vec::with_capacity(BUSINESSES);
    for nth in 0..BUSINESSES {
        let mut tenant = business(app, nth, &hash).await?;
        for block in (0..accounts).step_by(BLOCK) {
            let last = accounts.min(block + BLOCK);
            write_block(superuser, &mut tenant, block..last, app.clock.now()).await?;
            bar.advance(last - block);
        }
        tenants.push(tenant);
    }
    sqlx::query("VACUUM ANALYZE").execute(&mut *superuser).await?;
    sqlx::query("CHECKPOINT").execute(&mut *superuser).await?;
    Ok(tenants)
}

pub async fn business(app: &App, nth: usize, password_hash: &str) -> anyhow::Result<Tenant> {
    let id = ids::next();
    let mut tx = app
        .db
        .system(&SystemCtx::for_reason("benchmark", "bench"))
        .await?;
    let business = NewBusiness {
        id,
        slug: format!("bench-{nth}"),
        name: format!("Benchmark {nth}"),
        role: "THIRD_PARTY_COLLECTOR",
        status: "ACTIVE",
        wrapped_key: app.keyring.new_business_key(id, 1)?,
    };
    insert_business(&mut tx, &business).await?;
    let agent = format!("agent@bench-{nth}.example");
    let manager = format!("manager@bench-{nth}.example");
    let (twilio_sid, twilio_token) = (format!("AC{nth:032x}"), format!("{nth:032x}"));
    let number = format!("+1202555{:04}", 200 + nth);
    let token = SecretString::from(twilio_token.clone());
    connect_twilio(&mut tx, &app.keyring, id, &twilio_sid, &token, &[&number]).await?;
    for kind in [
        ProviderApprovalKind::SmsRoute,
        ProviderApprovalKind::SmsCampaign10Dlc,
    ] {
        let new = NewApproval {
            business: id,
            kind,
            reference: "Benchmark",
            valid_from: tx.now(),
            valid_until: None,
        };
        insert_approval(&mut tx, &new, None).await?;
    }
    tx.commit().await?;
    add_member(app, id, &agent, Role::Agent, password_hash).await?;
    add_member(app, id, &manager, Role::Manager, password_hash).await?;
    Ok(Tenant {
        id,
        agent,
        manager,
        twilio_sid,
        twilio_token,
        number,
        threads: Vec::new(),
        keys: app.keyring.business(&app.db, id).await?,
    })
}

/// Somebody of the business's staff, with the password and second factor of the demo data.
async fn add_member(
    app: &App,
    business: Uuid,
    email: &str,
    role: Role,
    password_hash: &str,
) -> anyhow::Result<()> {
    let secret =
        totp_rs::Secret::try_from_base32(DEMO_TOTP_SECRET).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let mut tx = app
        .db
        .system(&SystemCtx::for_reason("benchmark", "bench"))
        .await?;
    let member = KnownMember {
        business_id: business,
        email: &EmailAddress::parse(email)?,
        name: "Somebody of the benchmark",
        role,
        password_hash,
        totp_secret: secret.as_ref(),
    };
    add_known_member(&mut tx, &app.keyring, member).await?;
    tx.commit().await?;
    Ok(())
}

/// Rows in COPY's text format, a table each (PostgreSQL: COPY, Text Format).
#[derive(Default)]
struct Rows {
    data_keys: String,
    debtors: String,
    contact_points: String,
    accounts: String,
    conversations: String,
    messages: String,
}

async fn write_block(
    superuser: &mut PgConnection,
    tenant: &mut Tenant,
    range: std::ops::Range<usize>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut rows = Rows::default();
    for nth in range {
        rows.add_account(tenant, nth, now)?;
    }
    for (table, columns, text) in [
        (
            "data_keys",
            "id, debtor_id, purpose, business_key_version, wrapped",
            rows.data_keys,
        ),
        (
            "debtors",
            "id, first_name, last_name, name_key, preferred_language, profile_key_id, record_key_id, created_at, updated_at",
            rows.debtors,
        ),
        (
            "contact_points",
            "id, debtor_id, kind, ordinal, value_cipher, blind_index, blind_version, provenance, created_at",
            rows.contact_points,
        ),
        (
            "accounts",
            "id, debtor_id, account_number, original_creditor, status, currency, balance_minor, original_balance_minor, \
             debtor_name_key, created_at, updated_at",
            rows.accounts,
        ),
        (
            "conversations",
            "id, debtor_id, account_id, channel, status, our_address, peer_cipher, peer_blind, record_key_id, \
             last_sequence, last_inbound_sequence, last_message_at, created_at, updated_at",
            rows.conversations,
        ),
        (
            "messages",
            "id, conversation_id, debtor_id, sequence, direction, sender_type, body_cipher, delivery_status, created_at",
            rows.messages,
        ),
    ] {
        copy(superuser, table, columns, tenant.id, &text).await?;
    }
    Ok(())
}

/// Writes rows of a business, whose id they lack.
pub async fn copy(
    connection: &mut PgConnection,
    table: &str,
    columns: &str,
    business: Uuid,
    rows: &str,
) -> anyhow::Result<()> {
    let mut copy = connection
        .copy_in_raw(&format!("COPY {table} (business_id, {columns}) FROM STDIN"))
        .await?;
    let text: String = rows
        .lines()
        .flat_map(|row| [&business.to_string(), "\t", row, "\n"].map(str::to_owned))
        .collect();
    copy.send(text.as_bytes()).await?;
    copy.finish().await.with_context(|| table.to_owned())?;
    Ok(())
}

impl Rows {
    fn add_account(&mut self, tenant: &mut Tenant, nth: usize, now: DateTime<Utc>) -> anyhow::Result<()> {
        let keys = tenant.keys.clone();
        let (debtor, account, contact) = (ids::next(), ids::next(), ids::next());
        let profile = self.add_key(&keys, debtor, "PROFILE")?;
        let record = self.add_key(&keys, debtor, "RECORD")?;
        let (first, last) = (format!("First{nth}"), format!("Last{:04}", nth * 7919 % 10_000));
        let now = now.to_rfc3339();
        let name_key = format!("{last} {first}").to_lowercase();
        writeln!(
            self.debtors,
            "{debtor}\t{first}\t{last}\t{name_key}\ten\t{}\t{}\t{now}\t{now}",
            profile.id, record.id
        )?;
        let number = debtor_number(nth);
        let sealed = keys.seal(
            &profile.key,
            "contact_points",
            "value_cipher",
            contact,
            number.as_bytes(),
        )?;
        let blind = hex(&keys.blind(&number));
        writeln!(
            self.contact_points,
            "{contact}\t{debtor}\tPHONE\t1\t{}\t{blind}\t1\tCREDITOR\t{now}",
            hex(&sealed)
        )?;
        let balance = 10_000 + nth * 104_729 % 900_001;
        writeln!(
            self.accounts,
            "{account}\t{debtor}\tB-{nth:05}\tFirst Example Bank\tACTIVE\tUSD\t{balance}\t{balance}\t{name_key}\t{now}\t{now}"
        )?;
        let thread = self.add_thread(tenant, (debtor, account), &record.key, record.id, &number, &now)?;
        tenant.threads.push(thread);
        Ok(())
    }

    fn add_key(&mut self, keys: &TenantKeys, debtor: Uuid, purpose: &str) -> anyhow::Result<NewDataKey> {
        let new = keys.new_data_key()?;
        writeln!(
            self.data_keys,
            "{}\t{debtor}\t{purpose}\t{}\t{}",
            new.id,
            new.business_key_version,
            hex(&new.wrapped)
        )?;
        Ok(new)
    }

    fn add_thread(
        &mut self,
        tenant: &Tenant,
        (debtor, account): (Uuid, Uuid),
        key: &DataKey,
        key_id: Uuid,
        number: &str,
        now: &str,
    ) -> anyhow::Result<Uuid> {
        let (keys, thread) = (&tenant.keys, ids::next());
        let peer = keys.seal(key, "conversations", "peer_cipher", thread, number.as_bytes())?;
        writeln!(
            self.conversations,
            "{thread}\t{debtor}\t{account}\tSMS\tACTIVE\t{}\t{}\t{}\t{key_id}\t{MESSAGES}\t{MESSAGES}\t{now}\t{now}\t{now}",
            tenant.number,
            hex(&peer),
            hex(&keys.blind(number))
        )?;
        for sequence in 1..=MESSAGES {
            let id = ids::next();
            let text =
                format!("Text number {sequence}: I would like to know what is left to be paid, please.");
            let body = keys.seal(key, "messages", "body_cipher", id, text.as_bytes())?;
            writeln!(
                self.messages,
                "{id}\t{thread}\t{debtor}\t{sequence}\tINBOUND\tDEBTOR\t{}\tRECEIVED\t{now}",
                hex(&body)
            )?;
        }
        Ok(thread)
    }
}

/// As COPY reads bytes, its own backslash doubled.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("\\\\x"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
