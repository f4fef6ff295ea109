//! A person is erased: what goes, what stays, who may ask, and what a crash in the middle leaves.

use chrono::TimeDelta;
use funnelchat::{
    audit::{Chain, verify_bundle, write_bundle},
    compliance::{Replayed, each_decision},
    platform::{crypto::DataKey, keys::WrappedKey},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor as _, Row as _};
use uuid::Uuid;

use super::{ERASE, Person, acts, erase, in_clear, keys_of, status_of};
use crate::{
    account_work::{account, act, create, holds::gate},
    support::{TestApp, data, error_code, user_errors},
};

const READ: &str = "query($d: ID!, $a: ID!, $c: ID!) {
  debtor(id: $d) { firstName lastName birthDate contactPoints { id } address { line1 } }
  account(id: $a) { accountNumber firstName lastName phone email customFields
    notes(first: 5) { edges { node { text } } } documents(first: 5) { edges { node { fileName description } } } }
  conversation(id: $c) { status messages(last: 5) { edges { node { content } } } } }";

/// The person's profile key as it is before it goes.
async fn profile_key(app: &TestApp, person: &Person) -> DataKey {
    let mut superuser = app.superuser().await;
    let row = sqlx::query(
        "SELECT id, business_key_version, wrapped, business_id FROM data_keys WHERE debtor_id = $1 AND purpose = 'PROFILE'",
    )
    .bind(person.uuid())
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    let keys = app.app.keyring.business(&app.app.db, row.get(3)).await.unwrap();
    let stored = WrappedKey {
        id: row.get(0),
        business_key_version: row.get(1),
        wrapped: row.get(2),
    };
    keys.data_key(&stored).unwrap().expect("a live key")
}

/// How many columns of the database open with a key.
async fn opened_with(app: &TestApp, key: &DataKey) -> usize {
    let business = app.business_id(&app.acme).await;
    let keys = app.app.keyring.business(&app.app.db, business).await.unwrap();
    let mut superuser = app.superuser().await;
    let columns = superuser
        .fetch_all(
            "SELECT c.relname::text, a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND a.atttypid = 'bytea'::regtype AND a.attnum > 0 AND NOT a.attisdropped
               AND EXISTS (SELECT FROM pg_attribute i WHERE i.attrelid = c.oid AND i.attname = 'id' AND i.atttypid = 'uuid'::regtype)",
        )
        .await
        .unwrap();
    assert!(columns.len() > 30, "the columns were found");
    let mut opened = 0;
    for column in columns {
        let table: &'static str = Box::leak(column.get::<String, _>(0).into_boxed_str());
        let name: &'static str = Box::leak(column.get::<String, _>(1).into_boxed_str());
        let rows = superuser
            .fetch_all(AssertSqlSafe(format!(
                "SELECT id, {name} FROM {table} WHERE {name} IS NOT NULL"
            )))
            .await
            .unwrap();
        for row in rows {
            let cipher: Vec<u8> = row.get(1);
            opened += usize::from(keys.open_text(key, table, name, row.get(0), &cipher).is_ok());
        }
    }
    opened
}

#[tokio::test]
async fn who_is_not_to_be_contacted_is_not_contacted_after_their_erasure_either() {
    let app = TestApp::start().await;
    let (admin, compliance) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("compliance").await,
    );
    let person = Person::make(&app, &admin, "Ottilie", 211).await;
    let cease = json!({ "debtorId": person.debtor, "kind": "CEASE_CONTACT", "reason": "A letter." });
    let held = act(&admin, "setHold", "hold { id }", cease).await;
    assert!(held["hold"]["id"].is_string(), "{held}");
    let payload = erase(&admin, &person.debtor).await;
    assert_eq!(user_errors(&payload), Vec::<&str>::new(), "{payload}");
    app.run_jobs().await;

    // The creditor places the debt anew, as if of somebody else.
    let placed = json!({ "firstName": "Ottilie", "lastName": "Anew", "accountNumber": "N-ANEW", "phone": person.phone,
        "currentBalance": { "amount": "120.50" }, "address": { "state": "NY", "postalCode": "10027" } });
    let placed = create(&admin, placed).await;
    let seen = account(&admin, &placed, "debtor { contactPoints { id } }").await;
    let consent = json!({ "contactPointId": seen["debtor"]["contactPoints"][0]["id"], "channel": "SMS",
        "source": "WEB_FORM", "text": "Yes, you may." });
    let given = act(&admin, "recordConsent", "consent { id }", consent).await;
    assert_eq!(user_errors(&given), Vec::<&str>::new(), "{given}");
    assert_eq!(
        gate(&compliance, &placed).await,
        ("DENY".to_owned(), "reg-f-medium-opt-out".to_owned())
    );
    app.finish().await;
}

