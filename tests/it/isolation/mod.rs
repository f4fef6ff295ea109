//! No business sees another's data, nobody sees any without signing in, no role does what the matrix denies, and no
//! agent sees a colleague's. The sweeps are made from the schema that the running service tells: a new operation is
//! swept without a line here.

mod canary;
mod colleagues;
mod debtors;
mod intruder;
mod sweep;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::support::{Client, Field, Schema, Socket, recipes::Ids};

/// A fingerprint of everything that a business has in every table.
async fn fingerprint(superuser: &mut PgConnection, business: Uuid) -> BTreeMap<String, String> {
    let tables: Vec<String> = superuser
        .fetch_all(
            "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'business_id'
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition",
        )
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut prints = BTreeMap::new();
    for table in tables {
        let print: String = superuser
            .fetch_one(AssertSqlSafe(format!(
                "SELECT md5(coalesce(string_agg(t::text, '/' ORDER BY t::text), '')) FROM {table} t WHERE business_id = '{business}'"
            )))
            .await
            .unwrap()
            .get(0);
        prints.insert(table, print);
    }
    prints
}

/// Any operation, over whatever transport carries it.
async fn call(
    client: &Client,
    schema: &Schema,
    root: &str,
    field: &Field,
    arguments: &Map<String, Value>,
) -> Value {
    let (document, variables) = schema.document(root, field, arguments, 2);
    if root == "Subscription" {
        let mut socket = client.socket().await;
        socket.subscribe(&document, variables).await;
        return first_payload(&mut socket).await;
    }
    client.gql(&document, variables).await
}

/// Account and thread become this user's, or nobody's.
async fn give_to(superuser: &mut PgConnection, ids: &Ids, user: Option<Uuid>) {
    for (table, id) in [
        ("accounts", ids.uuid("acct")),
        ("conversations", ids.uuid("conv")),
    ] {
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE {table} SET assigned_agent_id = $1 WHERE id = $2"
        )))
        .bind(user)
        .bind(id)
        .execute(&mut *superuser)
        .await
        .unwrap();
    }
}

/// What a subscription answers first: a payload, or an error as a payload of errors.
async fn first_payload(socket: &mut Socket) -> Value {
    let message = socket.message().await.expect("an answer, not the socket's end");
    match message["type"].as_str() {
        Some("error") => json!({ "errors": message["payload"] }),
        _ => message["payload"].clone(),
    }
}
