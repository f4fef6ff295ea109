//! A business that registers can text: it connects its account and its number, providers' approvals are recorded for it, and
//! each of the three can end.

use chrono::{DateTime, TimeDelta, Utc};
use funnelchat::{
    platform::ids::{IdKind, encode},
    sandbox::{Fault, Provider},
};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::only_error;
use crate::support::{
    Client, SEND, TestApp, Webhook, code_of, data, error_code, send, send_refused, user_errors,
};

const FOUNDER: &str = "founder@initech.example";
const PASSWORD: &str = "seven purple elephants dance";
/// Initech's number, and its only debtor's, in Dallas, where it is noon.
const NUMBER: &str = "+12145550100";
const DEBTOR: &str = "+12145550142";

async fn act(client: &Client, name: &str, wanted: &str, input: Value) -> Value {
    let (first, rest) = name.split_at(1);
    let document = format!(
        "mutation($i: {}{rest}Input!) {{ {name}(input: $i) {{ {wanted} userErrors {{ code field message }} }} }}",
        first.to_uppercase()
    );
    let answer = client.gql(&document, json!({ "i": input })).await;
    data(&answer)[name].clone()
}

async fn done(client: &Client, name: &str, wanted: &str, input: Value) -> Value {
    let payload = act(client, name, wanted, input).await;
    assert_eq!(payload["userErrors"], json!([]), "{name}");
    payload
}

const CONNECTED: &str = "number { id phone accountExternalId disconnectedAt connectedBy { name } }";

async fn connect(client: &Client, input: Value) -> Value {
    act(client, "connectNumber", CONNECTED, input).await
}

/// Registers, follows the link in the mail, and enrols a second factor: the founder.
async fn founded(app: &TestApp) -> Client {
    let mut founder = app.anonymous();
    let registration = json!({ "businessName": "Initech", "businessRole": "THIRD_PARTY_COLLECTOR",
        "name": "Peter Gibbons", "email": FOUNDER, "password": PASSWORD });
    done(&founder, "registerBusiness", "accepted", registration).await;
    app.run_jobs().await;
    let mail = app.sandbox.state().mails_to(FOUNDER).pop().expect("a mail").text;
    let mail = mail.expect("a text");
    let (_, link) = mail.split_once("/verify-email?token=").expect("a link");
    let token = link.split_whitespace().next().unwrap();
    let verification = json!({ "token": token, "password": PASSWORD });
    done(&founder, "verifyEmail", "verified", verification).await;
    let login = json!({ "email": FOUNDER, "password": PASSWORD });
    let entered = done(&founder, "login", "mfaEnrollment { token }", login).await;
    let token = &entered["mfaEnrollment"]["token"];
    let begun = done(
        &founder,
        "beginMfaEnrollment",
        "secret",
        json!({ "token": token }),
    )
    .await;
    let code = code_of(begun["secret"].as_str().unwrap(), &app.wall);
    let confirmation = json!({ "token": token, "code": code });
    let confirmed = done(
        &founder,
        "confirmMfaEnrollment",
        "session { accessToken }",
        confirmation,
    )
    .await;
    founder.access_token = confirmed["session"]["accessToken"].as_str().map(str::to_owned);
    founder
}

/// Initech's only debtor, who has agreed to texts.
async fn with_debtor(founder: &Client) {
    let account = json!({ "firstName": "Milton", "lastName": "Waddams", "accountNumber": "I-1", "phone": DEBTOR,
        "currentBalance": { "amount": "120.00" }, "originalCreditor": "First Example Bank",
        "address": { "line1": "1 Basement", "city": "Dallas", "state": "TX", "postalCode": "75201" } });
    let created = done(
        founder,
        "createAccount",
        "account { debtor { contactPoints { id } } }",
        account,
    )
    .await;
    let point = &created["account"]["debtor"]["contactPoints"][0]["id"];
    let consent =
        json!({ "contactPointId": point, "channel": "SMS", "source": "PAPER", "text": "You may text me." });
    done(founder, "recordConsent", "", consent).await;
}

