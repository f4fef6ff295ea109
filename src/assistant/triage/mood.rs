//! How a text is meant, on the scale of five.

use super::{HOSTILE, UPSET, words};
use crate::compliance::reading::Heard;

/// 1 very positive, 2 positive, 3 neutral, 4 negative, 5 hostile.
pub(super) fn sentiment(heard: &Heard) -> u8 {
    if heard.says(&words::HOSTILE) {
        HOSTILE
    } else if heard.says(&words::UPSET) || heard.says(&words::COMPLAINT) || heard.is_cease_notice() {
        UPSET
    } else if heard.says(&words::VERY_PLEASED) {
        1
    } else if heard.says(&words::PLEASED) {
        2
    } else {
        3
    }
}

/// Thanks and the like, and nothing besides.
pub(super) fn is_courtesy(text: &str) -> bool {
    const COURTESIES: [&str; 34] = [
        "ok",
        "okay",
        "k",
        "kk",
        "thanks",
        "thank",
        "thx",
        "ty",
        "you",
        "u",
        "so",
        "very",
        "much",
        "a",
        "lot",
        "got",
        "it",
        "great",
        "good",
        "perfect",
        "cool",
        "awesome",
        "bye",
        "have",
        "nice",
        "day",
        "vale",
        "bueno",
        "gracias",
        "muchas",
        "perfecto",
        "entendido",
        "listo",
        "adios",
    ];
    let words: Vec<String> = text
        .split(|letter: char| !letter.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().replace('ó', "o"))
        .collect();
    !words.is_empty()
        && words.len() <= 8
        && words.iter().all(|word| COURTESIES.contains(&word.as_str()))
        && !text.contains('?')
        && !text.chars().any(char::is_numeric)
}

/// In which language a text is that is too short to tell otherwise: it has signs or words of one that the other has not.
pub(super) fn language_of_few_words(text: &str) -> Option<&'static str> {
    const SPANISH: &[&str] = &[
        "puedo",
        "pagar",
        "pago",
        "pagos",
        "cuotas",
        "plazos",
        "cuanto",
        "cuánto",
        "debo",
        "saldo",
        "deuda",
        "cuenta",
        "quiero",
        "quisiera",
        "necesito",
        "tengo",
        "tienen",
        "dinero",
        "trabajo",
        "perdí",
        "perdi",
        "estoy",
        "gracias",
        "hola",
        "favor",
        "cómo",
        "donde",
        "dónde",
        "cuál",
        "cual",
        "vence",
        "hacer",
        "gustaría",
        "gustaria",
        "poco",
        "planes",
        "aceptan",
        "tarjeta",
        "voy",
        "mañana",
        "hoy",
        "desempleada",
        "desempleado",
        "alcanza",
        "acuerdo",
        "cada",
        "quincena",
        "mensuales",
        "trata",
        "agente",
    ];
    const ENGLISH: &[&str] = &[
        "the", "can", "how", "what", "my", "is", "to", "do", "you", "i", "pay", "owe", "balance", "please",
        "want", "need", "lost", "job", "much", "payment", "payments", "a", "agent", "money",
    ];
    let lower = text.to_lowercase();
    let count = |list: &[&str]| {
        let words = lower.split(|letter: char| !letter.is_alphabetic());
        words.filter(|word| list.contains(word)).count()
    };
    let (spanish, english) = (count(SPANISH), count(ENGLISH));
    if lower.contains(['¿', '¡', 'ñ']) || spanish > english {
        Some("es")
    } else {
        (english > spanish).then_some("en")
    }
}
