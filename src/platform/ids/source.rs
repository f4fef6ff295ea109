//! Sources of new ids. Together with the clock and `platform::crypto`'s entropy this is the only place that
//! makes randomness.

use std::fmt;
use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use crate::platform::clock::BusinessClock;

/// Makes new ids. Everything that creates a row takes one, so that tests can foresee its ids.
pub trait IdSource: Send + Sync {
    /// A UUIDv7 that is greater than every one that this source made before.
    fn next(&self) -> Uuid;
}

/// UUIDv7 on business time, random, strictly increasing within the process.
///
/// Ids of one millisecond follow RFC 9562 section 6.2, method 2: the first is random, each further one
/// adds a random step, so that order is kept and neighbours cannot be guessed.
pub struct SystemIds {
    clock: BusinessClock,
    newest: Mutex<Ticket>,
}

impl SystemIds {
    /// Ids whose time part is read from `clock`.
    pub fn new(clock: BusinessClock) -> Self {
        Self {
            clock,
            newest: Mutex::new(Ticket::ZERO),
        }
    }
}

impl IdSource for SystemIds {
    fn next(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        let mut newest = self
            .newest
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        *newest = newest.successor(millis, &mut rand::rng());
        newest.to_uuid()
    }
}

impl fmt::Debug for SystemIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemIds").finish_non_exhaustive()
    }
}

/// The same ids for the same seed, for tests: one per millisecond from 2026-01-01 on.
pub struct SeededIds {
    state: Mutex<(StdRng, Ticket)>,
}

/// 2026-01-01T00:00:00Z in milliseconds.
const SEEDED_START_MILLIS: u64 = 1_767_225_600_000;

impl SeededIds {
    /// A source that is fully determined by `seed`.
    pub fn new(seed: u64) -> Self {
        let start = Ticket {
            millis: SEEDED_START_MILLIS,
            random: 0,
        };
        Self {
            state: Mutex::new((StdRng::seed_from_u64(seed), start)),
        }
    }
}

impl IdSource for SeededIds {
    fn next(&self) -> Uuid {
        let mut state = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (rng, newest) = &mut *state;
        *newest = newest.successor(newest.millis + 1, rng);
        newest.to_uuid()
    }
}

impl fmt::Debug for SeededIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeededIds").finish_non_exhaustive()
    }
}

/// The free bits of a UUIDv7 as numbers: 48 bits of time and 74 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    millis: u64,
    random: u128,
}

impl Ticket {
    const ZERO: Self = Self { millis: 0, random: 0 };
    const RANDOM_BITS: u32 = 74;
    /// Fresh random parts leave the top bit clear, so that a millisecond has room for steps.
    const FRESH_MASK: u128 = (1 << (Self::RANDOM_BITS - 1)) - 1;

    fn successor(self, millis: u64, rng: &mut impl Rng) -> Self {
        if millis > self.millis {
            let random = (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64());
            return Self {
                millis,
                random: random & Self::FRESH_MASK,
            };
        }
        let stepped = self.random + 1 + u128::from(rng.next_u32());
        if stepped >> Self::RANDOM_BITS == 0 {
            Self {
                millis: self.millis,
                random: stepped,
            }
        } else {
            Self {
                millis: self.millis + 1,
                random: u128::from(rng.next_u64()),
            }
        }
    }

    fn to_uuid(self) -> Uuid {
        const VERSION: u128 = 0x7 << 76;
        const VARIANT: u128 = 0b10 << 62;
        let time = u128::from(self.millis & 0xffff_ffff_ffff) << 80;
        let high_random = (self.random >> 62) << 64;
        let low_random = self.random & ((1 << 62) - 1);
        Uuid::from_u128(time | VERSION | high_random | VARIANT | low_random)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::platform::clock::ManualWallClock;

    #[test]
    fn ids_of_one_millisecond_still_increase_and_carry_the_business_time() {
        let noon: DateTime<Utc> = "2026-03-02T12:00:00Z".parse().unwrap();
        let wall = ManualWallClock::starting_at(noon);
        let clock = BusinessClock::new(Arc::new(wall.clone()));
        clock.set_offset_at_least(TimeDelta::days(10)).unwrap();
        let ids = SystemIds::new(clock);

        let made: Vec<Uuid> = (0..10_000).map(|_| ids.next()).collect();
        assert!(
            made.windows(2).all(|pair| pair[0] < pair[1]),
            "strictly increasing"
        );
        wall.advance(TimeDelta::minutes(-5));
        assert!(
            ids.next() > made[9_999],
            "also when the machine's clock steps back"
        );

        let first = made[0];
        assert_eq!(
            (first.get_version_num(), first.get_variant()),
            (7, uuid::Variant::RFC4122)
        );
        let (seconds, _) = first.get_timestamp().unwrap().to_unix();
        assert_eq!(
            i64::try_from(seconds).unwrap(),
            (noon + TimeDelta::days(10)).timestamp()
        );
    }

    #[test]
    fn a_full_millisecond_runs_over_into_the_next() {
        let full = Ticket {
            millis: 5,
            random: (1 << Ticket::RANDOM_BITS) - 1,
        };
        let next = full.successor(5, &mut StdRng::seed_from_u64(1));
        assert_eq!(next.millis, 6);
        assert!(next.to_uuid() > full.to_uuid());
    }

    #[test]
    fn seeded_ids_repeat_for_the_same_seed_only() {
        let draw = |seed| {
            let ids = SeededIds::new(seed);
            (0..100).map(|_| ids.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(7).windows(2).all(|pair| pair[0] < pair[1]));
        assert!(draw(7).iter().all(|id| id.get_version_num() == 7));
    }
}
