//! Templates are kept, versioned, found and guarded.

use serde_json::{Value, json};

use super::{PLAIN, kept, rules_found, saved, text};
use crate::{
    account_work::{act, ask},
    support::{Client, TestApp, Wire, data, error_code, user_errors},
};

async fn listed(client: &Client, filter: Value) -> Vec<Value> {
    let answer = client
        .gql(
            "query($f: TemplateFilter) { templates(first: 100, filter: $f) { edges { node {
               id name type purpose language isActive isDefault version variables findings { rule severity } } } } }",
            json!({ "f": filter }),
        )
        .await;
    let edges = data(&answer)["templates"]["edges"].as_array().unwrap().clone();
    edges.into_iter().map(|edge| edge["node"].clone()).collect()
}

#[tokio::test]
async fn a_threat_stays_a_draft_until_it_is_put_right() {
    let app = TestApp::start().await;
    let officer = app.acme.sign_in("compliance").await;
    let threat = "{{businessName}} here. {{debtorFirstName}}, you will be arrested if you do not pay.";
    let refused = act(&officer, "createTemplate", &saved(), text("Threat", threat, true)).await;
    assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{refused}");
    assert!(refused["template"].is_null());
    let found = &refused["findings"][0];
    assert_eq!(found["rule"], "fdcpa-false-legal-threat");
    assert_eq!(found["severity"], "ERROR");
    assert!(found["citation"].as_str().unwrap().contains("1692e"), "{found}");
    let (start, end) = (found["start"].as_u64().unwrap(), found["end"].as_u64().unwrap());
    let words: String = threat
        .chars()
        .skip(usize::try_from(start).unwrap())
        .take(usize::try_from(end - start).unwrap())
        .collect();
    assert!(words.contains("be arrested"), "{words}");

    // As a draft it is kept, and says of itself what is wrong with it.
    let draft = act(
        &officer,
        "createTemplate",
        &saved(),
        text("Threat", threat, false),
    )
    .await;
    assert_eq!(user_errors(&draft), [""; 0], "{draft}");
    assert_eq!(draft["template"]["isActive"], false);
    assert!(rules_found(&draft["template"]).contains(&"fdcpa-false-legal-threat"));
    let id = draft["template"]["id"].clone();
    let update = async |input: Value| act(&officer, "updateTemplate", &saved(), input).await;
    let activated = update(json!({ "id": id, "expectedVersion": 1, "active": true })).await;
    assert_eq!(user_errors(&activated), ["INVALID_INPUT"], "{activated}");
    let default = act(
        &officer,
        "setDefaultTemplate",
        "template { id }",
        json!({ "id": id }),
    )
    .await;
    assert_eq!(user_errors(&default), ["CONFLICT"]);

    // Put right it can be used, and then keeps its words rather than fall silent.
    let good =
        update(json!({ "id": id, "expectedVersion": 1, "name": "Offer", "body": PLAIN, "active": true }))
            .await;
    assert_eq!(user_errors(&good), [""; 0], "{good}");
    assert_eq!(good["template"]["version"], 2);
    assert_eq!(good["template"]["isActive"], true);
    assert_eq!(
        good["template"]["updatedBy"]["name"],
        "Compliance of Acme Recovery"
    );
    assert_eq!(rules_found(&good), ["template-appended"]);
    let spoilt = update(json!({ "id": id, "expectedVersion": 2, "body": threat })).await;
    assert_eq!(user_errors(&spoilt), ["INVALID_INPUT"], "{spoilt}");

    // The newest default takes the place of the one before; one that is taken out of use is none.
    let default = act(
        &officer,
        "setDefaultTemplate",
        "template { isDefault }",
        json!({ "id": id }),
    )
    .await;
    assert_eq!(default["template"]["isDefault"], true);
    let of_use = json!({ "type": "SMS", "purpose": "FOLLOW_UP", "language": "EN" });
    let defaults = listed(&officer, of_use.clone()).await;
    let defaults: Vec<_> = defaults.iter().filter(|one| one["isDefault"] == true).collect();
    assert_eq!(defaults.len(), 1);
    assert_eq!(defaults[0]["id"], id);
    let off = update(json!({ "id": id, "expectedVersion": 2, "active": false })).await;
    assert_eq!(off["template"]["isDefault"], false, "{off}");

    // Each save is a version, to the word.
    let versions = officer
        .gql(
            "query($t: ID!) { templateRevisions(templateId: $t, first: 2) { edges { node { version name body savedBy { name } } }
               pageInfo { hasNextPage } } }",
            json!({ "t": id }),
        )
        .await;
    let versions = &data(&versions)["templateRevisions"];
    let numbers: Vec<_> = versions["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| edge["node"]["version"].clone())
        .collect();
    assert_eq!(numbers, [3, 2]);
    assert_eq!(versions["edges"][1]["node"]["body"], PLAIN);
    assert_eq!(versions["pageInfo"]["hasNextPage"], true);

    let archived = act(
        &officer,
        "archiveTemplate",
        "template { archivedAt isActive }",
        json!({ "id": id }),
    )
    .await;
    assert!(archived["template"]["archivedAt"].is_string(), "{archived}");
    assert!(
        listed(&officer, of_use.clone())
            .await
            .iter()
            .all(|one| one["id"] != id)
    );
    let mut with_archived = of_use;
    with_archived["withArchived"] = json!(true);
    assert!(
        listed(&officer, with_archived)
            .await
            .iter()
            .any(|one| one["id"] == id)
    );
    let gone = update(json!({ "id": id, "expectedVersion": 3, "active": true })).await;
    assert_eq!(user_errors(&gone), ["CONFLICT"]);
    // Its name is free again.
    kept(&officer, text("OFFER", PLAIN, true)).await;
    let taken = act(&officer, "createTemplate", &saved(), text("offer", PLAIN, true)).await;
    assert_eq!(user_errors(&taken), ["CONFLICT"]);
    for action in ["template.updated", "template.default_set", "template.archived"] {
        assert!(app.audited(action).await >= 1, "{action}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_demo_s_own_templates_are_in_order() {
    let app = TestApp::start().await;
    for tenant in [&app.acme, &app.globex] {
        let listed = listed(&tenant.agent().await, json!({ "active": true })).await;
        assert_eq!(listed.len(), 6, "{listed:?}");
        for template in listed {
            assert_eq!(template["findings"], json!([]), "{template}");
            assert_eq!(template["isDefault"], true);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_kept_of_words_that_are_only_looked_through() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let looked = async |input: Value| {
        let answer = agent
            .gql(
                "query($i: TemplateDraftInput!) { lintTemplate(input: $i) { mayBeActive findings { rule part severity }
                   length { encoding segments } } }",
                json!({ "i": input }),
            )
            .await;
        data(&answer)["lintTemplate"].clone()
    };
    let mail = |subject: &str| {
        json!({ "type": "EMAIL", "purpose": "FOLLOW_UP", "language": "EN", "subject": subject,
            "body": "Shall we talk? {{collectorDisclosure}} {{optOutNotice}} {{businessAddress}}" })
    };
    let good = looked(mail("A message for {{debtorFirstName}}")).await;
    assert_eq!(
        good,
        json!({ "mayBeActive": true, "findings": [], "length": null })
    );
    let telling = looked(mail("Your overdue balance")).await;
    assert_eq!(telling["mayBeActive"], false);
    assert_eq!(telling["findings"][0]["rule"], "no-debt-in-visible-fields");
    assert_eq!(telling["findings"][0]["part"], "SUBJECT");
    let first = json!({ "type": "SMS", "purpose": "FIRST_CONTACT", "language": "ES",
        "body": "Hola, somos {{businessName}}. Su saldo es {{balance}}." });
    let first = looked(first).await;
    assert_eq!(first["findings"][0]["rule"], "reg-f-text-procedures");
    assert_eq!(first["length"]["encoding"], "UCS_2");

    let variables = agent
        .gql(
            "{ templateVariables { name description exampleEn exampleEs firstContactTypes followUpTypes inSubject } }",
            json!({}),
        )
        .await;
    let variables = data(&variables)["templateVariables"].as_array().unwrap().clone();
    let balance = variables
        .iter()
        .find(|variable| variable["name"] == "balance")
        .unwrap();
    assert_eq!(
        balance["firstContactTypes"],
        json!(["EMAIL", "AGREEMENT", "LETTER"])
    );
    assert_eq!(balance["inSubject"], false);
    app.finish().await;
}

#[tokio::test]
async fn of_two_who_edit_at_once_one_reads_again() {
    let app = TestApp::start().await;
    let (admin, officer) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("compliance").await,
    );
    let id = kept(&admin, text("Contested", PLAIN, true)).await;
    let other = kept(&admin, text("Other", PLAIN, true)).await;
    let edit = async |client: &Client, words: &str| {
        let body = format!("{PLAIN} {words}");
        let input = json!({ "id": id, "expectedVersion": 1, "body": body });
        act(client, "updateTemplate", "template { version }", input).await
    };
    let (first, second) = tokio::join!(edit(&admin, "One."), edit(&officer, "Two."));
    let mut outcomes = [user_errors(&first), user_errors(&second)];
    outcomes.sort_unstable();
    assert_eq!(outcomes, [vec![], vec!["CONFLICT"]], "{first} {second}");

    let choose = async |client: &Client, id: &str| {
        act(
            client,
            "setDefaultTemplate",
            "template { id }",
            json!({ "id": id }),
        )
        .await
    };
    let (first, second) = tokio::join!(choose(&admin, &id), choose(&officer, &other));
    assert_eq!([user_errors(&first), user_errors(&second)], [[""; 0], [""; 0]]);
    let listed = listed(
        &admin,
        json!({ "type": "SMS", "purpose": "FOLLOW_UP", "language": "EN" }),
    )
    .await;
    assert_eq!(listed.iter().filter(|one| one["isDefault"] == true).count(), 1);
    app.finish().await;
}

#[tokio::test]
async fn who_may_write_writes_and_nobody_else_s_are_seen() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let id = kept(&admin, text("Ours", PLAIN, true)).await;
    for login in ["agent", "manager"] {
        let client = app.acme.sign_in(login).await;
        assert!(
            listed(&client, Value::Null)
                .await
                .iter()
                .any(|one| one["id"] == id)
        );
        let answer = ask(
            &client,
            "createTemplate",
            "template { id }",
            text("Mine", PLAIN, false),
        )
        .await;
        assert_eq!(error_code(&answer), "FORBIDDEN", "{login}");
        let answer = ask(&client, "archiveTemplate", "template { id }", json!({ "id": id })).await;
        assert_eq!(error_code(&answer), "FORBIDDEN", "{login}");
    }
    // Another business, which may have the same name for one of its own.
    let globex = app.globex.sign_in("admin").await;
    assert!(
        listed(&globex, Value::Null)
            .await
            .iter()
            .all(|one| one["id"] != id)
    );
    let answer = globex
        .gql("query($t: ID!) { template(id: $t) { body } }", json!({ "t": id }))
        .await;
    assert_eq!(error_code(&answer), "NOT_FOUND");
    let answer = globex
        .gql(
            "query($t: ID!) { templateRevisions(templateId: $t, first: 1) { edges { node { body } } } }",
            json!({ "t": id }),
        )
        .await;
    assert_eq!(error_code(&answer), "NOT_FOUND");
    let update = json!({ "id": id, "expectedVersion": 1, "body": "Theirs." });
    assert_eq!(
        user_errors(&act(&globex, "updateTemplate", "", update).await),
        ["NOT_FOUND"]
    );
    assert_eq!(
        user_errors(&act(&globex, "archiveTemplate", "", json!({ "id": id })).await),
        ["NOT_FOUND"]
    );
    kept(&globex, text("Ours", PLAIN, true)).await;
    // A creditor of its own debts is no debt collector, and does not call itself one.
    let false_name = format!("{PLAIN} {{{{collectorDisclosure}}}}");
    let refused = act(
        &globex,
        "createTemplate",
        &saved(),
        text("False", &false_name, true),
    )
    .await;
    assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{refused}");

    // A program does what its scopes say.
    let key = act(
        &admin,
        "createApiKey",
        "secret",
        json!({ "name": "Taskade", "scopes": ["template:read"] }),
    )
    .await;
    let mut program = app.anonymous();
    program.access_token = key["secret"].as_str().map(str::to_owned);
    assert!(
        listed(&program, Value::Null)
            .await
            .iter()
            .any(|one| one["id"] == id)
    );
    let answer = ask(
        &program,
        "createTemplate",
        "template { id }",
        text("Program's", PLAIN, false),
    )
    .await;
    assert_eq!(error_code(&answer), "FORBIDDEN");
    let account = app.account_id(&app.acme, 1).await;
    let answer = super::preview(&program, json!({ "accountId": account, "templateId": id })).await;
    assert_eq!(
        error_code(&answer),
        "FORBIDDEN",
        "a template is no way to read an account"
    );
    app.finish().await;
}

