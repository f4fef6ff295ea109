//! Many open subscriptions on one process: what each costs, and how long a message takes to them.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use funnelchat::platform::{
    context::TenantCtx,
    db::{AuditEntry, LiveEvent},
    ids::{self, IdKind},
};
use futures_util::{SinkExt as _, StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinSet, time::MissedTickBehavior};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};
use uuid::Uuid;

use crate::{
    Plan,
    data::Tenant,
    figures::{Bar, percentile},
    memory::resident_kib,
    servers::Bench,
};

/// Committed, over all businesses.
const MESSAGES_PER_SECOND: u32 = 100;
/// Sockets that open at the same time.
const AT_ONCE: usize = 32;
const QUERY: &str = "subscription Follow($id: ID!) {
  conversationEvents(conversationId: $id) {
    __typename
    ... on MessageAdded { cursor message { id sequence direction content createdAt } }
    ... on MessageStatusChanged { cursor message { id deliveryStatus } } } }";

type Socket = WebSocketStream<TcpStream>;
/// When each message that is on its way was about to be committed, by its id.
type Delivered = Arc<Mutex<HashMap<String, Instant>>>;

pub async fn measure(bench: &Bench, plan: &Plan) -> anyhow::Result<()> {
    // Signed in elsewhere: what 20 log-ins leave behind in the allocator would be room for sockets that nobody counts.
    let agents = {
        let elsewhere = bench.serve_beside_others().await?;
        bench.agents(elsewhere.address).await?
    };
    let service = bench.serve_beside_others().await?;
    // What a first subscription brings along (pools, caches, code) is not the price of the others.
    let warm = subscribe(service.address, &agents[0], bench.tenants[0].threads[0]).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = resident_kib(service.id())?;

    let mut bar = Bar::new("opening sockets", plan.sockets);
    let threads = (0..plan.sockets).map(|nth| {
        let business = nth % bench.tenants.len();
        (
            business,
            bench.tenants[business].threads[nth / bench.tenants.len()],
        )
    });
    let mut opening = stream::iter(threads.clone())
        .map(|(business, thread)| subscribe(service.address, &agents[business], thread))
        .buffer_unordered(AT_ONCE);
    let mut sockets = Vec::with_capacity(plan.sockets);
    while let Some(socket) = opening.next().await {
        sockets.push(socket?);
        bar.advance(1);
    }
    drop(opening);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let opened = resident_kib(service.id())?;

    let committed = Delivered::default();
    let mut readers = JoinSet::new();
    let times = Arc::new(Mutex::new(Vec::new()));
    for socket in sockets {
        readers.spawn(read(socket, committed.clone(), times.clone()));
    }
    let threads: Vec<_> = threads.collect();
    let sent = commit_messages(bench, plan, &threads, &committed).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = resident_kib(service.id())?;
    if let Some(ended) = readers.try_join_next() {
        ended??;
        bail!("a socket was closed");
    }
    readers.abort_all();
    drop(warm);
    let mut times = std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner));
    ensure!(
        times.len() == sent,
        "{} of {sent} messages arrived: each should, once",
        times.len()
    );
    let each = |kib: u64| kib.saturating_sub(before) as f64 / plan.sockets as f64;
    println!(
        "{} conversationEvents on one process: {:.1} KiB of resident memory each when opened, {:.1} KiB after {sent} \
         messages; commit to delivery, {MESSAGES_PER_SECOND}/s: {:.1} ms at the 50th, {:.1} ms at the 95th percentile",
        plan.sockets,
        each(opened),
        each(after),
        percentile(&mut times, 0.50),
        percentile(&mut times, 0.95)
    );
    Ok(())
}

/// A socket that is logged in and has asked for its subscription; the pause after opening gives that time to start.
async fn subscribe(address: SocketAddr, token: &str, thread: Uuid) -> anyhow::Result<Socket> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{address}/graphql/ws").into_client_request()?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
    let (mut socket, _) = client_async(request, stream).await?;
    let login =
        json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } });
    socket.send(Message::text(login.to_string())).await?;
    let ack = socket.next().await.context("no answer to connection_init")??;
    ensure!(ack.to_text()?.contains("connection_ack"), "{ack}");
    let variables = json!({ "id": ids::encode(IdKind::Conversation, thread) });
    let payload = json!({ "query": QUERY, "variables": variables });
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": payload });
    socket.send(Message::text(subscribe.to_string())).await?;
    Ok(socket)
}

