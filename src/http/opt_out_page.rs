//! The pages of an opt-out link, in English and Spanish. They name the business and a little of the address, and neither a
//! person nor a debt (15 USC 1692c(b); 12 CFR 1006.6(e)). The answer confirms the request and says nothing else (12 CFR
//! 1006.14(h)(2)(i)). No script, no style from elsewhere, nothing to track.

use axum::http::{HeaderMap, header};

use crate::{
    compliance::{AddressKind, LinkPlace, ONE_CLICK, ONE_CLICK_FIELD, reading::OptOutReach},
    platform::html::escaped,
};

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Spanish,
}

impl Language {
    /// The one of the two that the reader's program likes better (RFC 9110, section 12.5.4); English where it says nothing.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let wanted = headers
            .get_all(header::ACCEPT_LANGUAGE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let (mut english, mut spanish) = (0.0, 0.0);
        for range in wanted {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight = weight
                .trim()
                .strip_prefix("q=")
                .and_then(|text| text.parse().ok());
            let weight: f32 = weight.unwrap_or(0.0);
            let tag = tag.trim().to_ascii_lowercase();
            match tag.split('-').next().unwrap_or_default() {
                "en" => english = weight.max(english),
                "es" => spanish = weight.max(spanish),
                _ => {}
            }
        }
        if spanish > english {
            Self::Spanish
        } else {
            Self::English
        }
    }

    /// The reverse of [`Language::tag`]; English for anything else.
    pub(super) fn parse(tag: &str) -> Self {
        match tag {
            "es" => Self::Spanish,
            _ => Self::English,
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    fn say(self, english: &'static str, spanish: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Spanish => spanish,
        }
    }
}

/// The field that says how far the request reaches, and the value for every way.
pub(super) const REACH_FIELD: &str = "reach";
pub(super) const EVERY_WAY: &str = "all";
/// The field that says in which language the page was shown; a mail program's own request has none.
pub(super) const SHOWN_FIELD: &str = "shown";

/// What a button of the page says: the words that whoever presses it has read.
pub(super) fn asked(language: Language, kind: AddressKind, reach: OptOutReach) -> &'static str {
    match (reach, kind) {
        (OptOutReach::Channel, AddressKind::Email) => language.say(
            "Stop e-mail to this address",
            "No me envíen más correos a esta dirección",
        ),
        (OptOutReach::Channel, AddressKind::Phone) => language.say(
            "Stop texts and automated calls to this number",
            "No me envíen más mensajes de texto ni llamadas automáticas a este número",
        ),
        (OptOutReach::AllContact, _) => language.say(
            "Stop contacting me, in every way",
            "No se comuniquen más conmigo, de ninguna manera",
        ),
    }
}

/// The page that asks. Following the link changes nothing: scanners of mail and previews do that too.
pub(super) fn ask(language: Language, place: &LinkPlace) -> String {
    let address = match (&place.masked, place.kind) {
        (Some(masked), _) => masked.as_str(),
        (None, AddressKind::Email) => language.say("this address", "esta dirección"),
        (None, AddressKind::Phone) => language.say("this number", "este número"),
    };
    let title = language.say("Stop messages", "Dejar de recibir mensajes");
    let sender = language.say("Messages from", "Mensajes de");
    let to = language.say("to", "a");
    let nothing_yet = language.say(
        "Nothing changes until you press a button.",
        "Nada cambia hasta que pulse un botón.",
    );
    let buttons: String = [OptOutReach::Channel, OptOutReach::AllContact]
        .map(|reach| button(language, place.kind, reach))
        .concat();
    let body = format!(
        "<h1>{title}</h1>\n<p>{sender} <strong>{}</strong> {to} <strong>{}</strong>.</p>\n<p>{nothing_yet}</p>\n{buttons}",
        escaped(&place.business),
        escaped(address),
    );
    page(language, title, &body)
}

fn button(language: Language, kind: AddressKind, reach: OptOutReach) -> String {
    let all = match reach {
        OptOutReach::Channel => String::new(),
        OptOutReach::AllContact => {
            format!("<input type=\"hidden\" name=\"{REACH_FIELD}\" value=\"{EVERY_WAY}\">")
        }
    };
    format!(
        "<form method=\"post\"><input type=\"hidden\" name=\"{ONE_CLICK_FIELD}\" value=\"{ONE_CLICK}\">\
         <input type=\"hidden\" name=\"{SHOWN_FIELD}\" value=\"{}\">{all}<button>{}</button></form>\n",
        language.tag(),
        asked(language, kind, reach)
    )
}

/// The page that confirms.
pub(super) fn done(language: Language) -> String {
    let title = language.say("Request received", "Solicitud recibida");
    let text = language.say(
        "We have received your request and will honor it.",
        "Hemos recibido su solicitud y la cumpliremos.",
    );
    page(language, title, &format!("<h1>{title}</h1>\n<p>{text}</p>\n"))
}

/// The page for a link that leads nowhere, the same whatever is wrong with it.
pub(super) fn nowhere(language: Language) -> String {
    let title = language.say("This link does not work", "Este enlace no funciona");
    let text = language.say(
        "Copy the whole link from the message, or answer the message with the word STOP.",
        "Copie el enlace completo del mensaje o responda al mensaje con la palabra STOP.",
    );
    page(language, title, &format!("<h1>{title}</h1>\n<p>{text}</p>\n"))
}

/// The page for a time when nothing can be recorded.
pub(super) fn later(language: Language) -> String {
    let title = language.say("Please try again", "Inténtelo de nuevo");
    let text = language.say(
        "Your request was not recorded. Please try again in a few minutes.",
        "No pudimos registrar su solicitud. Inténtelo de nuevo en unos minutos.",
    );
    page(language, title, &format!("<h1>{title}</h1>\n<p>{text}</p>\n"))
}

fn page(language: Language, title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex, nofollow, noarchive\">\n<title>{title}</title>\n</head>\n<body>\n<main>\n\
         {body}</main>\n</body>\n</html>\n",
        language.tag()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_the_reader_likes_better() {
        for (wanted, language) in [
            (None, Language::English),
            (Some("es-MX,es;q=0.9,en;q=0.8"), Language::Spanish),
            (Some("en-US,en;q=0.9,es;q=0.9"), Language::English),
            (Some("fr, es;q=0.1"), Language::Spanish),
            (Some("es;q=0, en"), Language::English),
            (Some("es;q=much"), Language::English),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(wanted) = wanted {
                headers.insert(header::ACCEPT_LANGUAGE, wanted.parse().unwrap());
            }
            assert_eq!(Language::of(&headers), language, "{wanted:?}");
        }
    }

    #[test]
    fn a_page_says_who_and_a_little_of_where_and_what_is_foreign_stays_text() {
        let place = LinkPlace {
            business: "<b>Acme & Co</b>".to_owned(),
            kind: AddressKind::Email,
            masked: Some("m•••@m•••".to_owned()),
        };
        let page = ask(Language::Spanish, &place);
        assert!(page.contains("&lt;b&gt;Acme &amp; Co&lt;/b&gt;") && page.contains("m•••@m•••"));
        assert!(page.contains("<html lang=\"es\">") && page.contains("No me envíen más correos"));
        assert_eq!(page.matches("<form method=\"post\">").count(), 2);
        for word in ["debt", "owe", "collect", "deuda", "deb", "cobr"] {
            let text = ask(Language::English, &place).to_lowercase();
            assert!(!text.contains(word), "{word}");
        }
    }
}
