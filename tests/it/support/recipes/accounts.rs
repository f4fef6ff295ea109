//! People, their accounts and what hangs on them.

use serde_json::{Value, json};
use sqlx::Executor as _;

use super::uuid_of;
use crate::support::{
    Client, Tenant, TestApp, data,
    uploads::{pdf, upload},
};

/// Who is owed, and with what it was handed over.
pub(super) struct Placed {
    pub(super) creditor: Value,
    pub(super) placement: Value,
}

pub(super) async fn placed(staff: &Client, mark: &str) -> Placed {
    let made = staff
        .gql(
            "mutation($n: String!) { createCreditor(input: { name: $n }) { creditor { id } } }",
            json!({ "n": format!("Creditor of {mark}") }),
        )
        .await;
    let creditor = data(&made)["createCreditor"]["creditor"]["id"].clone();
    let made = staff
        .gql(
            "mutation($c: ID!) { createPlacement(input: { creditorId: $c, name: \"June\" }) { placement { id } } }",
            json!({ "c": creditor }),
        )
        .await;
    let placement = data(&made)["createPlacement"]["placement"]["id"].clone();
    Placed { creditor, placement }
}

/// What the sweeps need of a person.
pub(super) struct Told {
    pub(super) contact_point: Value,
    pub(super) merge: Value,
    pub(super) inconvenient_time: Value,
    pub(super) contact_place: Value,
    pub(super) other_debtor: String,
}