async fn read(
    mut socket: Socket,
    committed: Delivered,
    times: Arc<Mutex<Vec<Duration>>>,
) -> anyhow::Result<()> {
    while let Some(message) = socket.next().await {
        let message = message?;
        let arrived = Instant::now();
        if !message.is_text() {
            // The library answers pings when it is polled.
            continue;
        }
        let message: Value = serde_json::from_str(message.to_text()?)?;
        let id = message["payload"]["data"]["conversationEvents"]["message"]["id"]
            .as_str()
            .with_context(|| message.to_string())?;
        let at = committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id)
            .with_context(|| format!("{id} came twice, or was never committed"))?;
        times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(arrived.duration_since(at));
    }
    Ok(())
}

/// Adds texts to the threads, one after the other, from this process: the service hears of them over Redis.
async fn commit_messages(
    bench: &Bench,
    plan: &Plan,
    threads: &[(usize, Uuid)],
    committed: &Delivered,
) -> anyhow::Result<usize> {
    let all = usize::try_from(plan.length.as_secs() * 2)? * usize::try_from(MESSAGES_PER_SECOND)?;
    let mut bar = Bar::new("delivering messages", all);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / MESSAGES_PER_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut writers = JoinSet::new();
    for nth in 0..all {
        ticks.tick().await;
        let (business, thread) = threads[nth % threads.len()];
        writers.spawn(commit(
            bench.app.db.clone(),
            Text::to(&bench.tenants[business], thread),
            committed.clone(),
        ));
        bar.advance(1);
    }
    while let Some(written) = writers.join_next().await {
        written??;
    }
    Ok(all)
}

struct Text {
    business: Uuid,
    thread: Uuid,
    keys: Arc<funnelchat::platform::keys::TenantKeys>,
}

impl Text {
    fn to(tenant: &Tenant, thread: Uuid) -> Self {
        Self {
            business: tenant.id,
            thread,
            keys: tenant.keys.clone(),
        }
    }
}

async fn commit(db: funnelchat::platform::db::Db, text: Text, committed: Delivered) -> anyhow::Result<()> {
    use funnelchat::platform::keys::WrappedKey;
    let Text {
        business,
        thread,
        keys,
    } = text;
    let mut tx = db.tenant(&TenantCtx::for_service(business, "bench")).await?;
    let (debtor, key_id, version, wrapped, sequence): (Uuid, Uuid, i32, Option<Vec<u8>>, i32) =
        sqlx::query_as(
            "UPDATE conversations v SET last_sequence = last_sequence + 1 FROM data_keys k
         WHERE v.business_id = $1 AND v.id = $2 AND k.business_id = $1 AND k.id = v.record_key_id
         RETURNING v.debtor_id, k.id, k.business_key_version, k.wrapped, v.last_sequence",
        )
        .bind(business)
        .bind(thread)
        .fetch_one(tx.conn())
        .await?;
    let stored = WrappedKey {
        id: key_id,
        business_key_version: version,
        wrapped,
    };
    let key = keys.data_key(&stored)?.context("the thread's key")?;
    let id = ids::next();
    let body = keys.seal(
        &key,
        "messages",
        "body_cipher",
        id,
        b"Good morning, is there any news?",
    )?;
    let now = tx.now();
    sqlx::query(
        "INSERT INTO messages (business_id, id, conversation_id, debtor_id, sequence, direction, sender_type, body_cipher,
             delivery_status, created_at)
         VALUES ($1, $2, $3, $4, $5, 'INBOUND', 'DEBTOR', $6, 'RECEIVED', $7)",
    )
    .bind(business)
    .bind(id)
    .bind(thread)
    .bind(debtor)
    .bind(sequence)
    .bind(body)
    .bind(now)
    .execute(tx.conn())
    .await?;
    tx.audit(AuditEntry::plain("message.received", id, &json!({})));
    tx.emit(LiveEvent {
        kind: "MESSAGE_ADDED",
        conversation_id: Some(thread),
        message_id: Some(id),
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
    // From before the commit: what is measured cannot be less than what is promised.
    committed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(ids::encode(IdKind::Message, id), Instant::now());
    tx.commit().await?;
    Ok(())
}
