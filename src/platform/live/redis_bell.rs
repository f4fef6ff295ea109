//! Carries rings between processes over Redis publish/subscribe. Losing Redis loses wake-ups, not events: while it
//! is away the sweep finds what is new, and on its return everybody looks once.

use std::time::Duration;

use futures_util::StreamExt as _;
use redis::AsyncCommands as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{LiveBus, Ring};

const CHANNEL: &str = "funnelchat:live";
const RETRY: Duration = Duration::from_millis(500);
/// How many rings may wait for Redis before new ones are dropped (and found by the sweep).
const BACKLOG: usize = 4096;

/// Runs until stopped, reconnecting for ever.
pub async fn run_redis_bell(bus: LiveBus, client: redis::Client, stop: CancellationToken) {
    let (sender, mut outgoing) = mpsc::channel(BACKLOG);
    bus.attach(sender);
    let mut was_away = false;
    loop {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = carry(&bus, &client, &mut outgoing, was_away) => ended,
        };
        if let Err(error) = ended {
            if !was_away {
                tracing::warn!(%error, "redis is away: live events go on by looking every few seconds");
            }
            metrics::counter!("live_redis_disconnects_total").increment(1);
        }
        if !was_away {
            // What rang while the connection broke is lost: everybody looks once, the sweep does the rest.
            bus.wake_all();
        }
        was_away = true;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

/// One connection's life. The subscription stands before anything is published, and everybody looks once when it
/// stands again after an outage.
async fn carry(
    bus: &LiveBus,
    client: &redis::Client,
    outgoing: &mut mpsc::Receiver<Ring>,
    was_away: bool,
) -> redis::RedisResult<()> {
    let mut subscription = client.get_async_pubsub().await?;
    subscription.subscribe(CHANNEL).await?;
    let mut publisher = client.get_multiplexed_async_connection().await?;
    if was_away {
        tracing::info!("redis is back");
        bus.wake_all();
    }
    let mut incoming = subscription.into_on_message();
    loop {
        tokio::select! {
            message = incoming.next() => {
                let Some(message) = message else {
                    return Err((redis::ErrorKind::Io, "the subscription ended").into());
                };
                let bytes: Vec<u8> = message.get_payload()?;
                match serde_json::from_slice::<Ring>(&bytes) {
                    Ok(ring) => bus.ring_here(&ring),
                    // A newer version's ring: what it announces is found by the sweep.
                    Err(error) => tracing::debug!(%error, "unknown ring"),
                }
            }
            ring = outgoing.recv() => {
                let Some(ring) = ring else { return Ok(()) };
                let text = serde_json::to_vec(&ring).unwrap_or_default();
                let _: () = publisher.publish(CHANNEL, text).await?;
            }
        }
    }
}
