//! Several records of one person: suggested, merged, one person to the gate, and taken apart again.

use std::time::Duration;

use funnelchat::{
    accounts::lock_persons,
    platform::{
        context::{GrantSet, TenantCtx},
        db::DbError,
        ids::{self, IdKind},
    },
};
use serde_json::{Value, json};
use sqlx::Row as _;

use super::{debtor, debtor_of, done};
use crate::{
    account_work::{
        MARIA, account, act, create,
        holds::{JAMES, gate},
        new_account, numbers,
    },
    support::{Client, Options, TestApp, data, recipes::uuid_of, send, user_errors},
};

async fn merge(client: &Client, survivor: &Value, merged: &Value) -> Value {
    let input =
        json!({ "survivorId": survivor, "mergedId": merged, "reason": "The same birth certificate." });
    let selection = "merge { id mergedId survivorId reason mergedBy { id } unmergedAt } debtor { id }";
    act(client, "mergeDebtors", selection, input).await
}

async fn unmerge(client: &Client, merge: &Value) -> Value {
    let input = json!({ "mergeId": merge["merge"]["id"], "reason": "Father and son." });
    let selection = "merge { unmergedAt unmergeReason unmergedBy { id } } survivor { id } debtor { id }";
    act(client, "unmergeDebtors", selection, input).await
}

/// A person with one account; both ids.
async fn person(client: &Client, number: &str) -> (Value, String) {
    let id = create(client, new_account(number)).await;
    let debtor = account(client, &id, "debtor { id }").await["debtor"]["id"].clone();
    (debtor, id)
}

#[tokio::test]
async fn a_cap_spent_on_one_record_counts_for_the_person_until_they_are_taken_apart() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let (maria, james) = (
        debtor_of(&app, &admin, MARIA).await,
        debtor_of(&app, &admin, JAMES).await,
    );
    let accounts = [
        app.account_id(&app.acme, MARIA).await,
        app.account_id(&app.acme, JAMES).await,
    ];
    for nth in [MARIA, MARIA, JAMES] {
        let thread = app.thread_with(&agent, &app.acme, nth).await;
        let text = send(&agent, &thread, "Can we talk about your balance?").await;
        app.run_jobs().await;
        assert_eq!(app.status(&text).await, "DELIVERED");
    }
    let both = async || (gate(&agent, &accounts[0]).await, gate(&agent, &accounts[1]).await);
    let (of_maria, of_james) = both().await;
    assert_eq!((of_maria.0.as_str(), of_james.0.as_str()), ("ALLOW", "ALLOW"));

    let merged = merge(&admin, &maria, &james).await;
    assert_eq!(user_errors(&merged), Vec::<&str>::new(), "{merged}");
    let spent = ("DEFER".to_owned(), "product-sms-3-per-week".to_owned());
    assert_eq!(
        both().await,
        (spent.clone(), spent),
        "three texts a week, to one person"
    );
    // A hold on either record is on the person.
    let cease = json!({ "debtorId": james, "kind": "CEASE_CONTACT", "reason": "A letter." });
    let cease = done(&admin, "setHold", "hold { id }", cease).await;
    // Each record keeps its own, and one of a kind only.
    let input = json!({ "debtorId": maria, "kind": "CEASE_CONTACT", "reason": "A letter." });
    let hers = done(&admin, "setHold", "hold { id }", input.clone()).await;
    assert_eq!(
        user_errors(&act(&admin, "setHold", "", input).await),
        ["CONFLICT"]
    );
    let stopped = ("DENY".to_owned(), "reg-f-cease-communication".to_owned());
    assert_eq!(both().await, (stopped.clone(), stopped.clone()));
    for id in &accounts {
        let seen = account(&admin, id, "holds { id } debtor { id holds { id } }").await;
        assert_eq!(seen["debtor"]["id"], maria, "one person: {seen}");
        let both = json!([{ "id": cease["hold"]["id"] }, { "id": hers["hold"]["id"] }]);
        assert_eq!(seen["holds"], both);
        assert_eq!(seen["debtor"]["holds"], seen["holds"]);
    }
    assert_eq!(
        numbers(&admin, json!({ "hold": ["CEASE_CONTACT"] })).await.len(),
        3,
        "both debts, and that of the demo's own cease notice"
    );

    let apart = unmerge(&admin, &merged).await;
    assert_eq!(user_errors(&apart), Vec::<&str>::new(), "{apart}");
    assert_eq!(
        (&apart["survivor"]["id"], &apart["debtor"]["id"]),
        (&maria, &james)
    );
    assert_eq!(apart["merge"]["unmergeReason"], "Father and son.");
    assert_eq!(
        both().await,
        (stopped.clone(), stopped.clone()),
        "each has its own"
    );
    let released = json!({ "id": hers["hold"]["id"] });
    done(&admin, "releaseHold", "", released).await;
    let (of_maria, of_james) = both().await;
    assert_eq!(
        of_maria.0, "ALLOW",
        "two of three, and the other hold is not theirs"
    );
    assert_eq!(of_james, stopped);
    assert_eq!(
        user_errors(&unmerge(&admin, &merged).await),
        ["CONFLICT"],
        "it was undone before"
    );
    assert_eq!(
        (
            app.audited("debtor.merged").await,
            app.audited("debtor.unmerged").await
        ),
        (2, 2),
        "a line about each of the two"
    );
    app.finish().await;
}

