//! A business's own roles only ever take away, and count at once.

use serde_json::{Value, json};
use sqlx::Executor as _;

use super::only_error;
use crate::support::{Client, TestApp, data, error_code, user_errors};

async fn mutate(client: &Client, name: &str, input: Value) -> Value {
    let (first, rest) = name.split_at(1);
    let ty = format!("{}{rest}Input", first.to_uppercase());
    let body = match name {
        "deleteRole" => "deletedId",
        "updateUser" => "user { role customRole { name } }",
        "inviteUser" => "invitation { id customRole { name } }",
        _ => "role { id name baseRole permissions }",
    };
    let document = format!(
        "mutation($i: {ty}!) {{ {name}(input: $i) {{ {body} userErrors {{ code field message }} }} }}"
    );
    let answer = client.gql(&document, json!({ "i": input })).await;
    data(&answer)[name].clone()
}

async fn permissions(client: &Client) -> Vec<String> {
    let answer = client.gql("{ viewer { permissions } }", json!({})).await;
    serde_json::from_value(data(&answer)["viewer"]["permissions"].clone()).unwrap()
}

async fn is_out(client: &Client) -> bool {
    error_code(&client.gql("{ viewer { role } }", json!({})).await) == "UNAUTHENTICATED"
}

#[tokio::test]
async fn who_has_a_custom_role_may_do_its_part_and_changes_count_at_once() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let users = admin
        .gql(
            "{ users(first: 1, filter: { role: [AGENT] }) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    let user = data(&users)["users"]["edges"][0]["node"]["id"].clone();
    let reader = ["account:read", "conversation:read", "user:read"];
    let made = mutate(
        &admin,
        "createRole",
        json!({ "name": "Reader", "baseRole": "AGENT", "permissions": reader }),
    )
    .await;
    let role = made["role"]["id"].clone();
    assert_eq!(made["role"]["permissions"], json!(reader));
    let given = mutate(&admin, "updateUser", json!({ "id": user, "customRoleId": role })).await;
    assert_eq!(
        given["user"],
        json!({ "role": "AGENT", "customRole": { "name": "Reader" } })
    );
    assert!(is_out(&agent).await, "the old session has ended");

    let agent = app.acme.agent().await;
    assert_eq!(permissions(&agent).await, reader);
    let send = "mutation { sendMessage(input: { conversationId: \"conv_01h455vb4pex5vsknk084sn02q\", content: \"x\" }) { userErrors { code } } }";
    assert_eq!(error_code(&agent.gql(send, json!({})).await), "FORBIDDEN");
    // Of the custom role's part a member can be left still less.
    let beyond = mutate(
        &admin,
        "updateUser",
        json!({ "id": user, "permissions": ["conversation:send"] }),
    )
    .await;
    assert_eq!(only_error(&beyond).1, "input.permissions");
    mutate(
        &admin,
        "updateUser",
        json!({ "id": user, "permissions": ["account:read"] }),
    )
    .await;
    let agent = app.acme.agent().await;
    assert_eq!(permissions(&agent).await, ["account:read"]);
    mutate(&admin, "updateUser", json!({ "id": user, "permissions": null })).await;

    // The role gains and loses: whoever holds it signs in anew.
    let agent = app.acme.agent().await;
    let mut socket = agent.socket().await;
    let more = mutate(
        &admin,
        "updateRole",
        json!({ "id": role, "permissions": ["conversation:send", "conversation:read"] }),
    )
    .await;
    assert_eq!(
        more["role"]["permissions"],
        json!(["conversation:read", "conversation:send"])
    );
    assert_eq!(socket.close_code().await, 4401);
    assert!(is_out(&agent).await);
    let agent = app.acme.agent().await;
    assert_eq!(
        permissions(&agent).await,
        ["conversation:read", "conversation:send"]
    );
    let renamed = mutate(&admin, "updateRole", json!({ "id": role, "name": "Writer" })).await;
    assert_eq!(renamed["userErrors"], json!([]));
    assert!(!is_out(&agent).await, "a name alone ends nothing");

    // What the base role does not hold any more is worth nothing, whatever stands in the row.
    app.superuser()
        .await
        .execute(
            "UPDATE custom_roles SET permissions = ARRAY['audit:read', 'conversation:read', 'nothing:known']",
        )
        .await
        .unwrap();
    let agent = app.acme.agent().await;
    assert_eq!(permissions(&agent).await, ["conversation:read"]);

    let held = mutate(&admin, "deleteRole", json!({ "id": role })).await;
    assert_eq!(user_errors(&held), ["CONFLICT"]);
    mutate(&admin, "updateUser", json!({ "id": user, "customRoleId": null })).await;
    let agent = app.acme.agent().await;
    assert!(
        permissions(&agent).await.contains(&"note:add".to_owned()),
        "the whole base role is back"
    );
    assert_eq!(
        mutate(&admin, "deleteRole", json!({ "id": role })).await["deletedId"],
        role
    );
    app.finish().await;
}

