//! Who is known again by the number of their social security card, and that nobody reads it.

use funnelchat::platform::key_rotation::rotate_business_key;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::{debtor, done};
use crate::{
    account_work::{act, new_account},
    support::{Client, TestApp, data, recipes::uuid_of, user_errors},
};

/// A debt of somebody with this number.
fn numbered(account: &str, number: &str, more: Value) -> Value {
    let mut input = new_account(account);
    input["nationalId"] = json!(number);
    for (field, value) in more.as_object().unwrap() {
        input[field] = value.clone();
    }
    input
}

/// Whose account it becomes.
async fn debtor_of(client: &Client, input: Value) -> Value {
    let payload = act(client, "createAccount", "account { debtor { id } }", input).await;
    assert_eq!(user_errors(&payload), Vec::<&str>::new(), "{payload}");
    payload["account"]["debtor"]["id"].clone()
}

/// Who else may be this person, and why.
async fn suggested(client: &Client, id: &Value) -> Value {
    let found = debtor(client, id, "matchSuggestions { debtor { id } reasons }").await;
    found["matchSuggestions"].clone()
}

#[tokio::test]
async fn who_has_the_same_national_id_is_the_same_person_until_they_are_erased() {
    let app = TestApp::start().await;
    let (admin, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let first = debtor_of(
        &admin,
        numbered("N-1", "123-45-6789", json!({ "lastName": "Quill" })),
    )
    .await;
    let again = numbered("N-2", "123456789", json!({ "lastName": "Quill-Lopez" }));
    assert_eq!(
        debtor_of(&admin, again).await,
        first,
        "whatever their name is now"
    );
    let seen = debtor(
        &admin,
        &first,
        "lastName nationalId accounts(first: 5) { totalCount }",
    )
    .await;
    assert_eq!(
        seen,
        json!({ "lastName": "Quill", "nationalId": "***-**-6789", "accounts": { "totalCount": 2 } })
    );
    let other = debtor_of(&admin, numbered("N-3", "123-45-6780", json!({}))).await;
    assert_ne!(other, first);
    let theirs = debtor_of(&globex, numbered("N-1", "123-45-6789", json!({}))).await;
    assert_ne!(theirs, first, "another business knows nobody of these");

    // Two at the same moment: who comes second finds the person.
    let (one, two) = tokio::join!(
        debtor_of(&globex, numbered("R-1", "900-70-0001", json!({}))),
        debtor_of(&globex, numbered("R-2", "900 70 0001", json!({})))
    );
    assert_eq!(one, two);

    // Found under whichever version of the key the number was indexed.
    let acme = app.business_id(&app.acme).await;
    rotate_business_key(&app.app.db, &app.app.keyring, acme)
        .await
        .unwrap();
    app.app.keyring.forget(acme);
    assert_eq!(
        debtor_of(&admin, numbered("N-4", "123-45-6789", json!({}))).await,
        first
    );

    let mut superuser = app.superuser().await;
    let erased = sqlx::query(
        "UPDATE data_keys SET wrapped = NULL, destroyed_at = now() WHERE debtor_id = $1 AND purpose = 'PROFILE'",
    );
    superuser
        .execute(erased.bind(uuid_of(first.as_str().unwrap())))
        .await
        .unwrap();
    let left =
        sqlx::query("SELECT num_nonnulls(national_id_cipher, national_id_blind) FROM debtors WHERE id = $1")
            .bind(uuid_of(first.as_str().unwrap()))
            .fetch_one(&mut superuser)
            .await
            .unwrap();
    assert_eq!(left.get::<i32, _>(0), 0, "erasure leaves nothing to compare with");
    assert_eq!(
        debtor(&admin, &first, "nationalId").await["nationalId"],
        Value::Null
    );
    assert_ne!(
        debtor_of(&admin, numbered("N-5", "123-45-6789", json!({}))).await,
        first
    );
    app.finish().await;
}

#[tokio::test]
async fn what_contradicts_the_number_is_for_a_person_to_decide() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let born = |date: &str| json!({ "birthDate": date, "address": { "postalCode": "10027" } });
    let first = debtor_of(&admin, numbered("C-1", "123-45-6789", born("1980-01-31"))).await;
    let same = debtor_of(&admin, numbered("C-2", "123-45-6789", json!({}))).await;
    assert_eq!(same, first, "nothing contradicts where no date is given");

    // The same number and another date of birth: somebody mistyped one of the two.
    let twin = debtor_of(&admin, numbered("C-3", "123-45-6789", born("1980-02-01"))).await;
    assert_ne!(twin, first);
    assert_eq!(
        suggested(&admin, &first).await,
        json!([{ "debtor": { "id": twin }, "reasons": ["NATIONAL_ID", "NAME_AND_POSTAL_CODE"] }])
    );
    // Now there are two of the number: none of them.
    let third = debtor_of(&admin, numbered("C-4", "123-45-6789", born("1980-01-31"))).await;
    assert!(third != first && third != twin);

    // The same name, birth and postal code, and another number.
    let named = debtor_of(&admin, numbered("C-5", "123-45-6780", born("1980-01-31"))).await;
    assert!(named != first && named != third);

    // What the business calls somebody goes before the number.
    let called = json!({ "externalDebtorReference": "ZOE" });
    let zoe = debtor_of(&admin, numbered("C-6", "123-45-6711", called.clone())).await;
    let renumbered = debtor_of(&admin, numbered("C-7", "123-45-6780", called)).await;
    assert_eq!(renumbered, zoe);
    let otherwise = json!({ "externalDebtorReference": "SOMEBODY-ELSE" });
    assert_ne!(
        debtor_of(&admin, numbered("C-8", "123-45-6711", otherwise)).await,
        zoe
    );
    app.finish().await;
}