#[tokio::test]
async fn two_workers_with_a_text_to_each_record_take_the_last_slot_of_the_person_once() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let of_maria = app.thread_with(&agent, &app.acme, MARIA).await;
    let of_james = app.thread_with(&agent, &app.acme, JAMES).await;
    for thread in [&of_maria, &of_james] {
        send(&agent, thread, "Can we talk about your balance?").await;
        app.run_jobs().await;
    }
    let (maria, james) = (
        debtor_of(&app, &admin, MARIA).await,
        debtor_of(&app, &admin, JAMES).await,
    );
    let merged = merge(&admin, &maria, &james).await;
    assert_eq!(user_errors(&merged), Vec::<&str>::new(), "{merged}");
    let texts = [
        send(&agent, &of_maria, "This week's last text.").await,
        send(&agent, &of_james, "And one more.").await,
    ];
    let second = TestApp::start_with(Options {
        database: Some(app.database()),
        ..Options::default()
    })
    .await;
    tokio::join!(app.run_due_jobs(), second.run_due_jobs());
    app.run_jobs().await;
    second.run_jobs().await;
    let ends = [app.status(&texts[0]).await, app.status(&texts[1]).await];
    let stopped = ends.iter().filter(|status| *status == "BLOCKED").count();
    assert_eq!(stopped, 1, "one is for next week: {ends:?}");
    assert_eq!(app.slots_taken().await, 3);
    second.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn one_person_is_shown_and_each_record_keeps_what_was_written_on_it() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let (maria, james) = (
        debtor_of(&app, &admin, MARIA).await,
        debtor_of(&app, &admin, JAMES).await,
    );
    let of_james = app.account_id(&app.acme, JAMES).await;
    let note = json!({ "accountId": of_james, "text": "Called before." });
    done(&admin, "addAccountNote", "note { id }", note).await;
    let merged = merge(&admin, &maria, &james).await;
    assert_eq!(merged["merge"]["reason"], "The same birth certificate.");

    let selection = "id contactPoints { value } accounts(first: 9) { edges { node { id } } }
        merges { mergedId survivorId mergedBy { id } } matchSuggestions { debtor { id } }";
    let person = debtor(&admin, &james, selection).await;
    assert_eq!(person["id"], maria, "the old id leads to the person");
    assert_eq!(person["merges"][0]["mergedId"], james, "and says so");
    assert_eq!(person["accounts"]["edges"].as_array().unwrap().len(), 2);
    let told = person["contactPoints"].to_string();
    for nth in [MARIA, JAMES] {
        assert!(told.contains(&app.acme.debtor_number(nth)), "{told}");
    }
    for number in [app.acme.debtor_number(MARIA), app.acme.debtor_number(JAMES)] {
        let found = admin
            .gql(
                "query($q: String!) { debtors(first: 9, search: $q) { edges { node { id } } }
                   accounts(first: 9, search: $q) { edges { node { id } } } }",
                json!({ "q": number }),
            )
            .await;
        let found = data(&found);
        assert_eq!(found["debtors"]["edges"], json!([{ "node": { "id": maria } }]));
        assert_eq!(found["accounts"]["edges"].as_array().unwrap().len(), 2);
    }
    let all = admin
        .gql("{ debtors(first: 100) { edges { node { id } } } }", json!({}))
        .await;
    let all = data(&all)["debtors"]["edges"].clone();
    assert!(!all.to_string().contains(james.as_str().unwrap()), "once: {all}");
    assert_eq!(all.as_array().unwrap().len(), 24);

    // What hangs on the record is still opened, and still written, under its own key.
    let note = json!({ "accountId": of_james, "text": "Called after." });
    done(&admin, "addAccountNote", "note { id }", note).await;
    let phone = json!({ "id": of_james, "phone": "+16465550377" });
    done(&admin, "updateAccount", "account { id }", phone).await;
    let read = "phone debtor { id } notes(first: 9) { edges { node { text } } }";
    let seen = account(&admin, &of_james, read).await;
    let notes = json!([{ "node": { "text": "Called after." } }, { "node": { "text": "Called before." } }]);
    assert_eq!(seen["notes"]["edges"], notes);
    assert_eq!(seen["phone"], "+16465550377");
    assert_eq!(seen["debtor"]["id"], maria);

    let known = json!({ "debtorId": maria, "phone": app.acme.debtor_number(JAMES) });
    let known = act(&admin, "addContactPoint", "contactPoint { id }", known).await;
    assert_eq!(user_errors(&known), ["CONFLICT"], "the person has it already");
    let renamed = json!({ "id": james, "lastName": "Alvarez-Kim" });
    let renamed = done(&admin, "updateDebtor", "debtor { id lastName }", renamed).await;
    assert_eq!(
        renamed["debtor"],
        json!({ "id": maria, "lastName": "Alvarez-Kim" })
    );

    // A text from a number of theirs is theirs, about which debt nobody can say.
    app.text(&app.acme, &app.acme.debtor_number(JAMES), "Which one is it?")
        .await;
    let threads = admin
        .gql(
            "{ conversations(first: 1) { edges { node { debtor { id } account { id } } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&threads)["conversations"]["edges"][0]["node"],
        json!({ "debtor": { "id": maria }, "account": null })
    );
    done(&admin, "unmergeDebtors", "debtor { id }", {
        json!({ "mergeId": merged["merge"]["id"], "reason": "Two people." })
    })
    .await;
    let seen = account(&admin, &of_james, read).await;
    assert_eq!((&seen["notes"]["edges"], &seen["debtor"]["id"]), (&notes, &james));
    let alone = debtor(&admin, &maria, selection).await;
    assert_eq!(alone["merges"], json!([]));
    assert_eq!(alone["accounts"]["edges"].as_array().unwrap().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn chains_are_taken_apart_where_they_were_joined_and_of_two_at_once_one_stands() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let agent = app.acme.agent().await;
    let ((a, _), (b, _), (c, _), (d, _)) = (
        person(&admin, "A").await,
        person(&admin, "B").await,
        person(&admin, "C").await,
        person(&admin, "D").await,
    );
    let leads_to = async |id: &Value| debtor(&admin, id, "id").await["id"].clone();
    let c_to_b = merge(&admin, &b, &c).await;
    let b_to_a = merge(&admin, &a, &b).await;
    // Into one that was merged: the person is meant.
    let d_to_a = merge(&admin, &c, &d).await;
    assert_eq!(d_to_a["merge"]["survivorId"], a, "{d_to_a}");
    for id in [&a, &b, &c, &d] {
        assert_eq!(leads_to(id).await, a);
    }
    assert_eq!(
        user_errors(&merge(&admin, &c, &a).await),
        ["CONFLICT"],
        "they are one"
    );
    assert_eq!(user_errors(&merge(&admin, &a, &a).await), ["CONFLICT"]);
    let apart = unmerge(&admin, &b_to_a).await;
    assert_eq!(user_errors(&apart), Vec::<&str>::new(), "{apart}");
    let stands = [
        leads_to(&a).await,
        leads_to(&b).await,
        leads_to(&c).await,
        leads_to(&d).await,
    ];
    assert_eq!(stands, [a.clone(), b.clone(), b.clone(), a.clone()]);
    assert_eq!(user_errors(&unmerge(&admin, &c_to_b).await), Vec::<&str>::new());
    assert_eq!(leads_to(&c).await, c);

    // Each into the other, at the same moment.
    let (one, two) = tokio::join!(merge(&admin, &b, &c), merge(&admin, &c, &b));
    let codes = [user_errors(&one), user_errors(&two)];
    assert!(
        codes.contains(&vec!["CONFLICT"]) && codes.contains(&Vec::new()),
        "{one} {two}"
    );
    assert_eq!(leads_to(&b).await, leads_to(&c).await);
    // Undone twice at the same moment, it is undone once.
    let standing = if user_errors(&one).is_empty() { &one } else { &two };
    let (one, two) = tokio::join!(unmerge(&admin, standing), unmerge(&admin, standing));
    let codes = [user_errors(&one), user_errors(&two)];
    assert!(
        codes.contains(&vec!["CONFLICT"]) && codes.contains(&Vec::new()),
        "{one} {two}"
    );
    assert_eq!([leads_to(&b).await, leads_to(&c).await], [b.clone(), c.clone()]);

    // Of a person whose data was erased nobody can say any more who they were.
    let mut superuser = app.superuser().await;
    let erased = ids::decode(IdKind::Debtor, c.as_str().unwrap()).unwrap();
    sqlx::query(
        "UPDATE data_keys SET wrapped = NULL, destroyed_at = now() WHERE debtor_id = $1 AND purpose = 'PROFILE'",
    )
    .bind(erased)
    .execute(&mut superuser)
    .await
    .unwrap();
    assert_eq!(user_errors(&merge(&admin, &b, &c).await), ["CONFLICT"]);
    let refused = merge_refused(&agent, &a, &b).await;
    assert_eq!(refused, "FORBIDDEN", "an agent suggests, a manager merges");
    let standing: i64 = sqlx::query("SELECT count(*) FROM debtor_merges WHERE unmerged_at IS NULL")
        .fetch_one(&mut superuser)
        .await
        .unwrap()
        .get(0);
    assert_eq!(standing, 1, "that of D");
    app.finish().await;
}

