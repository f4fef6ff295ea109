//! The demo people's accounts, and what stands in the way of writing to some of them.

use anyhow::Context as _;
use chrono::TimeDelta;
use uuid::Uuid;

use super::people::{DemoBusiness, PEOPLE, Person, Snag};
use crate::{
    accounts::{
        Channel, NewAccount, NewContact, Origin, PostalAddress, ValidationDates, contact_points_of,
        create_account, scoped_debtor_of_account, set_validation_dates,
    },
    compliance::{
        ConsentSource, ConsentStatus, HoldKind, HoldSource, NewConsent, Placement, place_hold, record_consent,
    },
    platform::{
        context::TenantCtx,
        db::{Db, TenantTx},
        email::EmailAddress,
        keys::Keyring,
        money::{Currency, Money},
        phone::PhoneNumber,
    },
};

pub(super) async fn write_accounts(
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
            .map_err(|error| anyhow::anyhow!("{} {}: {error:?}", person.first, person.last))?
            .id;
        let today = tx.now().date_naive();
        let dates = ValidationDates {
            initial_communication_on: Some(today - TimeDelta::days(60)),
            notice_on: Some(today - TimeDelta::days(60)),
            period_ends_on: Some(today - TimeDelta::days(25)),
        };
        set_validation_dates(&mut tx, account, dates).await?;
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
        company_name: None,
        account_number: Some(demo.account_number(index)),
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
        debt_type: None,
        tags: if index.is_multiple_of(5) {
            vec!["demo".to_owned()]
        } else {
            Vec::new()
        },
        notes: None,
        preferred_language: Some(person.language.to_owned()),
        custom_fields: None,
    })
}