/// A business with some templates beside one with many.
const MANY: &str = "
    INSERT INTO templates (business_id, id, name, name_key, type, purpose, language, version, body, is_active, is_default,
        created_at, updated_at, updated_by)
    SELECT b.id, gen_random_uuid(), 'Many ' || n, 'many ' || n, 'SMS', 'FOLLOW_UP', 'en', 1, '{{businessName}} here.', true,
        false, b.created_at, b.created_at, (SELECT u.id FROM users u WHERE u.business_id = b.id LIMIT 1)
    FROM businesses b, generate_series(1, CASE b.slug WHEN 'acme' THEN 150 ELSE 3000 END) n";

#[tokio::test]
async fn a_page_is_two_statements_whatever_its_size_and_read_by_its_index() {
    let (app, wire): (TestApp, Wire) = crate::statements::listened_to_with(MANY, Vec::new()).await;
    let names = crate::statements::names(&app).await;
    let agent = app.acme.agent().await;
    let page = "query($n: Int!) { templates(first: $n, filter: { type: SMS, active: true }) { edges { node { id name findings { rule }
        updatedBy { name } } } } }";
    data(&agent.gql(page, json!({ "n": 1 })).await);
    for size in [1, 100] {
        wire.clear();
        let answer = agent.gql(page, json!({ "n": size })).await;
        assert_eq!(
            data(&answer)["templates"]["edges"].as_array().unwrap().len(),
            size
        );
        let passed = wire.statements();
        assert!(passed.len() <= 3, "BEGIN, templates, staff: {passed:#?}");
    }
    let plans = wire.plans();
    assert!(!plans.is_empty());
    plans.iter().for_each(|plan| names.assert_indexed(plan));
    app.finish().await;
}