async fn merge_refused(client: &Client, survivor: &Value, merged: &Value) -> String {
    let answer = client
        .gql(
            "mutation($s: ID!, $m: ID!) { mergeDebtors(input: { survivorId: $s, mergedId: $m, reason: \"Alike.\" }) { debtor { id } } }",
            json!({ "s": survivor, "m": merged }),
        )
        .await;
    crate::support::error_code(&answer).to_owned()
}

#[tokio::test]
async fn who_may_be_the_same_person_is_suggested_with_the_reasons() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let ((one, _), (two, _), (other, _)) = (
        person(&admin, "S-1").await,
        person(&admin, "S-2").await,
        person(&admin, "S-3").await,
    );
    let suggested = async |id: &Value| {
        let found = debtor(&admin, id, "matchSuggestions { debtor { id } reasons }").await;
        found["matchSuggestions"].clone()
    };
    assert_eq!(suggested(&one).await, json!([]), "a name alone tells nothing");
    for (id, zip) in [(&one, "10027"), (&two, "10027-1234"), (&other, "60601")] {
        let input = json!({ "id": id, "address": { "postalCode": zip }, "birthDate": "1980-01-31" });
        done(&admin, "updateDebtor", "debtor { id }", input).await;
    }
    let renamed = json!({ "id": other, "firstName": "Zoey" });
    done(&admin, "updateDebtor", "debtor { id }", renamed).await;
    for (id, number) in [(&one, "+16465550341"), (&other, "+16465550341")] {
        let input = json!({ "debtorId": id, "phone": number });
        done(&admin, "addContactPoint", "contactPoint { id }", input).await;
    }
    assert_eq!(
        suggested(&one).await,
        json!([
            { "debtor": { "id": two }, "reasons": ["NAME_AND_BIRTH_DATE", "NAME_AND_POSTAL_CODE"] },
            { "debtor": { "id": other }, "reasons": ["PHONE"] },
        ])
    );
    assert_eq!(
        suggested(&other).await,
        json!([{ "debtor": { "id": one }, "reasons": ["PHONE"] }])
    );
    let merged = merge(&admin, &two, &one).await;
    assert_eq!(user_errors(&merged), Vec::<&str>::new());
    assert_eq!(
        suggested(&two).await,
        json!([{ "debtor": { "id": other }, "reasons": ["PHONE"] }]),
        "the person is not suggested to themselves"
    );
    assert_eq!(
        suggested(&other).await,
        json!([{ "debtor": { "id": two }, "reasons": ["PHONE"] }]),
        "and is suggested as who they are now"
    );
    app.finish().await;
}

#[tokio::test]
async fn who_may_not_see_the_record_that_stands_for_them_is_told_so_and_does_not_wait_for_ever() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let (maria, james) = (
        debtor_of(&app, &admin, MARIA).await,
        debtor_of(&app, &admin, JAMES).await,
    );
    let merged = merge(&admin, &maria, &james).await;
    assert_eq!(user_errors(&merged), Vec::<&str>::new(), "{merged}");
    let account = uuid_of(&app.account_id(&app.acme, JAMES).await);
    let james = uuid_of(james.as_str().unwrap());
    let business = app.business_id(&app.acme).await;
    let ctx = TenantCtx::for_debtor(business, james, account, GrantSet::ALL, "a debtor".into());
    let mut tx = app.app.db.tenant(&ctx).await.unwrap();
    let locked = tokio::time::timeout(Duration::from_secs(20), lock_persons(&mut tx, &[james]))
        .await
        .expect("it comes to an end");
    assert!(matches!(locked, Err(DbError::Conflict)), "{locked:?}");
    drop(tx);
    app.finish().await;
}
