//! Who is connected: counts open sockets and event streams, per process and per caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The open sockets and event streams of this process. Clones share one count.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    counts: Mutex<Counts>,
    closed: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    open: usize,
    by_caller: HashMap<String, usize>,
}

impl Connections {
    /// How many are open now, those that have not logged in yet included.
    pub fn open(&self) -> usize {
        self.counts().open
    }

    /// Resolves when none is open.
    pub async fn drained(&self) {
        loop {
            let closed = self.0.closed.notified();
            if self.open() == 0 {
                return;
            }
            closed.await;
        }
    }

    /// Admits one more connection, or `None` when `most` are open already.
    pub(super) fn admit(&self, most: usize) -> Option<Admission> {
        let mut counts = self.counts();
        if counts.open >= most {
            return None;
        }
        counts.open += 1;
        Some(Admission {
            connections: self.clone(),
            caller: None,
        })
    }

    /// A panic while the lock was held cannot leave the counts half changed, so a poisoned lock is still good.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place in the counts, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Admission {
    connections: Connections,
    caller: Option<String>,
}

impl Admission {
    /// Counts the connection as this caller's; `false` when the caller has `most` open already.
    pub(super) fn claim(&mut self, caller: String, most: usize) -> bool {
        let mut counts = self.connections.counts();
        let open = counts.by_caller.get(&caller).copied().unwrap_or(0);
        if open >= most {
            return false;
        }
        counts.by_caller.insert(caller.clone(), open + 1);
        drop(counts);
        self.caller = Some(caller);
        true
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut counts = self.connections.counts();
        counts.open = counts.open.saturating_sub(1);
        if let Some(caller) = self.caller.take()
            && let Some(open) = counts.by_caller.get_mut(&caller)
        {
            *open = open.saturating_sub(1);
            if *open == 0 {
                counts.by_caller.remove(&caller);
            }
        }
        drop(counts);
        self.connections.0.closed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back_when_a_connection_ends() {
        let connections = Connections::default();
        let mut first = connections.admit(2).unwrap();
        let mut second = connections.admit(2).unwrap();
        assert!(connections.admit(2).is_none(), "the process is full");

        assert!(first.claim("ann".to_owned(), 1));
        assert!(!second.claim("ann".to_owned(), 1), "Ann has her one connection");
        drop(first);
        assert!(second.claim("ann".to_owned(), 1), "Ann's place is free again");
        assert_eq!(connections.open(), 1);
        drop(second);
        assert!(
            connections.counts().by_caller.is_empty(),
            "nothing is kept of callers that have left"
        );
    }

    #[tokio::test]
    async fn draining_waits_for_the_last_connection() {
        let connections = Connections::default();
        let admission = connections.admit(1).unwrap();
        let waiting = tokio::spawn({
            let connections = connections.clone();
            async move { connections.drained().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(admission);
        waiting.await.unwrap();
    }
}
