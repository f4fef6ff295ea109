//! Accounts to be found.

use chrono::TimeDelta;
use funnelchat::{
    accounts::{NewAccount, NewContact, Origin, create_account, create_creditor, create_placement},
    compliance::{NewHold, set_hold},
    platform::{
        email::EmailAddress,
        ids::{self, IdKind},
        money::Money,
        phone::PhoneNumber,
    },
};
use sqlx::Executor as _;
use uuid::Uuid;

use super::{HOLDS, LANGUAGES, STATUSES, TAGS};
use crate::support::{TestApp, noon};

/// Accounts beside the demo data's.
pub const ACCOUNTS: usize = 220;

const FIRST: [&str; 6] = ["Ana", "Anabel", "María", "Jo", "Dana-Lee", "Ana María"];
const LAST: [&str; 6] = ["Lopez", "Lopez-Garcia", "O'Neil", "Anason", "de la Cruz", "100%"];

/// What can be named.
#[derive(Clone, Debug)]
pub struct World {
    pub creditors: Vec<String>,
    pub placements: Vec<String>,
    pub agents: Vec<String>,
}

/// Accounts with every property in many combinations, many of them equal in what lists are ordered by.
pub async fn people_the_world(app: &TestApp) -> (World, Vec<Uuid>) {
    let service = app.service_ctx(&app.acme).await;
    let mut tx = app.app.db.tenant(&service).await.unwrap();
    let (mut creditors, mut placements) = (Vec::new(), Vec::new());
    for name in ["First Bank", "A Clinic"] {
        let creditor = create_creditor(&mut tx, name).await.unwrap();
        creditors.push(creditor);
        placements.push(create_placement(&mut tx, creditor, "June", None).await.unwrap());
    }
    let mut made = Vec::new();
    for nth in 0..ACCOUNTS {
        let cents = i64::try_from(nth * 7919 % 97 * 5_000).unwrap();
        let due = (nth % 4 != 0)
            .then(|| (noon() + TimeDelta::days(i64::try_from(nth * 31 % 77).unwrap() - 38)).date_naive());
        let tags = TAGS.iter().enumerate().filter(|(at, _)| nth % (at + 2) == 0);
        let contacts = vec![
            NewContact::Phone(
                PhoneNumber::parse_lenient(&format!("+16465550{:03}", nth % 100), "US").unwrap(),
            ),
            NewContact::Email(EmailAddress::parse(&format!("person{nth}@mail.example")).unwrap()),
        ];
        let new = NewAccount {
            debtor_id: None,
            // Some people have several debts.
            external_debtor_reference: Some(format!("person {}", nth % 150)),
            first_name: FIRST[nth % 150 % 6].to_owned(),
            last_name: LAST[nth % 150 / 6 % 6].to_owned(),
            company_name: None,
            account_number: Some(format!("P-{nth:04}")),
            contacts,
            address: None,
            birth_date: None,
            national_id: None,
            original_creditor: None,
            origin: Origin {
                creditor_id: (nth % 3 != 0).then(|| creditors[nth % 2]),
                placement_id: (nth % 3 == 1).then(|| placements[nth % 2]),
            },
            current_balance: Money::from_minor(cents, "USD".parse().unwrap()),
            components: None,
            original_balance: None,
            due_date: due,
            debt_type: None,
            tags: tags.map(|(_, tag)| (*tag).to_owned()).collect(),
            notes: None,
            preferred_language: Some(LANGUAGES[nth % 150 % 3].to_owned()),
            custom_fields: None,
        };
        made.push(
            create_account(&mut tx, &app.app.keyring, &app.app.db, new)
                .await
                .unwrap()
                .id,
        );
    }
    for (nth, id) in made.iter().enumerate().step_by(5) {
        let debtor: Uuid = sqlx::query_scalar("SELECT debtor_id FROM accounts WHERE id = $1")
            .bind(id)
            .fetch_one(tx.conn())
            .await
            .unwrap();
        let hold = NewHold {
            debtor_id: Some(debtor),
            account_id: (nth % 2 == 0).then_some(*id),
            kind: HOLDS[nth / 5 % 4].1,
            reason: "A letter said so.",
        };
        // Of two debts of one person, the second may find the person's hold there.
        let _ = set_hold(&mut tx, &app.app.keyring, &app.app.db, hold).await;
    }
    tx.commit().await.unwrap();
    let encode = |kind: IdKind, all: &[Uuid]| all.iter().map(|id| ids::encode(kind, *id)).collect();
    let world = World {
        creditors: encode(IdKind::Creditor, &creditors),
        placements: encode(IdKind::Placement, &placements),
        agents: Vec::new(),
    };
    (world, made)
}

/// What no use case sets at will.
pub async fn scatter(app: &TestApp, made: &[Uuid], users: [Uuid; 2]) {
    let mut superuser = app.superuser().await;
    for (nth, id) in made.iter().enumerate() {
        let assigned = [None, None, Some(users[0]), Some(users[1])][nth % 4];
        sqlx::query(
            "UPDATE accounts SET status = $2, assigned_agent_id = $3, created_at = $4, updated_at = $5 WHERE id = $1",
        )
        .bind(id)
        .bind(STATUSES[nth * 5 % 6])
        .bind(assigned)
        .bind(noon() + TimeDelta::hours(i64::try_from(nth % 23).unwrap() - 11))
        .bind(noon() + TimeDelta::hours(i64::try_from(nth % 7).unwrap() - 3))
        .execute(&mut superuser)
        .await
        .unwrap();
    }
    // Those that are deleted are nowhere.
    superuser
        .execute("UPDATE accounts SET deleted_at = updated_at WHERE account_number LIKE 'P-00_7'")
        .await
        .unwrap();
}
