//! The demo data: fictional businesses and people, numbers from the range reserved for fiction (NANP 555-0100 to
//! 555-0199). Writing it again changes nothing.

mod accounts;
mod people;
mod templates;

use anyhow::Context as _;
use chrono::NaiveDate;
use secrecy::SecretString;
use std::sync::Arc;
use uuid::Uuid;

use crate::{
    access::Role,
    app::{App, Databases},
    compliance::{LicenseKind, NewLicense, rule_set::RuleSet, set_license},
    config::{Config, Environment},
    conversations::route::connect_twilio,
    identity::{
        KnownMember, NewApproval, NewBusiness, ProviderApprovalKind, add_known_member, add_known_super_admin,
        hash_password, insert_approval, insert_business,
    },
    payments::connect_stripe,
    platform::{
        clock::SystemWallClock,
        context::{SystemCtx, TenantCtx},
        db::{Db, SystemTx},
        email::EmailAddress,
        ids,
        keys::Keyring,
    },
    portal::address_of_newest_link,
};

use accounts::write_accounts;
pub use people::{BUSINESSES, DemoBusiness};

/// Every demo user's password.
pub const DEMO_PASSWORD: &str = "correct horse battery staple";
/// The demo platform's key at the sandbox's Stripe.
pub const DEMO_STRIPE_KEY: &str = "sk_test_demo_platform";
/// What the sandbox's Stripe signs webhooks about connected accounts with.
pub const DEMO_STRIPE_WEBHOOK_SECRET: &str = "whsec_demo_connect";
/// Every demo user's TOTP secret, in base32.
pub const DEMO_TOTP_SECRET: &str = "JBSWY3DPEHPK3PXP";

/// The demo's super admin, with the same password and second factor as everybody else of the demo.
pub const DEMO_SUPER_ADMIN: &str = "super@funnelchat.example";

/// `seed`: on the configured database.
pub(super) async fn seed_configured(config: &Config) -> anyhow::Result<()> {
    let urls = config.database.urls.as_ref().context("DATABASE_URL is not set")?;
    let app = App::build(config, &Databases::parse(urls)?, Arc::new(SystemWallClock)).await?;
    // Everybody knows the demo's password: nobody has it who could look into every business of a real platform.
    let written = match config.environment {
        Environment::Development => seed(&app.db, &app.keyring).await?,
        Environment::Production => seed_businesses(&app.db, &app.keyring).await?,
    };
    println!("{written} demo business(es) written");
    app.close().await;
    Ok(())
}

/// Writes what is missing; returns how many businesses that were.
///
/// # Errors
/// When the database refuses something.
pub async fn seed(db: &Db, keyring: &Keyring) -> anyhow::Result<usize> {
    write_super_admin(db, keyring).await?;
    seed_businesses(db, keyring).await
}

async fn seed_businesses(db: &Db, keyring: &Keyring) -> anyhow::Result<usize> {
    let mut written = 0;
    let mut password_hash = None;
    for demo in &BUSINESSES {
        if exists(db, demo.slug).await? {
            continue;
        }
        let hash = match &password_hash {
            Some(hash) => hash,
            None => password_hash.insert(hash_password(&SecretString::from(DEMO_PASSWORD)).await?),
        };
        let business = write_business(db, keyring, demo, hash).await?;
        write_licenses(db, demo, business).await?;
        templates::write_templates(db, demo, business).await?;
        write_accounts(db, keyring, demo, business).await?;
        written += 1;
    }
    Ok(written)
}

