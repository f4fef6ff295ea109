//! The doorbell. A commit rings it with ids only; Postgres is the truth. Whoever is woken reads the rows past its
//! own cursor under its own rights, so a lost, doubled or reordered ring costs nothing but a later look.
//!
//! ```text
//! commit -> LiveBus::ring -> wake local subscribers
//!                         -> Redis (when configured) -> every other process -> wake its subscribers
//! every few seconds, and after Redis was away: ring what was committed since the last look (`sweep`)
//! ```

mod redis_bell;
mod sweep;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

pub use redis_bell::run_redis_bell;
pub use sweep::run_sweep;

/// What one ring says.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum Ring {
    /// Events up to `position` are committed; some are of these conversations, or of these objects.
    Committed {
        business_id: Uuid,
        position: i64,
        conversations: Vec<Uuid>,
        #[serde(default)]
        objects: Vec<Uuid>,
    },
    /// Somebody types: no row, no cursor.
    Typing {
        business_id: Uuid,
        conversation_id: Uuid,
        user_id: Uuid,
    },
    /// A session ended: its sockets close.
    SessionEnded { session_id: Uuid },
    /// The simulated clock moved.
    ClockMoved,
}

impl Ring {
    /// A commit's ring.
    pub fn committed(business_id: Uuid, position: i64, conversations: Vec<Uuid>, objects: Vec<Uuid>) -> Self {
        Self::Committed {
            business_id,
            position,
            conversations,
            objects,
        }
    }
}

/// What a subscriber waits on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Everything of a business.
    Business(Uuid),
    /// One conversation (ids are unique over all businesses).
    Conversation(Uuid),
    /// Something else that is followed by itself, such as an import (ids are unique over all businesses).
    Object(Uuid),
}

/// The newest thing known of a topic. A watch keeps only the newest: a slow subscriber misses wake-ups, never rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wake {
    /// Highest committed position heard of.
    pub position: i64,
    /// Who typed last, with a counter that tells two signals apart.
    pub typing: Option<(Uuid, u64)>,
}

/// The in-process side of the doorbell; cheap to clone.
#[derive(Clone)]
pub struct LiveBus {
    inner: Arc<Inner>,
}

struct Inner {
    topics: Mutex<HashMap<Topic, watch::Sender<Wake>>>,
    /// Businesses that somebody here has listened to, with the position up to which the sweep has looked.
    businesses: Mutex<HashMap<Uuid, Option<i64>>>,
    control: tokio::sync::broadcast::Sender<Ring>,
    /// To the Redis task, when there is one. Bounded: a full channel drops a ring, which the sweep makes up for.
    outgoing: Mutex<Option<mpsc::Sender<Ring>>>,
}

impl Default for LiveBus {
    fn default() -> Self {
        Self {
            inner: Arc::new(Inner {
                topics: Mutex::default(),
                businesses: Mutex::default(),
                control: tokio::sync::broadcast::channel(1024).0,
                outgoing: Mutex::new(None),
            }),
        }
    }
}

impl std::fmt::Debug for LiveBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LiveBus")
    }
}

/// A place in a topic's audience; leaving it (drop) frees the topic when it was the last.
pub struct Listener {
    topic: Topic,
    receiver: Option<watch::Receiver<Wake>>,
    bus: LiveBus,
}

impl Listener {
    /// Waits for the next ring and returns the newest state. Never ends by itself.
    pub async fn woken(&mut self) -> Wake {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_ok()
        {
            return *receiver.borrow_and_update();
        }
        std::future::pending().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.receiver = None;
        let mut topics = lock(&self.bus.inner.topics);
        if topics
            .get(&self.topic)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            topics.remove(&self.topic);
        }
    }
}

impl LiveBus {
    /// Starts to listen. Subscribe first, read second: then nothing falls between.
    pub fn listen(&self, topic: Topic, business_id: Uuid) -> Listener {
        lock(&self.inner.businesses).entry(business_id).or_insert(None);
        let receiver = lock(&self.inner.topics)
            .entry(topic)
            .or_insert_with(|| watch::Sender::new(Wake::default()))
            .subscribe();
        Listener {
            topic,
            receiver: Some(receiver),
            bus: self.clone(),
        }
    }

    /// Session ends and clock moves, for whoever must act on them.
    pub fn control(&self) -> tokio::sync::broadcast::Receiver<Ring> {
        self.inner.control.subscribe()
    }

    /// Rings here and, through Redis, everywhere.
    pub fn ring(&self, ring: Ring) {
        self.ring_here(&ring);
        if let Some(outgoing) = lock(&self.inner.outgoing).as_ref()
            && outgoing.try_send(ring).is_err()
        {
            metrics::counter!("live_rings_dropped_total").increment(1);
        }
    }

    /// Rings in this process only.
    pub(crate) fn ring_here(&self, ring: &Ring) {
        match ring {
            Ring::Committed {
                business_id,
                position,
                conversations,
                objects,
            } => {
                let topics = lock(&self.inner.topics);
                let threads = conversations.iter().map(|id| Topic::Conversation(*id));
                let others = objects.iter().map(|id| Topic::Object(*id));
                for topic in std::iter::once(Topic::Business(*business_id))
                    .chain(threads)
                    .chain(others)
                {
                    if let Some(sender) = topics.get(&topic) {
                        sender.send_modify(|wake| wake.position = wake.position.max(*position));
                    }
                }
            }
            Ring::Typing {
                conversation_id,
                user_id,
                ..
            } => {
                if let Some(sender) = lock(&self.inner.topics).get(&Topic::Conversation(*conversation_id)) {
                    sender.send_modify(|wake| {
                        let next = wake.typing.map_or(1, |(_, count)| count + 1);
                        wake.typing = Some((*user_id, next));
                    });
                }
            }
            Ring::SessionEnded { .. } | Ring::ClockMoved => {
                // Nobody listening is fine.
                let _ = self.inner.control.send(ring.clone());
            }
        }
    }

