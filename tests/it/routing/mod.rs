//! Who gets a thread that nobody has: by the business's rules, by hand, and by escalation.

mod escalations;
mod giving;
mod races;
mod rules;

use funnelchat::platform::ids::{self, IdKind};
use serde_json::{Value, json};
use sqlx::Row as _;
use uuid::Uuid;

use crate::support::{Client, Socket, Tenant, TestApp, data};

const RULE: &str =
    "id place name enabled channels languages creditors { id } tags requiredSkills strategy reassignment";

/// What saveRoutingRule answers.
async fn save(client: &Client, input: Value) -> Value {
    let document = format!(
        "mutation($i: SaveRoutingRuleInput!) {{ saveRoutingRule(input: $i) {{ rule {{ {RULE} }} userErrors {{ code field message }} }} }}"
    );
    data(&client.gql(&document, json!({ "i": input })).await)["saveRoutingRule"].clone()
}

/// The same of a rule that is taken.
async fn saved(client: &Client, input: Value) -> Value {
    let answer = save(client, input).await;
    assert_eq!(answer["userErrors"], json!([]), "{answer}");
    answer["rule"].clone()
}

/// The business's agents: the one of the demo data, and as many more. The people are staff of the other business as well.
async fn agents(app: &TestApp, tenant: &Tenant, more: usize) -> Vec<Uuid> {
    let mut superuser = app.superuser().await;
    let business = app.business_id(tenant).await;
    let mut agents: Vec<Uuid> = sqlx::query("SELECT id FROM users WHERE business_id = $1 AND role = 'AGENT'")
        .bind(business)
        .fetch_all(&mut superuser)
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let strangers = sqlx::query("SELECT identity_id FROM users WHERE business_id <> $1 ORDER BY id LIMIT $2")
        .bind(business)
        .bind(i64::try_from(more).unwrap())
        .fetch_all(&mut superuser)
        .await
        .unwrap();
    assert_eq!(strangers.len(), more);
    for (nth, row) in (1..).zip(strangers) {
        // After the one of the demo data in every order by id.
        let id = Uuid::from_u128(0xffff_ffff_ffff_7fff_bfff_ffff_ffff_0000 + nth);
        sqlx::query(
            "INSERT INTO users (business_id, id, identity_id, name, role, status, created_at)
             VALUES ($1, $2, $3, 'Somebody More', 'AGENT', 'ACTIVE', now())",
        )
        .bind(business)
        .bind(id)
        .bind(row.get::<Uuid, _>(0))
        .execute(&mut superuser)
        .await
        .unwrap();
        agents.push(id);
    }
    agents
}

fn user_id(user: Uuid) -> String {
    ids::encode(IdKind::User, user)
}

/// Changes a member by hand of somebody who looks after them.
async fn update(client: &Client, user: Uuid, mut input: Value) {
    input["id"] = json!(user_id(user));
    let answer = client
        .gql(
            "mutation($i: UpdateUserInput!) { updateUser(input: $i) { userErrors { code field message } } }",
            json!({ "i": input }),
        )
        .await;
    assert_eq!(data(&answer)["updateUser"]["userErrors"], json!([]), "{answer}");
}

/// Hours of every day, on the clock of Chicago, where the stories begin at noon.
fn daily(from: &str, to: &str) -> Value {
    let days = [
        "MONDAY",
        "TUESDAY",
        "WEDNESDAY",
        "THURSDAY",
        "FRIDAY",
        "SATURDAY",
        "SUNDAY",
    ];
    let week: Vec<Value> = days
        .iter()
        .map(|day| json!({ "day": day, "hours": [{ "from": from, "to": to }] }))
        .collect();
    json!({ "timeZone": "America/Chicago", "week": week })
}

/// Who has the thread with the n-th demo debtor; none where nobody has it.
async fn holder(app: &TestApp, tenant: &Tenant, nth: usize) -> Option<Uuid> {
    let account = app.account_id(tenant, nth).await;
    let account = ids::decode(IdKind::Account, &account).unwrap();
    let row = sqlx::query("SELECT assigned_agent_id FROM conversations WHERE account_id = $1")
        .bind(account)
        .fetch_one(&mut app.superuser().await)
        .await
        .unwrap();
    row.get(0)
}

/// The n-th demo debtor texts, and who has the thread then.
async fn text_from(app: &TestApp, tenant: &Tenant, nth: usize) -> Option<Uuid> {
    let number = tenant.debtor_number(nth);
    assert_eq!(app.text(tenant, &number, "Can we talk about this?").await, 200);
    holder(app, tenant, nth).await
}

/// How many open threads each has.
async fn open_threads(app: &TestApp, users: &[Uuid]) -> Vec<i64> {
    let mut superuser = app.superuser().await;
    let mut open = Vec::new();
    for user in users {
        let row = sqlx::query(
            "SELECT count(*) FROM conversations WHERE assigned_agent_id = $1 AND status IN ('ACTIVE', 'ESCALATED')",
        )
        .bind(user)
        .fetch_one(&mut superuser)
        .await
        .unwrap();
        open.push(row.get(0));
    }
    open
}

/// What a member's inbox tells from here on. By its cursor: the socket may begin to listen a while after it was asked to.
async fn inbox_of(client: &Client, events: &str) -> Socket {
    let seen = client.gql("{ viewer { inboxCursor } }", json!({})).await;
    let after = data(&seen)["viewer"]["inboxCursor"].clone();
    let mut inbox = client.socket().await;
    let document =
        format!("subscription($after: Cursor) {{ inboxEvents(after: $after) {{ __typename {events} }} }}");
    inbox.subscribe(&document, json!({ "after": after })).await;
    inbox
}
