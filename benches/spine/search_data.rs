//! Two businesses whose accounts are alike in all but their number: statuses, creditors, holds, labels, languages and
//! agents as uneven as they are in practice, due dates and creditors that go along with the day of placement.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use funnelchat::{
    app::App,
    cli::seed::DEMO_PASSWORD,
    identity::hash_password,
    platform::{ids, keys::TenantKeys},
};
use secrecy::SecretString;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    data::{Tenant, business, copy, hex},
    figures::Bar,
};

/// Accounts written at once.
const BLOCK: usize = 10_000;
const PLACEMENTS: usize = 100;
const CREDITORS: usize = 12;
const STATUSES: [(&str, f64); 6] = [
    ("ACTIVE", 0.62),
    ("IN_PAYMENT_PLAN", 0.14),
    ("PAID_IN_FULL", 0.12),
    ("CLOSED", 0.09),
    ("DISPUTED", 0.025),
    ("LEGAL", 0.005),
];
const LANGUAGES: [(&str, f64); 4] = [("en", 0.78), ("es", 0.2), ("fr", 0.0195), ("vi", 0.0005)];
/// The word, its share, and the only status in which it occurs.
const TAGS: [(&str, f64, &str); 3] = [
    ("summer", 0.3, "ACTIVE"),
    ("callback", 0.05, ""),
    ("vip", 0.001, ""),
];
const HOLDS: [(&str, f64); 3] = [("DISPUTE", 0.012), ("ATTORNEY", 0.006), ("DECEASED", 0.0005)];
const SYLLABLES: [&str; 48] = [
    "al", "an", "ar", "bel", "ben", "bra", "car", "cha", "con", "da", "del", "don", "el", "en", "er", "fer",
    "fla", "gar", "gon", "ham", "her", "jo", "ka", "kow", "la", "lin", "lo", "ma", "mar", "mil", "mon", "na",
    "nor", "o", "pe", "qui", "ra", "ri", "ro", "sal", "ski", "son", "ta", "ter", "va", "vil", "wat", "zo",
];

/// One of the two.
pub struct Business {
    pub tenant: Tenant,
    pub accounts: usize,
    /// The first is the largest, the last the smallest.
    pub creditors: Vec<Uuid>,
    /// In the order of their days.
    pub placements: Vec<Uuid>,
    /// Who is signed in as the agent and has few accounts.
    pub agent: Uuid,
    /// Has many.
    pub colleague: Uuid,
    /// Midnight before the first account was placed.
    pub began: DateTime<Utc>,
}

/// Writes both, the small one first.
pub async fn fill(app: &App, superuser: &mut PgConnection, accounts: usize) -> anyhow::Result<[Business; 2]> {
    let hash = hash_password(&SecretString::from(DEMO_PASSWORD)).await?;
    sqlx::query("SET session_replication_role = replica")
        .execute(&mut *superuser)
        .await?;
    let small = write_business(app, superuser, 1_000, 10_000, &hash).await?;
    let large = write_business(app, superuser, 1_001, accounts, &hash).await?;
    sqlx::query("VACUUM ANALYZE").execute(&mut *superuser).await?;
    sqlx::query("CHECKPOINT").execute(&mut *superuser).await?;
    Ok([small, large])
}

async fn write_business(
    app: &App,
    superuser: &mut PgConnection,
    nth: usize,
    accounts: usize,
    hash: &str,
) -> anyhow::Result<Business> {
    let tenant = business(app, nth, hash).await?;
    let agent = sqlx::query_scalar("SELECT id FROM users WHERE business_id = $1 ORDER BY id LIMIT 1")
        .bind(tenant.id)
        .fetch_one(&mut *superuser)
        .await?;
    let business = Business {
        accounts,
        creditors: (0..CREDITORS).map(|_| ids::next()).collect(),
        placements: (0..PLACEMENTS).map(|_| ids::next()).collect(),
        agent,
        colleague: ids::next(),
        began: app.clock.now() - TimeDelta::days(1_000),
        tenant,
    };
    let key = business.tenant.keys.new_data_key()?;
    let row = format!(
        "{}\tRECORD\t{}\t{}\n",
        key.id,
        key.business_key_version,
        hex(&key.wrapped)
    );
    let columns = "id, purpose, business_key_version, wrapped";
    copy(superuser, "data_keys", columns, business.tenant.id, &row).await?;
    let mut bar = Bar::new("writing accounts to search", accounts);
    for block in (0..accounts).step_by(BLOCK) {
        let last = accounts.min(block + BLOCK);
        let mut rows = Rows::default();
        for nth in block..last {
            rows.add(&business, key.id, nth)?;
        }
        rows.write(superuser, business.tenant.id).await?;
        bar.advance(last - block);
    }
    Ok(business)
}

/// Rows in COPY's text format, a table each.
#[derive(Default)]
struct Rows {
    debtors: String,
    contact_points: String,
    accounts: String,
    account_tags: String,
    holds: String,
}

/// The n-th person's name, address and number are the same in both businesses.
pub fn name(nth: usize) -> (String, String) {
    let syllable = |salt| SYLLABLES[pick(nth, salt, SYLLABLES.len(), 1.6)];
    let mut last = format!("{}{}{}", syllable(1), syllable(2), syllable(3));
    if share(nth, 4) < 0.5 {
        last += syllable(5);
    }
    (format!("{}{}", syllable(6), syllable(7)), last)
}

