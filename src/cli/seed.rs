//! The demo data: fictional businesses and people, numbers from the range reserved for fiction (NANP 555-0100 to
//! 555-0199). Writing it again changes nothing.

use anyhow::Context as _;
use chrono::{NaiveDate, TimeDelta};
use secrecy::SecretString;
use std::sync::Arc;
use uuid::Uuid;

use crate::{
    access::Role,
    accounts::{
        Channel, NewAccount, NewContact, Origin, PostalAddress, contact_points_of, create_account,
        record_validation_notice, scoped_debtor_of_account,
    },
    app::{App, Databases},
    compliance::{
        ConsentSource, ConsentStatus, HoldKind, HoldSource, LicenseKind, NewConsent, NewLicense, Placement,
        place_hold, record_consent, rule_set::RuleSet, set_license,
    },
    config::{Config, Environment},
    conversations::route::connect_twilio,
    identity::{
        KnownMember, NewBusiness, add_known_member, add_known_super_admin, hash_password, insert_business,
    },
    platform::{
        clock::SystemWallClock,
        context::{SystemCtx, TenantCtx},
        db::{Db, TenantTx},
        email::EmailAddress,
        ids,
        keys::Keyring,
        money::{Currency, Money},
        phone::PhoneNumber,
    },
    portal::address_of_newest_link,
};

/// Every demo user's password.
pub const DEMO_PASSWORD: &str = "correct horse battery staple";
/// Every demo user's TOTP secret, in base32.
pub const DEMO_TOTP_SECRET: &str = "JBSWY3DPEHPK3PXP";

/// The demo's super admin, with the same password and second factor as everybody else of the demo.
pub const DEMO_SUPER_ADMIN: &str = "super@funnelchat.example";

/// A demo business.
#[derive(Clone, Copy, Debug)]
pub struct DemoBusiness {
    pub slug: &'static str,
    pub name: &'static str,
    pub role: &'static str,
    pub sms_route_approved: bool,
    pub number: &'static str,
    /// The letter of which its Twilio SID is made, and the digit of its token.
    twilio: (char, char),
    /// The last two digits of its debtors' numbers run from here.
    first_line: usize,
}

impl DemoBusiness {
    /// Its Twilio AccountSid, in the sandbox only.
    pub fn twilio_sid(&self) -> String {
        format!("AC{}", self.twilio.0.to_string().repeat(32))
    }

    /// Its Twilio auth token, in the sandbox only.
    pub fn twilio_token(&self) -> String {
        self.twilio.1.to_string().repeat(32)
    }

    /// The ZIP code of its n-th debtor.
    pub fn zip(&self, nth: usize) -> &'static str {
        PEOPLE.get(nth).map_or("", |person| person.zip)
    }

    /// The number of its n-th debtor's account.
    fn account_number(&self, nth: usize) -> String {
        format!("{}-{:05}", self.slug.to_uppercase(), 10_001 + nth)
    }

    /// Its debtors' names and numbers.
    pub fn debtors(&self) -> impl Iterator<Item = (String, String)> + use<'_> {
        PEOPLE.iter().enumerate().map(|(index, person)| {
            (
                format!("{} {}", person.first, person.last),
                self.number_of(index, person),
            )
        })
    }

    fn number_of(&self, index: usize, person: &Person) -> String {
        format!("+1{}55501{:02}", person.area_code, self.first_line + index)
    }
}

/// The demo businesses.
pub const BUSINESSES: [DemoBusiness; 2] = [
    DemoBusiness {
        slug: "acme",
        name: "Acme Recovery",
        role: "THIRD_PARTY_COLLECTOR",
        sms_route_approved: true,
        number: "+12125550100",
        twilio: ('a', '1'),
        first_line: 10,
    },
    DemoBusiness {
        slug: "globex",
        name: "Globex Health",
        role: "FIRST_PARTY_CREDITOR",
        sms_route_approved: false,
        number: "+13125550100",
        twilio: ('b', '2'),
        first_line: 50,
    },
];

/// Why a demo debtor cannot simply be written to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Snag {
    None,
    NoConsent,
    ConsentThroughCreditor,
    CeaseNotice,
    Attorney,
}