    /// Everybody looks: after rings may have been lost.
    pub(crate) fn wake_all(&self) {
        for sender in lock(&self.inner.topics).values() {
            sender.send_modify(|_| {});
        }
    }

    /// Connects the Redis task.
    pub(crate) fn attach(&self, outgoing: mpsc::Sender<Ring>) {
        *lock(&self.inner.outgoing) = Some(outgoing);
    }

    /// Businesses that somebody here has listened to, with the position up to which the sweep has looked.
    pub(crate) fn watched(&self) -> Vec<(Uuid, Option<i64>)> {
        lock(&self.inner.businesses)
            .iter()
            .map(|(id, swept)| (*id, *swept))
            .collect()
    }

    /// Rings, here, what a look at the database found of a business: topics with the newest position of each, up to
    /// `head`. Who has heard of it already is not woken again. `found` is `None` where too much has happened
    /// to tell: then everybody looks.
    pub(crate) fn swept(&self, business_id: Uuid, head: i64, found: Option<&[(Topic, i64)]>) {
        lock(&self.inner.businesses).insert(business_id, Some(head));
        let Some(found) = found else {
            return self.wake_all();
        };
        let topics = lock(&self.inner.topics);
        for (topic, position) in found
            .iter()
            .copied()
            .chain([(Topic::Business(business_id), head)])
        {
            if let Some(sender) = topics.get(&topic) {
                sender.send_if_modified(|wake| {
                    let news = wake.position < position;
                    wake.position = wake.position.max(position);
                    news
                });
            }
        }
    }

    /// Topics with at least one listener; for metrics and tests.
    pub fn topics(&self) -> usize {
        lock(&self.inner.topics).len()
    }
}

/// A poisoned lock here holds only wake-up state: go on with it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_is_woken_by_its_own_conversation_and_not_by_another() {
        let (bus, business, mine, other) = (
            LiveBus::default(),
            Uuid::from_u128(1),
            Uuid::from_u128(2),
            Uuid::from_u128(3),
        );
        let mut listener = bus.listen(Topic::Conversation(mine), business);
        bus.ring(Ring::committed(business, 7, vec![other], vec![]));
        bus.ring(Ring::committed(business, 8, vec![mine], vec![]));
        assert_eq!(listener.woken().await.position, 8);
    }

    #[tokio::test]
    async fn who_follows_an_object_is_woken_by_it_alone_also_where_its_ring_was_lost() {
        let (bus, business, mine, other) = (
            LiveBus::default(),
            Uuid::from_u128(1),
            Uuid::from_u128(2),
            Uuid::from_u128(3),
        );
        let mut listener = bus.listen(Topic::Object(mine), business);
        bus.ring(Ring::committed(business, 7, vec![other], vec![other]));
        bus.ring(Ring::committed(business, 8, vec![], vec![mine]));
        assert_eq!(listener.woken().await.position, 8);
        bus.swept(
            business,
            10,
            Some(&[(Topic::Object(mine), 9), (Topic::Conversation(other), 10)]),
        );
        assert_eq!(listener.woken().await.position, 9);
        bus.ring(Ring::committed(business, 11, vec![mine], vec![other]));
        let woken = tokio::time::timeout(std::time::Duration::ZERO, listener.woken()).await;
        assert!(woken.is_err(), "all else of the business is not its");
    }

    #[tokio::test]
    async fn a_lost_ring_is_made_up_for_even_when_later_ones_came() {
        let (bus, business, mine, other) = (
            LiveBus::default(),
            Uuid::from_u128(1),
            Uuid::from_u128(2),
            Uuid::from_u128(3),
        );
        let mut listener = bus.listen(Topic::Conversation(mine), business);
        assert_eq!(bus.watched(), vec![(business, None)]);
        // The ring of 7, which was of mine, is lost; that of 8 comes.
        bus.ring(Ring::committed(business, 8, vec![other], vec![]));
        let found = [(Topic::Conversation(mine), 7), (Topic::Conversation(other), 8)];
        bus.swept(business, 8, Some(&found));
        assert_eq!(listener.woken().await.position, 7);
        assert_eq!(bus.watched(), vec![(business, Some(8))]);
    }

    #[tokio::test]
    async fn who_has_heard_is_not_woken_again() {
        let (bus, business, mine) = (LiveBus::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        let mut listener = bus.listen(Topic::Conversation(mine), business);
        bus.ring(Ring::committed(business, 7, vec![mine], vec![]));
        listener.woken().await;
        bus.swept(business, 7, Some(&[(Topic::Conversation(mine), 7)]));
        let woken = tokio::time::timeout(std::time::Duration::ZERO, listener.woken()).await;
        assert!(woken.is_err(), "there is nothing new");
    }

    #[test]
    fn the_last_listener_that_leaves_takes_the_topic_along() {
        let (bus, business) = (LiveBus::default(), Uuid::from_u128(1));
        let first = bus.listen(Topic::Conversation(business), business);
        let second = bus.listen(Topic::Conversation(business), business);
        drop(first);
        assert_eq!(bus.topics(), 1);
        drop(second);
        assert_eq!(bus.topics(), 0);
    }
}
