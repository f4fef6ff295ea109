//! The sweeps: as another business, as nobody, and in every role.

use funnelchat::{
    access::{
        AccessTable, Cell, Role,
        operations::{Needs, needs},
    },
    accounts::record_stated_zone,
    cli::seed::{DEMO_PASSWORD, DEMO_TOTP_SECRET},
};
use serde_json::json;
use sqlx::Executor as _;

use super::{call, fingerprint, give_to, intruder::Intruder};
use crate::support::{
    Options, Problems, Schema, Socket, TestApp, code_of, data, error_code,
    recipes::{Ids, authorised, disputed, kept, plain_arguments, proposed_change, settings_version},
    user_errors,
};

/// Changed with a code of the person's own; `identity::second_factor` shows them at work.
const SECOND_FACTOR: &[&str] = &[
    "beginMfaReplacement",
    "confirmMfaReplacement",
    "regenerateRecoveryCodes",
    "resetMemberMfa",
];

#[tokio::test]
async fn every_id_of_another_business_is_not_found_in_every_place() {
    let app = TestApp::start().await;
    let (acme_admin, globex_admin) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let acme = Ids::make(&app, &app.acme, &acme_admin, "Acmeonly", 42).await;
    let globex = Ids::make(&app, &app.globex, &globex_admin, "Globexonly", 43).await;
    let table = AccessTable::load().await.unwrap();
    let schema = Schema::of(&globex_admin).await;
    for ty in schema
        .own_types()
        .filter(|ty| !["Mutation", "Query", "Subscription"].contains(&ty.name.as_str()))
    {
        for field in &ty.fields {
            assert!(
                schema.slots(field, "ID").is_empty(),
                "{}.{} takes an id below the roots: sweep it too",
                ty.name,
                field.name
            );
        }
    }
    let mut superuser = app.superuser().await;
    let before = fingerprint(&mut superuser, acme.uuid("biz")).await;
    let intruder = Intruder {
        client: &globex_admin,
        own: &globex,
        target: &acme,
        kinds: &acme.prefixes(),
        may: &|root, field| match needs(root, field) {
            Some(Needs::Permission(cell)) => table.allows(Role::BusinessAdmin, cell),
            Some(Needs::Platform) => false,
            _ => true,
        },
    };
    let tried = intruder.sweep(&schema).await;
    assert!(tried > 25, "slots were found: {tried}");
    app.run_jobs().await;
    assert_eq!(
        fingerprint(&mut superuser, acme.uuid("biz")).await,
        before,
        "and nothing of it was changed"
    );
    let own = globex_admin
        .gql(
            "query($id: ID!) { node(id: $id) { id } }",
            json!({ "id": globex.get("conv") }),
        )
        .await;
    assert_eq!(
        data(&own)["node"]["id"],
        globex.get("conv"),
        "one's own is found by the same means"
    );

    // Lists, searches and feeds hold nothing of it either.
    let quill = acme.secrets[0].clone();
    let lists = globex_admin
        .gql(
            "query($q: String!) { accounts(first: 100, search: $q) { edges { node { id } } } debtors(first: 100, search: $q) { edges { node { id } } }
               all: accounts(first: 100) { edges { node { id firstName } } } conversations(first: 100) { edges { node { id } } }
               auditEvents(first: 100) { edges { node { objectId debtorId actorId } } } viewer { inboxCursor } }",
            json!({ "q": quill }),
        )
        .await;
    let found = data(&lists);
    assert_eq!(found["accounts"]["edges"], json!([]));
    assert_eq!(found["debtors"]["edges"], json!([]));
    for secret in &acme.secrets {
        assert!(
            !lists.to_string().contains(secret.as_str()),
            "a list tells {secret}"
        );
    }
    let mut inbox = globex_admin.socket().await;
    let follow = "subscription($c: Cursor) { inboxEvents(after: $c) { __typename ... on MessageAdded { message { content } } } }";
    inbox
        .subscribe(follow, json!({ "c": found["viewer"]["inboxCursor"] }))
        .await;
    app.text(&app.acme, &acme.secrets[2], "Only Acme may read this")
        .await;
    app.text(&app.globex, &globex.secrets[2], "And this is Globex's")
        .await;
    let first = loop {
        let event = inbox.event().await["inboxEvents"].clone();
        if event["__typename"] == "MessageAdded" {
            break event;
        }
    };
    assert_eq!(first["message"]["content"], "And this is Globex's");
    app.finish().await;
}

