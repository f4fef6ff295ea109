//! A permit never outlives what takes it back: whatever is said between the decision and the contact, and by whomever, the
//! contact is not made.

use chrono::TimeDelta;
use funnelchat::{
    accounts::{Channel, lock_person},
    compliance::{Author, Contact, decide_to_dispatch},
    platform::ids::{self, IdKind},
};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};
use uuid::Uuid;

use crate::support::{Client, SEND, TestApp, data, recipes::settings_version, send_refused};

/// Among the demo people so many at least may be texted, and so many stories are told.
const PEOPLE: usize = 4;
const CASES: usize = 60;

/// What the text says that the law wants in it.
const TEXT: &str = "Can we talk? This communication is from a debt collector. Reply STOP to opt out.";

/// What somebody says or does that ends a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Revocation {
    /// The debtor, by the word that the vendor knows.
    Stop,
    /// The debtor, in their own words: nobody is to contact them on any channel.
    Cease,
    /// Staff learn of something.
    Hold,
    /// Staff put the number on the business's own list.
    Suppression,
    /// Staff take the consent back that the debtor withdrew on the telephone.
    Consent,
    /// The business tightens its hours.
    Settings,
}

/// Where in the life of a permit it falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Before the gate is asked.
    Before,
    /// Between its answer and the end of that transaction.
    Undecided,
    /// Between the end of the transaction and the contact.
    Between,
    /// It never comes.
    Never,
}

impl Revocation {
    /// Whoever says this of a person waits for the person's lock: while a dispatch decides, they stand behind it.
    fn waits_for_the_person(self) -> bool {
        matches!(self, Self::Cease | Self::Hold | Self::Consent)
    }
}

fn case() -> impl Strategy<Value = (usize, Revocation, Moment, Option<(usize, Revocation)>)> {
    let kind = || {
        prop_oneof![
            Just(Revocation::Stop),
            Just(Revocation::Cease),
            Just(Revocation::Hold),
            Just(Revocation::Suppression),
            Just(Revocation::Consent),
            Just(Revocation::Settings),
        ]
    };
    let moment = prop_oneof![
        Just(Moment::Before),
        Just(Moment::Undecided),
        Just(Moment::Between),
        Just(Moment::Never),
    ];
    // What somebody else says meanwhile concerns them alone.
    let others = kind().prop_filter("a business's settings concern all", |kind| {
        *kind != Revocation::Settings
    });
    let meanwhile = proptest::option::of((any::<usize>(), others));
    (any::<usize>(), kind(), moment, meanwhile)
}

struct World {
    app: TestApp,
    admin: Client,
    people: Vec<Person>,
}

#[derive(Clone)]
struct Person {
    debtor: Uuid,
    account: Uuid,
    point: Uuid,
    phone: String,
}

async fn act(client: &Client, name: &str, input: Value) {
    let (first, rest) = name.split_at(1);
    let document = format!(
        "mutation($i: {}{rest}Input!) {{ {name}(input: $i) {{ userErrors {{ code message }} }} }}",
        first.to_uppercase()
    );
    let answer = client.gql(&document, json!({ "i": input })).await;
    assert_eq!(data(&answer)[name]["userErrors"], json!([]), "{name} {input}");
}