struct Person {
    first: &'static str,
    last: &'static str,
    state: &'static str,
    zip: &'static str,
    area_code: &'static str,
    language: &'static str,
    cents: i64,
    snag: Snag,
}

const fn person(
    name: (&'static str, &'static str),
    place: (&'static str, &'static str, &'static str),
    language: &'static str,
    cents: i64,
    snag: Snag,
) -> Person {
    Person {
        first: name.0,
        last: name.1,
        state: place.0,
        zip: place.1,
        area_code: place.2,
        language,
        cents,
        snag,
    }
}

const PEOPLE: [Person; 25] = [
    person(
        ("Maria", "Alvarez"),
        ("NY", "10027", "212"),
        "en",
        125_050,
        Snag::None,
    ),
    person(
        ("James", "Carter"),
        ("IL", "60614", "312"),
        "en",
        48_900,
        Snag::None,
    ),
    person(
        ("Linh", "Tran"),
        ("CA", "94110", "415"),
        "en",
        310_000,
        Snag::None,
    ),
    person(
        ("Rosa", "Jimenez"),
        ("TX", "77002", "713"),
        "es",
        87_425,
        Snag::None,
    ),
    person(
        ("Aaron", "Cohen"),
        ("NY", "11201", "718"),
        "en",
        22_000,
        Snag::None,
    ),
    person(
        ("Keisha", "Brown"),
        ("GA", "30303", "404"),
        "en",
        145_099,
        Snag::None,
    ),
    person(
        ("Daniel", "O'Brien"),
        ("MA", "02108", "617"),
        "en",
        63_000,
        Snag::None,
    ),
    person(
        ("Priya", "Patel"),
        ("NJ", "07302", "201"),
        "en",
        99_999,
        Snag::None,
    ),
    person(
        ("Carlos", "Mendoza"),
        ("AZ", "85004", "602"),
        "es",
        54_310,
        Snag::None,
    ),
    person(
        ("Emily", "Nguyen"),
        ("WA", "98101", "206"),
        "en",
        18_750,
        Snag::None,
    ),
    person(
        ("Robert", "Kealoha"),
        ("HI", "96813", "808"),
        "en",
        220_000,
        Snag::None,
    ),
    person(
        ("Anna", "Kowalski"),
        ("OH", "44113", "216"),
        "en",
        31_200,
        Snag::None,
    ),
    person(
        ("Marcus", "Johnson"),
        ("MI", "48226", "313"),
        "en",
        76_540,
        Snag::None,
    ),
    person(
        ("Sofia", "Rivera"),
        ("FL", "33130", "305"),
        "es",
        410_005,
        Snag::None,
    ),
    person(
        ("William", "Becker"),
        ("CO", "80202", "303"),
        "en",
        9_900,
        Snag::None,
    ),
    person(("Grace", "Kim"), ("OR", "97204", "503"), "en", 66_666, Snag::None),
    person(
        ("Peter", "Novak"),
        ("MN", "55401", "612"),
        "en",
        12_345,
        Snag::None,
    ),
    person(
        ("Tanya", "Begay"),
        ("NM", "87102", "505"),
        "en",
        83_000,
        Snag::None,
    ),
    person(
        ("Luis", "Ortega"),
        ("NV", "89101", "702"),
        "es",
        150_000,
        Snag::None,
    ),
    person(
        ("Hannah", "Larsen"),
        ("UT", "84101", "801"),
        "en",
        27_075,
        Snag::None,
    ),
    person(
        ("George", "Whitfield"),
        ("TN", "37201", "615"),
        "en",
        58_800,
        Snag::NoConsent,
    ),
    person(
        ("Ines", "Duarte"),
        ("CA", "90012", "213"),
        "es",
        71_000,
        Snag::NoConsent,
    ),
    person(
        ("Oscar", "Lindqvist"),
        ("MO", "63101", "314"),
        "en",
        34_560,
        Snag::ConsentThroughCreditor,
    ),
    person(
        ("Brenda", "Hughes"),
        ("PA", "19103", "215"),
        "en",
        92_010,
        Snag::CeaseNotice,
    ),
    person(
        ("Victor", "Salas"),
        ("TX", "79901", "915"),
        "es",
        105_500,
        Snag::Attorney,
    ),
];

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
            sms_route_approved: demo.sms_route_approved,
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
    tx.commit().await?;
    Ok(id)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

async fn write_accounts(
    db: &Db,
    keyring: &Keyring,
    demo: &DemoBusiness,
    business: Uuid,
) -> anyhow::Result<()> {
    let ctx = TenantCtx::for_service(business, "seed");
    let keys = keyring.business(db, business).await?;
    for (index, person) in PEOPLE.iter().enumerate() {
        let mut tx = db.tenant(&ctx).await?;
        let account = create_account(&mut tx, keyring, db, new_account(demo, index, person)?)
            .await
            .map_err(|error| anyhow::anyhow!("{} {}: {error:?}", person.first, person.last))?;
        let today = tx.now().date_naive();
        record_validation_notice(
            &mut tx,
            account,
            today - TimeDelta::days(60),
            today - TimeDelta::days(25),
        )
        .await?;
        let debtor = scoped_debtor_of_account(&mut tx, account)
            .await?
            .context("the account has a debtor")?;
        let phone = contact_points_of(&mut tx, &[debtor])
            .await?
            .into_iter()
            .find(|point| point.kind == "PHONE")
            .context("the debtor has a phone")?;
        if person.snag != Snag::NoConsent {
            let direct = person.snag != Snag::ConsentThroughCreditor;
            let consent = NewConsent::granted(phone.id, Channel::Sms, ConsentSource::WebForm);
            let consent = if direct {
                consent
            } else {
                NewConsent {
                    status: ConsentStatus::ImpliedFromCreditor,
                    given_directly: false,
                    source: ConsentSource::Creditor,
                    ..consent
                }
            };
            record_consent(&mut tx, &keys, consent).await?;
        }
        match person.snag {
            Snag::CeaseNotice => hold(&mut tx, debtor, HoldKind::CeaseContact).await?,
            Snag::Attorney => hold(&mut tx, debtor, HoldKind::AttorneyRepresented).await?,
            Snag::None | Snag::NoConsent | Snag::ConsentThroughCreditor => {}
        }
        tx.commit().await?;
    }
    Ok(())
}

async fn hold(tx: &mut TenantTx, debtor: Uuid, kind: HoldKind) -> anyhow::Result<()> {
    place_hold(tx, Placement::new(debtor, kind, HoldSource::Import)).await?;
    Ok(())
}

fn new_account(demo: &DemoBusiness, index: usize, person: &Person) -> anyhow::Result<NewAccount> {
    let local = format!(
        "{}.{}",
        person.first.to_lowercase(),
        person.last.to_lowercase().replace('\'', "")
    );
    Ok(NewAccount {
        debtor_id: None,
        external_debtor_reference: Some(format!("{}-{:04}", demo.slug.to_uppercase(), index + 1)),
        first_name: person.first.to_owned(),
        last_name: person.last.to_owned(),
        account_number: demo.account_number(index),
        contacts: vec![
            NewContact::Phone(PhoneNumber::parse_e164(&demo.number_of(index, person))?),
            NewContact::Email(EmailAddress::parse(&format!("{local}@mail.example"))?),
        ],
        address: Some(PostalAddress {
            line1: Some(format!("{} Example Street", 100 + index)),
            line2: None,
            city: None,
            state: Some(person.state.to_owned()),
            postal_code: Some(person.zip.to_owned()),
            country: Some("US".to_owned()),
        }),
        birth_date: None,
        national_id: None,
        origin: Origin::default(),
        components: None,
        original_creditor: Some("First Example Bank".to_owned()),
        current_balance: Money::from_minor(person.cents, Currency::USD),
        original_balance: None,
        due_date: None,
        tags: if index.is_multiple_of(5) {
            vec!["demo".to_owned()]
        } else {
            Vec::new()
        },
        notes: None,
        preferred_language: person.language.to_owned(),
        custom_fields: None,
    })
}
