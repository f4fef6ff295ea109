//! The language of patterns: words with alternatives, optional parts and gaps, matched over the words of one sentence.
//!
//! | written | matches |
//! |---|---|
//! | `word` | the word |
//! | `sue*` | every word that begins so |
//! | `a\|b c\|d` in `( )` | one of these words or phrases; bare `a\|b` for single words |
//! | `[ ]` | the same, or nothing |
//! | `<list>` | one of a named list |
//! | `~4` | up to four words, whichever they are |
//! | `#money`, `#number` | an amount of money, a number |
//! | `^`, `$` | the begin of a sentence or clause, the end of a sentence |

use std::collections::BTreeMap;

use super::lexicon::{SetId, Words};
use crate::compliance::language::{Break, Text, fold_word, is_negator};

/// A pattern, ready to match.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    nodes: Vec<Node>,
    /// The sets without which it cannot match.
    needs: Vec<Vec<SetId>>,
    /// The sets of which the first word is in one.
    starts: Vec<SetId>,
    /// As it stands in the file, for messages.
    pub(super) source: Box<str>,
}

#[derive(Debug, Clone)]
enum Node {
    Set(SetId),
    /// Words that may stand aside: a negation among them stays a negation.
    Aside(SetId),
    Any(Vec<Vec<Node>>),
    Optional(Vec<Vec<Node>>),
    Gap(usize),
    Begin,
    End,
}

/// A text with the sets of each of its words.
pub(super) struct Seen<'a> {
    pub(super) text: &'a Text,
    /// For each word a row of bits, one for each set.
    bits: Vec<u64>,
    row: usize,
    /// For each set the words that are in it, in order.
    places: Vec<Vec<usize>>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(text: &'a Text, words: &Words) -> Self {
        let row = words.sets().div_ceil(64);
        let mut bits = vec![0u64; row * text.tokens.len()];
        let mut places: Vec<Vec<usize>> = vec![Vec::new(); words.sets()];
        for (place, token) in text.tokens.iter().enumerate() {
            words.sets_of(token, |set| {
                let own = &mut bits[place * row + set / 64];
                if *own & (1 << (set % 64)) == 0 {
                    *own |= 1 << (set % 64);
                    places[set].push(place);
                }
            });
        }
        Self {
            text,
            bits,
            row,
            places,
        }
    }

    fn is_in(&self, place: usize, set: SetId) -> bool {
        self.bits[place * self.row + set / 64] & (1 << (set % 64)) != 0
    }

    fn has(&self, set: SetId) -> bool {
        !self.places[set].is_empty()
    }

    /// The words that are in one of the sets, in order.
    fn places_in(&self, sets: &[SetId]) -> Vec<usize> {
        let mut places: Vec<usize> = sets.iter().flat_map(|set| &self.places[*set]).copied().collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

impl Pattern {
    /// Reads a pattern; `lists` are the named ones.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(
        source: &str,
        lists: &BTreeMap<String, String>,
        words: &mut Words,
    ) -> Result<Pattern, String> {
        let folded = fold_word(source);
        let mut parser = Parser {
            rest: &folded,
            lists,
            words,
            depth: 0,
        };
        let parts = parser.sequence(None)?;
        let rest = parser.rest;
        if !rest.is_empty() {
            return Err(format!("`{rest}` where nothing is open"));
        }
        let nodes: Vec<Node> = parts.into_iter().map(|part| parser.node_of(part)).collect();
        let needs = needs(&nodes);
        if needs.is_empty() {
            return Err("it names no word that has to be there".to_owned());
        }
        if matches!(nodes.first(), Some(Node::Gap(_))) || matches!(nodes.last(), Some(Node::Gap(_))) {
            return Err("a gap stands between words, not at an end".to_owned());
        }
        let mut starts = Vec::new();
        if can_be_empty(&nodes, &mut starts) {
            return Err("it names no word that has to be there".to_owned());
        }
        starts.sort_unstable();
        starts.dedup();
        Ok(Pattern {
            nodes,
            needs,
            starts,
            source: source.into(),
        })
    }

    /// Calls `accept` with the places of the pattern's own words for each match, until it answers that it takes one. Gives
    /// every place at which one was taken.
    pub(super) fn find(&self, seen: &Seen<'_>, accept: &mut dyn FnMut(&[usize]) -> bool) {
        if !self
            .needs
            .iter()
            .all(|some| some.iter().any(|set| seen.has(*set)))
        {
            return;
        }
        let mut taken_to = 0;
        let mut places = Vec::with_capacity(8);
        for start in seen.places_in(&self.starts) {
            if start < taken_to {
                continue;
            }
            let mut on_match = |places: &[usize]| {
                let is_taken = !places.is_empty() && accept(places);
                if is_taken {
                    taken_to = places.last().map_or(start, |last| last + 1);
                }
                is_taken
            };
            step(
                seen,
                &Chain::of(&self.nodes, None),
                start,
                None,
                &mut places,
                &mut on_match,
            );
        }
    }
}

