//! Both templates, from the download to the account.

use serde_json::{Value, json};

use super::{ACCOUNTS, act, begin, commit, done, findings, import, previewed};
use crate::support::{TestApp, data, send_refused, user_errors};

async fn template(client: &crate::support::Client, name: &str) -> String {
    let query = "query($t: AccountImportTemplate!) { accountImportTemplate(template: $t) }";
    let answer = client.gql(query, json!({ "t": name })).await;
    data(&answer)["accountImportTemplate"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn the_template_for_debts_becomes_accounts_with_their_people_and_openings() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    let file = template(&manager, "ACCOUNTS")
        .await
        .replace("ACME-10001", "NEW-1");
    assert!(file.starts_with(ACCOUNTS));
    let begun = begin(&manager, &file).await;
    assert_eq!(begun["status"], "ANALYZING", "the columns are known at once");
    assert_eq!(begun["template"], "ACCOUNTS");
    assert_eq!(begun["columns"][5]["suggestedField"], "CURRENT_BALANCE");
    assert_eq!(begun["columns"][3]["samples"], json!(["(212) 555-0110"]));
    app.run_jobs().await;
    let ready = import(&manager, &begun["id"]).await;
    assert_eq!(
        (&ready["status"], &ready["totalRows"]),
        (&json!("READY"), &json!(1))
    );
    assert_eq!(ready["counts"]["valid"], 1);
    assert_eq!(ready["errorFileUrl"], Value::Null);

    let committing = commit(&manager, &ready, "ALL_OR_NOTHING").await;
    assert_eq!(committing["status"], "COMMITTING");
    app.run_jobs().await;
    let completed = import(&manager, &begun["id"]).await;
    assert_eq!(completed["status"], "COMPLETED");
    assert_eq!(
        completed["result"],
        json!({ "processed": 1, "imported": 1, "skipped": 0 })
    );
    assert_eq!(
        completed["columns"][3]["samples"],
        json!([]),
        "what was shown of people is gone"
    );
    let answer = manager
        .gql(
            "{ accounts(first: 1, search: \"NEW-1\") { edges { node { accountNumber firstName lastName phone email dueDate debtType status
               currentBalance { amount currency } ledger(first: 5) { edges { node { amount { amount } } } } debtor { contactPoints { value original } } } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&answer)["accounts"]["edges"][0]["node"],
        json!({ "accountNumber": "NEW-1", "firstName": "Maria", "lastName": "Alvarez", "phone": "+12125550110",
            "email": "maria@example.com", "dueDate": "2026-11-30", "debtType": "CREDIT_CARD", "status": "ACTIVE",
            "currentBalance": { "amount": "1250.50", "currency": "USD" },
            "ledger": { "edges": [{ "node": { "amount": { "amount": "1250.50" } } }] },
            "debtor": { "contactPoints": [
                { "value": "+12125550110", "original": "(212) 555-0110" },
                { "value": "maria@example.com", "original": "maria@example.com" }] } })
    );
    for action in [
        "previewed",
        "analyzed",
        "commit_started",
        "batch_committed",
        "completed",
    ] {
        assert_eq!(
            app.audited(&format!("account_import.{action}")).await,
            1,
            "{action}"
        );
    }
    let again = act(
        &manager,
        "commitAccountImport",
        json!({ "importId": begun["id"], "mode": "VALID_ROWS_ONLY" }),
    )
    .await;
    assert_eq!(user_errors(&again), ["CONFLICT"]);
    app.finish().await;
}

