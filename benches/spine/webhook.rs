//! A debtor's text on its way in: durable before the vendor has its answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::ensure;
use funnelchat::{platform::ids, sandbox::twilio::signature};
use futures_util::FutureExt as _;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::{task::JoinSet, time::MissedTickBehavior};
use uuid::Uuid;

use crate::{
    Plan,
    cpu::Processes,
    data::{self, PUBLIC_BASE_URL, Tenant},
    figures::{Bar, percentile, throughput},
    http::{Connection, post},
    rounds::Rounds,
    servers::Bench,
};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 3;
const PATH: &str = "/webhooks/twilio/sms";
/// Offered when the time to the answer is measured.
const OFFERED_PER_SECOND: u32 = 50;
/// Texts that are not counted: the first ones open connections and unwrap the businesses' keys.
const WARM_UP: usize = 200;

pub async fn measure(bench: &Bench, plan: &Plan) -> anyhow::Result<()> {
    let service = bench.serve().await?;
    let texts = Texts::default();
    let mut floors = Rounds::of(Processes::of(bench, std::process::id()).await?);
    let mut figures = Rounds::of(Processes::of(bench, service.id()).await?);
    let mut bar = Bar::new("inbound texts", 2 * ROUNDS);
    for _ in 0..ROUNDS {
        let pools = bench.tenants.iter().take(CONNECTIONS);
        let floor = pools
            .map(|tenant| (bench.app_pool.clone(), Row::of(tenant)))
            .collect();
        let inserted = throughput(floor, plan.length, |(pool, row)| row.insert(pool).boxed());
        floors.take(plan.length, inserted).await?;
        clear(bench).await?;
        bar.advance(1);
        let mut callers = Vec::with_capacity(CONNECTIONS);
        for tenant in 0..CONNECTIONS {
            let sender = Sender {
                texts: texts.clone(),
                connection: Connection::open(service.address).await?,
                number: bench.tenants[tenant].number.clone(),
                account: bench.tenants[tenant].twilio_sid.clone(),
                token: bench.tenants[tenant].twilio_token.clone(),
                debtors: plan.accounts,
            };
            callers.push(sender);
        }
        let sent = throughput(callers, plan.length, |sender| sender.send().boxed());
        figures.take(plan.length, sent).await?;
        clear(bench).await?;
        bar.advance(1);
    }
    println!("rounds, bare: {floors}; texts: {figures}");
    let (floor, figure) = (floors.rate(), figures.rate());
    println!(
        "inbound text, stored before the answer, {CONNECTIONS} connections: {figure:.0}/s, {:.0} % of inserting and \
         committing the same rows bare, without numbering and chaining ({floor:.0}/s)",
        figure / floor * 100.0
    );
    offered(bench, plan, &texts).await
}

/// With the worker at work: how long the vendor waits, whatever became of the requests before.
async fn offered(bench: &Bench, plan: &Plan, texts: &Texts) -> anyhow::Result<()> {
    let (service, mut worker) = (bench.serve_beside_others().await?, bench.work()?);
    let length = plan.length * 3;
    let all = usize::try_from(length.as_secs())? * usize::try_from(OFFERED_PER_SECOND)?;
    let mut bar = Bar::new("inbound texts, 50 a second", WARM_UP + all);
    let mut senders = Vec::new();
    for tenant in &bench.tenants {
        senders.push(Arc::new(tokio::sync::Mutex::new(Sender {
            texts: texts.clone(),
            connection: Connection::open(service.address).await?,
            number: tenant.number.clone(),
            account: tenant.twilio_sid.clone(),
            token: tenant.twilio_token.clone(),
            debtors: plan.accounts,
        })));
    }
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / OFFERED_PER_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut answers = JoinSet::new();
    for nth in 0..WARM_UP + all {
        // From when it should have been sent: a queue that builds up counts.
        let due = ticks.tick().await.into_std();
        let sender = senders[nth % senders.len()].clone();
        answers.spawn(async move {
            sender.lock().await.send().await?;
            anyhow::Ok((nth, Instant::now().duration_since(due)))
        });
        bar.advance(1);
    }
    let mut times = Vec::with_capacity(all);
    while let Some(answer) = answers.join_next().await {
        let (nth, time) = answer??;
        if nth >= WARM_UP {
            times.push(time);
        }
    }
    worker.still_runs()?;
    let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM queue._private_jobs")
        .fetch_one(&mut bench.superuser().await?)
        .await?;
    ensure!(
        waiting < i64::from(OFFERED_PER_SECOND) * 2,
        "the worker does not keep up: {waiting} jobs wait"
    );
    println!(
        "inbound text, {OFFERED_PER_SECOND}/s offered, a worker processing them: answered in {:.1} ms at the 50th, \
         {:.1} ms at the 99th percentile, {:.1} ms at the longest",
        percentile(&mut times, 0.50),
        percentile(&mut times, 0.99),
        percentile(&mut times, 1.0)
    );
    clear(bench).await
}

