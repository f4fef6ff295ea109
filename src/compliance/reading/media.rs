//! Which ways of reaching a person an opt-out is of (12 CFR 1006.14(h)(1)): "stop emailing me", "don't call, text is fine". One
//! that names none, or none without doubt, is of the way that it came by.

use std::sync::LazyLock;

use super::{
    pattern::Kind,
    words::{Sentence, Word},
};

/// Ways of being reached that are named beside the ones that are refused.
static WELCOME: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/welcome_medium.txt")));
/// By letter and in no other way.
static BY_LETTER: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/by_letter.txt")));

/// A way of reaching a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::compliance) enum Medium {
    /// That which the text came by.
    Own,
    Texts,
    Calls,
    Email,
    Whatsapp,
}

/// What an opt-out is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    Media(Vec<Medium>),
    /// By every medium, or by letters too, which end with a notice under 12 CFR 1006.6(c) alone.
    AllContact,
}

/// What the words of an opt-out name.
#[derive(Debug, Default)]
struct Named {
    media: Vec<Medium>,
    letters: bool,
    /// "Messages", of whichever kind; beside "text" they are texts.
    messages: bool,
    /// "Mail" may be either, and "write" any.
    is_doubtful: bool,
}

/// What the opt-outs in a text are of: of each the sentence, without what it does not say, and from and up to where it is said.
pub(super) fn reach(opt_outs: &[(Sentence, Vec<(usize, usize)>)]) -> Reach {
    let mut named = Named::default();
    let mut by_letter = false;
    for (sentence, passages) in opt_outs {
        if BY_LETTER.is_said(std::slice::from_ref(sentence)) {
            by_letter = true;
            continue;
        }
        let mut here = Named::default();
        for passage in passages {
            here.note_all(clauses_of(&sentence.words, *passage));
        }
        let other_messages = here.messages && !here.media.contains(&Medium::Texts);
        if here.media.is_empty() || here.is_doubtful || other_messages {
            here.media.push(Medium::Own);
        }
        named.media.extend(here.media);
        named.letters |= here.letters;
    }
    let has = |medium: Medium| named.media.contains(&medium);
    let by_every_machine =
        (has(Medium::Texts) || has(Medium::Own)) && has(Medium::Calls) && has(Medium::Email);
    let beside_letters = has(Medium::Texts) || has(Medium::Calls) || has(Medium::Email);
    if by_every_machine || named.letters && beside_letters {
        return Reach::AllContact;
    }
    let mut media = named.media;
    if by_letter {
        media.extend([Medium::Own, Medium::Texts, Medium::Calls, Medium::Email]);
    }
    media.sort_unstable();
    media.dedup();
    Reach::Media(media)
}

impl Named {
    fn note_all(&mut self, words: &[Word]) {
        for (place, word) in words.iter().enumerate() {
            self.note(word, words.get(place + 1));
            let by = ["by", "via", "por", "over", "through"];
            let is_of_phone = matches!(word.text.as_str(), "phone" | "telephone" | "telefono");
            if is_of_phone && place > 0 && by.contains(&words[place - 1].text.as_str()) {
                self.media.push(Medium::Calls);
            }
        }
    }

