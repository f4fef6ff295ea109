//! What a person is told of their request to be erased, in plain words, in both languages of the law's texts. No I/O.

use chrono::NaiveDate;

use super::model::PrivacyRequestStatus;

/// What to tell the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::compliance) struct Told {
    pub(in crate::compliance) english: String,
    pub(in crate::compliance) spanish: String,
}

/// The words for an erasure that stands so, and of which records are kept until a day; `None`: nothing is kept. `citation` is
/// that of the rule that decided.
pub(in crate::compliance) fn told(
    status: PrivacyRequestStatus,
    kept_until: Option<NaiveDate>,
    citation: &str,
) -> Told {
    let (english, spanish) = match (status, kept_until) {
        (PrivacyRequestStatus::Denied, _) => (
            "We have not erased your data. They are evidence in a legal matter and have to be preserved until it ends (GDPR \
             Article 17(3)(e); Federal Rule of Civil Procedure 37(e)). You may ask again then."
                .to_owned(),
            "No hemos borrado sus datos. Son prueba en un asunto legal y deben conservarse hasta que termine (RGPD, artículo \
             17(3)(e); Regla Federal de Procedimiento Civil 37(e)). Puede volver a pedirlo entonces."
                .to_owned(),
        ),
        (_, Some(day)) => (
            format!(
                "We erase your name, your addresses and telephone numbers, your date of birth, and the notes, documents and \
                 other details that we hold of you. The law requires us to keep the records of our messages, decisions and \
                 payments until {day} ({citation}). Until then they are used for nothing else, and we do not contact you; \
                 after that day they are erased too. If you asked us not to contact a number or address, a coded mark of it \
                 stays, so that we keep to that."
            ),
            format!(
                "Borramos su nombre, sus direcciones y teléfonos, su fecha de nacimiento y las notas, los documentos y los \
                 demás datos que tenemos de usted. La ley nos obliga a conservar los registros de nuestros mensajes, \
                 decisiones y pagos hasta el {day} ({citation}). Hasta entonces no se usan para nada más y no nos \
                 comunicamos con usted; después de ese día también se borran. Si nos pidió no contactar un número o una \
                 dirección, queda una marca cifrada para que lo cumplamos."
            ),
        ),
        (_, None) => (
            format!(
                "We erase everything that we hold of you: no law requires us to keep any of it any longer ({citation}). If you \
                 asked us not to contact a number or address, a coded mark of it stays, so that we keep to that."
            ),
            format!(
                "Borramos todo lo que tenemos de usted: ninguna ley nos obliga ya a conservarlo ({citation}). Si nos pidió no \
                 contactar un número o una dirección, queda una marca cifrada para que lo cumplamos."
            ),
        ),
    };
    Told { english, spanish }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_names_its_reason_and_its_day_in_both_languages() {
        let day = NaiveDate::from_ymd_opt(2033, 6, 10);
        let rule = "12 CFR 1006.100";
        for (status, kept, needles) in [
            (PrivacyRequestStatus::Running, day, ["2033-06-10", rule]),
            (PrivacyRequestStatus::Completed, None, [rule, rule]),
            (PrivacyRequestStatus::Denied, day, ["17(3)(e)", "37(e)"]),
        ] {
            let told = told(status, kept, rule);
            for text in [&told.english, &told.spanish] {
                assert!(needles.iter().all(|needle| text.contains(needle)), "{text}");
            }
            assert_ne!(told.english, told.spanish);
        }
    }
}