/// What whoever visits a portal writes down there, with their row in the trail: `debtor_sign_in::cookies` has its story.
const WRITTEN_BY_ANYBODY: &[&str] = &["recordCookieChoice"];

#[tokio::test]
async fn without_signing_in_only_what_is_public_answers() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let schema = Schema::of(&admin).await;
    let acme = Ids::make(&app, &app.acme, &admin, "Anonymous", 44).await;
    let nobody = app.anonymous();
    let mut problems = Problems::default();
    let mut superuser = app.superuser().await;
    let before = fingerprint(&mut superuser, acme.uuid("biz")).await;
    for (root, field) in schema.operations() {
        if WRITTEN_BY_ANYBODY.contains(&field.name.as_str()) {
            continue;
        }
        let arguments = plain_arguments(&schema, field, &acme);
        let (document, variables) = schema.document(root, field, &arguments, 2);
        let answer = if root == "Subscription" {
            // A socket opens for nobody; an event stream is asked instead.
            let answer = nobody
                .http()
                .post(format!("http://{}/graphql", app.addr))
                .header("accept", "text/event-stream")
                .json(&json!({ "query": document, "variables": variables }))
                .send()
                .await
                .unwrap();
            let text = answer.text().await.unwrap();
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("data:"))
                .unwrap_or(&text);
            serde_json::from_str(line).unwrap_or_else(|_| json!({ "text": text }))
        } else {
            nobody.gql(&document, variables).await
        };
        let name = format!("{root}.{}", field.name);
        let codes = format!(
            "{} {:?}",
            error_code(&answer),
            user_errors(&answer["data"][&field.name])
        );
        match needs(root, &field.name) {
            Some(Needs::Nothing) => problems.check(
                !codes.contains("UNAUTHENTICATED")
                    && !codes.contains("FORBIDDEN")
                    && !codes.contains("INTERNAL"),
                || format!("{name} is public: {answer}"),
            ),
            _ => problems.check(
                error_code(&answer) == "UNAUTHENTICATED" && answer["data"].is_null(),
                || format!("{name} needs a sign-in: {answer}"),
            ),
        }
        for secret in &acme.secrets {
            problems.check(!answer.to_string().contains(secret.as_str()), || {
                format!("{name} tells {secret}")
            });
        }
    }
    problems.none();
    app.run_jobs().await;
    assert_eq!(
        fingerprint(&mut superuser, acme.uuid("biz")).await,
        before,
        "and nothing was changed"
    );
    let mut socket = Socket::open(app.addr).await;
    socket
        .send(json!({ "type": "connection_init", "payload": {} }))
        .await;
    assert_eq!(socket.close_code().await, 4401, "a socket without a log-in");
    app.finish().await;
}

