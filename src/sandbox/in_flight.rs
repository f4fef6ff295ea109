//! Counts what is under way, so that a test can wait for quiet without polling.

use tokio::sync::watch;

/// A shared counter of work under way.
#[derive(Clone)]
pub(super) struct InFlight {
    count: watch::Sender<usize>,
}

/// Stands for one piece of work; dropping it ends the work.
pub(super) struct InFlightGuard {
    count: watch::Sender<usize>,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self {
            count: watch::Sender::new(0),
        }
    }

    /// Counts one piece of work until the guard is dropped.
    pub(super) fn begin(&self) -> InFlightGuard {
        self.count.send_modify(|count| *count += 1);
        InFlightGuard {
            count: self.count.clone(),
        }
    }

    /// Returns as soon as nothing is under way.
    pub(super) async fn idle(&self) {
        // Cannot fail: the sender lives in `self`.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.count.send_modify(|count| *count -= 1);
    }
}