impl World {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let admin = app.acme.sign_in("admin").await;
        let mut people = Vec::new();
        for nth in 0..app.acme.demo.debtors().count() {
            let account = ids::decode(IdKind::Account, &app.account_id(&app.acme, nth).await).unwrap();
            let row =
                "SELECT c.debtor_id, c.id FROM contact_points c JOIN accounts a ON a.debtor_id = c.debtor_id
                       WHERE a.id = $1 AND c.kind = 'PHONE' ORDER BY c.ordinal LIMIT 1";
            let row = app
                .superuser()
                .await
                .fetch_one(sqlx::query(row).bind(account))
                .await
                .unwrap();
            people.push(Person {
                debtor: row.get(0),
                account,
                point: row.get(1),
                phone: app.acme.debtor_number(nth),
            });
        }
        Self { app, admin, people }
    }

    async fn happens(&self, kind: Revocation, person: &Person) {
        let debtor = ids::encode(IdKind::Debtor, person.debtor);
        let app = &self.app;
        match kind {
            Revocation::Stop => assert_eq!(app.text_arrives(&app.acme, &person.phone, "STOP").await, 200),
            Revocation::Cease => {
                let words = "Do not contact me again, in any way.";
                assert_eq!(app.text_arrives(&app.acme, &person.phone, words).await, 200);
            }
            Revocation::Hold => {
                let hold =
                    json!({ "debtorId": debtor, "kind": "BANKRUPTCY", "reason": "A letter of the court." });
                act(&self.admin, "setHold", hold).await;
            }
            Revocation::Suppression => {
                let entry = json!({ "phone": person.phone, "note": "They asked by letter." });
                act(&self.admin, "suppressContact", entry).await;
            }
            Revocation::Consent => {
                let word = json!({ "contactPointId": ids::encode(IdKind::ContactPoint, person.point), "channel": "SMS",
                    "source": "CALL" });
                act(&self.admin, "revokeConsent", word).await;
            }
            Revocation::Settings => {
                let version = settings_version(&self.admin).await;
                let settings =
                    json!({ "contactPolicy": { "contactFrom": "19:00" }, "expectedVersion": version });
                act(&self.admin, "updateBusinessSettings", settings).await;
            }
        }
    }

    /// One contact from its decision to the vendor's door: whether it would be made.
    async fn contact(
        &self,
        person: &Person,
        kind: Revocation,
        moment: Moment,
        other: Option<(&Person, Revocation)>,
    ) -> bool {
        if moment == Moment::Before {
            self.happens(kind, person).await;
        }
        let (app, ctx) = (&self.app.app, self.app.service_ctx(&self.app.acme).await);
        let keys = app.keyring.business(&app.db, ctx.business_id()).await.unwrap();
        let mut tx = app.db.tenant(&ctx).await.unwrap();
        let lock = lock_person(&mut tx, person.debtor).await.unwrap();
        let contact = Contact {
            debtor_id: person.debtor,
            account_id: Some(person.account),
            channel: Channel::Sms,
            recipient: &person.phone,
            content: TEXT,
            in_reply_to: None,
            mode: None,
            author: Author::Unknown,
            cease_notice: None,
            dispute_answer: None,
            is_template: false,
        };
        let decided = decide_to_dispatch(&mut tx, &keys, &lock, &contact).await.unwrap();
        let (_, reservation) = decided.expect("the person is there");
        if moment == Moment::Undecided && !kind.waits_for_the_person() {
            self.happens(kind, person).await;
        }
        let committed = tx.commit().await.unwrap();
        let Some(reservation) = reservation else {
            return false;
        };
        if moment == Moment::Between || moment == Moment::Undecided && kind.waits_for_the_person() {
            self.happens(kind, person).await;
        }
        if let Some((other, kind)) = other {
            self.happens(kind, other).await;
        }
        let mut tx = app.db.tenant(&ctx).await.unwrap();
        let permit = reservation.confirm(&committed, &mut tx).await.unwrap();
        tx.finish_read().await.unwrap();
        let Some(permit) = permit else { return false };
        permit
            .spend(Channel::Sms, &person.phone, TEXT, app.clock.now())
            .is_ok()
    }

    /// As if nothing had been said: the next case begins anew.
    async fn forget(&self) {
        let mut superuser = self.app.superuser().await;
        superuser
            .execute(
                "UPDATE holds SET lifted_at = placed_at WHERE lifted_at IS NULL AND source IN ('PERSON', 'INBOUND_TEXT');
                 UPDATE suppressions SET lifted_at = created_at WHERE lifted_at IS NULL;
                 UPDATE contact_slots SET released_at = reserved_at WHERE released_at IS NULL;
                 DELETE FROM contact_policies;
                 DELETE FROM queue._private_jobs;
                 UPDATE provider_events SET processed_at = received_at, due_at = NULL, payload_cipher = NULL,
                     is_acted_on = true WHERE processed_at IS NULL;
                 SET session_replication_role = replica;
                 DELETE FROM consents WHERE status = 'REVOKED';",
            )
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn whatever_takes_a_permission_back_before_the_contact_stops_it_and_nothing_of_others_does() {
    let world = World::new().await;
    let mut able = Vec::new();
    for person in &world.people {
        if world.contact(person, Revocation::Stop, Moment::Never, None).await {
            able.push(person.clone());
        }
    }
    world.forget().await;
    assert!(able.len() >= PEOPLE, "{} people may be texted", able.len());
    let cases = case();
    let mut runner = TestRunner::deterministic();
    let (mut made, mut stopped) = (0, 0);
    for _ in 0..CASES {
        let (nth, kind, moment, other) = cases.new_tree(&mut runner).unwrap().current();
        let person = &able[nth % able.len()];
        let other = other
            .map(|(other, kind)| (&able[other % able.len()], kind))
            .filter(|(other, _)| other.debtor != person.debtor);
        let is_made = world.contact(person, kind, moment, other).await;
        assert_eq!(is_made, moment == Moment::Never, "{kind:?} {moment:?}");
        match is_made {
            true => made += 1,
            false => stopped += 1,
        }
        world.forget().await;
    }
    assert!(made >= CASES / 8 && stopped >= CASES / 2, "{made} {stopped}");
    world.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_texts_that_leave_while_people_say_stop_none_was_permitted_after_the_word() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let mut messages = Vec::new();
    for nth in 0..8 {
        let thread = app.thread_with(&agent, &app.acme, nth).await;
        let sent = agent
            .gql(SEND, json!({ "c": thread, "text": "Does Friday suit you?" }))
            .await;
        if let Some(id) = data(&sent)["sendMessage"]["message"]["id"].as_str() {
            messages.push((nth, id.to_owned()));
        }
    }
    assert!(messages.len() >= 4, "{messages:?}");
    let words = [
        "STOP",
        "Do not contact me again, in any way.",
        "I have an attorney.",
    ];
    let said = messages.iter().enumerate().map(|(place, (nth, _))| {
        let (app, phone) = (&app, app.acme.debtor_number(*nth));
        async move {
            let word = words[place % words.len()];
            assert_eq!(app.text_arrives(&app.acme, &phone, word).await, 200);
        }
    });
    tokio::join!(app.run_due_jobs(), futures_util::future::join_all(said));
    // What waited for a text, or was taken back at the last moment, is decided anew.
    for _ in 0..3 {
        app.run_jobs().await;
        app.advance(TimeDelta::seconds(61)).await;
    }
    app.run_jobs().await;

    let late = "SELECT count(*) FROM delivery_attempts t
         JOIN audit_events d ON d.object_id = t.message_id AND d.action = 'message.dispatched'
         JOIN audit_events r ON r.debtor_id = t.debtor_id AND r.action IN ('suppression.recorded', 'hold.placed')
         WHERE t.state <> 'REFUSED' AND r.position < d.position";
    let late = app.superuser().await.fetch_one(late).await.unwrap();
    assert_eq!(
        late.get::<i64, _>(0),
        0,
        "each that left stands before the word in the trail"
    );
    for (nth, message) in &messages {
        let status = app.status(message).await;
        let on_the_phone = app.received_by(&app.acme.debtor_number(*nth)).len();
        match status.as_str() {
            // The vendor heard the word first, and let nothing through any more.
            "BLOCKED" | "FAILED" => assert_eq!(on_the_phone, 0),
            "DELIVERED" => assert_eq!(on_the_phone, 1),
            other => panic!("neither sent nor stopped: {other}"),
        }
    }
    // Who said it is written to no more.
    let thread = app.thread_with(&agent, &app.acme, messages[0].0).await;
    send_refused(&agent, &thread, "Are you sure?").await;
    app.finish().await;
}