/// A collector for others holds what the states ask for.
async fn write_licenses(db: &Db, demo: &DemoBusiness, business: Uuid) -> anyhow::Result<()> {
    if demo.role != "THIRD_PARTY_COLLECTOR" {
        return Ok(());
    }
    let mut tx = db.tenant(&TenantCtx::for_service(business, "seed")).await?;
    for row in RuleSet::current().states().filter(|row| row.licence) {
        let license = NewLicense {
            id: None,
            state: row.code.clone(),
            kind: LicenseKind::CollectionAgency,
            number: format!("{}-{}-2020", demo.slug.to_uppercase(), row.code),
            valid_from: NaiveDate::from_ymd_opt(2020, 1, 1).context("a date")?,
            valid_until: None,
        };
        set_license(&mut tx, license).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// A link by which the first debtor of the first demo business signs in.
pub(super) struct DemoLink {
    pub(super) name: String,
    pub(super) number: String,
    pub(super) address: String,
}

/// Gives it, by the address at which the service is reached now.
pub(super) async fn demo_link(app: &App) -> anyhow::Result<DemoLink> {
    let [demo, ..] = &BUSINESSES;
    let (name, number) = demo.debtors().next().context("the demo has debtors")?;
    let mut tx = app.db.system(&SystemCtx::for_reason("demo link", "seed")).await?;
    let business = sqlx::query_scalar!("SELECT id FROM businesses WHERE slug = $1", demo.slug)
        .fetch_one(tx.conn())
        .await?;
    tx.commit().await?;
    let mut tx = app.db.tenant(&TenantCtx::for_service(business, "seed")).await?;
    let account = sqlx::query_scalar!(
        "SELECT id FROM accounts WHERE business_id = $1 AND account_number = $2",
        business,
        demo.account_number(0),
    )
    .fetch_one(tx.conn())
    .await?;
    let address = address_of_newest_link(&mut tx, &app.portal, account)
        .await
        .map_err(|error| anyhow::anyhow!("the demo debtor's link: {error:?}"))?;
    tx.commit().await?;
    Ok(DemoLink {
        name,
        number,
        address,
    })
}

async fn exists(db: &Db, slug: &str) -> anyhow::Result<bool> {
    let mut tx = db.system(&SystemCtx::for_reason("demo data", "seed")).await?;
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM businesses WHERE slug = $1) AS "found!""#,
        slug
    )
    .fetch_one(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(found)
}

/// The platform's own staff; what is there already stays.
async fn write_super_admin(db: &Db, keyring: &Keyring) -> anyhow::Result<()> {
    let email = EmailAddress::parse(DEMO_SUPER_ADMIN)?;
    let mut tx = db.system(&SystemCtx::for_reason("demo data", "seed")).await?;
    let blind = keyring.platform_blind(&email.normalised());
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM identities WHERE email_blind = $1) AS "found!""#,
        blind.as_slice()
    )
    .fetch_one(tx.conn())
    .await?;
    tx.commit().await?;
    if known {
        return Ok(());
    }
    let hash = hash_password(&SecretString::from(DEMO_PASSWORD)).await?;
    let mut tx = db.system(&SystemCtx::for_reason("demo data", "seed")).await?;
    add_known_super_admin(&mut tx, keyring, &email, &hash, demo_totp_secret()?.as_ref()).await?;
    Ok(tx.commit().await?)
}

fn demo_totp_secret() -> anyhow::Result<totp_rs::Secret> {
    totp_rs::Secret::try_from_base32(DEMO_TOTP_SECRET).map_err(|error| anyhow::anyhow!("{error:?}"))
}

async fn write_business(db: &Db, keyring: &Keyring, demo: &DemoBusiness, hash: &str) -> anyhow::Result<Uuid> {
    let id = ids::next();
    let mut tx = db.system(&SystemCtx::for_reason("demo data", "seed")).await?;
    insert_business(
        &mut tx,
        &NewBusiness {
            id,
            slug: demo.slug.to_owned(),
            name: demo.name.to_owned(),
            role: demo.role,
            status: "ACTIVE",
            wrapped_key: keyring.new_business_key(id, 1)?,
        },
    )
    .await?;
    let secret = demo_totp_secret()?;
    for (login, role) in [
        ("admin", Role::BusinessAdmin),
        ("manager", Role::Manager),
        ("agent", Role::Agent),
        ("compliance", Role::ComplianceOfficer),
    ] {
        let email = EmailAddress::parse(&format!("{login}@{}.example", demo.slug))?;
        let member = KnownMember {
            business_id: id,
            email: &email,
            name: &format!("{} of {}", capitalised(login), demo.name),
            role,
            password_hash: hash,
            totp_secret: secret.as_ref(),
        };
        add_known_member(&mut tx, keyring, member).await?;
    }
    let token = SecretString::from(demo.twilio_token());
    connect_twilio(&mut tx, keyring, id, &demo.twilio_sid(), &token, &[demo.number]).await?;
    connect_stripe(&mut tx, id, &demo.stripe_account()).await?;
    write_approvals(&mut tx, demo, id).await?;
    tx.commit().await?;
    Ok(id)
}

/// Carriers take texts of registered campaigns only; a collector for others needs the route's approval too.
async fn write_approvals(tx: &mut SystemTx, demo: &DemoBusiness, business: Uuid) -> anyhow::Result<()> {
    let route = (demo.role == "THIRD_PARTY_COLLECTOR").then_some(ProviderApprovalKind::SmsRoute);
    for kind in std::iter::once(ProviderApprovalKind::SmsCampaign10Dlc).chain(route) {
        let new = NewApproval {
            business,
            kind,
            reference: "Demo",
            valid_from: tx.now(),
            valid_until: None,
        };
        insert_approval(tx, &new, None).await?;
    }
    Ok(())
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}