/// What is still to be matched: the rest of a sequence, then what comes after it.
struct Chain<'a> {
    nodes: &'a [Node],
    then: Option<&'a Chain<'a>>,
}

impl<'a> Chain<'a> {
    fn of(nodes: &'a [Node], then: Option<&'a Chain<'a>>) -> Self {
        Self { nodes, then }
    }
}

/// Matches what is left from the word at `place`; `last` is the last word that was matched or skipped.
fn step(
    seen: &Seen<'_>,
    chain: &Chain<'_>,
    place: usize,
    last: Option<usize>,
    places: &mut Vec<usize>,
    on_match: &mut dyn FnMut(&[usize]) -> bool,
) -> bool {
    let Some((node, rest)) = chain.nodes.split_first() else {
        return match chain.then {
            Some(then) => step(
                seen,
                &Chain::of(then.nodes, then.then),
                place,
                last,
                places,
                on_match,
            ),
            None => on_match(places),
        };
    };
    let after = Chain::of(rest, chain.then);
    let tokens = &seen.text.tokens;
    let is_same_sentence = |at: usize| {
        last.is_none_or(|last| {
            tokens
                .get(at)
                .is_some_and(|token| token.sentence == tokens[last].sentence)
        })
    };
    match node {
        Node::Set(set) => {
            if place >= tokens.len() || !is_same_sentence(place) || !seen.is_in(place, *set) {
                return false;
            }
            places.push(place);
            let is_taken = step(seen, &after, place + 1, Some(place), places, on_match);
            places.pop();
            is_taken
        }
        Node::Aside(set) => {
            if place >= tokens.len() || !is_same_sentence(place) || !seen.is_in(place, *set) {
                return false;
            }
            let is_own = !is_negator(&tokens[place].word);
            if is_own {
                places.push(place);
            }
            let is_taken = step(seen, &after, place + 1, Some(place), places, on_match);
            if is_own {
                places.pop();
            }
            is_taken
        }
        Node::Any(some) => some
            .iter()
            .any(|one| step(seen, &Chain::of(one, Some(&after)), place, last, places, on_match)),
        Node::Optional(some) => {
            some.iter()
                .any(|one| step(seen, &Chain::of(one, Some(&after)), place, last, places, on_match))
                || step(seen, &after, place, last, places, on_match)
        }
        Node::Gap(most) => (0..=*most).any(|skipped| {
            let at = place + skipped;
            let reached = if skipped == 0 { last } else { Some(at - 1) };
            (skipped == 0 || is_same_sentence(at - 1) && tokens[at - 1].before != Break::Clause)
                && step(seen, &after, at, reached, places, on_match)
        }),
        Node::Begin => {
            let begins = place == 0
                || tokens
                    .get(place)
                    .is_some_and(|token| token.before >= Break::Comma)
                || tokens
                    .get(place)
                    .is_some_and(|token| token.sentence != tokens[place - 1].sentence);
            begins && step(seen, &after, place, last, places, on_match)
        }
        Node::End => {
            let ends = tokens
                .get(place)
                .is_none_or(|token| token.before >= Break::Sentence);
            ends && step(seen, &after, place, last, places, on_match)
        }
    }
}

