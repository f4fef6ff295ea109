//! Debtors among themselves: each sees the account of their session, and of all else that it does not exist.

use funnelchat::access::{
    debtor_fields::shows,
    operations::{Needs, needs},
};
use serde_json::json;

use super::{call, fingerprint, intruder::Intruder};
use crate::support::{
    Client, Problems, Schema, Tenant, TestApp, data, error_code,
    recipes::{Ids, plain_arguments},
    user_errors,
};

/// A person with one object of every kind, and themselves signed in.
async fn somebody(app: &TestApp, tenant: &Tenant, staff: &Client, mark: &str, line: u8) -> (Ids, Client) {
    let ids = Ids::make(app, tenant, staff, mark, line).await;
    let factors = json!({ "postalCode": "10027", "accountNumber": format!("NUMBER-{mark}"), "birthDate": "1980-01-31" });
    let debtor = app.debtor_of(staff, ids.get("acct"), &factors).await;
    (ids, debtor)
}

fn may(root: &str, field: &str) -> bool {
    shows(root, field) || needs(root, field) == Some(Needs::Nothing)
}

#[tokio::test]
async fn to_a_debtor_nobody_elses_exists_neither_here_nor_at_another_business() {
    let app = TestApp::start().await;
    let (acme_admin, globex_admin) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let schema = Schema::of(&acme_admin).await.for_debtor();
    let (own, debtor) = somebody(&app, &app.acme, &acme_admin, "Ownself", 45).await;
    let mut neighbour = Ids::make(&app, &app.acme, &acme_admin, "Neighbour", 46).await;
    let (foreign, foreigner) = somebody(&app, &app.globex, &globex_admin, "Foreigner", 47).await;
    // The business is the same.
    for known in ["biz", "usr"] {
        let (id, uuid) = (neighbour.get(known).to_owned(), neighbour.uuid(known).to_string());
        neighbour
            .secrets
            .retain(|secret| *secret != id && *secret != uuid);
    }
    let kinds: Vec<&'static str> = neighbour
        .prefixes()
        .into_iter()
        .filter(|kind| *kind != "biz")
        .collect();
    let mut superuser = app.superuser().await;
    let before = fingerprint(&mut superuser, own.uuid("biz")).await;
    for (client, own, target) in [
        (&debtor, &own, &neighbour),
        (&debtor, &own, &foreign),
        (&foreigner, &foreign, &neighbour),
    ] {
        let intruder = Intruder {
            client,
            own,
            target,
            kinds: &kinds,
            may: &may,
        };
        let tried = intruder.sweep(&schema).await;
        assert!(tried > 25, "slots were found: {tried}");
    }
    let after = fingerprint(&mut superuser, own.uuid("biz")).await;
    assert_eq!(after, before, "and nothing was changed");
    let lists = debtor
        .gql(
            "query($q: String!) { search: accounts(first: 100, search: $q) { edges { node { id } } }
               accounts(first: 100) { edges { node { id firstName debtor { id contactPoints { value } } } } }
               conversations(first: 100) { edges { node { id messages(last: 5) { edges { node { content } } } } } } sessions { id } }",
            json!({ "q": neighbour.secrets[0] }),
        )
        .await;
    assert_eq!(data(&lists)["search"]["edges"], json!([]));
    assert_eq!(
        data(&lists)["accounts"]["edges"][0]["node"]["id"],
        own.get("acct")
    );
    for secret in neighbour.secrets.iter().chain(&foreign.secrets) {
        assert!(
            !lists.to_string().contains(secret.as_str()),
            "a list tells {secret}"
        );
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_debtor_may_do_what_is_shown_to_them_and_nothing_else() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let schema = Schema::of(&admin).await;
    let theirs = schema.for_debtor();
    let (mut ids, debtor) = somebody(&app, &app.acme, &admin, "Everyday", 48).await;
    let factors = json!({ "postalCode": "10027", "accountNumber": "NUMBER-Everyday" });
    let spare = app.debtor_of(&admin, ids.get("acct"), &factors).await;
    ids.set("sess", spare.session_id().await);
    let mut problems = Problems::default();
    let mut operations = schema.operations();
    operations.sort_by_key(|(_, field)| {
        ["revokeOtherSessions", "logout"]
            .iter()
            .position(|name| *name == field.name)
    });
    let mut allowed = 0;
    for (root, field) in operations {
        let seen_by = if may(root, &field.name) { &theirs } else { &schema };
        let mut arguments = plain_arguments(&schema, field, &ids);
        if root == "Subscription" {
            arguments.insert("after".to_owned(), json!("live1_0"));
        }
        let answer = call(&debtor, seen_by, root, field, &arguments).await;
        let name = format!("{root}.{}", field.name);
        if !may(root, &field.name) {
            let refused = error_code(&answer) == "FORBIDDEN" && answer["data"].is_null();
            problems.check(refused, || format!("{name} is denied: {answer}"));
            continue;
        }
        allowed += 1;
        problems.check(answer.get("errors").is_none(), || {
            format!("{name} is allowed: {answer}")
        });
        // The public ones were given tokens that nobody has.
        let works = shows(root, &field.name) == user_errors(&answer["data"][&field.name]).is_empty();
        problems.check(works || !shows(root, &field.name), || {
            format!("{name} works: {answer}")
        });
    }
    assert!(allowed > 25, "{allowed}");
    problems.none();
    app.run_jobs().await;
    app.finish().await;
}
