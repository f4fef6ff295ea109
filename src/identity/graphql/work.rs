//! When members of staff work, what they can do, and on how much at once.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::User;
use crate::{
    compliance::graphql::DayOfWeek,
    identity::work::{Hours, HoursWish, Schedule, ScheduleWish, change::set_own_schedule, store::WorkRow},
    platform::gql::{Date, Done, TimeZoneScalar, UserError, mutate},
};

/// A stretch of work on one day.
#[derive(Clone, SimpleObject)]
pub struct WorkingHours {
    /// When it begins, `HH:MM`.
    from: String,
    /// When it is over, `HH:MM`; `24:00` is midnight.
    to: String,
}

/// What a member works on one day of every week.
#[derive(Clone, SimpleObject)]
pub struct WorkingDay {
    /// Which day.
    day: DayOfWeek,
    /// From when to when, in order.
    hours: Vec<WorkingHours>,
}

/// A date on which a member works otherwise than on its day of the week.
#[derive(Clone, SimpleObject)]
pub struct WorkingException {
    /// Which date.
    date: Date,
    /// From when to when, in order; empty for a day off.
    hours: Vec<WorkingHours>,
}

/// When a member of staff works, on the clock of their own zone, through summer and winter time.
#[derive(Clone, SimpleObject)]
pub struct Availability {
    /// The zone whose clock is meant.
    time_zone: TimeZoneScalar,
    /// The days of the week on which they work, from Monday on.
    week: Vec<WorkingDay>,
    /// Dates that differ, in order: days off, and other hours.
    exceptions: Vec<WorkingException>,
}

impl WorkingHours {
    fn of(hours: &Hours) -> Self {
        Self {
            from: Hours::in_words(hours.from),
            to: Hours::in_words(hours.to),
        }
    }
}

impl From<&Schedule> for Availability {
    fn from(schedule: &Schedule) -> Self {
        let hours = |day: &[Hours]| day.iter().map(WorkingHours::of).collect();
        Self {
            time_zone: TimeZoneScalar(schedule.time_zone.name().to_owned()),
            week: schedule
                .week
                .iter()
                .filter_map(|(day, stretches)| {
                    Some(WorkingDay {
                        day: DayOfWeek::numbered(*day)?,
                        hours: hours(stretches),
                    })
                })
                .collect(),
            exceptions: schedule
                .dates
                .iter()
                .map(|(date, stretches)| WorkingException {
                    date: Date(*date),
                    hours: hours(stretches),
                })
                .collect(),
        }
    }
}

/// A stretch of work on one day.
#[derive(Clone, Debug, InputObject)]
pub struct WorkingHoursInput {
    /// When it begins, `HH:MM`.
    from: String,
    /// When it is over, `HH:MM`, later than it begins; `24:00` is midnight. A night's work is two stretches.
    to: String,
}

/// What a member works on one day of every week.
#[derive(Clone, Debug, InputObject)]
pub struct WorkingDayInput {
    /// Which day.
    day: DayOfWeek,
    /// From when to when, at most six stretches, none over another.
    hours: Vec<WorkingHoursInput>,
}

/// A date on which a member works otherwise than on its day of the week.
#[derive(Clone, Debug, InputObject)]
pub struct WorkingExceptionInput {
    /// Which date.
    date: Date,
    /// From when to when, at most six stretches; empty for a day off.
    hours: Vec<WorkingHoursInput>,
}

/// When a member works. It takes the place of what was there.
#[derive(Clone, Debug, InputObject)]
pub struct AvailabilityInput {
    /// The zone whose clock is meant.
    time_zone: TimeZoneScalar,
    /// The days of the week on which they work; a day that is not named is off.
    week: Vec<WorkingDayInput>,
    /// Dates that differ, at most 100, each once.
    #[graphql(default)]
    exceptions: Vec<WorkingExceptionInput>,
}

impl From<WorkingHoursInput> for HoursWish {
    fn from(input: WorkingHoursInput) -> Self {
        Self {
            from: input.from,
            to: input.to,
        }
    }
}

impl From<AvailabilityInput> for ScheduleWish {
    fn from(input: AvailabilityInput) -> Self {
        let days = input.week.into_iter();
        let week = days.flat_map(|day| {
            let number = day.day.number();
            day.hours.into_iter().map(move |hours| (number, hours.into()))
        });
        Self {
            time_zone: input.time_zone.0,
            week: week.collect(),
            dates: input
                .exceptions
                .into_iter()
                .map(|day| (day.date.0, day.hours.into_iter().map(HoursWish::from).collect()))
                .collect(),
        }
    }
}

/// When you work.
#[derive(InputObject)]
pub struct SetMyAvailabilityInput {
    /// Your hours of work; left out or null: nothing is known of them any more.
    availability: Option<AvailabilityInput>,
}

/// What setMyAvailability answers.
#[derive(SimpleObject)]
pub struct SetMyAvailabilityPayload {
    /// You, as you are now; null when there are user errors.
    user: Option<User>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of one's own work.
#[derive(Default)]
pub struct WorkMutations;

#[Object]
impl WorkMutations {
    /// Says when you work. For those who look after the staff, and for everybody where your business lets them
    /// (`settings { agentsSetOwnAvailability }`).
    async fn set_my_availability(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "When.")] input: SetMyAvailabilityInput,
    ) -> async_graphql::Result<SetMyAvailabilityPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            set_own_schedule(tx, input.availability.map(ScheduleWish::from)).await?;
            Ok(Done {
                object: tx.ctx().user_id(),
                user_errors: Vec::new(),
            })
        })
        .await?;
        Ok(SetMyAvailabilityPayload {
            user: match outcome.object {
                Some(id) => User::load(ctx, id).await?,
                None => None,
            },
            user_errors: outcome.user_errors,
        })
    }
}

/// What a member's fields of work are answered from.
impl WorkRow {
    pub(super) fn availability(&self) -> Option<Availability> {
        self.schedule.as_ref().map(Availability::from)
    }
}
