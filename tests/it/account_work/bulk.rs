//! Many accounts at once.

use funnelchat::platform::ids::{self, IdKind};
use serde_json::{Value, json};

use super::{act, ask, numbers, own_id};
use crate::support::{Client, TestApp, data, error_code, recipes::uuid_of, user_errors};

#[tokio::test]
async fn many_accounts_are_tagged_all_or_none() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let mut ids = Vec::new();
    for nth in 0..5 {
        ids.push(app.account_id(&app.acme, nth).await);
    }
    let tagged = act(
        &admin,
        "tagAccounts",
        "accounts { id tags }",
        json!({ "accountIds": ids, "add": ["summer", "vip"] }),
    )
    .await;
    let accounts = tagged["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 5);
    assert_eq!(accounts[4]["id"], ids[4], "in the order in which they were named");
    assert!(
        accounts
            .iter()
            .all(|account| account["tags"].to_string().contains("summer"))
    );
    assert_eq!(
        app.audited("account.tagged").await,
        5,
        "each account tells its own story"
    );
    let changed = act(
        &admin,
        "tagAccounts",
        "accounts { tags }",
        json!({ "accountIds": [ids[0]], "add": ["winter"], "remove": ["summer"] }),
    )
    .await;
    let tags = changed["accounts"][0]["tags"].to_string();
    assert!(tags.contains("winter") && !tags.contains("summer"), "{tags}");

    // The trail says what changed on each, and nothing of an account that stayed as it was.
    act(
        &admin,
        "tagAccounts",
        "",
        json!({ "accountIds": ids, "add": ["vip", "winter"], "remove": ["summer", "autumn"] }),
    )
    .await;
    let trail = admin
        .gql(
            "{ auditEvents(first: 9, filter: { action: \"account.tagged\" }) { edges { node { objectId details } } } }",
            json!({}),
        )
        .await;
    let rows = data(&trail)["auditEvents"]["edges"].as_array().unwrap().clone();
    let changes: Vec<&Value> = rows.iter().map(|row| &row["node"]["details"]).collect();
    let later = json!({ "added": ["winter"], "removed": ["summer"] });
    let first = json!({ "added": ["summer", "vip"], "removed": [] });
    assert_eq!(
        changes,
        [&[&later; 5][..], &[&first; 5][..]].concat()[..9].to_vec(),
        "{trail}"
    );
    let first_again = uuid_of(&ids[0]).to_string();
    assert_eq!(
        rows.iter()
            .filter(|row| row["node"]["objectId"] == first_again.as_str())
            .count(),
        1,
        "the first one's only change is the one before: {trail}"
    );

    // One that is not there: nothing changes for the others.
    let nobodys = ids::encode(IdKind::Account, ids::next());
    let refused = act(
        &admin,
        "tagAccounts",
        "accounts { id }",
        json!({ "accountIds": [ids[1], nobodys, ids[2]], "add": ["never"] }),
    )
    .await;
    assert_eq!(user_errors(&refused), ["NOT_FOUND"]);
    assert!(
        refused["userErrors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("Number 2")
    );
    assert_eq!(
        numbers(&admin, json!({ "tags": ["never"] })).await,
        Vec::<String>::new()
    );
    let full: Vec<String> = (0..50).map(|nth| format!("tag {nth}")).collect();
    let refused = act(
        &admin,
        "tagAccounts",
        "accounts { id }",
        json!({ "accountIds": ids, "add": full }),
    )
    .await;
    assert_eq!(user_errors(&refused), ["CONFLICT"]);
    assert_eq!(
        numbers(&admin, json!({ "tags": ["tag 7"] })).await,
        Vec::<String>::new()
    );
    for wrong in [
        json!({ "accountIds": [], "add": ["x"] }),
        json!({ "accountIds": ids }),
        json!({ "accountIds": ids, "add": ["x"], "remove": ["x"] }),
        json!({ "accountIds": vec![ids[0].clone(); 501], "add": [""] }),
    ] {
        let refused = act(&admin, "tagAccounts", "accounts { id }", wrong).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{refused}");
    }

    // Repeated with its key, it is done once and answered again.
    let document =
        "mutation($i: TagAccountsInput!) { tagAccounts(input: $i) { accounts { id } userErrors { code } } }";
    let variables = json!({ "i": { "accountIds": [ids[3], ids[4]], "add": ["once"] } });
    let key = [("idempotency-key", "tag-1")];
    let first = admin.gql_with(document, variables.clone(), &key).await;
    let again = admin.gql_with(document, variables, &key).await;
    assert_eq!(data(&first), data(&again));
    assert_eq!(app.audited("account.tagged").await, 12);
    app.finish().await;
}

#[tokio::test]
async fn an_agent_takes_what_is_nobodys_and_names_no_colleague() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let (me, boss) = (own_id(&agent).await, own_id(&admin).await);
    let mut ids = Vec::new();
    for nth in 0..4 {
        ids.push(app.account_id(&app.acme, nth).await);
    }
    let assign = async |client: &Client, ids: &[String], agent: &Value| {
        ask(
            client,
            "assignAccounts",
            "accounts { assignedAgent { id } }",
            json!({ "accountIds": ids, "agentId": agent }),
        )
        .await
    };
    let taken = assign(&agent, &ids[..2], &me).await;
    assert_eq!(
        data(&taken)["assignAccounts"]["accounts"][1]["assignedAgent"]["id"],
        me
    );
    assert_eq!(error_code(&assign(&agent, &ids[..2], &boss).await), "FORBIDDEN");
    let given = assign(&admin, &ids[2..], &boss).await;
    assert_eq!(user_errors(&data(&given)["assignAccounts"]), Vec::<&str>::new());
    let hidden = assign(&agent, &ids[1..3], &me).await;
    assert_eq!(user_errors(&data(&hidden)["assignAccounts"]), ["NOT_FOUND"]);
    assert_eq!(
        numbers(&agent, json!({ "assignedAgentId": me })).await.len(),
        2,
        "a colleague's is not there, and nothing else changed hands"
    );
    assert_eq!(numbers(&admin, json!({ "unassigned": true })).await.len(), 21);
    let back = assign(&agent, &ids[..1], &Value::Null).await;
    assert!(data(&back)["assignAccounts"]["accounts"][0]["assignedAgent"].is_null());
    assert_eq!(numbers(&admin, json!({ "unassigned": false })).await.len(), 3);
    let nobody = json!(ids::encode(IdKind::User, ids::next()));
    let refused = assign(&admin, &ids, &nobody).await;
    assert_eq!(
        data(&refused)["assignAccounts"]["userErrors"][0]["field"],
        json!(["input", "agentId"])
    );
    assert_eq!(app.audited("account.assigned").await, 5);

    // The same accounts in opposite orders at once: both are done, neither waits for the other for ever.
    let mut reversed = ids.clone();
    reversed.reverse();
    for _ in 0..5 {
        let (one, two) = tokio::join!(
            assign(&admin, &ids, &boss),
            assign(&admin, &reversed, &Value::Null)
        );
        assert_eq!(user_errors(&data(&one)["assignAccounts"]), Vec::<&str>::new());
        assert_eq!(user_errors(&data(&two)["assignAccounts"]), Vec::<&str>::new());
    }
    app.finish().await;
}

