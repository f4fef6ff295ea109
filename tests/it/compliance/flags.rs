//! Whom not to contact is told beside the number, on the person, and in the lists.

use serde_json::{Value, json};

use crate::{
    account_work::{MARIA, account, act},
    support::{Client, TestApp, data, error_code, user_errors},
};

const JAMES: usize = 1;

async fn flags(client: &Client, id: &str) -> Value {
    let selection = "debtor { id doNotContact { isStopped holds { kind } closed { value } }
        contactPoints { kind value suppressions { channel reason since } } }";
    account(client, id, selection).await["debtor"].clone()
}

async fn ids(client: &Client, list: &str, filter: &str) -> Vec<Value> {
    let answer = client
        .gql(
            &format!("{{ {list}(first: 50, filter: {filter}) {{ edges {{ node {{ id }} }} }} }}"),
            json!({}),
        )
        .await;
    let edges = data(&answer)[list]["edges"].as_array().unwrap().clone();
    edges.iter().map(|edge| edge["node"]["id"].clone()).collect()
}

#[tokio::test]
async fn who_is_not_to_be_contacted_is_shown_as_such() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let (maria, james) = (
        app.account_id(&app.acme, MARIA).await,
        app.account_id(&app.acme, JAMES).await,
    );
    // Some of the demo data's people have holds.
    let known = ids(&admin, "debtors", "{ contactStopped: true }").await;
    let before = flags(&admin, &maria).await;
    assert_eq!(
        before["doNotContact"],
        json!({ "isStopped": false, "holds": [], "closed": [] })
    );
    assert_eq!(before["contactPoints"][0]["suppressions"], json!([]));

    // A STOP is of the number and of texts; the number may still be called, so the person may still be contacted.
    app.text(&app.acme, &app.acme.debtor_number(MARIA), "STOP").await;
    app.run_jobs().await;
    let seen = flags(&admin, &maria).await;
    let phone = &seen["contactPoints"][0];
    assert_eq!(phone["suppressions"][0]["reason"], "OPT_OUT", "{seen}");
    assert!(phone["suppressions"][0]["since"].is_string());
    let listed = json!({ "debtorId": seen["id"], "phone": app.acme.debtor_number(MARIA), "note": "Asked by telephone." });
    let made = act(&admin, "suppressContact", "suppression { id }", listed).await;
    assert_eq!(user_errors(&made), Vec::<&str>::new());
    let seen = flags(&admin, &maria).await;
    let closed = seen["doNotContact"]["closed"].as_array().unwrap();
    assert!(
        closed
            .iter()
            .any(|point| point["value"] == json!(app.acme.debtor_number(MARIA))),
        "{seen}"
    );
    let all = seen["contactPoints"].as_array().unwrap().len();
    assert_eq!(
        seen["doNotContact"]["isStopped"],
        json!(closed.len() == all),
        "{seen}"
    );

    // A person's own, by the person: also what stands on their number alone.
    let of = |debtor: &Value| format!("{{ debtorId: {debtor} }}");
    assert!(ids(&admin, "suppressionList", &of(&seen["id"])).await.len() >= 2);
    let other = flags(&admin, &james).await;
    assert_eq!(
        ids(&admin, "suppressionList", &of(&other["id"])).await,
        Vec::<Value>::new()
    );
    let globex = app.globex.sign_in("admin").await;
    let asked = format!(
        "{{ suppressionList(first: 5, filter: {}) {{ edges {{ node {{ id }} }} }} }}",
        of(&seen["id"])
    );
    let refused = globex.gql(&asked, json!({})).await;
    assert_eq!(error_code(&refused), "NOT_FOUND", "{refused}");

    // A notice to cease stops the person; a dispute of a debt does not.
    let hold = json!({ "debtorId": other["id"], "kind": "CEASE_CONTACT", "reason": "A letter." });
    let placed = act(&admin, "setHold", "hold { id }", hold).await;
    assert_eq!(user_errors(&placed), Vec::<&str>::new(), "{placed}");
    let dispute = json!({ "accountId": maria, "kind": "DISPUTE", "reason": "Says it is not hers." });
    let placed = act(&admin, "setHold", "hold { id }", dispute).await;
    assert_eq!(user_errors(&placed), Vec::<&str>::new(), "{placed}");
    let seen = flags(&admin, &james).await;
    assert_eq!(seen["doNotContact"]["isStopped"], true, "{seen}");
    assert_eq!(
        seen["doNotContact"]["holds"],
        json!([{ "kind": "CEASE_CONTACT" }])
    );
    let stopped = ids(&admin, "debtors", "{ contactStopped: true }").await;
    assert_eq!(stopped.len(), known.len() + 1, "{stopped:?}");
    assert!(stopped.contains(&other["id"]) && !known.contains(&other["id"]));
    let others = ids(&admin, "debtors", "{ contactStopped: false }").await;
    assert!(
        others.len() == 25 - stopped.len() && !others.contains(&other["id"]),
        "{others:?}"
    );
    let stopped = ids(&admin, "accounts", "{ contactStopped: true }").await;
    assert!(stopped.contains(&json!(james)) && !stopped.contains(&json!(maria)));
    let others = ids(&admin, "accounts", "{ contactStopped: false }").await;
    assert!(
        others.len() == 25 - stopped.len() && others.contains(&json!(maria)),
        "{others:?}"
    );
    let of_globex = ids(&globex, "debtors", "{ contactStopped: true }").await;
    assert!(of_globex.iter().all(|id| *id != other["id"]), "{of_globex:?}");
    app.finish().await;
}