#[tokio::test]
async fn every_role_may_do_what_the_matrix_says_and_no_more() {
    // What is tried with codes and passwords that nobody has counts as failed log-ins from one address.
    let unlimited = |name| (name, "1000".to_owned());
    let app = TestApp::start_with(Options {
        settings: vec![
            unlimited("RATE_LIMIT_LOGIN_FAILURES_PER_IP"),
            unlimited("RATE_LIMIT_LOGIN_FAILURES_PER_ACCOUNT"),
        ],
        ..Options::default()
    })
    .await;
    let table = AccessTable::load().await.unwrap();
    let admin = app.acme.sign_in("admin").await;
    let schema = Schema::of(&admin).await;
    let mut problems = Problems::default();
    let mut superuser = app.superuser().await;
    app.text(&app.acme, &app.acme.debtor_number(0), "For everybody's inbox")
        .await;
    let agents = admin
        .gql(
            "{ users(filter: { role: [AGENT] }, first: 1) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    let agent = data(&agents)["users"]["edges"][0]["node"]["id"].clone();
    let input =
        json!({ "expectedVersion": settings_version(&admin).await, "agentsSetOwnAvailability": true });
    let allowed = admin
        .gql(
            "mutation($i: UpdateBusinessSettingsInput!) { updateBusinessSettings(input: $i) { userErrors { message } } }",
            json!({ "i": input }),
        )
        .await;
    assert_eq!(data(&allowed)["updateBusinessSettings"]["userErrors"], json!([]));
    for (login, role, line) in [
        ("manager", Role::Manager, 51),
        ("agent", Role::Agent, 52),
        ("compliance", Role::ComplianceOfficer, 53),
        // Last: the sweep ends its session, which makes the others' objects.
        ("admin", Role::BusinessAdmin, 54),
    ] {
        let mut client = if login == "admin" {
            admin.clone()
        } else {
            app.acme.sign_in(login).await
        };
        let mut ids = Ids::make(&app, &app.acme, &admin, &format!("Role{login}"), line)
            .await
            .with_view_of(&client, "their own")
            .await
            .with_files_of(&client, &app)
            .await;
        ids.set("sess", app.spare_session(&client).await);
        give_to(&mut superuser, &ids, None).await;
        let mut operations = schema.operations();
        // What the others need goes, and comes back, after them; then what ends sessions, and the end of the password.
        let late = [
            "mergeDebtors",
            "deleteRole",
            "removeContactPoint",
            "deleteAccount",
            "restoreAccount",
            "eraseDebtor",
            "revokeOtherSessions",
            "logout",
            "changePassword",
        ];
        operations.sort_by_key(|(_, field)| late.iter().position(|name| *name == field.name));
        for (root, field) in operations {
            let acting = match field.name.as_str() {
                "changePassword" => app.acme.sign_in(login).await,
                _ => client.clone(),
            };
            // Each step of an import is tried on one that is ready for it.
            if root == "Mutation"
                && field.name.ends_with("AccountImport")
                && table.allows(role, Cell::AccountImport)
            {
                ids.renew_import(&app, &acting).await;
            }
            let mut arguments = plain_arguments(&schema, field, &ids);
            // From the beginning: a permitted feed then has something to tell at once.
            if root == "Subscription" {
                arguments.insert("after".to_owned(), json!("live1_0"));
            }
            // Each step of a dispute is tried on one that waits for it.
            let steps = [
                "startDisputeVerification",
                "recordVerificationSent",
                "resolveDispute",
            ];
            if steps.contains(&field.name.as_str()) {
                let filer = if login == "admin" { &client } else { &admin };
                let dispute = disputed(filer, ids.get("acct"), "a step").await;
                ids.set("dsp", dispute);
                arguments = plain_arguments(&schema, field, &ids);
            }
            // One record of authority stands for a debt at a time.
            if ["recordSuitAuthority", "withdrawSuitAuthority"].contains(&field.name.as_str()) {
                superuser.execute("DELETE FROM suit_authorities").await.unwrap();
                if field.name.starts_with("withdraw") {
                    let filer = if login == "admin" { &client } else { &admin };
                    let record = authorised(filer, ids.get("acct"), "a step").await;
                    ids.set("suit", record);
                    arguments = plain_arguments(&schema, field, &ids);
                }
            }
            // A template is changed, made the default and put away once.
            if ["updateTemplate", "setDefaultTemplate", "archiveTemplate"].contains(&field.name.as_str()) {
                let keeper = if login == "admin" { &client } else { &admin };
                let template = kept(keeper, &format!("{login}'s {}", field.name)).await;
                ids.set("tmpl", template.as_str().expect("a template").to_owned());
                arguments = plain_arguments(&schema, field, &ids);
                if field.name.starts_with("setDefault") {
                    superuser
                        .execute("UPDATE templates SET is_active = true WHERE archived_at IS NULL")
                        .await
                        .unwrap();
                }
                if field.name.starts_with("update") {
                    let input = json!({ "id": template, "expectedVersion": 1 });
                    arguments.insert("input".to_owned(), input);
                }
            }
            // Nothing is sent past an attorney whom another operation has put there.
            if field.name == "generateValidationNotice" {
                superuser
                    .execute("UPDATE holds SET lifted_at = placed_at WHERE kind = 'ATTORNEY'")
                    .await
                    .unwrap();
            }
            // What loosens the policy is decided on once, and settings are changed as they are.
            if ["approveContactPolicyChange", "rejectContactPolicyChange"].contains(&field.name.as_str()) {
                let proposer = if login == "admin" { &client } else { &admin };
                let waits = proposed_change(proposer).await;
                arguments.insert("input".to_owned(), json!({ "id": waits, "reason": "Too often." }));
                if field.name.starts_with("approve") {
                    arguments.insert("input".to_owned(), json!({ "id": waits }));
                }
            }
            if field.name == "updateBusinessSettings" {
                let input = json!({ "expectedVersion": settings_version(&client).await });
                arguments.insert("input".to_owned(), input);
            }
            // The vendor is asked whether it takes them.
            if field.name == "setProviderCredentials" {
                let (sid, token) = (format!("AC{:032x}", 78), "1".repeat(32));
                app.sandbox.state().issue_token(&sid, &token);
                let input = json!({ "twilio": { "accountSid": sid, "authToken": token } });
                arguments.insert("input".to_owned(), input);
            }
            // It is bought first.
            if ["connectNumber", "disconnectNumber"].contains(&field.name.as_str()) {
                let (sid, webhook) = (app.acme.demo.twilio_sid(), app.sms_webhook());
                app.sandbox.state().buy_number(&sid, "+12125550178", &webhook);
            }
            // Somebody else took down what is to be confirmed.
            if field.name == "confirmStatedTimeZone" {
                let mut tx = app
                    .app
                    .db
                    .tenant(&app.service_ctx(&app.acme).await)
                    .await
                    .unwrap();
                let said = (Some("America/Chicago"), "In Chicago.");
                record_stated_zone(&mut tx, &app.app.keyring, &app.app.db, ids.uuid("dbtr"), said)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
                let input = json!({ "debtorId": ids.get("dbtr"), "timeZone": "America/Chicago" });
                arguments.insert("input".to_owned(), input);
            }
            // With a code that is good: what fails counts as failed log-ins do.
            if ["beginMfaReplacement", "regenerateRecoveryCodes"].contains(&field.name.as_str()) {
                let code = code_of(DEMO_TOTP_SECRET, &app.wall);
                let input = json!({ "currentPassword": DEMO_PASSWORD, "code": code });
                arguments.insert("input".to_owned(), input);
            }
            // What staff take is not applied to a debt that is disputed.
            if ["createPayment", "recordManualPayment"].contains(&field.name.as_str()) {
                superuser
                    .execute("UPDATE accounts SET status = 'ACTIVE' WHERE status = 'DISPUTED'")
                    .await
                    .unwrap();
            }
            // A manager has to do with agents only.
            if field.name == "updateUser" {
                arguments.insert("input".to_owned(), json!({ "id": agent }));
            }
            let answer = call(&acting, &schema, root, field, &arguments).await;
            // The session that switches ends: its successor goes on.
            if let Some(token) = answer["data"]["switchBusiness"]["session"]["accessToken"].as_str() {
                client.access_token = Some(token.to_owned());
            }
            let need = needs(root, &field.name);
            let allowed = match need {
                Some(Needs::Permission(cell)) => table.allows(role, cell),
                Some(Needs::Nothing | Needs::SignIn) => true,
                Some(Needs::Platform) | None => false,
            };
            let name = format!("{login}: {root}.{}", field.name);
            if !allowed {
                let refused = error_code(&answer) == "FORBIDDEN" && answer["data"].is_null();
                problems.check(refused, || format!("{name} is denied: {answer}"));
                continue;
            }
            problems.check(answer.get("errors").is_none(), || {
                format!("{name} is allowed: {answer}")
            });
            // A mutation does what it says; the public ones were given tokens that nobody has, and so were those of a second
            // factor, and nobody takes off their own.
            let codes = user_errors(&answer["data"][&field.name]);
            let works = codes.iter().all(|code| *code == "COMPLIANCE_BLOCKED")
                || need == Some(Needs::Nothing)
                || SECOND_FACTOR.contains(&field.name.as_str());
            problems.check(works, || format!("{name} is allowed, and works: {answer}"));
        }
    }
    problems.none();
    app.run_jobs().await;
    app.finish().await;
}
