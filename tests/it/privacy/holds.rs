//! A legal hold stops everything that destroys.

use serde_json::json;

use super::{Person, erase, hold, keys_of, status_of};
use crate::support::{TestApp, data, user_errors};

#[tokio::test]
async fn under_a_legal_hold_nothing_is_erased_and_the_refusal_is_on_record() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let person = Person::make(&app, &admin, "Litigant", 221).await;
    let mut superuser = app.superuser().await;
    let legal = hold(&admin, &person.debtor, "LEGAL").await;
    let refused = erase(&admin, &person.debtor).await;
    assert_eq!(user_errors(&refused), ["CONFLICT"]);
    let request = &refused["request"];
    assert_eq!(
        (&request["status"], &request["erasure"]["effect"]),
        (&json!("DENIED"), &json!("NOTHING"))
    );
    let told = request["erasure"]["answer"].as_str().unwrap();
    assert!(told.contains("17(3)(e)"), "{told}");
    app.run_jobs().await;
    assert_eq!(
        keys_of(&mut superuser, person.uuid()).await,
        ["PROFILE", "RECORD"]
    );
    let shown = admin
        .gql(
            "query($d: ID!) { debtorRetention(debtorId: $d) { onLegalHold keptUntil openAccounts erasedAt } }",
            json!({ "d": person.debtor }),
        )
        .await;
    assert_eq!(
        data(&shown)["debtorRetention"],
        json!({ "onLegalHold": true, "keptUntil": "2033-06-10", "openAccounts": 1, "erasedAt": null })
    );

    let released = admin
        .gql(
            "mutation($h: ID!) { releaseHold(input: { id: $h }) { userErrors { message } } }",
            json!({ "h": legal }),
        )
        .await;
    assert_eq!(user_errors(&data(&released)["releaseHold"]), Vec::<&str>::new());
    // Placed between the request and the job, it is still in time.
    let asked = erase(&admin, &person.debtor).await;
    assert_eq!(user_errors(&asked), Vec::<&str>::new(), "{asked}");
    hold(&admin, &person.debtor, "LEGAL").await;
    app.run_jobs().await;
    assert_eq!(status_of(&admin, &asked["request"]["id"]).await, "DENIED");
    assert_eq!(
        keys_of(&mut superuser, person.uuid()).await,
        ["PROFILE", "RECORD"]
    );
    app.finish().await;
}
