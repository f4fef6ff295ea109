//! What reads as a request to be left alone, and what only looks like one.

use super::keywords::{InboundKeyword, OptOutReach, disputes, recognise};

const CHANNEL: Option<InboundKeyword> = Some(InboundKeyword::OptOut(OptOutReach::Channel));
const ALL_CONTACT: Option<InboundKeyword> = Some(InboundKeyword::OptOut(OptOutReach::AllContact));

#[test]
fn keywords_count_in_any_case_spacing_and_punctuation() {
    for text in [
        "STOP",
        "stop.",
        " Stop! ",
        "\"STOP\"",
        "“stop”",
        "STOP 🛑🛑",
        "S T O P",
        "s.t.o.p.",
        "ＳＴＯＰ",
        "Stop\n",
        "QUIT",
        "END",
        "REVOKE",
        "OPT OUT",
        "opt-out",
        "optout",
        "CANCEL",
        "UNSUBSCRIBE",
        "STOPALL",
        "stop all",
        "Stop please",
        "please stop",
        "STOP NOW!!!",
        "ok stop thanks",
        "stop stop stop",
        "stop. unsubscribe",
        "PARAR",
        "Alto",
        "¡ALTO!",
        "CANCELAR",
        "baja",
        "Detener",
        "no molestar",
        "No Molestar por favor",
        "NO MÁS",
        "no ma\u{301}s mensajes",
        "basta ya",
        "para",
    ] {
        assert_eq!(recognise(text), CHANNEL, "{text:?}");
    }
}

#[test]
fn plain_requests_in_english_and_spanish_count() {
    for text in [
        "stop texting me",
        "Please stop texting me!",
        "why dont you stop texting me?",
        "Remove me from your list",
        "take me off your list",
        "I revoke my consent to texts",
        "don’t text me again",
        "lose my number",
        "No me manden más mensajes",
        "ya no me escriban por favor",
        "quítenme de su lista",
        "I can't stop worrying, so stop texting me",
    ] {
        assert_eq!(recognise(text), CHANNEL, "{text:?}");
    }
}

#[test]
fn a_request_to_end_all_contact_reaches_further() {
    for text in [
        "stop contacting me",
        "Do not contact me again by any means.",
        "I want all communication to cease",
        "please don't contact me anymore",
        "Leave me alone",
        "No me contacten más",
        "déjenme en paz",
        "cease and desist",
        "stop contacting me and do not contact my employer",
    ] {
        assert_eq!(recognise(text), ALL_CONTACT, "{text:?}");
    }
}

#[test]
fn ordinary_sentences_with_the_same_words_do_not_count() {
    for text in [
        "can I stop by your office to pay?",
        "when does my payment plan end?",
        "I can't stop worrying",
        "I quit my job last month and money is tight",
        "does the late fee stop if I pay today?",
        "I want to cancel my payment scheduled for Friday",
        "¿para cuándo es el pago?",
        "el saldo es muy alto",
        "voy a parar en la oficina para pagar",
        "no pare",
        "The end of the month works",
        "stop by the office",
        "should I stop sending payments?",
        "do not contact my employer",
        "if you don't call me by noon I'll pay",
        "yes I can pay",
        "start on the 5th please",
        "help me understand the fees",
        "",
        "   ",
        "👍",
    ] {
        assert_eq!(recognise(text), None, "{text:?}");
    }
}

#[test]
fn our_own_instruction_quoted_in_a_reply_is_not_a_request() {
    assert_eq!(recognise("Yes, Friday works.\n> Reply STOP to opt out."), None);
    assert_eq!(recognise("ok. Responda STOP para no recibir más mensajes."), None);
    assert_eq!(recognise("STOP\n> Reply STOP to opt out."), CHANNEL);
}

#[test]
fn start_and_help_count_only_alone() {
    for text in ["START", "unstop", "Yes!", "sí", "INICIAR"] {
        assert_eq!(recognise(text), Some(InboundKeyword::OptIn), "{text:?}");
    }
    for text in ["HELP", "info?", "Ayuda"] {
        assert_eq!(recognise(text), Some(InboundKeyword::Help), "{text:?}");
    }
}

#[test]
fn no_phrase_of_the_content_scanner_reads_as_a_request() {
    let phrases: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../tests/data/compliance-phrases.json")).expect("the phrases");
    let texts: Vec<&str> = phrases
        .iter()
        .flat_map(|entry| [&entry["prohibited"], &entry["near_miss_allowed"]])
        .flat_map(|list| list.as_array().expect("a list"))
        .map(|text| text.as_str().expect("a text"))
        .collect();
    assert_eq!(texts.len(), 65);
    for text in texts {
        assert_eq!(recognise(text), None, "{text:?}");
    }
}

#[test]
fn a_plain_dispute_is_seen_and_inability_to_pay_is_not_one() {
    for text in [
        "This is not my debt, prove it",
        "I dispute this",
        "Esta deuda no es mía",
    ] {
        assert!(disputes(text), "{text:?}");
    }
    for text in ["I can't pay right now", "I lost my job", "my kids are mine"] {
        assert!(!disputes(text), "{text:?}");
    }
}
