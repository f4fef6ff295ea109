//! Holds, and what the gate makes of them.

use serde_json::{Value, json};

use super::{MARIA, account, act, ask, create, new_account, numbers};
use crate::support::{Client, TestApp, data, error_code, user_errors};

/// James in Chicago, where it is day too.
pub const JAMES: usize = 1;

/// What the gate would say to a text about this account.
pub async fn gate(client: &Client, account: &str) -> (String, String) {
    let answer = client
        .gql(
            "query($a: ID!) { complianceCheck(input: { accountId: $a, channel: SMS }) { outcome rule } }",
            json!({ "a": account }),
        )
        .await;
    let check = &data(&answer)["complianceCheck"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&check["outcome"]), text(&check["rule"]))
}

async fn hold(client: &Client, debtor: &Value, account: Option<&str>, kind: &str) -> Value {
    act(
        client,
        "setHold",
        "hold { id kind reason account { id } placedBy { id } releasedAt }",
        json!({ "debtorId": debtor, "accountId": account, "kind": kind, "reason": "A letter said so." }),
    )
    .await
}

#[tokio::test]
async fn the_gate_minds_the_holds_that_stand() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    let debtor = account(&compliance, &maria, "debtor { id }").await["debtor"]["id"].clone();
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    for (kind, outcome) in [
        ("ATTORNEY_REPRESENTED", "DENY"),
        ("BANKRUPTCY", "DENY"),
        ("BANKRUPTCY_DISCHARGED", "DENY"),
        ("CEASE_CONTACT", "DENY"),
        ("DECEASED", "DENY"),
        ("DISPUTE", "DENY"),
        ("DO_NOT_RECONTACT", "DENY"),
        ("IDENTITY_THEFT", "DENY"),
        ("LEGAL", "ALLOW"),
        ("PAYMENT_FAILED", "ALLOW"),
        ("SCRA", "ALLOW"),
    ] {
        let placed = hold(&compliance, &debtor, None, kind).await;
        assert_eq!(placed["hold"]["kind"], kind, "{placed}");
        assert_eq!(placed["hold"]["reason"], "A letter said so.");
        assert_eq!(gate(&compliance, &maria).await.0, outcome, "{kind}");
        let seen = account(
            &compliance,
            &maria,
            "holds { kind reason } debtor { holds { kind } }",
        )
        .await;
        assert_eq!(
            seen["holds"],
            json!([{ "kind": kind, "reason": "A letter said so." }])
        );
        assert_eq!(seen["debtor"]["holds"], json!([{ "kind": kind }]));
        assert_eq!(numbers(&compliance, json!({ "hold": [kind] })).await.len(), {
            // Two people of the demo data have a hold of their own.
            1 + usize::from(["ATTORNEY_REPRESENTED", "CEASE_CONTACT"].contains(&kind))
        });
        let released = act(
            &compliance,
            "releaseHold",
            "hold { releasedAt releasedBy { id } }",
            json!({ "id": placed["hold"]["id"], "reason": "Another letter takes it back." }),
        )
        .await;
        assert!(released["hold"]["releasedAt"].is_string(), "{released}");
        assert_eq!(gate(&compliance, &maria).await.0, "ALLOW", "{kind} released");
        let again = act(
            &compliance,
            "releaseHold",
            "",
            json!({ "id": placed["hold"]["id"] }),
        )
        .await;
        assert_eq!(user_errors(&again), ["CONFLICT"]);
    }
    assert_eq!(app.audited("hold.released").await, 11);
    app.finish().await;
}

