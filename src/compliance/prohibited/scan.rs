//! The scanner: what of a text is prohibited, and by which rule.

use serde::{Deserialize, Serialize};

use super::cards::{card_numbers, masked, security_codes};
use super::excuses::{is_denied, is_reported};
use super::names::Names;
use super::pack::{Active, Category, Group, Negation, Pack, PackError, When, read};
use super::pattern::{Pattern, Seen};
use crate::compliance::language::Text;

/// The longest text that is scanned, in characters: no message is longer.
pub const MOST_CHARACTERS: usize = 20_000;

/// At most this many findings of one text.
const MOST_FINDINGS: usize = 40;

const CARDS: &str = "card-number";

/// Who writes.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Writer {
    /// A program.
    Assistant,
    /// A person who is no attorney.
    Person,
    /// An attorney.
    Attorney,
}

/// Where the validation period (12 CFR 1006.34(b)(5)) stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Period {
    /// It runs, or has not begun.
    Running,
    /// It has ended for every debt.
    Over,
    /// Nobody knows: as if it ran.
    #[default]
    Unknown,
}

/// What is known of the message. A fact that is missing excuses nothing.
#[derive(Debug, Clone, Default)]
pub struct ScanFacts<'a> {
    /// Names of the recipient, the creditor, the business and the sender.
    pub names: &'a [&'a str],
    /// The validation period.
    pub period: Period,
    /// Who writes.
    pub writer: Option<Writer>,
    /// A person recorded, for every debt that it is about, that suit is intended and authorised.
    pub suit_authorised: Option<bool>,
    /// One of the debts is medical.
    pub is_medical: Option<bool>,
    /// Fees that the ledger has, in hundredths of the currency.
    pub fees: Option<&'a [i64]>,
    /// What the ledger has as owed on the debts now, in hundredths.
    pub amounts: Option<&'a [i64]>,
    /// Other amounts of the ledger: they may be named as what they are, and as nothing else.
    pub parts: &'a [(Part, i64)],
}

/// What an amount is that is not the balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The balance with which the debt was placed.
    Original,
    /// Components of the balance on the itemization date.
    Principal,
    Interest,
    Fees,
    Costs,
}

impl Part {
    /// The words that name it, folded.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Original => &["original", "originally", "originals", "originalmente", "inicial"],
            Self::Principal => &["principal", "capital"],
            Self::Interest => &["interest", "interes", "intereses"],
            Self::Fees => &[
                "fee",
                "fees",
                "cargo",
                "cargos",
                "comision",
                "comisiones",
                "recargo",
                "recargos",
            ],
            Self::Costs => &["cost", "costs", "costas", "costos", "gastos"],
        }
    }
}

/// A phrase that may not be sent.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'s> {
    /// What sort it is, which rule it breaks, what to change.
    pub category: &'s Category,
    /// First byte in the text.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// The pattern that found it, as it stands in the file.
    pub pattern: &'s str,
}

/// What was found in a text.
#[derive(Debug, Clone, Default)]
pub struct Scanned<'s> {
    /// In the order of the text, at most forty.
    pub findings: Vec<Finding<'s>>,
    /// It speaks of a suit, authorised or not.
    pub speaks_of_suit: bool,
}

impl Scanned<'_> {
    /// The labels for `action.content.extra`, each once, in alphabetical order.
    pub fn labels(&self) -> Vec<String> {
        let mut labels: Vec<String> = self
            .findings
            .iter()
            .map(|finding| finding.category.label.clone())
            .collect();
        labels.sort();
        labels.dedup();
        labels
    }
}

/// All categories, ready to scan.
#[derive(Debug)]
pub struct Scanner {
    pack: Pack,
}