/// Initech: the founder, the platform's staff, and what the latter calls the business.
struct Initech {
    founder: Client,
    staff: Client,
    id: Value,
    sid: String,
    token: String,
}

impl Initech {
    async fn of(app: &TestApp) -> Self {
        let founder = founded(app).await;
        with_debtor(&founder).await;
        let seen = founder.gql("{ business { id } }", json!({})).await;
        Self {
            staff: app.super_admin().await,
            id: data(&seen)["business"]["id"].clone(),
            founder,
            sid: format!("AC{}", "c".repeat(32)),
            token: "3".repeat(32),
        }
    }

    async fn with_account(self, app: &TestApp) -> Self {
        app.sandbox.state().issue_token(&self.sid, &self.token);
        let credentials = json!({ "twilio": { "accountSid": self.sid, "authToken": self.token } });
        done(&self.founder, "setProviderCredentials", "", credentials).await;
        self
    }

    async fn with_number(self, app: &TestApp) -> Self {
        assert!(
            app.sandbox
                .state()
                .buy_number(&self.sid, NUMBER, &app.sms_webhook())
        );
        let connected = connect(&self.founder, json!({ "phone": NUMBER })).await;
        assert_eq!(connected["userErrors"], json!([]));
        self
    }

    /// Records an approval, until an instant or without end: its id.
    async fn approve(&self, kind: &str, until: Option<DateTime<Utc>>) -> Value {
        let input =
            json!({ "businessId": self.id, "kind": kind, "reference": "Case 4711", "validUntil": until });
        let recorded = done(
            &self.staff,
            "recordProviderApproval",
            "providerApproval { id stands }",
            input,
        )
        .await;
        recorded["providerApproval"]["id"].clone()
    }

    async fn withdraw(&self, approval: &Value) {
        let input =
            json!({ "businessId": self.id, "approvalId": approval, "reason": "The provider took it back." });
        let withdrawn = done(
            &self.staff,
            "withdrawProviderApproval",
            "providerApproval { stands withdrawnAt }",
            input,
        )
        .await;
        assert_eq!(withdrawn["providerApproval"]["stands"], false);
    }

    /// The debtor writes, and the text is in its thread.
    async fn hears(&self, app: &TestApp, text: &str) -> String {
        let received = app
            .sandbox
            .state()
            .receive_text(DEBTOR, NUMBER, text)
            .await
            .unwrap();
        assert_eq!(received.webhook_status, Some(200));
        app.run_jobs().await;
        let threads = self
            .founder
            .gql(
                "{ conversations(first: 2) { edges { node { id debtor { firstName } messages(last: 1) { edges { node { content } } } } } } }",
                json!({}),
            )
            .await;
        let threads = data(&threads)["conversations"]["edges"]
            .as_array()
            .unwrap()
            .clone();
        assert_eq!(threads.len(), 1);
        let node = &threads[0]["node"];
        assert_eq!(node["debtor"]["firstName"], "Milton");
        assert_eq!(node["messages"]["edges"][0]["node"]["content"], text);
        node["id"].as_str().unwrap().to_owned()
    }

    /// The rule that refuses an answer, and the sentence that the sender reads.
    async fn refused(&self, thread: &str) -> (String, String) {
        let refused = send_refused(&self.founder, thread, "Shall we?").await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (
            text(&refused["decision"]["rule"]),
            text(&refused["userErrors"][0]["message"]),
        )
    }
}

