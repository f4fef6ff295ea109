//! Times of day as people write them: "before noon", "from 9 to 5", "despues de las 6 de la tarde". Where a number leaves morning or
//! afternoon open, the one that people mean, or that reaches further.

use super::week_words::Days;
use super::words::Word;

/// The end of a day, in minutes.
pub(super) const DAY: i16 = 1440;

/// Part of a day, in minutes since midnight: up to an instant, from one on, or from one to another, which may lie after midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Before(Hour),
    After(Hour),
    Between(i16, i16),
}

/// A time of day, and whether it was left open which half of the day is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hour {
    minute: i16,
    is_open: bool,
}

/// How a part of the day is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// Nothing is wanted then.
    Not,
    /// Nothing is wanted but then.
    Only,
}

impl Hour {
    /// An hour from one to seven is in the afternoon, to whoever speaks of when they may be reached. Of the others the morning is
    /// meant where something is to begin or to end with it, and "only after 8" and "not after 9" speak of the evening.
    fn at(self, is_start: bool, sense: Sense) -> i16 {
        let hour = self.minute / 60;
        let is_later = match hour {
            _ if !self.is_open => false,
            1..=7 => true,
            8 => !is_start || sense == Sense::Only,
            9..=11 => !is_start && sense == Sense::Not,
            _ => false,
        };
        self.minute + if is_later { DAY / 2 } else { 0 }
    }
}

impl Part {
    /// The minutes that it names.
    pub(super) fn minutes(self, sense: Sense) -> (i16, i16) {
        match (self, sense) {
            // "Not before 9" and "only after 9" speak of the same instant.
            (Self::Before(hour), Sense::Not) => (0, hour.at(true, sense)),
            (Self::After(hour), Sense::Only) => (hour.at(true, sense), DAY),
            (Self::After(hour), Sense::Not) => (hour.at(false, sense), DAY),
            (Self::Before(hour), Sense::Only) => (0, hour.at(false, sense)),
            (Self::Between(from, to), _) => (from, to),
        }
    }
}

/// When, as somebody writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct When {
    pub(super) days: Option<Days>,
    /// They are spoken of as days that come again and again: "Sundays", and not "Sunday".
    pub(super) is_each: bool,
    pub(super) part: Option<Part>,
}

/// Reads words from a place on.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    words: &'a [Word],
    pub(super) place: usize,
}

const NUMBERS: [(&str, &str); 12] = [
    ("one", "una"),
    ("two", "dos"),
    ("three", "tres"),
    ("four", "cuatro"),
    ("five", "cinco"),
    ("six", "seis"),
    ("seven", "siete"),
    ("eight", "ocho"),
    ("nine", "nueve"),
    ("ten", "diez"),
    ("eleven", "once"),
    ("twelve", "doce"),
];

/// What is counted, so that the number before it is no time of day.
const UNITS: [&str; 45] = [
    "of", "days", "day", "weeks", "week", "months", "month", "minutes", "minute", "mins", "min", "hour",
    "hours", "dollars", "dollar", "bucks", "cents", "percent", "times", "time", "payments", "payment",
    "years", "year", "more", "texts", "calls", "messages", "rings", "people", "dias", "dia", "semanas",
    "semana", "meses", "mes", "minutos", "minuto", "dolares", "pesos", "pagos", "pago", "veces", "anos",
    "mas",
];

impl<'a> Cursor<'a> {
    pub(super) fn new(words: &'a [Word], place: usize) -> Self {
        Self { words, place }
    }

