//! What a debtor asks for in an inbound message: to be left alone, to hear from us again, or for help.
//!
//! Any reasonable words count (47 CFR 64.1200(a)(10)), so beside the keywords clear requests in plain English
//! and Spanish are recognised. A keyword counts when it is the whole message, or stands at its beginning or
//! end beside nothing but courtesies. A word such as "stop" inside an ordinary sentence does not. This is the
//! deterministic first look that acts at once; what it does not recognise is still read by a person or a
//! classifier, which may only add requests.

/// What an inbound message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboundKeyword {
    /// Not to be contacted any more.
    OptOut(OptOutReach),
    /// To be contacted again on this channel and number.
    OptIn,
    /// To be told who writes and how to stop it.
    Help,
}

/// How far a request to be left alone reaches. In doubt the wider reading is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOutReach {
    /// This channel: "STOP", "stop texting me".
    Channel,
    /// Every channel, a written notice under 12 CFR 1006.6(c): "do not contact me again".
    AllContact,
}

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
    "baja",
    "dar de baja",
    "darme de baja",
    "date de baja",
    "deme de baja",
    "detener",
    "detengan",
    "detente",
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
];

/// Words that restore one channel and number.
const OPT_IN: &[&str] = &[
    "start", "unstop", "yes", "si", "iniciar", "comenzar", "empezar", "reanudar",
];

/// Words that ask who writes.
const HELP: &[&str] = &["help", "info", "ayuda", "informacion"];

/// What may stand beside a keyword without changing it.
const COURTESIES: &[&str] = &[
    "please",
    "pls",
    "plz",
    "thanks",
    "thank you",
    "thx",
    "now",
    "ok",
    "okay",
    "hi",
    "hello",
    "already",
    "just",
    "por favor",
    "gracias",
    "ya",
    "hola",
    "ahora",
    "i said",
    "sms",
    "texts",
    "messages",
    "text",
    "mensajes",
];

/// Phrases that ask for an end to everything.
const CEASE_PHRASES: &[&str] = &[
    "stop contacting",
    "quit contacting",
    "do not contact",
    "dont contact",
    "never contact",
    "no longer contact",
    "no further contact",
    "no more contact",
    "cease all",
    "cease contact",
    "cease communication",
    "cease and desist",
    "communication to cease",
    "communications to cease",
    "contact to cease",
    "leave me alone",
    "stop harassing",
    "stop bothering",
    "quit bothering",
    "stop all contact",
    "stop all communication",
    "no me contacten",
    "no me contacte",
    "no me contactes",
    "dejen de contactarme",
    "deje de contactarme",
    "dejenme en paz",
    "dejeme en paz",
    "no quiero que me contacten",
    "dejen de molestar",
    "dejen de molestarme",
    "deje de molestarme",
    "no me molesten",
    "no me moleste",
];

/// Phrases that ask for an end to messages.
const OPT_OUT_PHRASES: &[&str] = &[
    "stop texting",
    "quit texting",
    "stop messaging",
    "stop sending me",
    "stop sending these",
    "stop sending texts",
    "stop sending messages",
    "quit sending me",
    "stop emailing",
    "stop calling",
    "quit calling",
    "do not text",
    "dont text",
    "do not message",
    "dont message",
    "do not email",
    "dont email",
    "do not call me",
    "dont call me",
    "do not call this number",
    "dont call this number",
    "do not call here",
    "dont call here",
    "never call me",
    "do not call again",
    "dont call again",
    "do not send me",
    "dont send me",
    "stop these messages",
    "stop these texts",
    "stop these calls",
    "stop the messages",
    "stop the texts",
    "stop the calls",
    "no more texts",
    "no more messages",
    "no more calls",
    "remove me",
    "take me off",
    "remove my number",
    "delete my number",
    "take my number off",
    "unsubscribe me",
    "opt me out",
    "i want to opt out",
    "i want to unsubscribe",
    "i wish to opt out",
    "i would like to opt out",
    "i revoke my consent",
    "revoke consent",
    "withdraw my consent",
    "lose my number",
    "no me manden",
    "no me mande",
    "no me mandes",
    "no me envien",
    "no me envie",
    "no me envies",
    "no me escriban",
    "no me escriba",
    "no me llamen",
    "no me llame",
    "dejen de mandar",
    "deje de mandar",
    "dejen de enviar",
    "deje de enviar",
    "dejen de mandarme",
    "dejen de enviarme",
    "dejen de escribirme",
    "deje de escribirme",
    "dejen de llamarme",
    "deje de llamarme",
    "no quiero recibir",
    "no quiero mas mensajes",
    "no mas mensajes",
    "quitenme de",
    "quiteme de",
    "saquenme de",
    "saqueme de",
    "borren mi numero",
    "borre mi numero",
    "eliminen mi numero",
];