#[tokio::test]
async fn a_dispute_is_of_one_debt_and_one_hold_of_a_kind_stands() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let maria = app.account_id(&app.acme, MARIA).await;
    let debtor = account(&admin, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let mut other = new_account("Z-1");
    other["debtorId"] = debtor.clone();
    let other = create(&admin, other).await;
    let placed = hold(&agent, &debtor, Some(&other), "DISPUTE").await;
    assert_eq!(placed["hold"]["account"]["id"], other);
    assert_eq!(
        gate(&admin, &maria).await.0,
        "ALLOW",
        "the other debt is not disputed"
    );
    let (outcome, rule) = gate(&admin, &other).await;
    assert_eq!((outcome.as_str(), rule.as_str()), ("DENY", "reg-f-dispute-cease"));
    assert_eq!(numbers(&admin, json!({ "hold": ["DISPUTE"] })).await, ["Z-1"]);
    assert_eq!(
        account(&admin, &maria, "holds { kind }").await["holds"],
        json!([])
    );

    let again = hold(&agent, &debtor, Some(&other), "DISPUTE").await;
    assert_eq!(user_errors(&again), ["CONFLICT"]);
    let (one, two) = tokio::join!(
        hold(&admin, &debtor, None, "BANKRUPTCY"),
        hold(&agent, &debtor, None, "BANKRUPTCY")
    );
    let refused = [user_errors(&one), user_errors(&two)];
    assert!(
        refused.contains(&vec!["CONFLICT"]) && refused.contains(&Vec::new()),
        "one of two at once stands: {refused:?}"
    );
    assert_eq!(
        gate(&admin, &maria).await.0,
        "DENY",
        "a bankruptcy is the person's"
    );
    let james = app.account_id(&app.acme, JAMES).await;
    let mixed = hold(&agent, &debtor, Some(&james), "LEGAL").await;
    assert_eq!(user_errors(&mixed), ["NOT_FOUND"], "another person's debt");
    let release = ask(&agent, "releaseHold", "", json!({ "id": placed["hold"]["id"] })).await;
    assert_eq!(
        error_code(&release),
        "FORBIDDEN",
        "an agent places, and does not release"
    );
    app.finish().await;
}

#[tokio::test]
async fn what_binds_the_person_is_on_all_debts_and_outlives_the_one_it_was_learned_of() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    let debtor = account(&admin, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let mut other = new_account("Z-1");
    other["debtorId"] = debtor.clone();
    let other = create(&admin, other).await;
    for kind in [
        "BANKRUPTCY",
        "CEASE_CONTACT",
        "DECEASED",
        "DO_NOT_RECONTACT",
        "SCRA",
    ] {
        // By the debt alone: whose it is, is known.
        let placed = hold(&admin, &Value::Null, Some(&other), kind).await;
        assert_eq!(user_errors(&placed), Vec::<&str>::new(), "{placed}");
        assert_eq!(placed["hold"]["account"], Value::Null, "{placed}");
        for debt in [&maria, &other] {
            let seen = account(&admin, debt, "holds { kind } debtor { holds { kind } }").await;
            assert_eq!(seen["holds"], json!([{ "kind": kind }]));
            assert_eq!(seen["debtor"]["holds"], json!([{ "kind": kind }]));
        }
        let again = hold(&admin, &debtor, Some(&maria), kind).await;
        assert_eq!(user_errors(&again), ["CONFLICT"], "it stands already");

        let gone = json!({ "id": other, "reason": "Placed twice." });
        assert_eq!(
            user_errors(&act(&admin, "deleteAccount", "", gone).await),
            Vec::<&str>::new()
        );
        let seen = account(&admin, &maria, "holds { id kind }").await;
        assert_eq!(seen["holds"][0]["id"], placed["hold"]["id"], "{seen}");
        let release = json!({ "id": placed["hold"]["id"] });
        let released = act(&admin, "releaseHold", "hold { releasedAt }", release).await;
        assert!(released["hold"]["releasedAt"].is_string(), "{released}");
        assert_eq!(gate(&admin, &maria).await.0, "ALLOW", "{kind} released");
        act(&admin, "restoreAccount", "", json!({ "id": other })).await;
    }
    let nobody = json!({ "kind": "SCRA", "reason": "A letter said so." });
    assert_eq!(
        user_errors(&act(&admin, "setHold", "", nobody).await),
        ["INVALID_INPUT"]
    );
    app.finish().await;
}