#[tokio::test]
async fn a_number_is_written_suggests_and_is_never_read_whole() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    for (number, what) in [
        ("000-12-3456", "area"),
        ("666-12-3456", "area"),
        ("123-00-4567", "group"),
        ("123-45-0000", "serial"),
        ("912-34-5678", "no ITIN"),
        ("078-05-1120", "printed"),
        ("12-3456789", "an employer's"),
    ] {
        let refused = act(
            &admin,
            "createAccount",
            "account { id }",
            numbered("W-1", number, json!({})),
        )
        .await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{what}");
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", "nationalId"]),
            "{what}"
        );
        assert!(!refused.to_string().contains(number), "{refused}");
    }
    let one = debtor_of(&admin, new_account("U-1")).await;
    let two = debtor_of(&admin, new_account("U-2")).await;
    let set = json!({ "id": one, "nationalId": "123-45-6789" });
    let changed = done(&admin, "updateDebtor", "debtor { nationalId }", set).await;
    assert_eq!(changed["debtor"]["nationalId"], "***-**-6789");
    let known = debtor_of(&admin, numbered("U-3", "123456789", json!({}))).await;
    assert_eq!(known, one, "what was written later finds them too");

    // Under a newer version of the key: the same number all the same.
    let acme = app.business_id(&app.acme).await;
    rotate_business_key(&app.app.db, &app.app.keyring, acme)
        .await
        .unwrap();
    app.app.keyring.forget(acme);
    let set = json!({ "id": two, "nationalId": "123 45 6789" });
    done(&admin, "updateDebtor", "debtor { id }", set).await;
    assert_eq!(
        suggested(&admin, &one).await,
        json!([{ "debtor": { "id": two }, "reasons": ["NATIONAL_ID"] }]),
        "nobody is merged by it"
    );

    let wrong = json!({ "id": two, "nationalId": "219-09-9999" });
    let refused = act(&admin, "updateDebtor", "debtor { id }", wrong).await;
    assert_eq!(user_errors(&refused), ["INVALID_INPUT"]);
    assert_eq!(refused["userErrors"][0]["field"], json!(["input", "nationalId"]));
    let other = json!({ "id": two, "preferredLanguage": "es" });
    let kept = done(&admin, "updateDebtor", "debtor { nationalId }", other).await;
    assert_eq!(
        kept["debtor"]["nationalId"], "***-**-6789",
        "what is left out stays"
    );
    let emptied = json!({ "id": two, "nationalId": null });
    let emptied = done(&admin, "updateDebtor", "debtor { nationalId }", emptied).await;
    assert_eq!(emptied["debtor"]["nationalId"], Value::Null);
    assert_eq!(suggested(&admin, &one).await, json!([]));

    // As a number, not as text: the answer does not repeat it.
    let bare = "mutation($d: ID!) { updateDebtor(input: { id: $d, nationalId: 123456789 }) { userErrors { code } } }";
    let refused = admin.gql(bare, json!({ "d": two })).await;
    assert!(refused["errors"].is_array() && !refused.to_string().contains("123456789"));
    let globex = app.globex.sign_in("admin").await;
    let foreign = json!({ "id": one, "nationalId": "123-45-6780" });
    let refused = act(&globex, "updateDebtor", "debtor { id }", foreign).await;
    assert_eq!(user_errors(&refused), ["NOT_FOUND"]);

    // The trail says that it changed, and no more.
    let told: Vec<String> = sqlx::query_scalar(
        "SELECT convert_from(details, 'UTF8') FROM audit_events WHERE action = 'debtor.updated' ORDER BY position",
    )
    .fetch_all(&mut app.superuser().await)
    .await
    .unwrap();
    let changed = told.iter().filter(|details| details.contains("national_id"));
    assert_eq!(changed.count(), 3, "{told:?}");
    assert!(told.iter().all(|details| !details.contains("6789")), "{told:?}");
    let answer = admin
        .gql(
            "{ auditEvents(first: 50) { edges { node { action details } } } }",
            json!({}),
        )
        .await;
    let shown = data(&answer).to_string();
    assert!(!shown.contains("123456789") && !shown.contains("45-6789"));
    app.finish().await;
}
