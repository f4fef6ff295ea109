//! Turns the look-ups of sibling fields into one statement. async-graphql polls all siblings of a level before it
//! comes back to the first; so the first one registers its key, yields once, and then finds the keys of all others
//! beside its own. (The library's own DataLoader does the same with a timer and a spawned task per batch, which
//! costs a millisecond a level and has no access to the operation's transaction.)

use std::{
    collections::HashMap,
    future::poll_fn,
    hash::Hash,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

use tokio::sync::oneshot;

/// One kind of look-up inside one operation.
pub struct Batch<K, V> {
    waiting: Mutex<Vec<(K, oneshot::Sender<Option<V>>)>>,
}

impl<K, V> Default for Batch<K, V> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
        }
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Batch<K, V> {
    /// Looks `key` up together with whatever its siblings ask for. `fetch` gets all keys, each once, and returns
    /// what it found.
    ///
    /// # Errors
    /// What `fetch` met; the siblings of the one that ran it get `None` and the operation fails with its error.
    pub async fn load<F, E>(&self, key: K, fetch: F) -> Result<Option<V>, E>
    where
        F: AsyncFnOnce(Vec<K>) -> Result<HashMap<K, V>, E>,
    {
        let (sender, mut receiver) = oneshot::channel();
        let first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push((key, sender));
            waiting.len() == 1
        };
        if first {
            siblings_had_their_turn().await;
            let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            let mut keys: Vec<K> = Vec::with_capacity(taken.len());
            let mut seen = std::collections::HashSet::with_capacity(taken.len());
            for (key, _) in &taken {
                if seen.insert(key.clone()) {
                    keys.push(key.clone());
                }
            }
            // On the heap: every field that may ask carries the room for this, and one in hundreds fetches.
            let found = Box::pin(fetch(keys)).await?;
            for (key, sender) in taken {
                // A sibling whose field was dropped no longer listens.
                let _ = sender.send(found.get(&key).cloned());
            }
            return Ok(receiver.try_recv().ok().flatten());
        }
        Ok(receiver.await.ok().flatten())
    }
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
}