/// Phrases that hold the words of a request and mean something else; they are taken out before requests are
/// sought.
const NOT_A_REQUEST: &[&str] = &[
    "if you do not contact",
    "if you dont contact",
    "if you do not call me",
    "if you dont call me",
    "if you do not send me",
    "if you dont send me",
    "do not contact my employer",
    "dont contact my employer",
    "do not contact my work",
    "dont contact my work",
    "remove me as",
    "remove me from autopay",
    "remove me from the hold",
    "take me off hold",
    "take me off autopay",
];

/// Phrases by which somebody disputes a debt.
const DISPUTE_PHRASES: &[&str] = &[
    "not my debt",
    "isnt my debt",
    "is not mine",
    "isnt mine",
    "i dispute",
    "im disputing",
    "i am disputing",
    "dont owe this",
    "do not owe this",
    "dont owe you",
    "do not owe you",
    "never owed",
    "prove it",
    "prove i owe",
    "validate this debt",
    "validate the debt",
    "verify this debt",
    "no es mi deuda",
    "esta deuda no es mia",
    "disputo",
    "no debo esto",
    "no les debo",
];

/// Recognises what an inbound message asks for; `None` when it is not plain.
pub fn recognise(text: &str) -> Option<InboundKeyword> {
    let words = own_words(text);
    if let Some(keyword) = keyword(&words) {
        return Some(keyword);
    }
    let words = without_phrases(&words, NOT_A_REQUEST);
    if contains_any(&words, CEASE_PHRASES) {
        return Some(InboundKeyword::OptOut(OptOutReach::AllContact));
    }
    contains_any(&words, OPT_OUT_PHRASES).then_some(InboundKeyword::OptOut(OptOutReach::Channel))
}

/// The message disputes the debt, in words that leave no doubt.
pub fn disputes(text: &str) -> bool {
    contains_any(&own_words(text), DISPUTE_PHRASES)
}

fn keyword(words: &str) -> Option<InboundKeyword> {
    let mut rest = Some(words.to_owned());
    while let Some(bare) = rest {
        let is_run = bare.split(' ').all(|word| OPT_OUT.contains(&word));
        if OPT_OUT.contains(&bare.as_str()) || is_run {
            return Some(InboundKeyword::OptOut(OptOutReach::Channel));
        }
        rest = without_one_courtesy(&bare);
    }
    if OPT_IN.contains(&words) {
        return Some(InboundKeyword::OptIn);
    }
    HELP.contains(&words).then_some(InboundKeyword::Help)
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

/// The message in normal form, without our own instructions where a reply quotes them ("Reply STOP to opt
/// out").
pub(super) fn own_words(text: &str) -> String {
    let own: Vec<&str> = text
        .split_inclusive(['.', '\n', '!', ';'])
        .filter(|part| !is_quoted(part))
        .collect();
    normalise(&own.concat())
}

fn is_quoted(sentence: &str) -> bool {
    const INSTRUCTIONS: [&str; 5] = [
        "reply stop to",
        "text stop to",
        "reply yes to",
        "responda stop",
        "responda alto",
    ];
    let words = normalise(sentence);
    sentence.trim_start().starts_with('>')
        || INSTRUCTIONS.iter().any(|instruction| words.contains(instruction))
}

/// Lower case, no accents, no apostrophes, words set apart by single spaces; "s t o p" becomes "stop".
fn normalise(text: &str) -> String {
    let letters: String = text
        .chars()
        .filter(|character| !is_invisible(*character))
        .flat_map(char::to_lowercase)
        .map(without_accent)
        .map(|character| {
            if character.is_alphanumeric() {
                character
            } else {
                ' '
            }
        })
        .collect();
    let words: Vec<&str> = letters.split_whitespace().collect();
    let is_spelled_out = words.len() > 2 && words.iter().all(|word| word.chars().count() == 1);
    if is_spelled_out {
        words.concat()
    } else {
        words.join(" ")
    }
}

/// Apostrophes, combining accents and zero-width characters: they part no words.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\'' | '’' | '‘' | '`' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe0f}' | '\u{feff}'
    )
}

fn without_accent(character: char) -> char {
    match character {
        'á' | 'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        // Full-width letters, which some keyboards send.
        'ａ'..='ｚ' => char::from_u32(u32::from(character) - 0xFF41 + 0x61).unwrap_or(character),
        other => other,
    }
}

pub(super) fn without_phrases(words: &str, phrases: &[&str]) -> String {
    let padded = format!(" {words} ");
    phrases
        .iter()
        .fold(padded, |text, phrase| text.replace(&format!(" {phrase} "), " | "))
}

pub(super) fn contains_any(words: &str, phrases: &[&str]) -> bool {
    let padded = format!(" {words} ");
    phrases
        .iter()
        .any(|phrase| padded.contains(&format!(" {phrase} ")))
}