/// A date of birth, a national id, a stated zone, a second address with a label, and a second record, merged a second time.
pub(super) async fn told_of(staff: &Client, debtor: &Value, mark: &str) -> Told {
    let told = staff
        .gql(
            "mutation($d: ID!, $e: EmailAddress!, $l: String!, $w: String!) {
               recordInconvenientTime(input: { debtorId: $d, channels: [EMAIL], statement: $w }) {
                 inconvenientTime { id } userErrors { message } }
               recordContactPlace(input: { debtorId: $d, place: WORK, standing: INCONVENIENT, source: DEBTOR, statement: $w }) {
                 contactPlace { id } userErrors { message } }
               updateDebtor(input: { id: $d, birthDate: \"1980-01-31\", nationalId: \"536-22-8714\" }) { userErrors { message } }
               recordStatedTimeZone(input: { debtorId: $d, timeZone: \"America/New_York\", statement: $w }) { userErrors { message } }
               addContactPoint(input: { debtorId: $d, email: $e, label: $l }) { contactPoint { id } userErrors { message } } }",
            json!({ "d": debtor, "e": format!("{mark}-second@person.example"), "l": format!("Label of {mark}"),
                "w": format!("Never on a {mark}") }),
        )
        .await;
    let inconvenient_time = data(&told)["recordInconvenientTime"]["inconvenientTime"]["id"].clone();
    let contact_place = data(&told)["recordContactPlace"]["contactPlace"]["id"].clone();
    let contact_point = data(&told)["addContactPoint"]["contactPoint"]["id"].clone();
    let (second, other_debtor) = (
        second_record(staff, mark, 2).await,
        second_record(staff, mark, 3).await,
    );
    let merge = async || {
        let merged = staff
            .gql(
                "mutation($s: ID!, $m: ID!, $r: String!) { mergeDebtors(input: { survivorId: $s, mergedId: $m, reason: $r }) {
                   merge { id } userErrors { message } } }",
                json!({ "s": debtor, "m": second, "r": format!("Sameness of {mark}") }),
            )
            .await;
        data(&merged)["mergeDebtors"]["merge"]["id"].clone()
    };
    let undone = staff
        .gql(
            "mutation($m: ID!) { unmergeDebtors(input: { mergeId: $m, reason: \"Too early.\" }) { userErrors { message } } }",
            json!({ "m": merge().await }),
        )
        .await;
    assert_eq!(data(&undone)["unmergeDebtors"]["userErrors"], json!([]));
    Told {
        contact_point,
        inconvenient_time,
        contact_place,
        merge: merge().await,
        other_debtor,
    }
}

/// The second person waits in the queue of those who are probably the first, as the job leaves it.
pub(super) async fn suggested(app: &TestApp, told: &Told, debtor: &Value) {
    app.superuser()
        .await
        .execute(
            sqlx::query(
                "INSERT INTO duplicate_suggestions (business_id, one_id, other_id, reasons, found_at)
                 SELECT business_id, least(id, $2), greatest(id, $2), '{PHONE,NAME_AND_POSTAL_CODE}', created_at
                 FROM debtors WHERE id = $1",
            )
            .bind(uuid_of(debtor.as_str().expect("an id")))
            .bind(uuid_of(&told.other_debtor)),
        )
        .await
        .unwrap();
}

/// Another person, whose only account was deleted: nobody sees them through it.
async fn second_record(staff: &Client, mark: &str, nth: u8) -> String {
    let created = staff
        .gql(
            "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id debtor { id } } userErrors { message } } }",
            json!({ "i": { "firstName": format!("Twin{mark}"), "lastName": format!("Zephyr{mark}"),
                "accountNumber": format!("NUMBER-{mark}-{nth}"), "currentBalance": { "amount": "1.00" } } }),
        )
        .await;
    let account = &data(&created)["createAccount"]["account"];
    let gone = staff
        .gql(
            "mutation($a: ID!) { deleteAccount(input: { id: $a, reason: \"Placed twice.\" }) { userErrors { message } } }",
            json!({ "a": account["id"] }),
        )
        .await;
    assert_eq!(data(&gone)["deleteAccount"]["userErrors"], json!([]));
    account["debtor"]["id"].as_str().expect("a debtor").to_owned()
}

/// A consent of the person to e-mail at their second address, with its words.
pub(super) async fn consented(staff: &Client, contact_point: &Value, mark: &str) {
    let made = staff
        .gql(
            "mutation($i: RecordConsentInput!) { recordConsent(input: $i) { userErrors { message } } }",
            json!({ "i": { "contactPointId": contact_point, "channel": "EMAIL", "source": "PAPER",
                "text": format!("Consent of {mark}"), "ipAddress": "192.0.2.7" } }),
        )
        .await;
    assert_eq!(data(&made)["recordConsent"]["userErrors"], json!([]), "{made}");
}

/// A hold that a text of the person has placed and nobody has looked at yet; it stops no contact.
pub(super) async fn stated(
    (app, tenant): (&TestApp, &Tenant),
    staff: &Client,
    account: &Value,
    phone: &str,
) -> Value {
    assert_eq!(app.text(tenant, phone, "I am deployed overseas").await, 200);
    let seen = staff
        .gql(
            "query($a: ID!) { account(id: $a) { holds { id needsConfirmation } } }",
            json!({ "a": account["id"] }),
        )
        .await;
    let holds = data(&seen)["account"]["holds"].as_array().expect("holds").clone();
    let stated = holds.iter().find(|hold| hold["needsConfirmation"] == true);
    stated.expect("a stated hold")["id"].clone()
}

/// A number on the business's own do-not-contact list.
pub(super) async fn suppressed(staff: &Client, debtor: &Value, mark: &str, line: u8) -> Value {
    let made = staff
        .gql(
            "mutation($i: SuppressContactInput!) { suppressContact(input: $i) { suppression { id } userErrors { message } } }",
            json!({ "i": { "phone": format!("+19175550{line:03}"), "debtorId": debtor, "note": format!("Listed for {mark}") } }),
        )
        .await;
    data(&made)["suppressContact"]["suppression"]["id"].clone()
}

/// A hold that stops nothing, on the account.
pub(super) async fn held(staff: &Client, account: &Value, mark: &str) -> Value {
    let made = staff
        .gql(
            "mutation($i: SetHoldInput!) { setHold(input: $i) { hold { id } userErrors { message } } }",
            json!({ "i": { "debtorId": account["debtor"]["id"], "accountId": account["id"], "kind": "PAYMENT_FAILED",
                "reason": format!("A reason on {mark}") } }),
        )
        .await;
    data(&made)["setHold"]["hold"]["id"].clone()
}

/// A view of the client's own, shared with nobody.
pub(super) async fn saved_view(client: &Client, mark: &str) -> Value {
    let made = client
        .gql(
            "mutation($n: String!, $s: String!) { saveAccountView(input: { name: $n, search: $s }) { view { id } } }",
            json!({ "n": format!("View of {mark}"), "s": format!("Seeking {mark}") }),
        )
        .await;
    data(&made)["saveAccountView"]["view"]["id"].clone()
}

/// A routing rule that does not count: what comes in is nobody's.
pub(super) async fn saved_rule(client: &Client, mark: &str) -> Value {
    let made = client
        .gql(
            "mutation($n: String!) { saveRoutingRule(input: { name: $n, enabled: false, strategy: ROUND_ROBIN }) { rule { id } } }",
            json!({ "n": format!("Rule of {mark}") }),
        )
        .await;
    data(&made)["saveRoutingRule"]["rule"]["id"].clone()
}

/// A document of the account, which its debtor sees.
pub(super) async fn documented(staff: &Client, account: &Value, mark: &str) -> Value {
    let file = upload(staff, "DOCUMENT", &format!("Papers of {mark}.pdf"), &pdf(1_000)).await;
    let made = staff
        .gql(
            "mutation($i: AddAccountDocumentInput!) { addAccountDocument(input: $i) { document { id } userErrors { message } } }",
            json!({ "i": { "accountId": account["id"], "uploadId": file, "kind": "LETTER",
                "description": format!("Words on the papers of {mark}"), "shownToDebtor": true } }),
        )
        .await;
    data(&made)["addAccountDocument"]["document"]["id"].clone()
}

/// An export of the client's own, which the next run of jobs writes; null for those who may not ask.
pub(super) async fn exported(client: &Client) -> Value {
    let made = client
        .gql(
            "mutation { exportAccounts(input: { filter: { unassigned: false } }) { export { id } userErrors { message } } }",
            json!({}),
        )
        .await;
    made["data"]["exportAccounts"]["export"]["id"].clone()
}

/// What a person asked about their own data, and waits for an answer.
pub(super) async fn asked(staff: &Client, debtor: &Value, mark: &str) -> Value {
    let made = staff
        .gql(
            "mutation($i: RecordPrivacyRequestInput!) { recordPrivacyRequest(input: $i) { request { id } userErrors { message } } }",
            json!({ "i": { "debtorId": debtor, "kind": "RECTIFICATION", "regime": "CCPA",
                "reason": format!("Request of {mark}") } }),
        )
        .await;
    data(&made)["recordPrivacyRequest"]["request"]["id"].clone()
}

/// An archive of the client's own about a person, which the next run of jobs writes; null for those who may not ask.
pub(super) async fn archived(client: &Client, debtor: &Value) -> Value {
    let made = client
        .gql(
            "mutation($d: ID!) { requestEvidencePack(input: { debtorId: $d, from: \"2026-01-01T00:00:00Z\",
               until: \"2027-01-01T00:00:00Z\" }) { archive { id } userErrors { message } } }",
            json!({ "d": debtor }),
        )
        .await;
    made["data"]["requestEvidencePack"]["archive"]["id"].clone()
}

/// A bundle of the business's trail, which the next run of jobs writes; null for those who may not ask.
pub(super) async fn bundled(client: &Client) -> Value {
    let made = client
        .gql(
            "mutation { requestAuditBundle { bundle { id } userErrors { message } } }",
            json!({}),
        )
        .await;
    made["data"]["requestAuditBundle"]["bundle"]["id"].clone()
}

/// An upload that is not used yet, and an import whose rows were looked at.
pub(super) async fn uploaded_and_ready(app: &TestApp, client: &Client, mark: &str) -> (String, String) {
    let file = |number: &str| {
        format!(
            "firstName,lastName,phone,accountNumber,currentBalance\nSample of {mark},Person,(646) 555-0199,{number}-{mark},1\n"
        )
    };
    let upload = async |number: &str| {
        let content = file(number);
        upload(client, "ACCOUNT_IMPORT", "accounts.csv", content.as_bytes()).await
    };
    let begun = client
        .gql(
            "mutation($f: ID!) { previewAccountImport(input: { uploadId: $f }) { import { id } userErrors { message } } }",
            json!({ "f": upload("READY").await }),
        )
        .await;
    app.run_jobs().await;
    let import = &data(&begun)["previewAccountImport"]["import"]["id"];
    (
        upload("LATER").await,
        import.as_str().unwrap_or_else(|| panic!("{begun}")).to_owned(),
    )
}

/// A check that paid a little of the account.
pub(super) async fn paid(staff: &Client, account: &Value, mark: &str) -> Value {
    let made = staff
        .gql(
            "mutation($i: RecordManualPaymentInput!) { recordManualPayment(input: $i) { payment { id } userErrors { field message } } }",
            json!({ "i": { "accountId": account["id"], "amount": { "amount": "10.00" }, "method": "CHECK",
                "note": format!("Check of {mark}") } }),
        )
        .await;
    data(&made)["recordManualPayment"]["payment"]["id"].clone()
}
