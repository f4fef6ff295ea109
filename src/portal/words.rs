//! What debtors are texted: neither a name, nor a creditor, nor an amount, nor that there is a debt. What the law requires
//! in every text is appended by `conversations`.

use crate::{compliance::content::disclosure_language, conversations::SECRET_MARK};

fn in_language(language: &str, english: &str, spanish: &str) -> String {
    let words = if disclosure_language(language) == "es" {
        spanish
    } else {
        english
    };
    words.replace("{}", SECRET_MARK)
}

/// With a one-time code.
pub(super) fn code(language: &str) -> String {
    in_language(
        language,
        "{} is your sign-in code. It is good for 10 minutes. Give it to nobody.",
        "{} es su código de acceso. Vale por 10 minutos. No se lo dé a nadie.",
    )
}

/// With a link.
pub(super) fn link(language: &str) -> String {
    in_language(
        language,
        "The personal link that you asked for: {} If you did not ask, ignore this message.",
        "El enlace personal que solicitó: {} Si no lo solicitó, ignore este mensaje.",
    )
}