pub fn email(nth: usize) -> String {
    format!("person{nth}@mail.example")
}

pub fn phone(nth: usize) -> String {
    format!("+1{}{:07}", 201 + nth / 5_000_000, 2_000_000 + nth % 5_000_000)
}

/// A number below one that looks like chance and is always the same (SplitMix64).
fn share(nth: usize, salt: u64) -> f64 {
    let mut z = (nth as u64)
        .wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// One of `of`, the first more often than the last.
fn pick(nth: usize, salt: u64, of: usize, skew: f64) -> usize {
    ((share(nth, salt).powf(skew) * of as f64) as usize).min(of - 1)
}

fn weighted<'a>(nth: usize, salt: u64, words: &[(&'a str, f64)]) -> &'a str {
    let mut left = share(nth, salt);
    for (word, weight) in words {
        left -= weight;
        if left < 0.0 {
            return word;
        }
    }
    words[0].0
}

impl Rows {
    fn add(&mut self, business: &Business, key: Uuid, nth: usize) -> anyhow::Result<()> {
        let (debtor, account) = (ids::next(), ids::next());
        let placed = business.began + TimeDelta::minutes(i64::try_from(nth * 1_400_000 / business.accounts)?);
        let touched = placed + TimeDelta::minutes((share(nth, 10) * 20_000.0) as i64);
        let (first, last) = name(nth);
        let name_key = format!("{last} {first}");
        let language = weighted(nth, 11, &LANGUAGES);
        let at = placed.to_rfc3339();
        writeln!(
            self.debtors,
            "{debtor}\t{first}\t{last}\t{name_key}\t{language}\t{key}\t{key}\t{at}\t{at}"
        )?;
        self.add_contacts(&business.tenant.keys, debtor, nth, &at)?;
        let placement = nth * PLACEMENTS / business.accounts;
        let creditor = pick(placement, 12, CREDITORS, 2.0);
        let status = weighted(nth, 13, &STATUSES);
        // Each creditor has debts of its own size.
        let balance = 5_000 + (share(nth, 14).powi(3) * 400_000.0 * (creditor + 1) as f64) as i64;
        let due = if share(nth, 15) < 0.15 {
            "\\N".to_owned()
        } else {
            (placed + TimeDelta::days(30 + (share(nth, 16) * 60.0) as i64))
                .date_naive()
                .to_string()
        };
        let worker = match share(nth, 17) {
            few if few < 0.0003 => business.agent.to_string(),
            nobody if nobody < 0.02 => "\\N".to_owned(),
            many if many < 0.08 => business.colleague.to_string(),
            other => Uuid::from_u128(business.colleague.as_u128() ^ (other * 60.0) as u128).to_string(),
        };
        writeln!(
            self.accounts,
            "{account}\t{debtor}\tS-{nth:07}\t{status}\tUSD\t{balance}\t{due}\t{worker}\t{}\t{}\t{name_key}\t{at}\t{}",
            business.creditors[creditor],
            business.placements[placement],
            touched.to_rfc3339()
        )?;
        for (salt, (tag, weight, only)) in (20..).zip(TAGS) {
            if share(nth, salt) < weight && (only.is_empty() || only == status) {
                writeln!(self.account_tags, "{account}\t{tag}")?;
            }
        }
        for (salt, (kind, weight)) in (30..).zip(HOLDS) {
            if share(nth, salt) < weight {
                writeln!(self.holds, "{}\t{debtor}\t{kind}\t{at}", ids::next())?;
            }
        }
        Ok(())
    }

    /// Nobody reads the values; they are found by their blind index.
    fn add_contacts(&mut self, keys: &TenantKeys, debtor: Uuid, nth: usize, at: &str) -> anyhow::Result<()> {
        for (kind, value) in [("PHONE", phone(nth)), ("EMAIL", email(nth))] {
            let blind = hex(&keys.blind(&value));
            writeln!(
                self.contact_points,
                "{}\t{debtor}\t{kind}\t1\t\\N\t{blind}\t1\tCREDITOR\t{at}",
                ids::next()
            )?;
        }
        Ok(())
    }

    async fn write(self, superuser: &mut PgConnection, business: Uuid) -> anyhow::Result<()> {
        for (table, columns, rows) in [
            (
                "debtors",
                "id, first_name, last_name, name_key, preferred_language, profile_key_id, record_key_id, created_at, updated_at",
                self.debtors,
            ),
            (
                "contact_points",
                "id, debtor_id, kind, ordinal, value_cipher, blind_index, blind_version, provenance, created_at",
                self.contact_points,
            ),
            (
                "accounts",
                "id, debtor_id, account_number, status, currency, balance_minor, due_date, assigned_agent_id, creditor_id, \
                 placement_id, debtor_name_key, created_at, updated_at",
                self.accounts,
            ),
            ("account_tags", "account_id, tag", self.account_tags),
            ("holds", "id, debtor_id, kind, placed_at", self.holds),
        ] {
            copy(superuser, table, columns, business, &rows).await?;
        }
        Ok(())
    }
}
