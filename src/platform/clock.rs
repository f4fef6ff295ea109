//! The two clocks of the service, and the only place where the system's time is read.
//!
//! *Wall time* ([`WallClock`]) is what the machine says: token and session lifetimes, webhook signature
//! ages, TOTP, API keys, lockouts, rate limits and the queue run on it. *Business time*
//! ([`BusinessClock`]) is wall time plus an offset that every process reads from one database row: ids,
//! due instants, consents, invitations and payment links run on it, so that a test or the sandbox can
//! move it forward without touching the machine.
//!
//! Every instant is cut to whole microseconds, which is what PostgreSQL's `timestamptz` stores: a value
//! that was written and read back equals the one in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// Reads wall time.
pub trait WallClock: Send + Sync {
    /// The present instant, in whole microseconds.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemWallClock;

impl WallClock for SystemWallClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where wall time is read")]
    fn now(&self) -> DateTime<Utc> {
        truncate_to_micros(Utc::now())
    }
}

/// A clock that moves only when told to, for tests. Clones share the same hands.
#[derive(Debug, Clone)]
pub struct ManualWallClock {
    micros: Arc<AtomicI64>,
}

impl ManualWallClock {
    /// A clock that stands at `start` (cut to microseconds).
    pub fn starting_at(start: DateTime<Utc>) -> Self {
        Self {
            micros: Arc::new(AtomicI64::new(start.timestamp_micros())),
        }
    }

    /// Moves the hands by `step`, which may be negative: machines' clocks do step back.
    pub fn advance(&self, step: TimeDelta) {
        self.micros.fetch_add(micros_of(step), Ordering::SeqCst);
    }

    /// Puts the hands at `instant` (cut to microseconds).
    pub fn set(&self, instant: DateTime<Utc>) {
        self.micros.store(instant.timestamp_micros(), Ordering::SeqCst);
    }
}

impl WallClock for ManualWallClock {
    fn now(&self) -> DateTime<Utc> {
        instant_at(self.micros.load(Ordering::SeqCst))
    }
}

/// Why the business clock refused to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The new offset is behind the present one.
    #[error(
        "business time never goes backwards: the offset is {present_micros} microseconds, so it cannot be set to \
         {requested_micros}; give an offset that is at least the present one"
    )]
    Backwards {
        /// The offset in force, in microseconds.
        present_micros: i64,
        /// The offset that was asked for, in microseconds.
        requested_micros: i64,
    },
    /// The offset does not fit in 64 bits of microseconds (about 292,000 years).
    #[error("the offset of business time is too large: it must fit in 64 bits of microseconds")]
    TooLarge,
}

/// Marks "the clock ticks" in the atomic that otherwise holds the frozen wall instant.
const TICKING: i64 = i64::MIN;

/// Business time: wall time plus an offset. Cheap to clone; clones share offset and freeze.
///
/// [`now`](Self::now) never answers an earlier instant than it answered before in this process, even when
/// the machine's clock is stepped back: it then stands until the machine has caught up.
#[derive(Clone)]
pub struct BusinessClock {
    shared: Arc<Shared>,
}

struct Shared {
    wall: Arc<dyn WallClock>,
    offset_micros: AtomicI64,
    frozen_wall_micros: AtomicI64,
    newest_micros: AtomicI64,
}

impl BusinessClock {
    /// Business time that equals wall time until an offset is applied.
    pub fn new(wall: Arc<dyn WallClock>) -> Self {
        Self::with_offset(wall, 0)
    }

    /// Business time that is `offset_micros` ahead of wall time from the start: what the database's row says.
    pub fn with_offset(wall: Arc<dyn WallClock>, offset_micros: i64) -> Self {
        Self {
            shared: Arc::new(Shared {
                wall,
                offset_micros: AtomicI64::new(offset_micros),
                frozen_wall_micros: AtomicI64::new(TICKING),
                newest_micros: AtomicI64::new(i64::MIN),
            }),
        }
    }

    /// The present instant of business time, in whole microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        let shown = self.wall_micros().saturating_add(self.offset_micros());
        let newest_before = self.shared.newest_micros.fetch_max(shown, Ordering::SeqCst);
        instant_at(shown.max(newest_before))
    }

    /// How far business time is ahead of wall time.
    pub fn offset(&self) -> TimeDelta {
        TimeDelta::microseconds(self.offset_micros())
    }

    /// Raises the offset to `offset`; setting the present value again changes nothing.
    ///
    /// # Errors
    /// [`ClockError::Backwards`] when `offset` is smaller than the present one.
    pub fn set_offset_at_least(&self, offset: TimeDelta) -> Result<(), ClockError> {
        self.apply(offset.num_microseconds().ok_or(ClockError::TooLarge)?)
    }

    /// Takes over the offset (microseconds) that was read from the database row which all processes share.
    ///
    /// # Errors
    /// [`ClockError::Backwards`] when the row is behind what this process already follows.
    pub fn apply(&self, offset_micros: i64) -> Result<(), ClockError> {
        let present = self
            .shared
            .offset_micros
            .fetch_max(offset_micros, Ordering::SeqCst);
        if offset_micros < present {
            return Err(ClockError::Backwards {
                present_micros: present,
                requested_micros: offset_micros,
            });
        }
        Ok(())
    }

    /// Stops the ticking, for tests: time then moves only when the offset is raised.
    pub fn freeze(&self) {
        let wall = self.wall_micros();
        self.shared.frozen_wall_micros.store(wall, Ordering::SeqCst);
    }

    /// Lets the clock tick again.
    pub fn unfreeze(&self) {
        self.shared.frozen_wall_micros.store(TICKING, Ordering::SeqCst);
    }

    fn offset_micros(&self) -> i64 {
        self.shared.offset_micros.load(Ordering::SeqCst)
    }

    fn wall_micros(&self) -> i64 {
        match self.shared.frozen_wall_micros.load(Ordering::SeqCst) {
            TICKING => self.shared.wall.now().timestamp_micros(),
            frozen => frozen,
        }
    }
}

