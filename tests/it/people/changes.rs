//! Two people change one person at once.

use serde_json::json;

use super::{debtor, done};
use crate::{
    account_work::{account, act, create, new_account},
    support::{TestApp, user_errors},
};

#[tokio::test]
async fn changes_through_two_accounts_of_one_person_are_both_kept() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let first = create(&admin, new_account("Z-1")).await;
    let person = account(&admin, &first, "debtor { id }").await["debtor"]["id"].clone();
    let mut other = new_account("Z-2");
    other["debtorId"] = person.clone();
    let second = create(&admin, other).await;
    for round in 0..8 {
        let (given, family) = (format!("Zoe{round}"), format!("Quill{round}"));
        let selection = "account { id }";
        let (one, two) = tokio::join!(
            act(
                &admin,
                "updateAccount",
                selection,
                json!({ "id": first, "firstName": given })
            ),
            act(
                &admin,
                "updateAccount",
                selection,
                json!({ "id": second, "lastName": family })
            ),
        );
        for payload in [one, two] {
            assert_eq!(user_errors(&payload), Vec::<&str>::new(), "{payload}");
        }
        let seen = debtor(&admin, &person, "firstName lastName").await;
        assert_eq!(seen, json!({ "firstName": given, "lastName": family }));
    }
    // The person under an account's own lock, and the person alone, in both orders: neither waits for ever.
    let input = json!({ "id": person, "preferredLanguage": "es" });
    let (one, _) = tokio::join!(
        act(
            &admin,
            "updateAccount",
            "account { id }",
            json!({ "id": first, "firstName": "Zoë" })
        ),
        done(&admin, "updateDebtor", "debtor { id }", input),
    );
    assert_eq!(user_errors(&one), Vec::<&str>::new());
    let seen = debtor(&admin, &person, "firstName preferredLanguage").await;
    assert_eq!(seen, json!({ "firstName": "Zoë", "preferredLanguage": "es" }));
    app.finish().await;
}
