//! Days of the week as people write them: "on Sundays", "weekdays", "Monday through Friday", "los fines de semana".

use super::clock_words::Cursor;

/// Days of the week, Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::compliance) struct Days(u8);

impl Days {
    pub(super) const ALL: Self = Self(0b111_1111);
    const WORKING: Self = Self(0b001_1111);
    const WEEKEND: Self = Self(0b110_0000);
    const WORDS: [&'static str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

    fn one(place: usize) -> Self {
        Self(1 << place)
    }

    /// From the first to the second, over a Sunday where they lie so.
    fn span(from: usize, to: usize) -> Self {
        let days = if from <= to { to - from } else { to + 7 - from };
        (from..=from + days).fold(Self(0), |all, place| all.and(Self::one(place % 7)))
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The days that are not these.
    pub(super) fn others(self) -> Self {
        Self(Self::ALL.0 & !self.0)
    }

    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// As the database spells them; nothing where they are all.
    pub(in crate::compliance) fn words(self) -> Option<Vec<&'static str>> {
        let here = Self::WORDS.iter().enumerate();
        let here = here.filter(|(place, _)| self.0 & Self::one(*place).0 != 0);
        (self != Self::ALL).then(|| here.map(|(_, word)| *word).collect())
    }
}

impl Cursor<'_> {
    pub(super) fn days(&mut self) -> Option<(Days, bool)> {
        self.take(&["on", "during", "over", "en", "durante", "any", "every"]);
        let is_spanish_plural = self.take(&["los"]);
        if !is_spanish_plural {
            self.take(&["the", "el", "un", "a", "my", "mis"]);
        }
        let (mut days, mut is_each) = self.day()?;
        is_each |= is_spanish_plural;
        while let Some((next, is_next_each)) = self.attempt(|ahead| {
            ahead.take(&[","]);
            ahead.take(&["and", "or", "nor", "y", "o", "ni"]);
            ahead.take(&["on", "en"]);
            let is_plural = ahead.take(&["los"]);
            let (day, is_each) = ahead.day()?;
            Some((day, is_each || is_plural))
        }) {
            days = days.and(next);
            is_each |= is_next_each;
        }
        Some((days, is_each))
    }

    /// One day, a run of them, or a word for several.
    fn day(&mut self) -> Option<(Days, bool)> {
        let weekend: [&[&str]; 6] = [
            &["weekends"],
            &["weekend"],
            &["week", "ends"],
            &["fines", "de", "semana"],
            &["fin", "de", "semana"],
            &["wknds"],
        ];
        let working: [&[&str]; 5] = [
            &["weekdays"],
            &["week", "days"],
            &["workdays"],
            &["dias", "de", "semana"],
            &["entre", "semana"],
        ];
        if weekend.iter().any(|row| self.take_all(row)) {
            return Some((Days::WEEKEND, true));
        }
        if working.iter().any(|row| self.take_all(row)) {
            return Some((Days::WORKING, true));
        }
        let (from, is_each) = day_named(self.peek()?)?;
        self.place += 1;
        let to = self.attempt(|ahead| {
            (ahead.take(&["to", "through", "thru", "till", "until", "a", "al", "hasta"])).then_some(())?;
            let (to, _) = day_named(ahead.peek()?)?;
            ahead.place += 1;
            Some(to)
        });
        Some(match to {
            Some(to) => (Days::span(from, to), true),
            None => (Days::one(from), is_each),
        })
    }
}

/// The place of a day in the week, and whether the word says it of each.
fn day_named(word: &str) -> Option<(usize, bool)> {
    const DAYS: [(&[&str], &[&str]); 7] = [
        (&["monday", "mon", "lunes"], &["mondays"]),
        (&["tuesday", "tue", "tues", "martes"], &["tuesdays"]),
        (&["wednesday", "wed", "miercoles"], &["wednesdays"]),
        (&["thursday", "thu", "thur", "thurs", "jueves"], &["thursdays"]),
        (&["friday", "fri", "viernes"], &["fridays"]),
        (&["saturday", "sat", "sabado"], &["saturdays", "sabados"]),
        (&["sunday", "domingo"], &["sundays", "domingos"]),
    ];
    DAYS.iter().enumerate().find_map(|(place, (one, each))| {
        let is_each = each.contains(&word);
        (is_each || one.contains(&word)).then_some((place, is_each))
    })
}