#[tokio::test]
async fn leads_get_numbers_of_their_own_and_who_is_not_to_be_called_is_not_contacted() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    assert!(
        template(&admin, "LEADS")
            .await
            .starts_with("first_name,last_name,phone,country")
    );
    let file = "first_name,last_name,phone,country,type,priority,do_not_call,notes\n\
                Ali,Khan,0300 1234567,PK,broker,high,false,Preferred afternoon calls\n\
                ,,(646) 555-0177,,carrier,,true,\"VIP, really\"\n\
                Again,Khan,+92 300 1234567,,broker,low,false,\n";
    let ready = previewed(&app, &admin, file).await;
    assert_eq!(ready["template"], "LEADS");
    assert_eq!(
        ready["counts"],
        json!({ "valid": 2, "invalid": 0, "duplicateInFile": 1, "duplicateInBusiness": 0, "suppressed": 0 })
    );
    assert_eq!(
        findings(&admin, &ready).await,
        [
            (3, None, "DO_NOT_CALL".to_owned(), false),
            (4, None, "DUPLICATE_IN_FILE".to_owned(), true)
        ]
    );
    commit(&admin, &ready, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    let read = "query($s: String) { accounts(first: 5, search: $s) { edges { node { id accountNumber firstName customFields currentBalance { amount } notes(first: 1) { edges { node { text author { name } } } } } } } }";
    let find = async |search: &str| {
        let answer = admin.gql(read, json!({ "s": search })).await;
        data(&answer)["accounts"]["edges"][0]["node"].clone()
    };
    let ali = find("+923001234567").await;
    assert!(ali["accountNumber"].as_str().unwrap().starts_with("LEAD-"));
    assert_eq!(
        ali["customFields"],
        json!({ "type": "broker", "priority": "high" })
    );
    assert_eq!(ali["currentBalance"]["amount"], "0.00");
    let note = &ali["notes"]["edges"][0]["node"];
    assert_eq!(note["text"], "Preferred afternoon calls");
    assert!(note["author"]["name"].is_string(), "who imported it: {note}");
    let nameless = find("+16465550177").await;
    assert_eq!(nameless["firstName"], Value::Null);

    // Who has no name can be worked on, and stays without one.
    let changed = admin
        .gql(
            "mutation($i: UpdateAccountInput!) { updateAccount(input: $i) { account { firstName preferredLanguage } userErrors { message } } }",
            json!({ "i": { "id": nameless["id"], "preferredLanguage": "es" } }),
        )
        .await;
    assert_eq!(
        data(&changed)["updateAccount"],
        json!({ "account": { "firstName": null, "preferredLanguage": "es" }, "userErrors": [] })
    );

    // The gate knows: no message leaves to the number.
    let started = app
        .start_with_message(&admin, nameless["id"].as_str().unwrap(), "Hello there, it is us.")
        .await;
    assert_eq!(user_errors(&started), ["COMPLIANCE_BLOCKED"], "{started}");
    assert_eq!(app.received_by("+16465550177").len(), 0);

    // The number is barred already; what its owner asks for now binds beside that.
    assert_eq!(app.text(&app.acme, "+16465550177", "Stop all contact").await, 200);
    app.run_jobs().await;
    let held = admin
        .gql(
            "query($s: String) { accounts(first: 1, search: $s) { edges { node { holds { kind } } } } }",
            json!({ "s": "+16465550177" }),
        )
        .await;
    assert_eq!(
        data(&held)["accounts"]["edges"][0]["node"]["holds"],
        json!([{ "kind": "CEASE_CONTACT" }])
    );

    // The same file again: the business has both by their numbers, one of them suppressed.
    let again = previewed(&app, &admin, file).await;
    assert_eq!(again["counts"]["duplicateInBusiness"], 2, "{again}");
    let unasked = previewed(&app, &admin, &file.replace(",true,", ",false,")).await;
    let refused = act(
        &admin,
        "commitAccountImport",
        json!({ "importId": unasked["id"], "mode": "VALID_ROWS_ONLY" }),
    )
    .await;
    assert_eq!(user_errors(&refused), ["CONFLICT"], "nothing is left to import");
    app.finish().await;
}

