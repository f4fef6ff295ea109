//! The page of an archive that a person can read: who they are to the business, what they owe, and what each file holds, in
//! their language. No I/O.

use std::fmt::Write as _;

use serde_json::Value;

use super::pack::Entry;

/// What the page tells besides the list of files: the first of each, as the lists hold them.
#[derive(Debug, Default)]
pub(super) struct Gist {
    pub(super) profile: Vec<Value>,
    pub(super) contact_points: Vec<Value>,
    pub(super) accounts: Vec<Value>,
}

/// At most this many of each are told on the page; the lists have them all.
pub(super) const MOST_TOLD: usize = 100;

/// The page, in English, or in Spanish for `es`.
pub(super) fn page(language: &str, business: &str, made_on: &str, gist: &Gist, entries: &[Entry]) -> String {
    let spanish = language == "es";
    let say = |english: &'static str, in_spanish: &'static str| if spanish { in_spanish } else { english };
    let mut html = String::new();
    let title = say("Your data", "Sus datos");
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body>\n\
         <h1>{title}</h1>\n<p>{}</p>\n",
        if spanish { "es" } else { "en" },
        escaped(&match spanish {
            false => format!("This is what {business} holds of you, as of {made_on} (UTC)."),
            true => format!("Esto es lo que {business} guarda sobre usted, a fecha de {made_on} (UTC)."),
        })
    );
    section(
        &mut html,
        say("About you", "Sobre usted"),
        gist.profile.iter().map(|row| {
            words(
                row,
                &[
                    "first_name",
                    "last_name",
                    "birth_date",
                    "address",
                    "preferred_language",
                ],
            )
        }),
    );
    section(
        &mut html,
        say("How you are reached", "Cómo se le localiza"),
        gist.contact_points
            .iter()
            .map(|row| words(row, &["kind", "value", "label"])),
    );
    section(
        &mut html,
        say("What is owed", "Lo que se debe"),
        gist.accounts.iter().map(|row| {
            words(
                row,
                &[
                    "account_number",
                    "original_creditor",
                    "status",
                    "balance",
                    "currency",
                ],
            )
        }),
    );
    section(
        &mut html,
        say(
            "The files of this archive",
            "Los archivos de este archivo comprimido",
        ),
        entries.iter().map(|entry| {
            let what = described(&entry.name, spanish);
            match entry.records {
                Some(records) => format!("{}: {what} ({records})", entry.name),
                None => format!("{}: {what}", entry.name),
            }
        }),
    );
    html.push_str("</body></html>\n");
    html
}

fn section(html: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let _ = write!(html, "<h2>{}</h2>\n<ul>\n", escaped(title));
    for line in lines.filter(|line| !line.is_empty()) {
        let _ = writeln!(html, "<li>{}</li>", escaped(&line));
    }
    html.push_str("</ul>\n");
}

/// The values of these fields that there are, side by side.
fn words(row: &Value, fields: &[&str]) -> String {
    let word = |field: &&str| match &row[*field] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(parts) => Some(
            parts
                .values()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(", "),
        ),
        other => Some(other.to_string()),
    };
    fields.iter().filter_map(word).collect::<Vec<_>>().join(" · ")
}

fn described(name: &str, spanish: bool) -> &'static str {
    let (english, in_spanish) = match name {
        "profile.json" => (
            "your name, date of birth, address and languages",
            "su nombre, fecha de nacimiento, dirección e idiomas",
        ),
        "contact_points.json" => (
            "telephone numbers and e-mail addresses",
            "teléfonos y correos electrónicos",
        ),
        "accounts.json" => (
            "your accounts and what is owed on them",
            "sus cuentas y lo que se debe en ellas",
        ),
        "notes.json" => ("notes that staff wrote", "notas que escribió el personal"),
        "ledger.json" => (
            "entries that make up the balances",
            "asientos que forman los saldos",
        ),
        "conversations.json" => ("conversations", "conversaciones"),
        "messages.json" => ("messages from you and to you", "mensajes suyos y para usted"),
        "consents.json" => (
            "consents that you gave or took back",
            "consentimientos que dio o retiró",
        ),
        "suppressions.json" => (
            "addresses that are not contacted",
            "direcciones que no se contactan",
        ),
        "holds.json" => (
            "what stops or shapes collection",
            "lo que detiene o condiciona el cobro",
        ),
        "inconvenient_times.json" => (
            "times that you called inconvenient",
            "horarios que dijo que no le convienen",
        ),
        "decisions.json" => ("why you were contacted, or not", "por qué se le contactó, o no"),
        "documents.json" => ("documents that are kept", "documentos que se conservan"),
        "privacy_requests.json" => ("what you asked about your data", "lo que pidió sobre sus datos"),
        "access_log.json" => ("when staff read your data", "cuándo el personal leyó sus datos"),
        name if name.starts_with("documents/") => ("a document", "un documento"),
        _ => ("more", "más"),
    };
    if spanish { in_spanish } else { english }
}

/// Text that stands in HTML as itself.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_page_is_in_the_persons_language_and_what_they_wrote_stays_text() {
        let gist = Gist {
            profile: vec![
                json!({ "first_name": "<b>Ana</b>", "birth_date": null, "address": { "city": "Austin" } }),
            ],
            ..Gist::default()
        };
        let entries = [Entry {
            name: "messages.json".to_owned(),
            bytes: 2,
            sha256: String::new(),
            records: Some(7),
        }];
        let english = page("en", "Acme & Co", "2026-06-10", &gist, &entries);
        assert!(
            english.contains("<li>&lt;b&gt;Ana&lt;/b&gt; · Austin</li>"),
            "{english}"
        );
        assert!(english.contains("Acme &amp; Co") && english.contains("messages from you and to you (7)"));
        let spanish = page("es", "Acme", "2026-06-10", &gist, &entries);
        assert!(spanish.contains("lang=\"es\"") && spanish.contains("mensajes suyos y para usted (7)"));
    }
}