impl Scanner {
    /// Reads pattern files, each with its name.
    ///
    /// # Errors
    /// What is wrong first, with the file and the entry.
    pub fn read(files: &[(&'static str, &str)]) -> Result<Scanner, PackError> {
        Ok(Scanner { pack: read(files)? })
    }

    /// The version of the patterns.
    pub fn version(&self) -> &str {
        &self.pack.version
    }

    /// The categories, in the order of the files.
    pub fn categories(&self) -> &[Category] {
        &self.pack.categories
    }

    /// What is prohibited in the body of a message. Beyond [`MOST_CHARACTERS`] nothing is read: callers refuse longer texts.
    pub fn scan(&self, original: &str, facts: &ScanFacts<'_>) -> Scanned<'_> {
        self.scan_part(original, facts, |category| match category.active {
            Active::Always => true,
            Active::ValidationPeriod => facts.period != Period::Over,
            Active::MedicalDebt => facts.is_medical != Some(false),
            Active::VisibleField => false,
        })
    }

    /// What somebody wrote, without the card numbers in it.
    pub fn without_cards(&self, original: &str) -> String {
        masked(original, &Text::read(original, &self.pack.words))
    }

    /// What is prohibited in a field that others can see: the subject of a mail, the name of a sender, a preview.
    pub fn scan_visible(&self, original: &str, facts: &ScanFacts<'_>) -> Scanned<'_> {
        let is_named = |category: &Category| matches!(category.active, Active::VisibleField | Active::Always);
        self.scan_part(original, facts, is_named)
    }

    fn scan_part(
        &self,
        original: &str,
        facts: &ScanFacts<'_>,
        is_active: impl Fn(&Category) -> bool,
    ) -> Scanned<'_> {
        let original = within_bounds(original);
        let text = Text::read(original, &self.pack.words);
        let seen = Seen::new(&text, &self.pack.words);
        let names = Names::in_text(&text, facts.names, &self.pack.words);
        let mut scanned = Scanned::default();
        for category in self.pack.categories.iter().filter(|category| is_active(category)) {
            let mut search = Search {
                category,
                facts,
                seen: &seen,
                names: &names,
                found: Vec::new(),
            };
            scanned.speaks_of_suit |= search.run();
            let mut found = search.found;
            if category.name == CARDS {
                found.extend(cards(original, &text));
            }
            scanned.findings.extend(merged(category, found));
        }
        scanned
            .findings
            .sort_by_key(|finding| (finding.start, finding.end));
        scanned.findings.truncate(MOST_FINDINGS);
        scanned
    }
}

fn within_bounds(original: &str) -> &str {
    original
        .char_indices()
        .nth(MOST_CHARACTERS)
        .map_or(original, |(end, _)| &original[..end])
}

type Found<'s> = (usize, usize, &'s str);

fn cards<'s>(original: &str, text: &Text) -> Vec<Found<'s>> {
    let numbers = card_numbers(original)
        .into_iter()
        .map(|(start, end)| (start, end, "card number"));
    let codes = security_codes(text).into_iter();
    let codes = codes.map(|(first, last)| (text.tokens[first].start, text.tokens[last].end, "security code"));
    numbers.chain(codes).collect()
}

/// Findings of a category that overlap are one.
fn merged<'s>(category: &'s Category, mut found: Vec<Found<'s>>) -> Vec<Finding<'s>> {
    found.sort_unstable_by_key(|(start, end, _)| (*start, *end));
    let mut merged: Vec<Finding<'s>> = Vec::with_capacity(found.len());
    for (start, end, pattern) in found {
        match merged.last_mut() {
            Some(last) if start < last.end => last.end = last.end.max(end),
            _ => merged.push(Finding {
                category,
                start,
                end,
                pattern,
            }),
        }
    }
    merged
}

struct Search<'s, 'a> {
    category: &'s Category,
    facts: &'a ScanFacts<'a>,
    seen: &'a Seen<'a>,
    names: &'a Names,
    found: Vec<Found<'s>>,
}

impl<'s> Search<'s, '_> {
    /// Looks for every pattern; whether a suit is spoken of.
    fn run(&mut self) -> bool {
        let mut exempt: Option<Vec<(usize, usize)>> = None;
        let mut speaks_of_suit = false;
        for group in &self.category.groups {
            if self.is_excused_altogether(group) {
                continue;
            }
            for pattern in &group.patterns {
                let mut hits: Vec<(usize, usize)> = Vec::new();
                let seen = self.seen;
                pattern.find(seen, &mut |places| {
                    let exempt = exempt.get_or_insert_with(|| spans(&self.category.except, seen));
                    let is_taken = self.counts(group, places, exempt);
                    if is_taken {
                        hits.extend(places.first().copied().zip(places.last().copied()));
                    }
                    is_taken
                });
                if hits.is_empty() {
                    continue;
                }
                if group.when == When::Suit {
                    speaks_of_suit = true;
                    if self.facts.suit_authorised == Some(true) {
                        continue;
                    }
                }
                let tokens = &seen.text.tokens;
                let bytes =
                    |(first, last): (usize, usize)| (tokens[first].start, tokens[last].end, &*pattern.source);
                self.found.extend(hits.into_iter().map(bytes));
            }
        }
        speaks_of_suit
    }

    fn is_excused_altogether(&self, group: &Group) -> bool {
        let writer = self.facts.writer;
        match group.when {
            When::NotByAttorney => writer == Some(Writer::Attorney),
            When::NotByPerson => matches!(writer, Some(Writer::Person | Writer::Attorney)),
            When::ByAssistant => writer != Some(Writer::Assistant),
            When::Always | When::Suit | When::FeeUnbacked | When::AmountUnbacked => false,
        }
    }

    /// Whether a match counts, or something excuses it.
    fn counts(&self, group: &Group, places: &[usize], exempt: &[(usize, usize)]) -> bool {
        let text = self.seen.text;
        let (Some(&first), Some(&last)) = (places.first(), places.last()) else {
            return false;
        };
        let is_exempt = exempt.iter().any(|(from, to)| first <= *to && last >= *from)
            || self.names.cover(places, group.names)
            || group.negation != Negation::None
                && (is_denied(text, places, group.negation) || is_reported(text, places, group.negation))
            || self.is_backed(group.when, first, last);
        if is_exempt {
            return false;
        }
        let sentence = text.tokens[first].sentence;
        let in_sentence = |(from, _): &(usize, usize)| text.tokens[*from].sentence == sentence;
        !spans(&group.unless, self.seen).iter().any(in_sentence)
    }

    /// Whether the ledger has the money that the phrase names: of an amount, as what the words call it.
    fn is_backed(&self, when: When, first: usize, last: usize) -> bool {
        let (known, parts) = match when {
            When::FeeUnbacked => (self.facts.fees, &[][..]),
            When::AmountUnbacked => (self.facts.amounts, self.facts.parts),
            _ => return false,
        };
        let Some(known) = known.filter(|known| !(known.is_empty() && parts.is_empty())) else {
            return false;
        };
        let is_part = |value: i64| {
            let mut same = parts.iter().filter(|(_, amount)| *amount == value);
            same.any(|(part, _)| self.is_named(*part, first, last))
        };
        let named = &self.seen.text.tokens[first..=last];
        named.iter().filter(|token| token.is_money).all(|token| {
            token
                .hundredths
                .is_some_and(|value| known.contains(&value) || is_part(value))
        })
    }

    /// The words in the phrase or right beside it say what the amount is; "original creditor" speaks of somebody.
    fn is_named(&self, part: Part, first: usize, last: usize) -> bool {
        const BESIDE: usize = 3;
        let tokens = &self.seen.text.tokens;
        let sentence = tokens[first].sentence;
        let end = (last + 1 + BESIDE).min(tokens.len());
        (first.saturating_sub(BESIDE)..end).any(|place| {
            let word = |place: usize| tokens.get(place).map_or("", |token| token.word.as_str());
            let is_of_somebody =
                word(place + 1).starts_with("creditor") || place > 0 && word(place - 1) == "acreedor";
            tokens[place].sentence == sentence && part.names().contains(&word(place)) && !is_of_somebody
        })
    }
}

/// First and last word of every match.
fn spans(patterns: &[Pattern], seen: &Seen<'_>) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    for pattern in patterns {
        pattern.find(seen, &mut |places| {
            spans.extend(places.first().copied().zip(places.last().copied()));
            true
        });
    }
    spans
}
