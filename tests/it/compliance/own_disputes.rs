//! Disputes that a debtor makes themselves, in the portal and by text.

use serde_json::json;

use super::disputes::{CEASE, decided};
use crate::{
    account_work::{
        MARIA, account, act,
        holds::{JAMES, gate},
    },
    support::{TestApp, data, error_code, user_errors},
};

#[tokio::test]
async fn a_debtor_files_their_own_dispute_in_the_portal_and_not_anothers() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    let james = app.account_id(&app.acme, JAMES).await;
    let debtor = app.debtor(&app.acme, MARIA).await;
    let own = "dispute { id status reason words account { id } }";
    let others = act(&debtor, "fileDispute", own, json!({ "accountId": james })).await;
    assert_eq!(user_errors(&others), ["NOT_FOUND"]);
    let of_staff = json!({ "accountId": maria, "receivedAt": "2026-01-01T00:00:00Z" });
    assert_eq!(
        user_errors(&act(&debtor, "fileDispute", own, of_staff).await),
        ["INVALID_INPUT"]
    );
    let input = json!({ "accountId": maria, "reason": "OTHER", "words": "I paid this in May." });
    let filed = act(&debtor, "fileDispute", own, input).await;
    assert_eq!(filed["dispute"]["words"], "I paid this in May.", "{filed}");
    // At once, before any job has run, and although the validation period is over: nobody has looked at it yet.
    assert_eq!(gate(&compliance, &maria).await, decided("DENY", CEASE));
    app.run_jobs().await;
    let seen = account(
        &compliance,
        &maria,
        "status holds { kind source } disputes { id channel needsConfirmation steps { actor } }",
    )
    .await;
    assert_eq!(seen["status"], "DISPUTED");
    assert_eq!(seen["holds"], json!([{ "kind": "DISPUTE", "source": "PORTAL" }]));
    assert_eq!(seen["disputes"][0]["channel"], "PORTAL");
    assert_eq!(seen["disputes"][0]["needsConfirmation"], true);
    assert_eq!(seen["disputes"][0]["steps"], json!([{ "actor": "DEBTOR" }]));

    let mine = debtor
        .gql(
            "query($a: ID!) { account(id: $a) { status disputes { id status words } } }",
            json!({ "a": maria }),
        )
        .await;
    assert_eq!(
        data(&mine)["account"]["disputes"][0]["id"],
        filed["dispute"]["id"]
    );
    let hidden = debtor
        .gql(
            "query($a: ID!) { account(id: $a) { disputes { steps { note } } } }",
            json!({ "a": maria }),
        )
        .await;
    assert_eq!(error_code(&hidden), "FORBIDDEN", "what staff note is staff's");
    let neighbour = app.debtor(&app.acme, JAMES).await;
    let theirs = neighbour
        .gql(
            "query($a: ID!) { account(id: $a) { disputes { id } } }",
            json!({ "a": james }),
        )
        .await;
    assert_eq!(data(&theirs)["account"]["disputes"], json!([]));

    // Looked at, the law's dates decide: it is late.
    let compliance = app.acme.sign_in("compliance").await;
    let begun = json!({ "disputeId": filed["dispute"]["id"] });
    act(&compliance, "startDisputeVerification", "", begun).await;
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    app.finish().await;
}

#[tokio::test]
async fn a_text_that_disputes_the_debt_files_a_dispute_that_a_person_looks_at() {
    let app = TestApp::start().await;
    let (agent, compliance) = (app.acme.agent().await, app.acme.sign_in("compliance").await);
    let maria = app.account_id(&app.acme, MARIA).await;
    let phone = app.acme.debtor_number(MARIA);
    const SEEN: &str =
        "status disputes { id channel status needsConfirmation outcome message { content } account { id } }
        holds { id kind needsConfirmation }";
    for _ in 0..2 {
        app.text(&app.acme, &phone, "I dispute this debt").await;
        let seen = account(&compliance, &maria, SEEN).await;
        let disputes = seen["disputes"].as_array().unwrap();
        assert_eq!(disputes.len(), 1, "said again it changes nothing: {seen}");
        assert_eq!(disputes[0]["channel"], "SMS");
        assert_eq!(disputes[0]["needsConfirmation"], true);
        assert_eq!(disputes[0]["message"]["content"], "I dispute this debt");
        assert_eq!(disputes[0]["account"]["id"], maria, "their only debt is meant");
        assert_eq!(seen["status"], "DISPUTED");
        assert_eq!(gate(&compliance, &maria).await, decided("DENY", CEASE));
    }
    let hold = account(&compliance, &maria, SEEN).await["holds"][0]["id"].clone();
    act(&agent, "confirmHold", "", json!({ "holdId": hold })).await;
    let seen = account(&compliance, &maria, SEEN).await;
    assert_eq!(seen["disputes"][0]["needsConfirmation"], false);
    assert_eq!(
        gate(&compliance, &maria).await,
        decided("DENY", CEASE),
        "who confirms the hold holds on it"
    );
    for wrong in [json!({ "id": hold }), json!({ "id": hold, "reason": " " })] {
        let refused = act(&compliance, "releaseHold", "", wrong).await;
        assert_eq!(
            user_errors(&refused),
            ["INVALID_INPUT"],
            "a dispute ends with a reason"
        );
    }
    assert_eq!(gate(&compliance, &maria).await, decided("DENY", CEASE));
    let ended = json!({ "id": hold, "reason": "They take it back." });
    assert_eq!(
        user_errors(&act(&compliance, "releaseHold", "", ended).await),
        Vec::<&str>::new()
    );
    let seen = account(&compliance, &maria, "status disputes { outcome resolution }").await;
    assert_eq!(seen["disputes"][0]["resolution"], "They take it back.");
    assert_eq!(seen["disputes"][0]["outcome"], "WITHDRAWN");
    assert_eq!(seen["status"], "ACTIVE");
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    app.finish().await;
}