/// Collects the sets that a sequence may begin with; whether it may also be nothing at all.
fn can_be_empty(nodes: &[Node], starts: &mut Vec<SetId>) -> bool {
    for node in nodes {
        let may_be_left_out = match node {
            Node::Set(set) | Node::Aside(set) => {
                starts.push(*set);
                false
            }
            Node::Any(some) => {
                // All of them are looked at: each has its own beginning.
                let empty: Vec<bool> = some.iter().map(|one| can_be_empty(one, starts)).collect();
                empty.contains(&true)
            }
            Node::Optional(some) => {
                for one in some {
                    can_be_empty(one, starts);
                }
                true
            }
            Node::Gap(_) | Node::Begin | Node::End => true,
        };
        if !may_be_left_out {
            return false;
        }
    }
    true
}

/// What has to be there: of each group, one set.
fn needs(nodes: &[Node]) -> Vec<Vec<SetId>> {
    let mut all = Vec::new();
    for node in nodes {
        match node {
            Node::Set(set) => all.push(vec![*set]),
            Node::Any(some) => {
                let each: Vec<Vec<Vec<SetId>>> = some.iter().map(|one| needs(one)).collect();
                if each.iter().all(|one| !one.is_empty()) {
                    all.push(each.into_iter().flat_map(|mut one| one.swap_remove(0)).collect());
                }
            }
            Node::Aside(_) | Node::Optional(_) | Node::Gap(_) | Node::Begin | Node::End => {}
        }
    }
    all
}

/// A part that was read: words are made a set only when it is known that they stand by themselves.
enum Part {
    Words(Vec<String>),
    Node(Node),
}

struct Parser<'a> {
    rest: &'a str,
    lists: &'a BTreeMap<String, String>,
    words: &'a mut Words,
    depth: usize,
}