impl std::fmt::Debug for BusinessClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BusinessClock")
            .field("offset_micros", &self.offset_micros())
            .finish_non_exhaustive()
    }
}

/// Cuts an instant to whole microseconds, towards the past, as PostgreSQL would store it.
pub fn truncate_to_micros(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant_at(instant.timestamp_micros())
}

/// The instant `micros` microseconds after 1970; beyond chrono's range, the nearest end of it.
fn instant_at(micros: i64) -> DateTime<Utc> {
    let limit = if micros < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    };
    DateTime::from_timestamp_micros(micros).unwrap_or(limit)
}

fn micros_of(step: TimeDelta) -> i64 {
    let limit = if step < TimeDelta::zero() {
        i64::MIN
    } else {
        i64::MAX
    };
    step.num_microseconds().unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    fn clocks() -> (ManualWallClock, BusinessClock) {
        let wall = ManualWallClock::starting_at(noon());
        let business = BusinessClock::new(Arc::new(wall.clone()));
        (wall, business)
    }

    #[test]
    fn business_time_is_wall_time_until_an_offset_is_applied() {
        let (wall, business) = clocks();
        assert_eq!(business.now(), noon());
        wall.advance(TimeDelta::seconds(5));
        assert_eq!(business.now(), noon() + TimeDelta::seconds(5));
        business.set_offset_at_least(TimeDelta::days(30)).unwrap();
        assert_eq!(
            business.now(),
            noon() + TimeDelta::days(30) + TimeDelta::seconds(5)
        );
        assert_eq!(business.offset(), TimeDelta::days(30));
    }

    #[test]
    fn an_offset_behind_the_present_one_is_refused_and_changes_nothing() {
        let (_, business) = clocks();
        business.apply(1_000).unwrap();
        business
            .apply(1_000)
            .expect("the same offset again is no step back");
        let refusal = business.apply(999).unwrap_err();
        assert_eq!(
            refusal,
            ClockError::Backwards {
                present_micros: 1_000,
                requested_micros: 999
            }
        );
        assert!(refusal.to_string().contains("never goes backwards"));
        assert_eq!(business.offset(), TimeDelta::microseconds(1_000));
        assert_eq!(
            business.set_offset_at_least(TimeDelta::MAX),
            Err(ClockError::TooLarge)
        );
    }

    #[test]
    fn a_machine_clock_that_steps_back_does_not_take_business_time_with_it() {
        let (wall, business) = clocks();
        let before = business.now();
        wall.advance(TimeDelta::minutes(-3));
        assert_eq!(business.now(), before);
        wall.advance(TimeDelta::minutes(4));
        assert_eq!(business.now(), before + TimeDelta::minutes(1));
    }

    #[test]
    fn a_frozen_clock_moves_only_with_its_offset() {
        let (wall, business) = clocks();
        business.freeze();
        wall.advance(TimeDelta::hours(1));
        assert_eq!(business.now(), noon());
        business.set_offset_at_least(TimeDelta::hours(2)).unwrap();
        assert_eq!(business.now(), noon() + TimeDelta::hours(2));
        business.unfreeze();
        assert_eq!(business.now(), noon() + TimeDelta::hours(3));
    }

    #[test]
    fn clones_share_one_offset() {
        let (_, business) = clocks();
        let other = business.clone();
        other.apply(7).unwrap();
        assert_eq!(business.offset(), TimeDelta::microseconds(7));
    }

    #[test]
    fn instants_are_cut_to_the_precision_of_the_database() {
        let precise: DateTime<Utc> = "2026-03-02T12:00:00.123456789Z".parse().unwrap();
        let stored: DateTime<Utc> = "2026-03-02T12:00:00.123456Z".parse().unwrap();
        assert_eq!(truncate_to_micros(precise), stored);
        assert_eq!(ManualWallClock::starting_at(precise).now(), stored);
        assert_eq!(SystemWallClock.now().timestamp_subsec_nanos() % 1_000, 0);
    }
}