    /// A word, and the one that follows it.
    fn note(&mut self, word: &Word, next: Option<&Word>) {
        let text = word.text.as_str();
        let is_next = |words: &[&str]| next.is_some_and(|next| words.contains(&next.text.as_str()));
        let starts = |beginnings: &[&str]| beginnings.iter().any(|beginning| text.starts_with(beginning));
        // "Escríbanme", "llámeme": what they do want.
        let is_wish = text.len() > 6 && text.ends_with("me") && !text.ends_with("rme");
        match text {
            _ if is_wish => {}
            "mail" | "mailing" => {
                self.media.push(Medium::Email);
                self.is_doubtful = true;
            }
            "write" | "writing" | "letter" | "letters" | "carta" | "cartas" => self.letters = true,
            // "No me hablen" is said of calls, and of talking at all.
            "hable" | "hablen" => self.media.extend([Medium::Own, Medium::Calls]),
            "message" | "messages" | "messaging" | "messaged" | "mensaje" | "mensajes" => {
                self.messages = true;
            }
            // What is written to a telephone is a text.
            _ if starts(&["escrib"]) => self.messages = true,
            _ if starts(&["text", "sms", "texte"]) => self.media.push(Medium::Texts),
            "phone" if is_next(&["me", "us"]) => self.media.push(Medium::Calls),
            "phone" | "telephone" | "telefono" => {}
            // Such a list is of more than calls.
            "call" if is_next(&["list", "registry"]) => {}
            _ if starts(&[
                "call",
                "phon",
                "ring",
                "dial",
                "voicemail",
                "robocall",
                "autodial",
                "llam",
                "marque",
                "marca",
            ]) =>
            {
                self.media.push(Medium::Calls);
            }
            _ if starts(&["email", "correo"]) => self.media.push(Medium::Email),
            _ if starts(&["whats", "wasap", "guasap"]) => self.media.push(Medium::Whatsapp),
            _ => {}
        }
    }
}

/// The words of the clause that a passage stands in, and of a list that goes on behind it: "do not call, text, or email me".
fn clauses_of(words: &[Word], (from, to): (usize, usize)) -> &[Word] {
    let parts = |word: &Word| word.is_comma() || word.is_cut();
    let start = words[..from].iter().rposition(parts).map_or(0, |place| place + 1);
    let end_of = |from: usize| {
        let rest = words.get(from..).unwrap_or_default();
        from + rest.iter().position(parts).unwrap_or(rest.len())
    };
    let mut end = end_of(to.max(from));
    // "Do not call me, text me, or email me" is a list; "don't call me, text me" says how to go on.
    let mut reached = end;
    while words.get(reached).is_some_and(Word::is_comma) {
        let next = end_of(reached + 1);
        let Some(goes_on) = item(&words[reached + 1..next]) else {
            break;
        };
        reached = next;
        if goes_on {
            end = reached;
        }
    }
    &words[start..end]
}

/// An item of a list: "text", "or email me", "the texts and the letters". False where it is one only when another follows.
fn item(words: &[Word]) -> Option<bool> {
    const JOINS: [&str; 6] = ["or", "and", "nor", "ni", "o", "y"];
    const ARTICLES: [&str; 12] = [
        "the", "your", "any", "more", "by", "via", "no", "los", "las", "por", "sus", "not",
    ];
    let is_one_of = |word: &Word, list: &[&str]| list.contains(&word.text.as_str());
    let joins = words.iter().take_while(|word| is_one_of(word, &JOINS)).count();
    let rest = &words[joins..];
    let articles = rest.iter().take_while(|word| is_one_of(word, &ARTICLES)).count();
    let (first, after) = rest[articles..].split_first()?;
    let mut named = Named::default();
    named.note(first, after.first());
    let names = !named.media.is_empty() || named.letters || named.messages;
    let is_alone = match after {
        [] => true,
        [second, ..] => is_one_of(second, &JOINS),
    };
    let is_imperative = after.len() == 1 && is_one_of(&after[0], &["me", "us"]);
    match names {
        true if joins > 0 || is_alone => Some(true),
        true if is_imperative => Some(false),
        _ => None,
    }
}

/// Where a sentence asks for letters and nothing else.
pub(super) fn by_letter_alone(sentence: &Sentence) -> Option<(Sentence, Vec<(usize, usize)>)> {
    BY_LETTER.passages(sentence)
}

/// The sentence without the ways that are welcome: "don't email me text is fine".
pub(super) fn without_welcome(sentence: &Sentence) -> Sentence {
    let mut rest = WELCOME.without_exceptions(sentence);
    for word in rest.words.iter_mut().filter(|word| word.is_cut()) {
        *word = Word::plain(",");
    }
    rest
}