impl Parser<'_> {
    /// Sequences set apart by `|`, up to `close` or the end.
    fn alternatives(&mut self, close: Option<char>) -> Result<Vec<Vec<Node>>, String> {
        let mut all: Vec<Vec<Node>> = Vec::new();
        let mut singles: Vec<String> = Vec::new();
        loop {
            let mut parts = self.sequence(close)?;
            match parts.as_mut_slice() {
                // Single words are looked up together.
                [Part::Words(words)] => singles.append(words),
                _ => all.push(parts.into_iter().map(|part| self.node_of(part)).collect()),
            }
            match self.rest.chars().next() {
                Some('|') => self.rest = &self.rest[1..],
                Some(ch) if Some(ch) == close => {
                    self.rest = &self.rest[ch.len_utf8()..];
                    break;
                }
                None if close.is_none() => break,
                Some(ch) => return Err(format!("`{ch}` where nothing is open")),
                None => return Err(format!("`{}` is missing", close.unwrap_or(' '))),
            }
        }
        if !singles.is_empty() {
            let set = self.words.set(singles);
            all.push(vec![Node::Set(set)]);
        }
        Ok(all)
    }

    fn node_of(&mut self, part: Part) -> Node {
        match part {
            Part::Words(words) => Node::Set(self.words.set(words)),
            Part::Node(node) => node,
        }
    }

    fn sequence(&mut self, close: Option<char>) -> Result<Vec<Part>, String> {
        let mut parts = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            let Some(ch) = self.rest.chars().next() else { break };
            if ch == '|' || Some(ch) == close {
                break;
            }
            parts.push(self.part(ch)?);
        }
        match parts.is_empty() {
            true => Err("an alternative is empty".to_owned()),
            false => Ok(parts),
        }
    }

    fn part(&mut self, ch: char) -> Result<Part, String> {
        match ch {
            '^' | '$' => {
                self.rest = &self.rest[1..];
                Ok(Part::Node(if ch == '^' { Node::Begin } else { Node::End }))
            }
            '~' => {
                let digits: String = self.rest[1..].chars().take_while(char::is_ascii_digit).collect();
                self.rest = &self.rest[1 + digits.len()..];
                let most = digits.parse().ok().filter(|most| (1..=12).contains(most));
                Ok(Part::Node(Node::Gap(most.ok_or("a gap is ~1 to ~12")?)))
            }
            '(' | '[' => {
                self.rest = &self.rest[1..];
                let close = if ch == '(' { ')' } else { ']' };
                let all = self.nested(|parser| parser.alternatives(Some(close)))?;
                Ok(Part::Node(if ch == '(' { any(all) } else { aside(all) }))
            }
            '<' => self.list(),
            ')' | ']' | '>' => Err(format!("`{ch}` where nothing is open")),
            _ => self.words_part(),
        }
    }

    fn list(&mut self) -> Result<Part, String> {
        let (name, rest) = self.rest[1..].split_once('>').ok_or("`>` is missing")?;
        let list = self
            .lists
            .get(name)
            .ok_or_else(|| format!("there is no list `{name}`"))?;
        let list = fold_word(list);
        self.rest = rest;
        let lists = self.lists;
        let all = self.nested(|parser| {
            let mut inner = Parser {
                rest: &list,
                lists,
                words: parser.words,
                depth: parser.depth,
            };
            inner.alternatives(None)
        })?;
        Ok(Part::Node(any(all)))
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.depth += 1;
        if self.depth > 8 {
            return Err("it is nested too deep, or a list names itself".to_owned());
        }
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// A word; outside of every group, `a|b` is one of these words.
    fn words_part(&mut self) -> Result<Part, String> {
        let mut words = vec![self.word()?];
        while self.depth == 0 && self.rest.starts_with('|') {
            self.rest = &self.rest[1..];
            words.push(self.word()?);
        }
        Ok(Part::Words(words))
    }

    fn word(&mut self) -> Result<String, String> {
        let end = self
            .rest
            .find(|ch: char| ch.is_whitespace() || "()[]<>~^$|".contains(ch))
            .unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        self.rest = &self.rest[end..];
        let is_figure = matches!(word, "#number" | "#money");
        let letters = word.strip_suffix('*').unwrap_or(word);
        let is_plain = !letters.is_empty() && letters.chars().all(char::is_alphanumeric);
        if !is_plain && !is_figure {
            return Err(format!(
                "`{word}` is no word: letters and digits, and a star at the end"
            ));
        }
        if word.ends_with('*') && letters.chars().count() < 2 {
            return Err(format!("`{word}` begins too many words"));
        }
        Ok(word.to_owned())
    }
}

/// What may be left out. A list of single words, which is a choice of its own, stands aside as they do.
fn aside(all: Vec<Vec<Node>>) -> Node {
    fn stand_aside(node: &mut Node) {
        match node {
            Node::Set(set) => *node = Node::Aside(*set),
            Node::Any(some) => some.iter_mut().flatten().for_each(stand_aside),
            _ => {}
        }
    }
    let mut all = all;
    for one in &mut all {
        if let [only] = one.as_mut_slice() {
            stand_aside(only);
        }
    }
    Node::Optional(all)
}

/// One alternative of one set needs no choice.
fn any(mut all: Vec<Vec<Node>>) -> Node {
    if let [only] = all.as_slice()
        && let [Node::Set(set)] = only.as_slice()
    {
        return Node::Set(*set);
    }
    all.shrink_to_fit();
    Node::Any(all)
}