#[tokio::test]
async fn from_the_registration_to_the_first_answer() {
    let app = TestApp::start().await;
    let initech = Initech::of(&app).await;
    let founder = &initech.founder;
    let accounts = founder
        .gql("{ accounts(first: 1) { edges { node { id } } } }", json!({}))
        .await;
    let account = data(&accounts)["accounts"]["edges"][0]["node"]["id"].clone();
    let wish = json!({ "accountId": account, "channel": "SMS" });
    let (code, _, message) = only_error(&act(founder, "startConversation", "", wish).await);
    assert_eq!(code, "CONFLICT");
    assert!(message.contains("connectNumber"), "{message}");
    let (code, place, message) = only_error(&connect(founder, json!({ "phone": NUMBER })).await);
    assert_eq!((code.as_str(), place.as_str()), ("CONFLICT", "input.phone"));
    assert!(message.contains("setProviderCredentials"), "{message}");

    // The account; then a number that is not in it, and one whose texts go elsewhere.
    let initech = initech.with_account(&app).await;
    let founder = &initech.founder;
    let (code, _, message) = only_error(&connect(founder, json!({ "phone": NUMBER })).await);
    assert_eq!(code, "CONFLICT");
    assert!(message.contains("none of your accounts"), "{message}");
    let state = app.sandbox.state();
    assert!(state.buy_number(&initech.sid, NUMBER, "https://elsewhere.example/sms"));
    let (code, _, message) = only_error(&connect(founder, json!({ "phone": NUMBER })).await);
    assert_eq!(code, "CONFLICT");
    assert!(
        message.contains(&app.sms_webhook()) && message.contains("setWebhook: true"),
        "{message}"
    );
    let connected = connect(founder, json!({ "phone": "(214) 555-0100", "setWebhook": true })).await;
    assert_eq!(connected["userErrors"], json!([]));
    let number = &connected["number"];
    assert_eq!(
        (
            &number["phone"],
            &number["accountExternalId"],
            &number["connectedBy"]["name"]
        ),
        (&json!(NUMBER), &json!(initech.sid), &json!("Peter Gibbons"))
    );
    let asked = state.requests().pop().unwrap();
    assert_eq!(asked.method, "POST");
    assert!(
        asked
            .url
            .ends_with(&format!("/IncomingPhoneNumbers/PN{:0>32}.json", "12145550100"))
    );
    let again = connect(founder, json!({ "phone": NUMBER })).await;
    assert_eq!(again["number"]["id"], number["id"], "its texts come to us now");
    let listed = founder
        .gql(
            "{ connectedNumbers { phone } business { inboundNumbers providerApprovals { kind } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&listed),
        &json!({ "connectedNumbers": [{ "phone": NUMBER }],
            "business": { "inboundNumbers": [NUMBER], "providerApprovals": [] } })
    );

    // The debtor is heard; the answer waits for what the providers have approved.
    let thread = initech.hears(&app, "Can I pay in parts?").await;
    let (rule, message) = initech.refused(&thread).await;
    assert_eq!(rule, "provider-sms-third-party-ban");
    assert!(message.contains("approval"), "{message}");
    initech.approve("SMS_ROUTE", None).await;
    let (rule, message) = initech.refused(&thread).await;
    assert_eq!(rule, "provider-10dlc-registration");
    assert!(message.contains("Register"), "{message}");
    initech.approve("SMS_CAMPAIGN_10DLC", None).await;
    send(founder, &thread, "Yes. Shall we say four?").await;
    app.run_jobs().await;
    let texts = app.received_by(DEBTOR);
    assert_eq!(texts.len(), 1);
    assert!(texts[0].from == NUMBER && texts[0].body.starts_with("Yes. Shall we say four?"));
    assert_eq!(app.audited("number.connected").await, 2);
    app.finish().await;
}

