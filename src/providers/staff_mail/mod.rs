//! What mails to staff say, in the language and the time zone of whom they are sent to.

mod english;
mod spanish;

use chrono::{DateTime, Utc};

use crate::identity::ports::{MailLanguage, MailReader, StaffMail};

/// Subject, plain text and HTML.
pub(super) type Rendered = (&'static str, String, String);

/// Links, keys' beginnings and dates are made by us of unreserved characters: nothing to escape; names are people's own words.
pub(super) fn render(reader: MailReader, mail: &StaffMail) -> Rendered {
    match reader.language {
        MailLanguage::English => english::render(reader, mail),
        MailLanguage::Spanish => spanish::render(reader, mail),
    }
}

/// An instant by the reader's clock, which is named.
fn moment(reader: MailReader, at: DateTime<Utc>) -> String {
    at.with_timezone(&reader.zone)
        .format("%Y-%m-%d %H:%M %Z")
        .to_string()
}

/// A stranger's words for a mail to somebody else: short, and nothing that a mail program makes a link of.
fn unlinked(text: &str) -> String {
    const MOST: usize = 80;
    let mut words = String::new();
    let mut letters = text.chars().take(MOST).peekable();
    while let Some(letter) = letters.next() {
        words.push(letter);
        let goes_on = letters.peek().is_some_and(|next| !next.is_whitespace());
        if matches!(letter, '.' | ':' | '/' | '@') && goes_on {
            words.push(' ');
        }
    }
    if text.chars().count() > MOST {
        words.push('\u{2026}');
    }
    words
}

/// Text that stands for itself in HTML (HTML Living Standard, section 13.1.2: `&` and `<` begin something else).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A mail that somebody asked for: what happened where, and where to look.
fn notice(
    [sign_in, why]: [&str; 2],
    subject: &'static str,
    what: &str,
    business: &str,
    link: &str,
) -> Rendered {
    (
        subject,
        format!("{what} {business}.\n\n{sign_in}: {link}\n\n{why}"),
        format!(
            "<p>{what} {}.</p><p><a href=\"{link}\">{sign_in}</a></p><p>{why}</p>",
            escaped(business)
        ),
    )
}

/// A mail of one paragraph.
fn plain(subject: &'static str, text: &str) -> Rendered {
    (subject, text.to_owned(), format!("<p>{text}</p>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READERS: [MailReader; 2] = [
        MailReader {
            language: MailLanguage::English,
            zone: chrono_tz::America::New_York,
        },
        MailReader {
            language: MailLanguage::Spanish,
            zone: chrono_tz::Europe::Madrid,
        },
    ];

    #[test]
    fn each_reads_their_own_language_and_clock() {
        let mail = StaffMail::ApiKeyEnds {
            prefix: "fck_abc".to_owned(),
            ends: "2026-06-10T22:30:00Z".parse().unwrap(),
        };
        let [english, spanish] = READERS.map(|reader| render(reader, &mail));
        assert!(
            english.1.contains("fck_abc ends on 2026-06-10 18:30 EDT."),
            "{}",
            english.1
        );
        assert!(
            spanish.1.contains("fck_abc termina el 2026-06-11 00:30 CEST."),
            "{}",
            spanish.1
        );
        assert_eq!(spanish.0, "Una clave de API de su empresa termina pronto");
        // What nobody says, and what we do not speak, is English.
        for (language, is_spanish) in [
            (None, false),
            (Some("en-US"), false),
            (Some("fr"), false),
            (Some("es"), true),
            (Some("es-MX"), true),
        ] {
            let reader = MailReader::of(language, None);
            assert_eq!(
                reader.language == MailLanguage::Spanish,
                is_spanish,
                "{language:?}"
            );
            assert_eq!(reader.zone, chrono_tz::UTC);
        }
    }

    #[test]
    fn a_stranger_cannot_write_a_link_into_a_mail_to_somebody_else() {
        for reader in READERS {
            no_link(reader);
        }
    }

    fn no_link(reader: MailReader) {
        let mail = |name: &str, business: &str| {
            let mail = StaffMail::VerifyEmail {
                name: name.to_owned(),
                business: business.to_owned(),
                link: "https://f.example/verify-email?token=fcv_x".to_owned(),
            };
            let (_, text, html) = render(reader, &mail);
            (text, html)
        };
        let (text, html) = mail("J. R. Smith", "Smith & Sons Inc.");
        assert!(
            text.contains("\u{201c}J. R. Smith\u{201d}")
                && text.contains("\u{201c}Smith & Sons Inc.\u{201d}")
        );
        assert!(html.contains("Smith &amp; Sons Inc."), "{html}");
        let (text, html) = mail("Win at https://evil.example/now", "mail@evil.example <b>");
        for part in [&text, &html] {
            assert!(!part.contains("evil.example") && !part.contains("//e"), "{part}");
            assert!(part.contains("evil. example"), "{part}");
        }
        assert!(html.contains("&lt;b&gt;"), "{html}");
        let (text, _) = mail(&"long ".repeat(60), "Initech");
        assert!(text.len() < 700, "{text}");
    }

    #[test]
    fn a_business_cannot_write_html_into_our_mails() {
        let business = "<a href=\"https://evil.example\">Smith & Sons</a>".to_owned();
        for mail in [
            StaffMail::Invitation {
                business: business.clone(),
                link: "https://f.example/a".to_owned(),
            },
            StaffMail::Welcome {
                business: business.clone(),
                link: "https://f.example".to_owned(),
            },
            StaffMail::ConversationAssigned {
                business: business.clone(),
                link: "https://f.example".to_owned(),
            },
        ] {
            for reader in READERS {
                let (_, text, html) = render(reader, &mail);
                assert!(text.contains(&business), "{text}");
                assert!(html.contains("Smith &amp; Sons&lt;/a&gt;"), "{html}");
                assert!(!html.contains("evil.example\">Smith & Sons"), "{html}");
            }
        }
    }
}
