//! The notice's words, in the order of Model Form B-1 (12 CFR 1006, appendix B; 1006.34(d)(2) makes it a safe harbor), and their
//! Spanish (1006.34(e)). Changing a word changes what is proven to have been said: notices that were written keep theirs, for
//! their files are kept.

use chrono::{Datelike as _, NaiveDate};

use super::{NoticeLanguage, facts::NoticeFacts};
use crate::platform::letter::{Amount, Block, CheckBox, Letter, Span};

/// The notice as a letter.
pub(super) fn letter(facts: &NoticeFacts, language: NoticeLanguage) -> Letter {
    let words = Words { facts, language };
    let mut blocks = words.head();
    blocks.extend(words.debt());
    blocks.extend(words.rights());
    blocks.push(Block::TearOff(words.answer()));
    Letter {
        title: words.say("Validation notice", "Aviso de validación").to_owned(),
        author: facts.collector.name.clone(),
        language: language.tag(),
        written_at: facts.written_at,
        blocks,
    }
}

struct Words<'a> {
    facts: &'a NoticeFacts,
    language: NoticeLanguage,
}

impl Words<'_> {
    fn say(&self, english: &'static str, spanish: &'static str) -> &'static str {
        match self.language {
            NoticeLanguage::En => english,
            NoticeLanguage::Es => spanish,
        }
    }

    fn date(&self, date: NaiveDate) -> String {
        const ENGLISH: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        const SPANISH: [&str; 12] = [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ];
        let month = usize::try_from(date.month0()).unwrap_or_default();
        match self.language {
            NoticeLanguage::En => format!("{} {}, {}", ENGLISH[month], date.day(), date.year()),
            NoticeLanguage::Es => format!("{} de {} de {}", date.day(), SPANISH[month], date.year()),
        }
    }

    /// The end of the validation period.
    fn end(&self) -> Span {
        Span::strong(self.date(self.facts.period_ends_on))
    }

    /// Both names and addresses (1006.34(c)(2)(i)-(ii)), and that a debt collector writes (1006.34(c)(1), 1006.18(e)).
    fn head(&self) -> Vec<Block> {
        let collector = &self.facts.collector;
        let mut from = vec![collector.name.clone()];
        from.extend(collector.address.iter().cloned());
        from.extend(
            [&collector.phone, &collector.email, &collector.website]
                .into_iter()
                .flatten()
                .cloned(),
        );
        let mut to = vec![format!(
            "{} {}",
            self.say("To:", "Para:"),
            self.facts.consumer.name
        )];
        to.extend(self.facts.consumer.address.iter().cloned());
        to.push(String::new());
        to.push(self.date(self.facts.written_on));
        to.push(self.reference());
        to.retain(|line| !line.is_empty());
        let name = &collector.name;
        let creditor = &self.facts.creditor_now;
        let statement = match self.language {
            NoticeLanguage::En => format!(
                "{name} is a debt collector. We are trying to collect a debt that you owe to {creditor}. We will use any \
                 information you give us to help collect the debt."
            ),
            NoticeLanguage::Es => format!(
                "{name} es un cobrador de deudas. Estamos tratando de cobrar una deuda que usted le debe a {creditor}. \
                 Usaremos cualquier información que usted nos dé para ayudarnos a cobrar la deuda."
            ),
        };
        vec![
            Block::Beside(from, to),
            Block::Rule,
            Block::Paragraph(vec![Span::strong(statement)]),
        ]
    }

    fn reference(&self) -> String {
        format!(
            "{} {}",
            self.say("Reference:", "Referencia:"),
            self.facts.reference
        )
    }

    /// What is owed, and how it came to that (1006.34(c)(2)(iii)-(ix)).
    fn debt(&self) -> Vec<Block> {
        let facts = self.facts;
        let (creditor, number) = (&facts.creditor_then, &facts.account_number);
        let account = match self.language {
            NoticeLanguage::En => format!("You had an account with {creditor} with account number {number}."),
            NoticeLanguage::Es => {
                format!("Usted tenía una cuenta con {creditor} con el número de cuenta {number}.")
            }
        };
        vec![
            Block::Heading(
                self.say("Our information shows:", "Nuestra información muestra:")
                    .to_owned(),
            ),
            Block::Paragraph(vec![Span::plain(account)]),
            Block::Amounts(self.amounts()),
        ]
    }

    fn amounts(&self) -> Vec<Amount> {
        let amounts = &self.facts.itemization;
        let then = self.date(self.facts.itemization_date);
        let row = |label: String, amount: String| Amount {
            label,
            amount,
            is_total: false,
        };
        let signed = |sign: &str, minor: i64| format!("{sign} {}", amounts.printed(minor));
        let (owed, between) = match self.language {
            NoticeLanguage::En => (
                format!("As of {then}, you owed:"),
                format!("Between {then} and today:"),
            ),
            NoticeLanguage::Es => (
                format!("Al {then}, usted debía:"),
                format!("Entre el {then} y hoy:"),
            ),
        };
        let charged = |english, spanish| format!("{between} {}", self.say(english, spanish));
        vec![
            row(owed, amounts.printed(amounts.then)),
            row(
                charged(
                    "you were charged this amount in interest:",
                    "se le cobró esta cantidad en intereses:",
                ),
                signed("+", amounts.interest),
            ),
            row(
                charged(
                    "you were charged this amount in fees:",
                    "se le cobró esta cantidad en cargos:",
                ),
                signed("+", amounts.fees),
            ),
            row(
                charged(
                    "you paid or were credited this amount toward the debt:",
                    "usted pagó o se le acreditó esta cantidad a la deuda:",
                ),
                signed("-", amounts.taken_off().unwrap_or(i64::MAX)),
            ),
            Amount {
                label: self
                    .say("Total amount of the debt now:", "Monto total de la deuda ahora:")
                    .to_owned(),
                amount: amounts.printed(amounts.now),
                is_total: true,
            },
        ]
    }

    /// What the person can do until when (1006.34(c)(3)), electronically too where the business takes it (1006.34(c)(3)(v)).
    fn rights(&self) -> Vec<Block> {
        let mut blocks = vec![
            Block::Heading(
                self.say("How can you dispute the debt?", "¿Cómo puede disputar la deuda?")
                    .to_owned(),
            ),
            Block::Bullets(self.disputing()),
            Block::Heading(
                self.say("What else can you do?", "¿Qué más puede hacer?")
                    .to_owned(),
            ),
        ];
        blocks.push(Block::Bullets(self.besides()));
        blocks
    }

    fn disputing(&self) -> Vec<Vec<Span>> {
        let (call, call_on, write, write_on) = match self.language {
            NoticeLanguage::En => (
                "Call or write to us by ",
                ", to dispute all or part of the debt. If you do not, we will assume that our information is correct.",
                "If you write to us by ",
                ", we must stop collection on any amount you dispute until we send you information that shows you owe the debt. \
                 You may use the form below or write to us without the form. You may also include supporting documents.",
            ),
            NoticeLanguage::Es => (
                "Llámenos o escríbanos a más tardar el ",
                " para disputar toda la deuda o parte de ella. Si no lo hace, asumiremos que nuestra información es correcta.",
                "Si nos escribe a más tardar el ",
                ", debemos dejar de cobrar cualquier cantidad que usted dispute hasta que le enviemos información que muestre que \
                 usted debe la deuda. Puede usar el formulario de abajo o escribirnos sin el formulario. También puede incluir \
                 documentos de respaldo.",
            ),
        };
        let mut writing = vec![Span::plain(write), self.end(), Span::plain(write_on)];
        writing.extend(self.electronically(
            " We accept disputes electronically at ",
            " Aceptamos disputas por vía electrónica en ",
        ));
        vec![vec![Span::plain(call), self.end(), Span::plain(call_on)], writing]
    }

    fn besides(&self) -> Vec<Vec<Span>> {
        let (ask, ask_on, learn, pay, other) = match self.language {
            NoticeLanguage::En => (
                "Write to ask for the name and address of the original creditor, if different from the current creditor. If you \
                 write by ",
                ", we must stop collection until we send you that information. You may use the form below or write to us without \
                 the form.",
                "Go to www.cfpb.gov/debt-collection to learn more about your rights under federal law. For instance, you have \
                 the right to stop or limit how we contact you.",
                "Contact us about your payment options.",
                "Póngase en contacto con nosotros para solicitar una copia de este formulario en español.",
            ),
            NoticeLanguage::Es => (
                "Escríbanos para pedir el nombre y la dirección del acreedor original, si es diferente del acreedor actual. Si \
                 nos escribe a más tardar el ",
                ", debemos dejar de cobrar hasta que le enviemos esa información. Puede usar el formulario de abajo o \
                 escribirnos sin el formulario.",
                "Visite www.cfpb.gov/debt-collection para conocer más sobre sus derechos según la ley federal. Por ejemplo, \
                 usted tiene derecho a que dejemos de comunicarnos con usted o a limitar cómo lo hacemos.",
                "Comuníquese con nosotros sobre sus opciones de pago.",
                "Comuníquese con nosotros para solicitar una copia de este formulario en inglés.",
            ),
        };
        let mut asking = vec![Span::plain(ask), self.end(), Span::plain(ask_on)];
        asking.extend(self.electronically(
            " We accept such requests electronically at ",
            " Aceptamos estas solicitudes por vía electrónica en ",
        ));
        let others = [learn, pay, other].map(|text| vec![Span::plain(text)]);
        std::iter::once(asking).chain(others).collect()
    }

    fn electronically(&self, english: &'static str, spanish: &'static str) -> Option<Span> {
        let email = self.facts.collector.email.as_deref()?;
        Some(Span::plain(format!("{}{email}.", self.say(english, spanish))))
    }

    /// The part to be sent back: the prompts of 1006.34(c)(4), apart from all else, in their order.
    fn answer(&self) -> Vec<Block> {
        let check_box = |english, spanish, is_detail| CheckBox {
            text: self.say(english, spanish).to_owned(),
            is_detail,
        };
        let boxes = vec![
            check_box(
                "I want to dispute the debt because I think:",
                "Quiero disputar la deuda porque creo que:",
                false,
            ),
            check_box("This is not my debt.", "Esta no es mi deuda.", true),
            check_box("The amount is wrong.", "El monto es incorrecto.", true),
            check_box(
                "Other (please describe on reverse or attach additional information).",
                "Otro (describa al reverso o adjunte información adicional).",
                true,
            ),
            check_box(
                "I want you to send me the name and address of the original creditor.",
                "Quiero que me envíen el nombre y la dirección del acreedor original.",
                false,
            ),
            check_box(
                "Quiero este formulario en español.",
                "Quiero este formulario en inglés.",
                false,
            ),
        ];
        let (collector, consumer) = (&self.facts.collector, &self.facts.consumer);
        let mut to = vec![
            self.say("Mail this form to:", "Envíe este formulario por correo a:")
                .to_owned(),
            collector.name.clone(),
        ];
        to.extend(collector.address.iter().cloned());
        let mut from = vec![self.reference(), consumer.name.clone()];
        from.extend(consumer.address.iter().cloned());
        vec![
            Block::Heading(
                self.say("How do you want to respond?", "¿Cómo desea responder?")
                    .to_owned(),
            ),
            Block::Paragraph(vec![Span::plain(self.say(
                "Check all that apply:",
                "Marque todas las opciones que correspondan:",
            ))]),
            Block::Boxes(boxes),
            Block::Beside(to, from),
        ]
    }
}