#[tokio::test]
async fn what_is_withdrawn_or_has_ended_stops_the_next_text() {
    let app = TestApp::start().await;
    let initech = Initech::of(&app)
        .await
        .with_account(&app)
        .await
        .with_number(&app)
        .await;
    let route = initech.approve("SMS_ROUTE", None).await;
    let end = app.app.clock.now() + TimeDelta::minutes(10);
    initech.approve("SMS_CAMPAIGN_10DLC", Some(end)).await;
    let thread = initech.hears(&app, "Hello?").await;
    let waits = send(&initech.founder, &thread, "Hello.").await;

    // Between the sending and the vendor's door, too.
    initech.withdraw(&route).await;
    app.run_jobs().await;
    assert_eq!(app.status(&waits).await, "BLOCKED");
    assert_eq!(initech.refused(&thread).await.0, "provider-sms-third-party-ban");
    let again = initech.approve("SMS_ROUTE", None).await;
    let sent = send(&initech.founder, &thread, "Hello again.").await;
    app.run_jobs().await;
    assert_eq!(app.status(&sent).await, "DELIVERED");

    app.advance(TimeDelta::minutes(10)).await;
    let thread = initech.hears(&app, "And now?").await;
    assert_eq!(initech.refused(&thread).await.0, "provider-10dlc-registration");
    let seen = initech
        .founder
        .gql(
            "{ business { providerApprovals { id kind reference stands withdrawnAt withdrawalReason } } }",
            json!({}),
        )
        .await;
    let approvals = data(&seen)["business"]["providerApprovals"]
        .as_array()
        .unwrap()
        .clone();
    let stand: Vec<(&str, bool)> = approvals
        .iter()
        .map(|row| (row["kind"].as_str().unwrap(), row["stands"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        stand,
        [
            ("SMS_ROUTE", true),
            ("SMS_CAMPAIGN_10DLC", false),
            ("SMS_ROUTE", false)
        ]
    );
    assert_eq!(approvals[0]["id"], again);
    assert_eq!(approvals[2]["withdrawalReason"], "The provider took it back.");
    app.finish().await;
}

#[tokio::test]
async fn a_number_of_another_business_is_a_conflict_and_nobody_learns_whose() {
    let app = TestApp::start().await;
    let globex = app.globex.sign_in("admin").await;
    let acmes = app.acme.demo.number;
    let (code, place, message) = only_error(&connect(&globex, json!({ "phone": acmes })).await);
    assert_eq!((code.as_str(), place.as_str()), ("CONFLICT", "input.phone"));
    let nobodys = connect(&globex, json!({ "phone": NUMBER })).await;
    assert_eq!(
        only_error(&nobodys).2,
        message,
        "not even whether it is somebody's"
    );
    let taken = act(&globex, "disconnectNumber", "", json!({ "phone": acmes })).await;
    assert_eq!(user_errors(&taken), ["NOT_FOUND"]);
    let nonsense = act(&globex, "connectNumber", "", json!({ "phone": "12" })).await;
    assert_eq!(only_error(&nonsense).0, "INVALID_INPUT");

    let state = app.sandbox.state();
    assert!(state.buy_number(&app.globex.demo.twilio_sid(), NUMBER, &app.sms_webhook()));
    state.add_fault(Provider::Twilio, Fault::Error500, 1).unwrap();
    let away = globex
        .gql(
            "mutation($p: PhoneNumber!) { connectNumber(input: { phone: $p }) { userErrors { code } } }",
            json!({ "p": NUMBER }),
        )
        .await;
    assert_eq!(error_code(&away), "UNAVAILABLE");
    for login in ["manager", "agent", "compliance"] {
        let other = app.globex.sign_in(login).await;
        for query in [
            "{ connectedNumbers { id } }",
            "mutation { connectNumber(input: { phone: \"+12145550100\" }) { userErrors { code } } }",
            "mutation { disconnectNumber(input: { phone: \"+13125550100\" }) { userErrors { code } } }",
        ] {
            assert_eq!(
                error_code(&other.gql(query, json!({})).await),
                "FORBIDDEN",
                "{login}"
            );
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_disconnected_number_sends_nothing_keeps_its_history_and_hears_a_stop() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let maria = app.acme.debtor_number(0);
    app.text(&app.acme, &maria, "Can I set up a payment plan?").await;
    let thread = app.thread_with(&agent, &app.acme, 0).await;
    let waits = send(&agent, &thread, "Yes.").await;
    let number = json!({ "phone": app.acme.demo.number });
    let gone = done(&admin, "disconnectNumber", CONNECTED, number.clone()).await;
    assert!(gone["number"]["disconnectedAt"].is_string());
    let twice = act(&admin, "disconnectNumber", "", number.clone()).await;
    assert_eq!(user_errors(&twice), ["NOT_FOUND"]);
    app.run_jobs().await;
    let state = app.message_state(&waits).await;
    assert_eq!(state.failure_code.as_deref(), Some("NO_ROUTE"));
    assert!(state.failure_reason.unwrap().contains("connectNumber"));
    let refused = agent.gql(SEND, json!({ "c": thread, "text": "Yes!" })).await;
    let (code, place, message) = only_error(&data(&refused)["sendMessage"]);
    assert_eq!(
        (code.as_str(), place.as_str()),
        ("CONFLICT", "input.conversationId")
    );
    assert!(
        message.contains("Start a new one") && message.contains("connectNumber"),
        "{message}"
    );
    let history = agent
        .gql(
            "query($c: ID!) { conversation(id: $c) { messages(first: 5) { edges { node { content } } } }
               business { inboundNumbers } }",
            json!({ "c": thread }),
        )
        .await;
    let history = data(&history);
    assert_eq!(
        history["conversation"]["messages"]["edges"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(history["business"]["inboundNumbers"], json!([]));

    // It may come back; and whether it does or not, a STOP to it counts.
    assert_eq!(connect(&admin, number.clone()).await["userErrors"], json!([]));
    send(&agent, &thread, "Yes, in four parts.").await;
    app.run_jobs().await;
    assert_eq!(app.received_by(&maria).len(), 1);
    done(&admin, "disconnectNumber", "", number.clone()).await;
    assert_eq!(app.text(&app.acme, &maria, "STOP").await, 200);
    assert_eq!(connect(&admin, number).await["userErrors"], json!([]));
    let refused = send_refused(&agent, &thread, "Are you there?").await;
    assert_eq!(refused["decision"]["rule"], "reg-f-medium-opt-out");
    app.finish().await;
}

#[tokio::test]
async fn a_number_that_one_business_gave_up_goes_over_to_the_next() {
    let app = TestApp::start().await;
    let initech = Initech::of(&app).await.with_account(&app).await;
    let state = app.sandbox.state();
    let (acme, number) = (app.acme.sign_in("admin").await, app.acme.demo.number);
    state.release_number(number);
    assert!(state.buy_number(&initech.sid, number, &app.sms_webhook()));
    let wish = json!({ "phone": number, "setWebhook": true });
    let (code, place, message) = only_error(&connect(&initech.founder, wish).await);
    assert_eq!((code.as_str(), place.as_str()), ("CONFLICT", "input.phone"));
    assert!(
        message.contains("cannot be connected") && !message.contains("Acme"),
        "{message}"
    );
    done(&acme, "disconnectNumber", "", json!({ "phone": number })).await;
    let late = connect(&initech.founder, json!({ "phone": number })).await;
    assert_eq!(late["userErrors"], json!([]));
    let lost = connect(&acme, json!({ "phone": number })).await;
    assert_eq!(only_error(&lost).0, "CONFLICT");
    // What is written to it is Initech's to read.
    let forged = Webhook::text(&app.acme, DEBTOR, "Hello", "SM01");
    assert_eq!(forged.post(&app).await.0, 404, "signed by Acme's account");
    let received = state.receive_text(DEBTOR, number, "Hello").await.unwrap();
    assert_eq!(received.webhook_status, Some(200));
    app.run_jobs().await;
    let row = app
        .superuser()
        .await
        .fetch_one("SELECT business_id FROM conversations WHERE our_address = '+12125550100'")
        .await
        .unwrap();
    assert_eq!(json!(encode(IdKind::Business, row.get(0))), initech.id);
    app.stop().await;
}

#[tokio::test]
async fn approvals_are_recorded_by_the_platforms_staff_alone_and_stand_in_both_trails() {
    let app = TestApp::start().await;
    let staff = app.super_admin().await;
    let globex = encode(IdKind::Business, app.business_id(&app.globex).await);
    let approval = |reference: &str, from: &str, until: Option<&str>| json!({ "businessId": globex, "kind": "WHATSAPP", "reference": reference, "validFrom": from, "validUntil": until });
    let wanted = "providerApproval { id kind reference validFrom validUntil stands }";
    let record = async |input: Value| act(&staff, "recordProviderApproval", wanted, input).await;
    let first = record(approval(
        " Case 9 ",
        "2026-06-01T00:00:00Z",
        Some("2026-07-01T00:00:00Z"),
    ))
    .await;
    assert_eq!(first["userErrors"], json!([]));
    assert_eq!(first["providerApproval"]["reference"], "Case 9");
    assert_eq!(first["providerApproval"]["stands"], true);
    for (input, code, place) in [
        (
            approval("Case 9", "2026-06-30T00:00:00Z", None),
            "CONFLICT",
            "input.reference",
        ),
        (
            approval(" ", "2026-06-01T00:00:00Z", None),
            "INVALID_INPUT",
            "input.reference",
        ),
        (
            approval("Case 8", "2026-06-01T00:00:00Z", Some("2026-06-02T00:00:00Z")),
            "INVALID_INPUT",
            "input.validUntil",
        ),
    ] {
        let (found, at, _) = only_error(&record(input).await);
        assert_eq!((found.as_str(), at.as_str()), (code, place));
    }
    let renewed = record(approval("Case 9", "2026-07-01T00:00:00Z", None)).await;
    assert_eq!(renewed["providerApproval"]["stands"], false, "not yet");
    let nobody = json!({ "businessId": encode(IdKind::Business, uuid::Uuid::nil()), "kind": "WHATSAPP", "reference": "x" });
    assert_eq!(only_error(&record(nobody).await).0, "NOT_FOUND");

    let withdrawal = json!({ "businessId": globex, "approvalId": first["providerApproval"]["id"], "reason": "Meta says no." });
    done(&staff, "withdrawProviderApproval", "", withdrawal.clone()).await;
    let twice = act(&staff, "withdrawProviderApproval", "", withdrawal).await;
    assert_eq!(only_error(&twice).0, "CONFLICT");
    let elsewhere = json!({ "businessId": encode(IdKind::Business, app.business_id(&app.acme).await),
        "approvalId": renewed["providerApproval"]["id"], "reason": "Meta says no." });
    let elsewhere = act(&staff, "withdrawProviderApproval", "", elsewhere).await;
    assert_eq!(only_error(&elsewhere).0, "NOT_FOUND");

    let mut superuser = app.superuser().await;
    for (action, times) in [
        ("provider_approval.recorded", 2),
        ("provider_approval.withdrawn", 1),
    ] {
        assert_eq!(app.audited(action).await, times, "in the business's trail");
        let count = sqlx::query("SELECT count(*) FROM platform_audit_events WHERE action = $1").bind(action);
        let row = superuser.fetch_one(count).await.unwrap();
        assert_eq!(row.get::<i64, _>(0), times, "in the platform's");
    }
    let admin = app.globex.sign_in("admin").await;
    let seen = "{ business { providerApprovals { kind reference stands } } }";
    assert_eq!(
        data(&admin.gql(seen, json!({})).await)["business"]["providerApprovals"],
        json!([
            { "kind": "WHATSAPP", "reference": "Case 9", "stands": false },
            { "kind": "WHATSAPP", "reference": "Case 9", "stands": false },
            { "kind": "SMS_CAMPAIGN_10DLC", "reference": "Demo", "stands": true },
        ])
    );
    let panel = staff
        .gql(
            "query($b: ID!) { platformBusiness(id: $b) { providerApprovals { kind } }
               businesses(first: 5) { edges { node { slug providerApprovals { kind } } } } }",
            json!({ "b": globex }),
        )
        .await;
    let panel = data(&panel);
    assert_eq!(
        panel["platformBusiness"]["providerApprovals"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        panel["businesses"]["edges"][1]["node"]["providerApprovals"],
        json!([{ "kind": "SMS_ROUTE" }, { "kind": "SMS_CAMPAIGN_10DLC" }])
    );
    let own = admin
        .gql(
            "mutation($i: RecordProviderApprovalInput!) { recordProviderApproval(input: $i) { userErrors { code } } }",
            json!({ "i": approval("Mine", "2026-06-01T00:00:00Z", None) }),
        )
        .await;
    assert_eq!(error_code(&own), "FORBIDDEN");
    app.finish().await;
}
