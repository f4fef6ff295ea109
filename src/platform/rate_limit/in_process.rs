//! Counters in this process: bounded, sharded by subject.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard};

use super::slices::{Action, Count, Slices, slice_millis};
use super::{Counter, Subject};

/// Locks to spread contention over.
const SHARDS: usize = 16;
/// How many neighbours compete for being evicted.
const EVICTION_SAMPLE: usize = 8;

pub(super) struct InProcess {
    shards: [Mutex<Shard>; SHARDS],
    most_per_shard: usize,
}

#[derive(Default)]
struct Shard {
    counters: HashMap<Subject, Window>,
    /// Sweeping again before this instant would find nothing new.
    next_sweep_millis: i64,
}

#[derive(Debug)]
struct Window {
    slices: Slices,
    slice_millis: i64,
    last_use_millis: i64,
}

impl InProcess {
    pub(super) fn new(most_subjects: NonZeroUsize) -> Self {
        Self {
            shards: Default::default(),
            most_per_shard: most_subjects.get().div_ceil(SHARDS),
        }
    }

    /// Does `action` on all counters. Two passes, each locking one counter at a time: requests that run at
    /// the same moment could both pass the first one, so the second pass of a check counts under the lock
    /// only while there is room, and takes back what it counted when there is none.
    pub(super) fn apply(&self, action: Action, counters: &[Counter], millis: i64) -> Vec<Count> {
        let mut counts: Vec<Count> = counters
            .iter()
            .map(|counter| self.look(counter, millis))
            .collect();
        match action {
            Action::Peek => {}
            Action::Check => {
                if counts
                    .iter()
                    .zip(counters)
                    .all(|(count, counter)| counter.has_room(count.before))
                {
                    self.count_all(counters, &mut counts, millis);
                }
            }
            Action::Record => {
                for (counter, count) in counters.iter().zip(&mut counts) {
                    self.with_counter(counter, millis, |slices| {
                        slices.add(counter.amount);
                        count.retry_after = slices.retry_after(&counter.rule, millis, counter.amount);
                    });
                }
            }
            Action::Refund => {
                for counter in counters {
                    self.take_back(counter, millis);
                }
            }
        }
        counts
    }

    fn look(&self, counter: &Counter, millis: i64) -> Count {
        let rule = &counter.rule;
        let mut shard = self.shard(&counter.subject);
        let Some(window) = shard.counters.get_mut(&counter.subject) else {
            return Count {
                before: 0,
                retry_after: rule.window,
            };
        };
        window.last_use_millis = millis;
        // On a copy: only what is counted moves a counter's time on.
        let mut slices = window.slices.clone();
        slices.advance(rule, millis);
        Count {
            before: slices.total(),
            retry_after: slices.retry_after(rule, millis, counter.amount),
        }
    }

    fn take_back(&self, counter: &Counter, millis: i64) {
        if let Some(window) = self.shard(&counter.subject).counters.get_mut(&counter.subject) {
            window.slices.remove(&counter.rule, millis, counter.amount);
        }
    }

    fn count_all(&self, counters: &[Counter], counts: &mut [Count], millis: i64) {
        for (index, counter) in counters.iter().enumerate() {
            let count = &mut counts[index];
            let counted = self.with_counter(counter, millis, |slices| {
                count.before = slices.total();
                let room = counter.has_room(count.before);
                if room {
                    slices.add(counter.amount);
                } else {
                    count.retry_after = slices.retry_after(&counter.rule, millis, counter.amount);
                }
                room
            });
            if !counted {
                for counter in &counters[..index] {
                    self.take_back(counter, millis);
                }
                return;
            }
        }
    }

    fn with_counter<T>(
        &self,
        Counter { rule, subject, .. }: &Counter,
        millis: i64,
        act: impl FnOnce(&mut Slices) -> T,
    ) -> T {
        let mut shard = self.shard(subject);
        shard.make_room(subject, self.most_per_shard, millis);
        let counter = match shard.counters.entry(*subject) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Window {
                slices: Slices::default(),
                slice_millis: slice_millis(rule),
                last_use_millis: millis,
            }),
        };
        counter.slices.advance(rule, millis);
        counter.last_use_millis = millis;
        act(&mut counter.slices)
    }

    fn shard(&self, subject: &Subject) -> MutexGuard<'_, Shard> {
        // Subjects are HMACs: any byte spreads evenly.
        let shard = &self.shards[usize::from(subject[0]) % SHARDS];
        shard.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap().counters.len())
            .sum()
    }
}

impl Shard {
    /// Before a new subject comes into a full shard, drops what has expired, or else the least recently
    /// used of a few.
    fn make_room(&mut self, subject: &Subject, most: usize, millis: i64) {
        const SWEEP_PAUSE_MILLIS: i64 = 1_000;
        if self.counters.len() < most || self.counters.contains_key(subject) {
            return;
        }
        if millis >= self.next_sweep_millis {
            self.counters
                .retain(|_, counter| !counter.slices.is_stale(counter.slice_millis, millis));
            self.next_sweep_millis = millis + SWEEP_PAUSE_MILLIS;
        }
        if self.counters.len() >= most {
            let candidates = self.counters.iter().take(EVICTION_SAMPLE);
            let victim = candidates
                .min_by_key(|(_, counter)| counter.last_use_millis)
                .map(|(key, _)| *key);
            if let Some(victim) = victim {
                self.counters.remove(&victim);
            }
        }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess")
            .field("most_per_shard", &self.most_per_shard)
            .finish_non_exhaustive()
    }
}
