//! Turns the look-ups of sibling fields into one statement. async-graphql polls all siblings of a level before it
//! comes back to the first; so the first one registers its key, yields once, and then finds the keys of all others
//! beside its own. (The library's own DataLoader does the same with a timer and a spawned task per batch, which
//! costs a millisecond a level and has no access to the operation's transaction.)

use std::{
    collections::{HashMap, HashSet},
    future::poll_fn,
    hash::Hash,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

use tokio::sync::oneshot;

/// One kind of look-up inside one operation.
pub struct Batch<K, V> {
    asked: Mutex<Asked<K, V>>,
    /// Fetched ahead, for whoever asks for it in this operation; not in a mutation, of which a later field reads anew.
    kept: Mutex<HashMap<K, V>>,
}

type Found<K, V> = Arc<HashMap<K, V>>;

struct Asked<K, V> {
    keys: Vec<K>,
    waiting: Vec<oneshot::Sender<Found<K, V>>>,
}

impl<K, V> Default for Asked<K, V> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            waiting: Vec::new(),
        }
    }
}

impl<K, V> Default for Batch<K, V> {
    fn default() -> Self {
        Self {
            asked: Mutex::default(),
            kept: Mutex::default(),
        }
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Batch<K, V> {
    /// Looks `key` up together with whatever its siblings ask for, unless it is kept. `fetch` gets all keys, each once, and
    /// returns what it found.
    ///
    /// # Errors
    /// What `fetch` met; the siblings of the one that ran it get `None` and the operation fails with its error.
    pub async fn load<F, E>(&self, key: K, fetch: F) -> Result<Option<V>, E>
    where
        F: AsyncFnOnce(Vec<K>) -> Result<HashMap<K, V>, E>,
    {
        if let Some(kept) = self.kept(&key) {
            return Ok(Some(kept));
        }
        let found = self.ask([key.clone()], fetch).await?;
        Ok(found.and_then(|found| found.get(&key).cloned()))
    }

    /// Looks all of these up, but those that are kept, together with whatever their siblings ask for, and keeps what is found.
    ///
    /// # Errors
    /// What `fetch` met.
    pub async fn fetch<F, E>(&self, mut keys: Vec<K>, fetch: F) -> Result<(), E>
    where
        F: AsyncFnOnce(Vec<K>) -> Result<HashMap<K, V>, E>,
    {
        keys.retain(|key| self.kept(key).is_none());
        if keys.is_empty() {
            return Ok(());
        }
        let found = self.ask(keys.iter().cloned(), fetch).await?.unwrap_or_default();
        let mut kept = lock(&self.kept);
        for key in keys {
            if let Some(value) = found.get(&key) {
                kept.insert(key, value.clone());
            }
        }
        Ok(())
    }

    /// What was fetched ahead of this key.
    pub fn kept(&self, key: &K) -> Option<V> {
        lock(&self.kept).get(key).cloned()
    }

    /// What is found of these and of all that siblings ask for; `None` where the one that fetched it failed.
    async fn ask<F, E>(&self, keys: impl IntoIterator<Item = K>, fetch: F) -> Result<Option<Found<K, V>>, E>
    where
        F: AsyncFnOnce(Vec<K>) -> Result<HashMap<K, V>, E>,
    {
        let (sender, receiver) = oneshot::channel();
        let first = {
            let mut asked = lock(&self.asked);
            asked.keys.extend(keys);
            asked.waiting.push(sender);
            asked.waiting.len() == 1
        };
        if !first {
            return Ok(receiver.await.ok());
        }
        siblings_had_their_turn().await;
        let Asked { mut keys, waiting } = std::mem::take(&mut *lock(&self.asked));
        let mut seen = HashSet::with_capacity(keys.len());
        keys.retain(|key| seen.insert(key.clone()));
        // On the heap: every field that may ask carries the room for this, and one in hundreds fetches.
        let found = Arc::new(Box::pin(fetch(keys)).await?);
        for sender in waiting {
            // A sibling whose field was dropped no longer listens.
            let _ = sender.send(found.clone());
        }
        Ok(Some(found))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until the runtime comes back of its own accord. Unlike `yield_now`, which is over at the next poll, whoever
/// causes it: siblings of one object share a waker (`InPlace`), and one of them that goes on must not end it.
async fn siblings_had_their_turn() {
    let turn = Arc::new(Turn::default());
    let waker = Waker::from(turn.clone());
    let mut yielding = pin!(tokio::task::yield_now());
    let mut asked = false;
    poll_fn(|task| {
        turn.task.register(task.waker());
        if !asked {
            asked = true;
            // Never ready at the first poll; it wakes `turn`.
            let _ = yielding.as_mut().poll(&mut Context::from_waker(&waker));
        }
        if turn.has_come.load(Ordering::Acquire) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

#[derive(Default)]
struct Turn {
    has_come: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.has_come.store(true, Ordering::Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use futures_util::future::join_all;

    use super::Batch;

    #[tokio::test]
    async fn a_hundred_siblings_cost_one_fetch_with_each_key_once() {
        let (batch, fetches) = (Batch::<u32, u32>::default(), AtomicUsize::new(0));
        let answers = join_all((0..100).map(|n| {
            batch.load(n % 50, async |keys: Vec<u32>| {
                fetches.fetch_add(1, Ordering::SeqCst);
                assert_eq!(keys.len(), 50);
                Ok::<_, Infallible>(
                    keys.into_iter()
                        .filter(|k| *k != 7)
                        .map(|k| (k, k * 2))
                        .collect::<HashMap<_, _>>(),
                )
            })
        }))
        .await;
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
        assert_eq!(answers[3], Ok(Some(6)));
        assert_eq!(
            answers[7],
            Ok(None),
            "what is not found is none, not somebody else's"
        );
    }

    #[tokio::test]
    async fn what_is_fetched_ahead_shares_its_siblings_fetch_and_is_kept() {
        let (batch, fetches) = (Batch::<u32, u32>::default(), AtomicUsize::new(0));
        let doubled = async |keys: Vec<u32>| {
            fetches.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(keys.into_iter().map(|k| (k, k * 2)).collect::<HashMap<_, _>>())
        };
        let (first, second, alone) = tokio::join!(
            batch.fetch(vec![1, 2], doubled),
            batch.fetch(vec![2, 3], doubled),
            batch.load(4, doubled),
        );
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
        assert_eq!((first, second, alone), (Ok(()), Ok(()), Ok(Some(8))));
        let kept = [1, 2, 3, 4].map(|key| batch.kept(&key));
        assert_eq!(kept, [Some(2), Some(4), Some(6), None]);
        assert_eq!(batch.load(2, doubled).await, Ok(Some(4)));
        assert_eq!(batch.fetch(vec![3, 1], doubled).await, Ok(()));
        assert_eq!(fetches.load(Ordering::SeqCst), 1, "it was there");
    }
}
