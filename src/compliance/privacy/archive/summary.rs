//! The page of an archive that a person can read: who they are to the business, what they owe, and what each file holds, in
//! their language. No I/O.

use std::fmt::Write as _;

use chrono::NaiveDate;
use serde_json::Value;

use super::pack::Entry;
use crate::{compliance::content::disclosure_language, platform::html::escaped};

/// What the page tells besides the list of files: the first of each, as the lists hold them.
#[derive(Debug, Default)]
pub(super) struct Gist {
    pub(super) profile: Vec<Value>,
    pub(super) contact_points: Vec<Value>,
    pub(super) accounts: Vec<Value>,
}

/// At most this many of each are told on the page; the lists have them all.
pub(super) const MOST_TOLD: usize = 100;

/// Whose page, and of what.
pub(super) struct Head<'a> {
    pub(super) language: &'a str,
    pub(super) business: &'a str,
    pub(super) made_on: NaiveDate,
    /// The person took the copy themselves, of one account.
    pub(super) is_of_one_account: bool,
}

/// The page, in English, or in Spanish for whoever is written to in it.
pub(super) fn page(head: &Head<'_>, gist: &Gist, entries: &[Entry]) -> String {
    let (business, made_on) = (head.business, head.made_on);
    let spanish = disclosure_language(head.language) == "es";
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
    if head.is_of_one_account {
        let _ = writeln!(html, "<p>{}</p>", escaped(&left_out(business, spanish)));
    }
    section(
        &mut html,
        say("About you", "Sobre usted"),
        gist.profile.iter().map(|row| {
            words(
                row,
                &[
                    "first_name",
                    "last_name",
                    "company_name",
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

/// What a copy that somebody takes themselves does not hold, and how to ask for it (Cal. Code Regs. tit. 11, section 7024).
fn left_out(business: &str, spanish: bool) -> String {
    match spanish {
        false => format!(
            "This copy is of the account that you signed in for. It leaves out your other accounts, if there are any, documents, \
             your date of birth and national id, entries of the ledger, and what staff noted and decided. To have those too, ask \
             {business} in writing for a copy of all your personal data: they first make sure that it is you."
        ),
        true => format!(
            "Esta copia es de la cuenta por la que usted entró. No incluye sus otras cuentas, si las hay, los documentos, su fecha \
             de nacimiento ni su número de identificación, los asientos contables, ni lo que el personal anotó y decidió. Para \
             recibir también eso, pida por escrito a {business} una copia de todos sus datos personales: antes comprobarán que \
             es usted."
        ),
    }
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
        "payments.json" => ("payments that were made or tried", "pagos hechos o intentados"),
        "refunds.json" => ("money that went back", "dinero devuelto"),
        "payment_disputes.json" => ("payments that a bank took back", "pagos que un banco recuperó"),
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
        "contact_places.json" => (
            "places where you are not contacted, or may be",
            "lugares donde no se le contacta, o se puede",
        ),
        "decisions.json" => ("why you were contacted, or not", "por qué se le contactó, o no"),
        "documents.json" => ("documents that are kept", "documentos que se conservan"),
        "validation_notices.json" => (
            "notices of your debts that were written for you",
            "avisos de sus deudas que se escribieron para usted",
        ),
        "privacy_acceptances.json" => (
            "privacy notices that you accepted",
            "avisos de privacidad que aceptó",
        ),
        "disputes.json" => ("disputes that you made", "disputas que presentó"),
        "dispute_steps.json" => (
            "what was done about your disputes",
            "lo que se hizo con sus disputas",
        ),
        "complaints.json" => ("complaints that you made", "quejas que presentó"),
        "privacy_requests.json" => ("what you asked about your data", "lo que pidió sobre sus datos"),
        "access_log.json" => ("when staff read your data", "cuándo el personal leyó sus datos"),
        name if name.starts_with("documents/") => ("a document", "un documento"),
        _ => ("more", "más"),
    };
    if spanish { in_spanish } else { english }
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
        let head = |language, business, is_of_one_account| Head {
            language,
            business,
            made_on: NaiveDate::from_ymd_opt(2026, 6, 10).unwrap(),
            is_of_one_account,
        };
        let english = page(&head("en", "Acme & Co", false), &gist, &entries);
        assert!(
            english.contains("<li>&lt;b&gt;Ana&lt;/b&gt; · Austin</li>"),
            "{english}"
        );
        assert!(english.contains("Acme &amp; Co") && english.contains("messages from you and to you (7)"));
        assert!(english.contains("2026-06-10") && !english.contains("It leaves out"));
        let spanish = page(&head("es", "Acme", true), &gist, &entries);
        assert!(spanish.contains("pida por escrito a Acme una copia"), "{spanish}");
        assert!(spanish.contains("lang=\"es\"") && spanish.contains("mensajes suyos y para usted (7)"));
    }
}
