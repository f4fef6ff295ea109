//! An edit's row says what was there before and since; of a person only for who may read them, and until they are erased.

use funnelchat::audit::verify::verify;
use serde_json::{Value, json};

use super::chain::{chain, chains};
use crate::{
    account_work::{account, act, create, new_account},
    support::{Client, TestApp, data, user_errors},
};

async fn details(client: &Client, action: &str) -> Value {
    let answer = client
        .gql(
            "query($a: String) { auditEvents(first: 1, filter: { action: $a }) { edges { node { details debtorId } } } }",
            json!({ "a": action }),
        )
        .await;
    data(&answer)["auditEvents"]["edges"][0]["node"]["details"].clone()
}

async fn done(client: &Client, mutation: &str, input: Value) -> Value {
    let payload = act(client, mutation, "__typename", input).await;
    assert_eq!(user_errors(&payload), Vec::<&str>::new(), "{mutation}: {payload}");
    payload
}

#[tokio::test]
async fn an_edit_says_what_was_there_before_and_since_until_the_person_is_erased() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let id = create(&admin, new_account("Z-1")).await;
    let person = account(&admin, &id, "debtor { id }").await["debtor"]["id"].clone();
    let creditor = act(
        &admin,
        "createCreditor",
        "creditor { id }",
        json!({ "name": "First Example Bank" }),
    )
    .await["creditor"]["id"]
        .clone();

    done(
        &admin,
        "updateAccount",
        json!({ "id": id, "dueDate": "2026-07-01", "tags": ["late", "big"], "status": "ACTIVE",
            "customFields": { "employer": "Quarry & Sons" } }),
    )
    .await;
    assert_eq!(
        details(&admin, "account.updated").await,
        json!({ "changed": ["tags", "due_date", "custom_fields"],
            "before": { "tags": [], "due_date": null, "custom_fields": null },
            "after": { "tags": ["big", "late"], "due_date": "2026-07-01", "custom_fields": { "employer": "Quarry & Sons" } } }),
        "a status that stays as it was is none"
    );
    done(
        &admin,
        "setAccountsCreditor",
        json!({ "accountIds": [id], "creditorId": creditor }),
    )
    .await;
    let origin = details(&admin, "account.updated").await;
    assert_eq!(origin["changed"], json!(["creditor"]), "{origin}");
    assert_eq!(origin["before"], json!({ "creditor": null }), "{origin}");

    done(
        &admin,
        "updateDebtor",
        json!({ "id": person, "lastName": "Quillfeather", "birthDate": "1980-05-06", "nationalId": "212-34-5678" }),
    )
    .await;
    let edited = details(&admin, "debtor.updated").await;
    assert_eq!(
        edited,
        json!({ "changed": ["last_name", "birth_date", "national_id"],
            "before": { "last_name": "Quill", "birth_date": null, "national_id": null },
            "after": { "last_name": "Quillfeather", "birth_date": "1980-05-06", "national_id": "***-**-5678" } })
    );

    let added = act(
        &admin,
        "addContactPoint",
        "contactPoint { id }",
        json!({ "debtorId": person, "phone": "+16465550188", "label": "brother", "use": "HOME" }),
    )
    .await;
    let point = added["contactPoint"]["id"].clone();
    let shown = details(&admin, "contact_point.added").await;
    assert_eq!(shown["after"]["address"], "+16465550188", "{shown}");
    done(
        &admin,
        "updateContactPoint",
        json!({ "id": point, "label": "sister", "validity": "VALID" }),
    )
    .await;
    let shown = details(&admin, "contact_point.updated").await;
    assert_eq!(
        shown,
        json!({ "changed": ["validity", "label"], "before": { "validity": "UNVERIFIED", "label": "brother" },
            "after": { "validity": "VALID", "label": "sister" } })
    );
    done(&admin, "removeContactPoint", json!({ "id": point })).await;
    let shown = details(&admin, "contact_point.removed").await;
    assert_eq!(shown["before"]["address"], "+16465550188", "{shown}");

    // Nothing of it stands in the trail in clear; who read it is written down; the other business sees none of it.
    let mut superuser = app.superuser().await;
    for secret in ["Quillfeather", "1980-05-06", "+16465550188", "brother", "Quarry"] {
        let found: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM audit_events WHERE strpos(convert_from(details, 'UTF8'), $1) > 0",
        )
        .bind(secret)
        .fetch_one(&mut superuser)
        .await
        .unwrap();
        assert_eq!(found, 0, "{secret}");
    }
    let read: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM access_log WHERE operation = 'auditEvents' AND cardinality(debtor_ids) = 1",
    )
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    assert!(read >= 5, "{read}");
    let globex = app.globex.sign_in("admin").await;
    assert_eq!(details(&globex, "contact_point.removed").await, Value::Null);

    // After the erasure the row still says which fields it was, and the chain still holds.
    let erased = act(
        &admin,
        "eraseDebtor",
        "request { id }",
        json!({ "debtorId": person, "regime": "CCPA", "reason": "Please erase me." }),
    )
    .await;
    assert_eq!(user_errors(&erased), Vec::<&str>::new(), "{erased}");
    app.run_jobs().await;
    assert_eq!(
        details(&admin, "debtor.updated").await,
        json!({ "changed": ["last_name", "birth_date", "national_id"], "before": {}, "after": {} })
    );
    for (business, head) in chains(&mut superuser).await {
        assert_eq!(
            verify(chain(&mut superuser, business).await),
            Ok(head),
            "{business:?}"
        );
    }
    app.finish().await;
}