    pub(super) fn peek(&self) -> Option<&'a str> {
        self.words.get(self.place).map(|word| word.text.as_str())
    }

    /// Passes one of the words, where it stands here.
    pub(super) fn take(&mut self, any: &[&str]) -> bool {
        let is_here = self.peek().is_some_and(|word| any.contains(&word));
        self.place += usize::from(is_here);
        is_here
    }

    /// Passes all of the words, where they stand here in a row.
    pub(super) fn take_all(&mut self, row: &[&str]) -> bool {
        let mut ahead = *self;
        let are_here = row.iter().all(|word| ahead.take(&[word]));
        if are_here {
            *self = ahead;
        }
        are_here
    }

    /// Reads on, or stays where it is.
    pub(super) fn attempt<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut ahead = *self;
        let found = read(&mut ahead)?;
        *self = ahead;
        Some(found)
    }

    /// Days, a part of the day, or both, in either order.
    pub(super) fn when(&mut self) -> Option<When> {
        self.attempt(|ahead| {
            let mut found = When {
                days: None,
                is_each: false,
                part: None,
            };
            for _ in 0..2 {
                if found.days.is_none()
                    && let Some((days, is_each)) = ahead.attempt(Self::days)
                {
                    (found.days, found.is_each) = (Some(days), is_each);
                }
                if found.part.is_none() {
                    found.part = ahead.attempt(Self::part);
                }
            }
            (found.days.is_some() || found.part.is_some()).then_some(found)
        })
    }

    fn part(&mut self) -> Option<Part> {
        self.attempt(Self::named_part)
            .or_else(|| self.attempt(Self::between))
            .or_else(|| self.attempt(Self::one_sided))
    }

    /// "In the mornings", "at night", "por la tarde".
    fn named_part(&mut self) -> Option<Part> {
        let is_led = self.take(&["in", "at", "during", "por", "en", "durante", "a", "de"]);
        let is_led = self.take(&["the", "la", "las", "any", "my"]) || is_led;
        let word = self.peek()?;
        let (from, to) = match word {
            "mornings" | "mananas" => (0, DAY / 2),
            "morning" | "manana" if is_led => (0, DAY / 2),
            "afternoons" => (DAY / 2, 18 * 60),
            "afternoon" if is_led => (DAY / 2, 18 * 60),
            "tardes" => (DAY / 2, 20 * 60),
            "tarde" if is_led => (DAY / 2, 20 * 60),
            "evenings" => (17 * 60, DAY),
            "evening" if is_led => (17 * 60, DAY),
            "nights" | "noches" => (18 * 60, DAY),
            "night" | "noche" if is_led => (18 * 60, DAY),
            _ => return None,
        };
        self.place += 1;
        Some(Part::Between(from, to))
    }

    /// "Between 5 and 8 pm", "from 9 to 5", "de 9 a 5".
    fn between(&mut self) -> Option<Part> {
        self.take(&["between", "from", "entre", "de", "desde"])
            .then_some(())?;
        let from = self.hour(true)?;
        self.take(&["and", "to", "until", "till", "y", "a", "hasta", "through", "thru"]);
        let to = self.hour(false)?;
        let (start, end) = span(from, to);
        (start != end).then_some(Part::Between(start, end))
    }

    /// "Before noon", "after 6 pm", "until 9", "antes de las 9".
    fn one_sided(&mut self) -> Option<Part> {
        let before: [&[&str]; 10] = [
            &["before"],
            &["antes", "del"],
            &["until"],
            &["till"],
            &["til"],
            &["earlier", "than"],
            &["prior", "to"],
            &["sooner", "than"],
            &["antes", "de"],
            &["hasta"],
        ];
        let after: [&[&str]; 6] = [
            &["after"],
            &["past"],
            &["later", "than"],
            &["despues", "de"],
            &["despues", "del"],
            &["pasadas"],
        ];
        // Before and after midnight is the whole day.
        let hour = |ahead: &mut Self| ahead.hour(false).filter(|hour| hour.minute % DAY != 0);
        if before.iter().any(|row| self.take_all(row)) {
            return hour(self).map(Part::Before);
        }
        after.iter().any(|row| self.take_all(row)).then_some(())?;
        hour(self).map(Part::After)
    }

    /// A time of day. `is_first`: another one may follow it.
    fn hour(&mut self, is_first: bool) -> Option<Hour> {
        self.take(&["around", "about", "like", "eso"]);
        self.take(&["del", "de", "el"]);
        self.take(&["las", "la"]);
        let fixed = |minute: i16| Hour {
            minute,
            is_open: false,
        };
        if self.take(&["noon", "midday", "mediodia"]) || self.take_all(&["medio", "dia"]) {
            return Some(fixed(DAY / 2));
        }
        if self.take(&["midnight", "medianoche"]) || self.take_all(&["media", "noche"]) {
            return Some(fixed(0));
        }
        let (hour, rest) = number(self.peek()?)?;
        self.place += 1;
        let mut half = Half::parse(rest)?;
        let mut minutes = 0;
        if half == Half::Open {
            (minutes, half) = self.minutes().unwrap_or((0, Half::Open));
        }
        if half == Half::Open {
            half = self.half();
        }
        let is_counted = self.peek().is_some_and(|next| {
            UNITS.contains(&next)
                || !is_first && half == Half::Open && next.starts_with(|c: char| c.is_ascii_digit())
        });
        let is_hour = match half {
            Half::Open | Half::Whole => (0..=24).contains(&hour),
            Half::Morning | Half::Afternoon => (1..=12).contains(&hour),
        };
        if is_counted || !is_hour {
            return None;
        }
        let (hour, is_open) = match half {
            Half::Morning => (hour % 12, false),
            Half::Afternoon => (hour % 12 + 12, false),
            Half::Whole => (hour, false),
            Half::Open => (hour, (1..=11).contains(&hour)),
        };
        let minute = (hour * 60 + minutes).min(DAY);
        Some(Hour { minute, is_open })
    }

    /// What stands after the hour: ":30", ":30pm", "y media".
    fn minutes(&mut self) -> Option<(i16, Half)> {
        self.attempt(|ahead| {
            if ahead.take_all(&["y", "media"]) {
                return Some((30, Half::Open));
            }
            if ahead.take_all(&["y", "cuarto"]) {
                return Some((15, Half::Open));
            }
            ahead.take(&[","]).then_some(())?;
            let text = ahead.peek()?;
            let digits = text
                .get(..2)
                .filter(|digits| digits.chars().all(|c| c.is_ascii_digit()))?;
            let minutes: i16 = digits.parse().ok().filter(|minutes| *minutes < 60)?;
            let half = Half::parse(text.get(2..)?)?;
            ahead.place += 1;
            Some((minutes, half))
        })
    }

    /// Which half of the day is said to be meant.
    fn half(&mut self) -> Half {
        self.take(&["oclock"]);
        let rows: [(&[&str], Half); 17] = [
            (&["am"], Half::Morning),
            (&["a", "m"], Half::Morning),
            (&["in", "the", "morning"], Half::Morning),
            (&["de", "la", "manana"], Half::Morning),
            (&["de", "la", "madrugada"], Half::Morning),
            (&["pm"], Half::Afternoon),
            (&["p", "m"], Half::Afternoon),
            (&["in", "the", "afternoon"], Half::Afternoon),
            (&["in", "the", "evening"], Half::Afternoon),
            (&["at", "night"], Half::Afternoon),
            (&["de", "la", "tarde"], Half::Afternoon),
            (&["de", "la", "noche"], Half::Afternoon),
            (&["del", "dia"], Half::Open),
            (&["hrs"], Half::Whole),
            (&["hs"], Half::Whole),
            (&["h"], Half::Whole),
            (&["horas"], Half::Whole),
        ];
        let found = rows.iter().find(|(row, _)| self.take_all(row));
        found.map_or(Half::Open, |(_, half)| *half)
    }
}