#[tokio::test]
async fn an_erased_person_is_gone_from_every_place_but_the_records_that_the_law_keeps() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let person = Person::make(&app, &admin, "Ottilie", 211).await;
    let other = Person::make(&app, &admin, "Bystander", 212).await;
    // They opt out: that has to outlive them.
    app.text(&app.acme, &person.phone, "STOP").await;
    let key = profile_key(&app, &person).await;
    assert!(opened_with(&app, &key).await > 5, "the key opens the profile");
    let mut superuser = app.superuser().await;

    let payload = erase(&admin, &person.debtor).await;
    assert_eq!(user_errors(&payload), Vec::<&str>::new(), "{payload}");
    let request = &payload["request"];
    assert_eq!(
        (&request["status"], &request["kind"]),
        (&json!("RUNNING"), &json!("ERASURE"))
    );
    let erasure = &request["erasure"];
    assert_eq!(erasure["effect"], "PROFILE");
    assert_eq!(
        erasure["keptUntil"], "2033-06-10",
        "seven years from the last message"
    );
    assert_eq!(erasure["rule"], "erasure-vs-retention");
    for (field, day) in [
        ("answer", "until 2033-06-10"),
        ("answerEs", "hasta el 2033-06-10"),
    ] {
        let told = erasure[field].as_str().unwrap();
        assert!(told.contains(day) && told.contains("1006.100"), "{told}");
    }
    let again = erase(&admin, &person.debtor).await;
    assert_eq!(user_errors(&again), ["CONFLICT"], "one erasure at a time");

    // The job dies at the very end: nothing of it stands.
    superuser
        .execute(
            "CREATE FUNCTION app.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'killed'; END $$;
             CREATE TRIGGER die BEFORE INSERT ON audit_events FOR EACH ROW WHEN (NEW.action = 'debtor.erased')
                 EXECUTE FUNCTION app.die()",
        )
        .await
        .unwrap();
    app.run_due_jobs().await;
    assert_eq!(
        keys_of(&mut superuser, person.uuid()).await,
        ["PROFILE", "RECORD"]
    );
    let read = json!({ "d": person.debtor, "a": person.account, "c": person.thread });
    let before = admin.gql(READ, read.clone()).await;
    assert_eq!(data(&before)["debtor"]["firstName"], "FirstOttilie");
    assert_eq!(
        data(&before)["account"]["documents"]["edges"][0]["node"]["fileName"],
        "Papers of Ottilie.pdf"
    );
    superuser
        .execute("DROP TRIGGER die ON audit_events; DROP FUNCTION app.die()")
        .await
        .unwrap();
    app.log().taken();
    app.run_jobs().await;

    assert_eq!(status_of(&admin, &request["id"]).await, "COMPLETED");
    assert_eq!(keys_of(&mut superuser, person.uuid()).await, ["RECORD"]);
    assert_eq!(acts(&mut superuser, "debtor.erased", person.uuid()).await, 1);
    assert_eq!(
        in_clear(&mut superuser, &person.profile()).await,
        Vec::<String>::new()
    );
    assert_eq!(
        opened_with(&app, &key).await,
        0,
        "whoever kept the old key finds nothing that it opens"
    );
    let after = admin.gql(READ, read).await;
    let after = data(&after);
    for field in ["firstName", "lastName", "birthDate", "address"] {
        assert_eq!(after["debtor"][field], Value::Null, "{field}");
    }
    assert_eq!(after["debtor"]["contactPoints"], json!([]));
    for field in ["firstName", "lastName", "phone", "email"] {
        assert_eq!(after["account"][field], Value::Null, "{field}");
    }
    assert_eq!(after["account"]["customFields"], json!({}));
    assert_eq!(
        after["account"]["accountNumber"], "N-211",
        "the debt is still there"
    );
    assert_eq!(after["account"]["notes"]["edges"][0]["node"]["text"], Value::Null);
    assert_eq!(after["conversation"]["status"], "CLOSED");
    assert!(
        after["conversation"].to_string().contains("Words from Ottilie"),
        "records stay: {after}"
    );

    // Nobody finds them by name, number or address, and the bystander is untouched.
    for term in ["LastOttilie", &person.phone, "ottilie@mail.example"] {
        let found = admin
            .gql(
                "query($q: String!) { accounts(first: 5, search: $q) { edges { node { id } } } debtors(first: 5, search: $q) { edges { node { id } } } }",
                json!({ "q": term }),
            )
            .await;
        assert_eq!(data(&found)["accounts"]["edges"], json!([]), "{term}");
        assert_eq!(data(&found)["debtors"]["edges"], json!([]), "{term}");
    }
    assert_eq!(keys_of(&mut superuser, other.uuid()).await, ["PROFILE", "RECORD"]);

    // The gate refuses, and says why; nothing new is written down of them.
    let checked = admin
        .gql(
            "query($a: ID!) { complianceCheck(input: { accountId: $a, channel: SMS }) { outcome rule reason } }",
            json!({ "a": person.account }),
        )
        .await;
    let checked = &data(&checked)["complianceCheck"];
    assert_eq!(
        (&checked["outcome"], &checked["rule"]),
        (&json!("DENY"), &json!("erasure-vs-retention"))
    );
    let written = admin
        .gql(
            "mutation($c: ID!, $a: ID!) { sendMessage(input: { conversationId: $c, content: \"Still there?\" }) { userErrors { code } }
               startConversation(input: { accountId: $a, channel: SMS }) { userErrors { code } }
               addAccountNote(input: { accountId: $a, text: \"One more.\" }) { userErrors { code } } }",
            json!({ "c": person.thread, "a": person.account }),
        )
        .await;
    for field in ["sendMessage", "startConversation", "addAccountNote"] {
        assert_eq!(
            user_errors(&data(&written)[field]),
            ["CONFLICT"],
            "{field}: {written}"
        );
    }
    let again = erase(&admin, &person.debtor).await;
    assert_eq!(user_errors(&again), ["CONFLICT"]);

    // Who has that number writes again: a thread of nobody, and no answer. Placed anew, they are still opted out.
    let before = app.sandbox.state().messages().len();
    app.text(&app.acme, &person.phone, "Hello again").await;
    assert_eq!(
        app.sandbox.state().messages().len(),
        before + 1,
        "nobody answered"
    );
    let anew = admin
        .gql(
            "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id debtor { id } } userErrors { message } } }",
            json!({ "i": { "firstName": "Somebody", "lastName": "New", "accountNumber": "N-213", "phone": person.phone,
                "currentBalance": { "amount": "1.00" } } }),
        )
        .await;
    let anew = &data(&anew)["createAccount"]["account"];
    assert_ne!(anew["debtor"]["id"], person.debtor.as_str(), "another person");
    let checked = admin
        .gql(
            "query($a: ID!) { complianceCheck(input: { accountId: $a, channel: SMS }) { outcome rules { rule outcome } } }",
            json!({ "a": anew["id"] }),
        )
        .await;
    let checked = &data(&checked)["complianceCheck"];
    assert_eq!(checked["outcome"], "DENY", "{checked}");
    let refused_by = checked["rules"].as_array().unwrap().iter();
    let refused_by: Vec<&Value> = refused_by.filter(|rule| rule["outcome"] == "DENY").collect();
    assert!(
        refused_by
            .iter()
            .any(|rule| rule["rule"].as_str().unwrap().contains("opt")),
        "{checked}"
    );

    // The trail is whole, in the database and in a bundle; decisions replay.
    let ctx = app.service_ctx(&app.acme).await;
    let mut file = Vec::new();
    write_bundle(
        &app.app.db,
        Chain::Business(&ctx),
        &app.app.checkpoints.signer,
        &mut file,
        |_| {},
    )
    .await
    .unwrap();
    verify_bundle(file.as_slice(), Some(app.app.checkpoints.signer.public()), |_| {}).unwrap();
    let mut decisions = 0;
    each_decision(&app.app.db, &app.app.keyring, &ctx, None, |stored| {
        assert_eq!(stored.replay(), Replayed::Same, "{stored:?}");
        decisions += 1;
    })
    .await
    .unwrap();
    assert!(decisions >= 4, "decisions about both were made: {decisions}");
    app.finish().await;
}

#[tokio::test]
async fn whoever_may_not_erase_erases_nobody() {
    let app = TestApp::start().await;
    let (admin, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let person = Person::make(&app, &admin, "Unmoved", 214).await;
    let mut superuser = app.superuser().await;
    let foreign = erase(&globex, &person.debtor).await;
    assert_eq!(user_errors(&foreign), ["NOT_FOUND"]);
    let input = json!({ "debtorId": person.debtor, "regime": "GDPR", "reason": "They asked." });
    for login in ["agent", "manager"] {
        let client = app.acme.sign_in(login).await;
        let refused = client.gql(ERASE, json!({ "i": input })).await;
        assert_eq!(error_code(&refused), "FORBIDDEN", "{login}");
    }
    let signed_in = app
        .debtor_of(
            &admin,
            &person.account,
            &json!({ "postalCode": "10027", "accountNumber": "N-214", "birthDate": "1981-02-03" }),
        )
        .await;
    let refused = signed_in.gql(ERASE, json!({ "i": input })).await;
    assert_eq!(error_code(&refused), "FORBIDDEN", "a debtor asks staff");
    let wordless = json!({ "debtorId": person.debtor, "regime": "GDPR", "reason": " " });
    let wordless = admin.gql(ERASE, json!({ "i": wordless })).await;
    assert_eq!(user_errors(&data(&wordless)["eraseDebtor"]), ["INVALID_INPUT"]);
    app.run_jobs().await;
    assert_eq!(
        keys_of(&mut superuser, person.uuid()).await,
        ["PROFILE", "RECORD"]
    );

    // Erased, their session is over.
    assert_eq!(
        user_errors(&erase(&admin, &person.debtor).await),
        Vec::<&str>::new()
    );
    app.run_jobs().await;
    let late = signed_in.gql("{ viewer { account { id } } }", json!({})).await;
    assert_eq!(error_code(&late), "UNAUTHENTICATED", "{late}");
    app.finish().await;
}

#[tokio::test]
async fn a_merged_person_is_erased_with_all_records_and_a_number_of_somebody_else_stays_known() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let (one, two) = (
        Person::make(&app, &admin, "Oneself", 215).await,
        Person::make(&app, &admin, "Twoself", 216).await,
    );
    let prepared = admin
        .gql(
            "mutation($s: ID!, $m: ID!) { mergeDebtors(input: { survivorId: $s, mergedId: $m, reason: \"The same.\" }) { userErrors { message } } }",
            json!({ "s": one.debtor, "m": two.debtor }),
        )
        .await;
    assert_eq!(user_errors(&data(&prepared)["mergeDebtors"]), Vec::<&str>::new());
    let points = admin
        .gql(
            "query($d: ID!) { debtor(id: $d) { contactPoints { id value } } }",
            json!({ "d": two.debtor }),
        )
        .await;
    let points = data(&points)["debtor"]["contactPoints"]
        .as_array()
        .unwrap()
        .clone();
    let point = points
        .iter()
        .find(|point| point["value"] == two.phone.as_str())
        .expect("the number");
    let marked = admin
        .gql(
            "mutation($p: ID!) { updateContactPoint(input: { id: $p, validity: WRONG_NUMBER }) { userErrors { message } } }",
            json!({ "p": point["id"] }),
        )
        .await;
    assert_eq!(
        user_errors(&data(&marked)["updateContactPoint"]),
        Vec::<&str>::new()
    );
    // By either of the two records.
    assert_eq!(user_errors(&erase(&admin, &two.debtor).await), Vec::<&str>::new());
    app.run_jobs().await;
    let mut superuser = app.superuser().await;
    for person in [&one, &two] {
        assert_eq!(
            keys_of(&mut superuser, person.uuid()).await,
            ["RECORD"],
            "{}",
            person.mark
        );
        assert_eq!(acts(&mut superuser, "debtor.erased", person.uuid()).await, 1);
        assert_eq!(
            in_clear(&mut superuser, &person.profile()).await,
            Vec::<String>::new()
        );
    }
    let listed = admin
        .gql(
            "query($p: String!) { suppressionList(filter: { phone: $p }, first: 5) { edges { node { reason channel } } } }",
            json!({ "p": two.phone }),
        )
        .await;
    assert_eq!(
        data(&listed)["suppressionList"]["edges"],
        json!([{ "node": { "reason": "WRONG_PARTY", "channel": "ALL" } }])
    );
    app.finish().await;
}

/// Whether the newest thread of nobody with a number can still be read, by the thread's id; and how many of the vendor's
/// events are found by that number.
async fn nobodys_thread(app: &TestApp, thread: Uuid) -> (bool, i64) {
    let mut superuser = app.superuser().await;
    let row = sqlx::query(
        "SELECT k.wrapped IS NOT NULL AND v.peer_cipher IS NOT NULL AND v.status <> 'CLOSED',
                (SELECT count(*) FROM messages m JOIN provider_events e ON e.event_id = m.provider_message_id
                  WHERE m.conversation_id = v.id AND e.peer_blind IS NOT NULL)
         FROM conversations v JOIN data_keys k ON k.id = v.record_key_id WHERE v.id = $1 AND v.debtor_id IS NULL",
    )
    .bind(thread)
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    (row.get(0), row.get(1))
}

async fn newest_thread(app: &TestApp) -> Uuid {
    let newest = "SELECT id FROM conversations WHERE debtor_id IS NULL ORDER BY id DESC LIMIT 1";
    app.superuser().await.fetch_one(newest).await.unwrap().get(0)
}

#[tokio::test]
async fn what_somebody_wrote_before_they_were_known_goes_with_them_and_what_a_stranger_wrote_with_its_time() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let person = Person::make(&app, &admin, "Earlier", 217).await;
    let (second, strangers) = ("+16465550218", "+16465550219");
    app.text(&app.acme, second, "It is me, on my other telephone")
        .await;
    let own = newest_thread(&app).await;
    app.text(&app.acme, strangers, "Who is this?").await;
    let other = newest_thread(&app).await;
    let added = admin
        .gql(
            "mutation($d: ID!, $v: PhoneNumber!) { addContactPoint(input: { debtorId: $d, phone: $v, lineType: MOBILE, provenance: CONSUMER }) { userErrors { code } } }",
            json!({ "d": person.debtor, "v": second }),
        )
        .await;
    assert_eq!(user_errors(&data(&added)["addContactPoint"]), Vec::<&str>::new());
    assert_eq!(nobodys_thread(&app, own).await, (true, 1));
    erase(&admin, &person.debtor).await;
    app.run_jobs().await;
    assert_eq!(nobodys_thread(&app, own).await, (false, 0));
    assert_eq!(
        nobodys_thread(&app, other).await,
        (true, 1),
        "another number is another's"
    );

    // Seven years and some days after the last message, and not before.
    app.advance(TimeDelta::days(7 * 365)).await;
    app.run_jobs().await;
    assert_eq!(nobodys_thread(&app, other).await, (true, 1));
    app.advance(TimeDelta::days(10)).await;
    app.run_jobs().await;
    assert_eq!(nobodys_thread(&app, other).await, (false, 0));
    assert_eq!(app.audited("conversation.records_destroyed").await, 1);
    // Who has the number now is a stranger again.
    app.text(&app.acme, strangers, "Hello?").await;
    let anew = newest_thread(&app).await;
    assert_ne!(anew, other);
    app.advance(TimeDelta::days(1)).await;
    app.run_jobs().await;
    assert_eq!(nobodys_thread(&app, anew).await, (true, 1));
    app.finish().await;
}

#[tokio::test]
async fn an_erasure_that_the_queue_gave_up_is_taken_up_again() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let person = Person::make(&app, &admin, "Waiting", 220).await;
    let asked = erase(&admin, &person.debtor).await;
    let mut superuser = app.superuser().await;
    superuser
        .execute("DELETE FROM queue._private_jobs")
        .await
        .unwrap();
    app.advance(TimeDelta::minutes(50)).await;
    app.run_jobs().await;
    assert_eq!(
        keys_of(&mut superuser, person.uuid()).await,
        ["PROFILE", "RECORD"],
        "its own job may be at it"
    );
    app.advance(TimeDelta::minutes(20)).await;
    app.run_jobs().await;
    let admin = app.acme.sign_in("admin").await;
    assert_eq!(status_of(&admin, &asked["request"]["id"]).await, "COMPLETED");
    assert_eq!(keys_of(&mut superuser, person.uuid()).await, ["RECORD"]);
    app.advance(TimeDelta::hours(2)).await;
    app.run_jobs().await;
    assert_eq!(acts(&mut superuser, "debtor.erased", person.uuid()).await, 1);
    app.finish().await;
}