#[tokio::test]
async fn a_newcomer_joins_with_a_custom_role_and_it_cannot_vanish_meanwhile() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let made = mutate(
        &admin,
        "createRole",
        json!({ "name": "Notes", "baseRole": "MANAGER", "permissions": ["note:add", "user:read"] }),
    )
    .await;
    let role = made["role"]["id"].clone();
    let input = json!({ "email": "new@acme.example", "name": "New", "role": "AGENT", "customRoleId": role });
    assert_eq!(
        only_error(&mutate(&admin, "inviteUser", input).await).1,
        "input.role",
        "its base is another"
    );
    let input =
        json!({ "email": "new@acme.example", "name": "New", "role": "MANAGER", "customRoleId": role });
    let invited = mutate(&admin, "inviteUser", input).await;
    assert_eq!(invited["invitation"]["customRole"]["name"], "Notes");
    assert_eq!(
        user_errors(&mutate(&admin, "deleteRole", json!({ "id": role })).await),
        ["CONFLICT"]
    );
    app.run_jobs().await;
    let mail = app.sandbox.state().mails_to("new@acme.example").pop().unwrap();
    let text = mail.text.unwrap();
    let token = text
        .split("token=")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let accepted = app
        .anonymous()
        .gql(
            "mutation($t: String!) { acceptInvitation(input: { token: $t, password: \"a long and private phrase\" }) {
               mfaEnrollment { token } userErrors { message } } }",
            json!({ "t": token }),
        )
        .await;
    assert!(
        data(&accepted)["acceptInvitation"]["mfaEnrollment"].is_object(),
        "{accepted}"
    );
    app.run_jobs().await;
    let listed = admin
        .gql(
            "{ users(first: 1, filter: { search: \"new@acme.example\" }) { edges { node { role customRole { name } permissions } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&listed)["users"]["edges"][0]["node"],
        json!({ "role": "MANAGER", "customRole": { "name": "Notes" }, "permissions": ["note:add", "user:read"] })
    );
    app.finish().await;
}

#[tokio::test]
async fn nobody_gives_more_than_there_is_and_nobody_but_administrators_makes_roles() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let wish = |name: &str, permissions: Value| json!({ "name": name, "baseRole": "AGENT", "permissions": permissions });
    for (input, place) in [
        (wish("More", json!(["audit:read"])), "input.permissions"),
        (wish("Odd", json!(["nothing:known"])), "input.permissions"),
        (wish("  ", json!([])), "input.name"),
    ] {
        assert_eq!(only_error(&mutate(&admin, "createRole", input).await).1, place);
    }
    let made = mutate(&admin, "createRole", wish("Reader", json!(["account:read"]))).await;
    let role = made["role"]["id"].clone();
    let taken = mutate(&admin, "createRole", wish("READER", json!([]))).await;
    assert_eq!(user_errors(&taken), ["CONFLICT"]);
    for login in ["manager", "agent", "compliance"] {
        let other = app.acme.sign_in(login).await;
        for mutation in ["createRole", "updateRole", "deleteRole"] {
            let input = match mutation {
                "createRole" => wish("Theirs", json!([])),
                _ => json!({ "id": role }),
            };
            let (first, rest) = mutation.split_at(1);
            let document = format!(
                "mutation($i: {}{rest}Input!) {{ {mutation}(input: $i) {{ userErrors {{ code }} }} }}",
                first.to_uppercase()
            );
            let answer = other.gql(&document, json!({ "i": input })).await;
            assert_eq!(error_code(&answer), "FORBIDDEN", "{login} {mutation}");
        }
    }
    let stranger = app.globex.sign_in("admin").await;
    assert_eq!(
        user_errors(&mutate(&stranger, "updateRole", json!({ "id": role, "name": "Mine" })).await),
        ["NOT_FOUND"]
    );

    // An administrator who has less than the whole role makes no roles, whatever they were left.
    let bound = mutate(
        &admin,
        "createRole",
        json!({ "name": "Half", "baseRole": "BUSINESS_ADMIN", "permissions": ["role:manage", "role:read", "user:manage", "user:manage_any"] }),
    )
    .await;
    let users = admin
        .gql(
            "{ users(first: 1, filter: { role: [MANAGER] }) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    let manager = data(&users)["users"]["edges"][0]["node"]["id"].clone();
    mutate(
        &admin,
        "updateUser",
        json!({ "id": manager, "customRoleId": bound["role"]["id"] }),
    )
    .await;
    let half = app.acme.sign_in("manager").await;
    let answer = half
        .gql(
            "mutation { createRole(input: { name: \"Whole\", baseRole: BUSINESS_ADMIN, permissions: [\"audit:read\"] }) { userErrors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(error_code(&answer), "FORBIDDEN");
    app.finish().await;
}