/// Gives out texts, each with an id of its own and from the next debtor.
#[derive(Clone, Default)]
struct Texts(Arc<AtomicUsize>);

struct Sender {
    texts: Texts,
    connection: Connection,
    number: String,
    account: String,
    token: String,
    debtors: usize,
}

impl Sender {
    async fn send(&mut self) -> anyhow::Result<()> {
        let nth = self.texts.0.fetch_add(1, Ordering::Relaxed);
        let params = [
            ("MessageSid", format!("SM{nth:032x}")),
            ("AccountSid", self.account.clone()),
            ("From", data::debtor_number(nth % self.debtors)),
            ("To", self.number.clone()),
            (
                "Body",
                "Can I set up a payment plan? I could pay on Fridays.".to_owned(),
            ),
            ("NumMedia", "0".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let signature = signature::sign(&self.token, &format!("{PUBLIC_BASE_URL}{PATH}"), &params);
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&params)
            .finish();
        let request = post(
            PATH,
            &[
                ("content-type", "application/x-www-form-urlencoded"),
                ("x-twilio-signature", &signature),
            ],
            &body,
        );
        let answer = self.connection.send(&request).await?;
        ensure!(answer.status == 200, "status {}", answer.status);
        Ok(())
    }
}

/// What the service writes for a text, made beforehand: the floor writes it and commits, and nothing else.
struct Row {
    business: Uuid,
    blind: Vec<u8>,
    payload: Vec<u8>,
}

impl Row {
    fn of(tenant: &Tenant) -> Self {
        Self {
            business: tenant.id,
            blind: vec![7; 32],
            payload: vec![7; 160],
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the floor is what the service does not do"
    )]
    async fn insert(&self, pool: &PgPool) -> anyhow::Result<()> {
        let (id, business) = (ids::next(), self.business);
        let begin =
            format!("BEGIN; SET LOCAL app.business_id = '{business}'; SET LOCAL app.audience = 'staff'");
        let mut tx = pool.begin_with(AssertSqlSafe(begin)).await?;
        sqlx::query(
            "INSERT INTO provider_events (business_id, id, provider, kind, event_id, peer_blind, payload_cipher, key_version, received_at, due_at)
             VALUES ($1, $2, 'TWILIO', 'INBOUND_MESSAGE', $3, $4, $5, 1, now(), now())",
        )
        .bind(business)
        .bind(id)
        .bind(id.to_string())
        .bind(&self.blind)
        .bind(&self.payload)
        .execute(&mut *tx)
        .await?;
        sqlx::query("SELECT queue.enqueue($1)")
            .bind(json!([{ "name": "conversations.process_inbound", "args": { "event_id": id } }]))
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO audit_events (business_id, id, position, at, actor_kind, action, object_id, request_id, details, hash)
             VALUES ($1, $2, 1, now(), 'SYSTEM', 'message.received', $2, $3, $4, $5)",
        )
        .bind(business)
        .bind(id)
        .bind(id.to_string())
        .bind(br#"{"provider":"TWILIO"}"#.as_slice())
        .bind(&self.blind)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Both sides begin with the same tables.
async fn clear(bench: &Bench) -> anyhow::Result<()> {
    let mut superuser = bench.superuser().await?;
    for statement in [
        // The trail is append-only, but for who may take its triggers away.
        "SET session_replication_role = replica",
        "TRUNCATE queue._private_jobs CASCADE",
        // And disputes, which name the texts that stated them: there are none.
        "TRUNCATE provider_events, audit_events CASCADE",
        "UPDATE business_head SET audit_position = 0, audit_hash = ''",
        "VACUUM ANALYZE business_head, provider_events, audit_events",
        "CHECKPOINT",
    ] {
        sqlx::query(statement).execute(&mut superuser).await?;
    }
    Ok(())
}