#[tokio::test]
async fn a_file_of_ones_own_is_mapped_by_hand_and_looked_at_anew() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let begun = begin(
        &admin,
        "Who;Family;Nr;Owes;Boss\nAnn;Lee;M-1;12,50;Mill\nBob;Lee;M-2;$7.25;Shop\n",
    )
    .await;
    assert_eq!(begun["status"], "NEEDS_MAPPING");
    assert_eq!(
        begun["missingFields"],
        json!(["FIRST_NAME", "LAST_NAME", "ACCOUNT_NUMBER", "CURRENT_BALANCE"])
    );
    app.run_jobs().await;
    let choose = |column: &str, field: &str| json!({ "column": column, "field": field });
    let mut mapping = vec![
        choose("who", "FIRST_NAME"),
        choose("Family", "LAST_NAME"),
        choose("Nr", "ACCOUNT_NUMBER"),
        choose("Owes", "CURRENT_BALANCE"),
        json!({ "column": "Boss", "field": "CUSTOM", "customField": "employer" }),
    ];
    let wrong = act(
        &admin,
        "remapAccountImport",
        json!({ "importId": begun["id"], "mapping": [choose("Boss", "FIRST_NAME"), choose("Who", "FIRST_NAME"), choose("Nowhere", "EMAIL")] }),
    )
    .await;
    assert_eq!(user_errors(&wrong), ["INVALID_INPUT", "INVALID_INPUT"], "{wrong}");
    let mapped = done(
        &admin,
        "remapAccountImport",
        json!({ "importId": begun["id"], "mapping": mapping }),
    )
    .await;
    assert_eq!(mapped["status"], "ANALYZING");
    app.run_jobs().await;
    let ready = import(&admin, &begun["id"]).await;
    assert_eq!(
        (&ready["counts"]["valid"], &ready["counts"]["invalid"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        findings(&admin, &ready).await,
        [(2, Some("Owes".to_owned()), "INVALID_AMOUNT".to_owned(), true)]
    );

    // Looked at anew: what was found before is gone. A template may be named against the columns.
    mapping[3] = choose("Owes", "IGNORE");
    done(
        &admin,
        "remapAccountImport",
        json!({ "importId": begun["id"], "mapping": mapping, "template": "LEADS" }),
    )
    .await;
    let missing = import(&admin, &begun["id"]).await;
    assert_eq!(missing["missingFields"], json!(["PHONE"]));
    assert_eq!(findings(&admin, &missing).await, []);
    assert_eq!(missing["errorFileUrl"], Value::Null);
    mapping[3] = choose("Owes", "CURRENT_BALANCE");
    let input = json!({ "importId": begun["id"], "mapping": mapping });
    done(&admin, "remapAccountImport", input).await;
    app.run_jobs().await;
    let ready = import(&admin, &begun["id"]).await;
    commit(&admin, &ready, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    let answer = admin
        .gql(
            "{ accounts(first: 1, search: \"M-2\") { edges { node { customFields } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&answer)["accounts"]["edges"][0]["node"]["customFields"],
        json!({ "employer": "Shop" })
    );
    app.finish().await;
}

#[tokio::test]
async fn a_number_that_opted_out_is_imported_known_as_suppressed() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    app.text(&app.acme, &app.acme.debtor_number(0), "STOP").await;
    let file = format!(
        "{ACCOUNTS}\nAnother,Person,,{},NEW-9,10,\nSome,Body,,2125550199,NEW-8,10,\n",
        app.acme.debtor_number(0)
    );
    let ready = previewed(&app, &admin, &file).await;
    assert_eq!(ready["counts"]["suppressed"], 1);
    assert_eq!(
        findings(&admin, &ready).await,
        [(2, None, "SUPPRESSED".to_owned(), false)],
        "a warning, nothing that stops the row"
    );
    commit(&admin, &ready, "ALL_OR_NOTHING").await;
    app.run_jobs().await;
    let answer = admin
        .gql(
            "{ accounts(first: 1, search: \"NEW-9\") { edges { node { id } } } }",
            json!({}),
        )
        .await;
    let account = data(&answer)["accounts"]["edges"][0]["node"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let started = app
        .start_with_message(&admin, &account, "Hello, please call us.")
        .await;
    assert_eq!(user_errors(&started), ["COMPLIANCE_BLOCKED"], "{started}");
    let thread = app.thread_with(&admin, &app.acme, 0).await;
    send_refused(&admin, &thread, "Nor under the first account.").await;
    app.finish().await;
}