#[tokio::test]
async fn whoever_may_assign_to_themselves_alone_takes_nothing_from_a_colleague_whom_they_see() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    // A manager sees everybody's accounts; of this one's permissions, giving them to anyone is none.
    let permissions = ["account:read", "account:assign_self"];
    let role = json!({ "name": "Helper", "baseRole": "MANAGER", "permissions": permissions });
    let role = act(&admin, "createRole", "role { id }", role).await["role"]["id"].clone();
    let manager = own_id(&app.acme.sign_in("manager").await).await;
    let given = json!({ "id": manager, "customRoleId": role });
    assert_eq!(
        user_errors(&act(&admin, "updateUser", "", given).await),
        Vec::<&str>::new()
    );
    let helper = app.acme.sign_in("manager").await;

    let (taken, free) = (
        app.account_id(&app.acme, 0).await,
        app.account_id(&app.acme, 1).await,
    );
    let assign = async |client: &Client, id: &str, agent: &Value| {
        let input = json!({ "accountIds": [id], "agentId": agent });
        ask(
            client,
            "assignAccounts",
            "accounts { assignedAgent { id } }",
            input,
        )
        .await
    };
    let (owner, me) = (own_id(&agent).await, own_id(&helper).await);
    assert_eq!(
        user_errors(&data(&assign(&agent, &taken, &owner).await)["assignAccounts"]),
        Vec::<&str>::new()
    );
    for to in [&me, &Value::Null] {
        assert_eq!(error_code(&assign(&helper, &taken, to).await), "FORBIDDEN");
    }
    assert_eq!(
        user_errors(&data(&assign(&helper, &free, &me).await)["assignAccounts"]),
        Vec::<&str>::new()
    );
    assert_eq!(
        numbers(&admin, json!({ "assignedAgentId": owner })).await.len(),
        1
    );
    app.finish().await;
}
