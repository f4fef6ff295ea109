//! Requests to be left alone, to hear again, or for help.
//!
//! Any reasonable words count (47 CFR 64.1200(a)(10)). A keyword counts when it is the whole message or a sentence of its
//! own, or stands at its beginning or end beside nothing but courtesies; in a sentence, what asks for an end to messages
//! counts, in doubt too. What is about other things ("stop by the office"), a time ("not before noon"), other people or a
//! payment does not.

use std::sync::LazyLock;

use super::{
    InboundKeyword, OptOutReach,
    media::{Medium, Reach, by_letter_alone, reach, without_welcome},
    pattern::Kind,
    words::Sentence,
};

/// The FCC's words, the ones that Twilio acts on by itself, and their Spanish equals.
const OPT_OUT: &[&str] = &[
    "stop",
    "stopall",
    "stop all",
    "quit",
    "end",
    "revoke",
    "opt out",
    "optout",
    "cancel",
    "unsubscribe",
    "parar",
    "alto",
    "cancelar",
    "cancela",
    "cancelen",
    "cancele",
    "baja",
    "dar de baja",
    "darme de baja",
    "darse de baja",
    "date de baja",
    "deme de baja",
    "denme de baja",
    "dame de baja",
    "de baja",
    "detener",
    "detengan",
    "detente",
    "detenganse",
    "no molestar",
    "no molesten",
    "no moleste",
    "no mas",
    "no mas mensajes",
    "pare",
    "paren",
    "basta",
    "para",
    "stop it",
    "quit it",
    "stop this",
    "stop that",
    "end it",
    "end this",
    "cease",
    "desuscribir",
    "desuscribirme",
    "desuscribirse",
    "anular",
    "opt me out",
    "opting out",
    "opted out",
    "no texts",
    "no text",
    "no calls",
    "stop everything",
    "cancel everything",
    "cancel all",
    "end all",
    "remove",
    "remove me",
    "enough",
    "ya basta",
    "salir",
    "ya no",
    "halt",
    "discontinue",
    "desist",
    "terminate",
    "delete me",
    "stop please",
    "borrenme",
    "eliminenme",
    "no llamar",
    "no llamen",
    "no escriban",
    "no manden",
    "no manden mas",
    "no gracias ya no",
];

/// Of these, the ones that count as a sentence of their own beside others.
const OPT_OUT_IN_PASSING: &[&str] = &[
    "stop",
    "stopall",
    "stop all",
    "quit",
    "revoke",
    "opt out",
    "cancel",
    "unsubscribe",
    "alto",
    "basta",
    "pare",
    "paren",
    "no molestar",
    "no molesten",
    "no mas mensajes",
    "stop it",
    "quit it",
    "stop this",
    "opt me out",
    "no texts",
    "no calls",
    "cease",
    "desuscribir",
    "dar de baja",
    "darme de baja",
    "denme de baja",
    "ya basta",
];

/// Words that restore one channel and number. A bare "yes" answers whatever was asked last, so it restores nothing.
const OPT_IN: &[&str] = &["start", "unstop", "iniciar", "comenzar", "empezar", "reanudar"];

/// Words that ask who writes.
const HELP: &[&str] = &["help", "info", "ayuda", "informacion"];

/// What may stand beside a keyword without changing it.
const COURTESIES: &[&str] = &[
    "please",
    "thanks",
    "thank you",
    "now",
    "right now",
    "immediately",
    "today",
    "ok",
    "okay",
    "hi",
    "hello",
    "hey",
    "already",
    "just",
    "por favor",
    "gracias",
    "ya",
    "hola",
    "ahora",
    "ahora mismo",
    "i said",
    "i told you to",
    "i told you",
    "i told you guys to",
    "you need to",
    "you must",
    "sms",
    "texts",
    "messages",
    "text",
    "mensajes",
    "sir",
    "maam",
    "man",
    "bro",
    "dude",
    "guys",
    "people",
    "damn it",
    "dammit",
    "fucking",
    "the fuck",
    "asshole",
    "senor",
    "senora",
    "les dije",
    "dije",
    "lol",
    "for real",
    "seriously",
    "sorry",
    "disculpe",
    "i want to",
    "i would like to",
    "quiero",
    "de una vez",
    "omg",
];

/// An end to everything: a notice under 12 CFR 1006.6(c).
static CEASE: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/cease.txt")));
/// An end to messages.
static OPT_OUT_SENTENCES: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/opt_out.txt")));

/// Not to be contacted at work.
static NOT_AT_WORK: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/not_at_work.txt")));