/// From one time of day to another: where they leave it open, the shorter that people mean. "From 9 to 5", "between 5 and 8 pm".
fn span(from: Hour, to: Hour) -> (i16, i16) {
    let later = |hour: Hour| {
        if hour.is_open {
            hour.minute + DAY / 2
        } else {
            hour.minute
        }
    };
    let first_after = |start: i16| {
        let ends = [to.minute, later(to)];
        ends.into_iter().find(|end| *end > start).unwrap_or(to.minute)
    };
    let (start, end) = match (from.is_open, to.is_open) {
        (true, true) => {
            let start = if from.minute < 7 * 60 {
                later(from)
            } else {
                from.minute
            };
            (start, first_after(start))
        }
        (true, false) => {
            let is_before = |start: &i16| *start < to.minute || to.minute == 0;
            let start = [later(from), from.minute].into_iter().find(is_before);
            (start.unwrap_or_else(|| later(from)), to.minute)
        }
        (false, true) => (from.minute, first_after(from.minute)),
        (false, false) => (from.minute, to.minute),
    };
    (start % DAY, if end == 0 { DAY } else { end })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Open,
    Morning,
    Afternoon,
    /// Of a day of twenty-four hours.
    Whole,
}

impl Half {
    /// What is written on to a number.
    fn parse(rest: &str) -> Option<Self> {
        match rest {
            "" | "ish" => Some(Self::Open),
            "am" | "a" => Some(Self::Morning),
            "pm" | "p" => Some(Self::Afternoon),
            "h" | "hrs" | "hs" => Some(Self::Whole),
            _ => None,
        }
    }
}

/// A number of one or two digits with what is written on to it, or one in words.
fn number(word: &str) -> Option<(i16, &str)> {
    let written = NUMBERS
        .iter()
        .zip(1..)
        .find(|((english, spanish), _)| word == *english || word == *spanish);
    if let Some((_, hour)) = written {
        return Some((hour, ""));
    }
    let digits = word.chars().take_while(char::is_ascii_digit).count();
    let hour = word.get(..digits).filter(|_| (1..=2).contains(&digits))?;
    Some((hour.parse().ok()?, word.get(digits..)?))
}
