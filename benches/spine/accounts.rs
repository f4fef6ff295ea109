//! The nested query of the agent's work list, against its own SQL run bare.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use uuid::Uuid;

use crate::{
    Plan,
    caller::operation,
    cpu::Processes,
    data::MESSAGES,
    figures::{Bar, throughput},
    http::Connection,
    rounds::Rounds,
    servers::Bench,
    wire::Wire,
};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 3;
const PAGE: i64 = 20;
const QUERY: &str = "query WorkList($first: Int!) {
  accounts(first: $first, orderBy: { field: BALANCE, direction: DESC }) {
    edges { node {
      id accountNumber status firstName lastName currentBalance { amount currency }
      conversations(first: 1) { edges { node {
        id channel status
        messages(last: 3) { edges { node { id direction content deliveryStatus createdAt } } } } } } } }
    pageInfo { hasNextPage endCursor } } }";

/// Takes turns: floor, service, floor, service, so that a machine that slows down slows both.
pub async fn measure(bench: &Bench, plan: &Plan) -> anyhow::Result<()> {
    let bare = Bare::listened_to(bench).await?;
    let service = bench.serve().await?;
    let tokens = bench.agents(service.address).await?;
    let mut requests = Vec::with_capacity(tokens.len());
    for token in &tokens {
        let request = operation(Some(token), QUERY, &json!({ "first": PAGE }));
        check(service.address, &request).await?;
        requests.push(request);
    }
    let mut floors = Rounds::of(Processes::of(bench, std::process::id()).await?);
    let mut figures = Rounds::of(Processes::of(bench, service.id()).await?);
    let mut bar = Bar::new("nested accounts query", 2 * ROUNDS);
    for _ in 0..ROUNDS {
        floors.take(plan.length, bare.throughput(bench, plan)).await?;
        bar.advance(1);
        let mut callers = Vec::with_capacity(CONNECTIONS);
        for request in requests.iter().take(CONNECTIONS) {
            callers.push((Connection::open(service.address).await?, request.clone()));
        }
        let asked = throughput(callers, plan.length, |(connection, request)| {
            async move {
                let answer = connection.send(request).await?;
                ensure!(answer.status == 200, "status {}", answer.status);
                Ok(())
            }
            .boxed()
        });
        figures.take(plan.length, asked).await?;
        bar.advance(1);
    }
    println!("rounds, bare: {floors}; the query: {figures}");
    let (floor, figure) = (floors.rate(), figures.rate());
    println!(
        "accounts(first: {PAGE}) with threads and messages, {CONNECTIONS} connections: {figure:.0}/s, \
         {:.0} % of the same three statements bare ({floor:.0}/s); the service also waits for its access log's commit",
        figure / floor * 100.0
    );
    Ok(())
}

/// The answer is whole: a full page, each account with its thread, each thread with its last messages in clear.
async fn check(address: SocketAddr, request: &[u8]) -> anyhow::Result<()> {
    let mut connection = Connection::open(address).await?;
    let answer: Value = serde_json::from_slice(connection.send(request).await?.body)?;
    let page = answer["data"]["accounts"]["edges"]
        .as_array()
        .with_context(|| answer.to_string())?;
    ensure!(i64::try_from(page.len())? == PAGE, "{answer}");
    for edge in page {
        let thread = &edge["node"]["conversations"]["edges"][0]["node"];
        let messages = thread["messages"]["edges"].as_array().context("messages")?;
        let last = messages.last().and_then(|edge| edge["node"]["content"].as_str());
        ensure!(
            messages.len() == 3 && last.is_some_and(|text| text.starts_with("Text number 5")),
            "{edge}"
        );
    }
    Ok(())
}

/// The service's own statements, as they passed on the wire; the first column of each is the id.
#[derive(Clone)]
struct Bare {
    accounts: String,
    threads: String,
    messages: String,
}

impl Bare {
    async fn listened_to(bench: &Bench) -> anyhow::Result<Self> {
        let (wire, port) = Wire::in_front_of(bench.database_port()).await;
        let service = bench.serve_through(port).await?;
        let agent = bench.agents(service.address).await?.swap_remove(0);
        wire.clear();
        check(
            service.address,
            &operation(Some(&agent), QUERY, &json!({ "first": PAGE })),
        )
        .await?;
        let mut texts = wire.statements().into_iter().map(|(_, text)| text);
        let begin = texts.next().context("BEGIN")?;
        ensure!(
            begin.starts_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"),
            "{begin}"
        );
        let mut next = || texts.next().context("three statements");
        let bare = Self {
            accounts: next()?,
            threads: next()?,
            messages: next()?,
        };
        let more = texts.next();
        ensure!(more.is_none(), "a fourth statement: {more:?}");
        Ok(bare)
    }

    async fn throughput(&self, bench: &Bench, plan: &Plan) -> anyhow::Result<f64> {
        let mut agents = Vec::with_capacity(CONNECTIONS);
        for tenant in bench.tenants.iter().take(CONNECTIONS) {
            let agent: Uuid = sqlx::query_scalar("SELECT id FROM users WHERE business_id = $1")
                .bind(tenant.id)
                .fetch_one(&mut bench.superuser().await?)
                .await?;
            agents.push((self.clone(), bench.app_pool.clone(), tenant.id, agent));
        }
        throughput(agents, plan.length, |(bare, pool, business, agent)| {
            bare.once(pool, *business, *agent).boxed()
        })
        .await
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the floor is what the service does not do"
    )]
    async fn once(&self, pool: &PgPool, business: Uuid, agent: Uuid) -> anyhow::Result<()> {
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL app.business_id = '{business}'; \
             SET LOCAL app.audience = 'staff'"
        );
        let mut tx = pool.begin_with(AssertSqlSafe(begin)).await?;
        let accounts = sqlx::query(AssertSqlSafe(self.accounts.as_str()))
            .bind(business)
            .bind(PAGE + 1)
            // The bounds of nobody's accounts, and of the agent's own.
            .bind(Uuid::nil())
            .bind(Uuid::nil())
            .bind(agent)
            .bind(agent)
            .fetch_all(&mut *tx)
            .await?;
        let ids = accounts
            .iter()
            .take(usize::try_from(PAGE)?)
            .map(|row| row.try_get(0))
            .collect::<Result<Vec<Uuid>, _>>()?;
        let threads = sqlx::query(AssertSqlSafe(self.threads.as_str()))
            .bind(business)
            .bind(&ids)
            .bind(vec![None::<Uuid>; ids.len()])
            .bind(agent)
            .bind(2_i64)
            .fetch_all(&mut *tx)
            .await?;
        let of_threads =
            |column| -> Result<Vec<Uuid>, _> { threads.iter().map(|row| row.try_get(column)).collect() };
        let (ids, keys) = (of_threads("id!")?, of_threads("record_key_id!")?);
        let messages = sqlx::query(AssertSqlSafe(self.messages.as_str()))
            .bind(business)
            .bind(&ids)
            .bind(&keys)
            .bind(vec![MESSAGES - 2; ids.len()])
            .bind(vec![MESSAGES; ids.len()])
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        ensure!(
            i64::try_from(messages.len())? == PAGE * 3,
            "{} messages",
            messages.len()
        );
        Ok(())
    }
}