/// They are not to be contacted at work, by their own word or their employer's (15 USC 1692c(a)(3); 12 CFR 1006.6(b)(3)): one
/// statement is enough.
pub(super) fn is_not_at_work(sentences: &[Sentence]) -> bool {
    NOT_AT_WORK.is_said(sentences)
}

/// What the sentences ask for, and what an opt-out is of.
pub(super) fn request(sentences: &[Sentence]) -> (Option<InboundKeyword>, Vec<Medium>) {
    let whole: Vec<String> = sentences.iter().map(Sentence::plain).collect();
    let keyword = keyword(&whole.join(" "));
    if let Some(keyword) = keyword
        && keyword != InboundKeyword::OptOut(OptOutReach::Channel)
    {
        return (Some(keyword), Vec::new());
    }
    if keyword.is_none() && CEASE.is_said(sentences) {
        return (Some(ALL_CONTACT), Vec::new());
    }
    let opt_outs: Vec<(Sentence, Passages)> = sentences
        .iter()
        .filter_map(|sentence| opt_out(sentence, keyword.is_some()))
        .collect();
    if opt_outs.is_empty() {
        return (None, Vec::new());
    }
    match reach(&opt_outs) {
        Reach::AllContact => (Some(ALL_CONTACT), Vec::new()),
        Reach::Media(media) => (Some(InboundKeyword::OptOut(OptOutReach::Channel)), media),
    }
}

const ALL_CONTACT: InboundKeyword = InboundKeyword::OptOut(OptOutReach::AllContact);

/// From and up to where in a sentence an opt-out is said.
type Passages = Vec<(usize, usize)>;

/// Where a sentence asks for an end to messages: without what it does not say, and where it asks. `is_keyword`: the whole text is
/// one.
fn opt_out(sentence: &Sentence, is_keyword: bool) -> Option<(Sentence, Passages)> {
    if let Some(found) = by_letter_alone(sentence) {
        return Some(found);
    }
    let bare = without_welcome(sentence);
    if let Some(found) = OPT_OUT_SENTENCES.passages(&bare) {
        return Some(found);
    }
    let whole = |sentence: Sentence| {
        let end = sentence.words.len();
        (sentence, vec![(0, end)])
    };
    let in_passing = !sentence.asks && is_opt_out(&sentence.plain(), OPT_OUT_IN_PASSING);
    if is_keyword || in_passing || shouts_stop(sentence) {
        return Some(whole(bare));
    }
    // What is welcome was part of what asks for an end.
    OPT_OUT_SENTENCES.passages(sentence)
}

/// "Please STOP these", in a text that is not all in capitals; not "don't STOP".
fn shouts_stop(sentence: &Sentence) -> bool {
    let is_shouted = sentence.words.iter().any(|word| word.is_shouted);
    if !is_shouted {
        return false;
    }
    // "I accidentally texted STOP"
    let sentence = OPT_OUT_SENTENCES.without_exceptions(sentence);
    sentence.words.iter().enumerate().any(|(place, word)| {
        let is_keyword = matches!(
            word.text.as_str(),
            "stop" | "unsubscribe" | "quit" | "cancel" | "alto"
        );
        let before = sentence.words[..place].iter().rev().take(3);
        let is_denied = before
            .into_iter()
            .any(|word| matches!(word.text.as_str(), "not" | "never" | "if" | "does" | "what"));
        word.is_shouted && is_keyword && !is_denied
    })
}

fn keyword(words: &str) -> Option<InboundKeyword> {
    if is_opt_out(words, OPT_OUT) {
        return Some(InboundKeyword::OptOut(OptOutReach::Channel));
    }
    if OPT_IN.contains(&words) {
        return Some(InboundKeyword::OptIn);
    }
    HELP.contains(&words).then_some(InboundKeyword::Help)
}

/// The words are one of the keywords, or several, beside nothing but courtesies.
fn is_opt_out(words: &str, keywords: &[&str]) -> bool {
    let mut rest = Some(words.to_owned());
    while let Some(bare) = rest {
        let is_run = bare.split(' ').all(|word| keywords.contains(&word));
        if is_run || keywords.contains(&bare.as_str()) {
            return true;
        }
        rest = without_one_courtesy(&bare);
    }
    false
}

/// The message without a courtesy at its beginning or end, if it has one.
fn without_one_courtesy(words: &str) -> Option<String> {
    COURTESIES.iter().find_map(|courtesy| {
        let from_start = words
            .strip_prefix(courtesy)
            .and_then(|rest| rest.strip_prefix(' '));
        let from_end = words
            .strip_suffix(courtesy)
            .and_then(|rest| rest.strip_suffix(' '));
        from_start.or(from_end).map(str::to_owned)
    })
}
