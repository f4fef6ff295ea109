//! The notice's words against what 12 CFR 1006.34(c) asks for, and the computed dates.

use super::{
    NoticeLanguage,
    facts::{Addressee, Collector, Itemization, NoticeFacts, lines, truncated},
    period::{Period, date_of},
    wording::letter,
};
use crate::{
    accounts::PostalAddress,
    compliance::ports::Letterhead,
    platform::letter::{page, pdf},
};

fn facts() -> NoticeFacts {
    NoticeFacts {
        reference: "vnot_01h455vb4pex5vsknk084sn02q".to_owned(),
        written_at: "2026-09-04T17:00:00Z".parse().unwrap(),
        written_on: "2026-09-04".parse().unwrap(),
        collector: Collector {
            name: "North South Group, Inc.".to_owned(),
            address: vec!["P.O. Box 123456".to_owned(), "Pasadena, CA 91111".to_owned()],
            phone: Some("+18005550100".to_owned()),
            email: Some("disputes@north.example".to_owned()),
            website: Some("https://north.example".to_owned()),
        },
        consumer: Addressee {
            name: "José Muñoz <Peña>".to_owned(),
            address: vec![
                "2323 Park Street".to_owned(),
                "Apartment 342".to_owned(),
                "Bethesda, MD 20815".to_owned(),
            ],
        },
        creditor_then: "Bank of Rockville".to_owned(),
        account_number: truncated("123-456-7890"),
        creditor_now: "Main Street Funding".to_owned(),
        itemization_date: "2026-01-02".parse().unwrap(),
        itemization: itemization(),
        period_ends_on: "2026-10-14".parse().unwrap(),
    }
}

fn itemization() -> Itemization {
    Itemization {
        currency: "USD".parse().unwrap(),
        then: 223_456,
        interest: 7_500,
        fees: 2_500,
        payments: 4_000,
        credits: 1_000,
        now: 228_456,
    }
}

/// In the order of Model Form B-1. `{…}` never stands in a letter: every place was filled.
#[test]
fn the_notice_says_in_both_languages_what_the_law_asks_for() {
    let facts = facts();
    for (language, golden) in [
        (NoticeLanguage::En, include_str!("golden/en.txt")),
        (NoticeLanguage::Es, include_str!("golden/es.txt")),
    ] {
        let letter = letter(&facts, language);
        let text = letter.text();
        assert_eq!(text, golden.trim_end(), "{language:?}");
        assert!(!text.contains(['{', '}']), "{text}");
        let page = page(&letter);
        assert!(page.contains("José Muñoz &lt;Peña&gt;"), "{page}");
        assert!(!page.contains("<script") && !page.contains("<Peña>"));
        assert!(pdf(&letter).unwrap().starts_with(b"%PDF-"));
    }
}

/// What 12 CFR 1006.34(c) lists, and where a notice says it.
#[test]
fn nothing_of_the_list_is_missing() {
    let facts = facts();
    let asked = [
        ("(c)(1)", ["is a debt collector", "es un cobrador de deudas"]),
        (
            "(c)(2)(i) name",
            ["North South Group, Inc.", "North South Group, Inc."],
        ),
        ("(c)(2)(i) address", ["P.O. Box 123456", "P.O. Box 123456"]),
        ("(c)(2)(ii) name", ["José Muñoz <Peña>", "José Muñoz <Peña>"]),
        ("(c)(2)(ii) address", ["Bethesda, MD 20815", "Bethesda, MD 20815"]),
        (
            "(c)(2)(iii)",
            ["account with Bank of Rockville", "cuenta con Bank of Rockville"],
        ),
        ("(c)(2)(iv)", ["****7890", "****7890"]),
        (
            "(c)(2)(v)",
            ["you owe to Main Street Funding", "le debe a Main Street Funding"],
        ),
        (
            "(c)(2)(vi)-(vii)",
            [
                "As of January 2, 2026, you owed: $2,234.56",
                "Al 2 de enero de 2026, usted debía: $2,234.56",
            ],
        ),
        (
            "(c)(2)(viii) interest",
            ["in interest: + $75.00", "en intereses: + $75.00"],
        ),
        ("(c)(2)(viii) fees", ["in fees: + $25.00", "en cargos: + $25.00"]),
        (
            "(c)(2)(viii) payments and credits",
            ["toward the debt: - $50.00", "a la deuda: - $50.00"],
        ),
        ("(c)(2)(ix)", ["now: $2,284.56", "ahora: $2,284.56"]),
        (
            "(c)(3)(i)",
            [
                "If you write to us by October 14, 2026, we must stop collection",
                "Si nos escribe a más tardar el 14 de octubre de 2026, debemos dejar de cobrar",
            ],
        ),
        (
            "(c)(3)(ii)",
            [
                "If you write by October 14, 2026, we must stop collection until we send you that information",
                "a más tardar el 14 de octubre de 2026, debemos dejar de cobrar hasta que le enviemos esa información",
            ],
        ),
        (
            "(c)(3)(iii)",
            [
                "we will assume that our information is correct",
                "asumiremos que nuestra información es correcta",
            ],
        ),
        (
            "(c)(3)(iv)",
            ["www.cfpb.gov/debt-collection", "www.cfpb.gov/debt-collection"],
        ),
        (
            "(c)(3)(v) disputes",
            [
                "disputes electronically at disputes@north.example",
                "vía electrónica en disputes@north.example",
            ],
        ),
        (
            "(c)(4)(i)(A)",
            [
                "I want to dispute the debt because I think:",
                "Quiero disputar la deuda porque creo que:",
            ],
        ),
        ("(c)(4)(i)(B)", ["This is not my debt.", "Esta no es mi deuda."]),
        (
            "(c)(4)(i)(C)",
            ["The amount is wrong.", "El monto es incorrecto."],
        ),
        (
            "(c)(4)(i)(D)",
            [
                "Other (please describe on reverse or attach additional information).",
                "Otro (describa al reverso o adjunte información adicional).",
            ],
        ),
        (
            "(c)(4)(ii)",
            [
                "I want you to send me the name and address of the original creditor.",
                "Quiero que me envíen el nombre y la dirección del acreedor original.",
            ],
        ),
        (
            "(c)(4)(iii)",
            [
                "Mail this form to:\nNorth South Group, Inc.",
                "Envíe este formulario por correo a:\nNorth South Group, Inc.",
            ],
        ),
        (
            "(d)(3)(vi)",
            ["copia de este formulario en español", "formulario en inglés"],
        ),
    ];
    let english = letter(&facts, NoticeLanguage::En).text();
    let spanish = letter(&facts, NoticeLanguage::Es).text();
    for (paragraph, [in_english, in_spanish]) in asked {
        assert!(english.contains(in_english), "{paragraph}: {english}");
        assert!(spanish.contains(in_spanish), "{paragraph}: {spanish}");
    }
}

#[test]
fn without_an_address_for_it_nothing_is_accepted_electronically() {
    let mut facts = facts();
    facts.collector.email = None;
    for language in [NoticeLanguage::En, NoticeLanguage::Es] {
        let text = letter(&facts, language).text();
        assert!(
            !text.contains("electronically") && !text.contains("electrónica"),
            "{text}"
        );
    }
}

/// A sheet of paper, printed on both sides, where the addresses are of the usual length.
#[test]
fn the_notice_fits_a_sheet() {
    for language in [NoticeLanguage::En, NoticeLanguage::Es] {
        let bytes = pdf(&letter(&facts(), language)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let pages = text.matches("/Type /Page\n").count();
        assert!((1..=2).contains(&pages), "{language:?}: {pages} pages");
    }
}

#[test]
fn the_period_leaves_out_weekends_and_holidays_on_the_way_to_the_debtor() {
    // Vectors no-01 and no-03: Labor Day, and 4 July on a Saturday, observed the day before.
    for (provided, received, ends) in [
        ("2026-09-04", "2026-09-14", "2026-10-14"),
        ("2026-07-02", "2026-07-10", "2026-08-09"),
    ] {
        let period = Period::from(provided.parse().unwrap()).unwrap();
        assert_eq!(period.assumed_received_on.to_string(), received, "{provided}");
        assert_eq!(period.ends_on.to_string(), ends, "{provided}");
    }
    let at = "2026-09-05T02:00:00Z".parse().unwrap();
    let of = |zone: Option<&str>| {
        let letterhead = Letterhead {
            time_zone: zone.map(|zone| zone.parse().unwrap()),
            ..Letterhead::default()
        };
        date_of(at, &letterhead).to_string()
    };
    assert_eq!(of(Some("America/New_York")), "2026-09-04");
    assert_eq!(of(None), "2026-09-05", "later is safe");
}

#[test]
fn amounts_add_up_and_are_written_as_people_read_them() {
    assert!(itemization().adds_up());
    for wrong in [
        Itemization {
            now: 228_457,
            ..itemization()
        },
        Itemization {
            then: i64::MAX,
            ..itemization()
        },
        Itemization {
            payments: i64::MAX,
            ..itemization()
        },
    ] {
        assert!(!wrong.adds_up(), "{wrong:?}");
    }
    let printed = |code: &str, minor| {
        let currency = code.parse().unwrap();
        Itemization {
            currency,
            ..itemization()
        }
        .printed(minor)
    };
    assert_eq!(printed("USD", 0), "$0.00");
    assert_eq!(printed("USD", 123_456_789), "$1,234,567.89");
    assert_eq!(printed("USD", -5), "-$0.05");
    assert_eq!(printed("EUR", 100_000), "EUR 1,000.00");
    assert_eq!(printed("JPY", 1_234_567), "JPY 1,234,567");
}

#[test]
fn addresses_are_lines_and_long_numbers_are_cut() {
    let address = PostalAddress {
        line1: Some("7 Elm Street".to_owned()),
        line2: Some(" ".to_owned()),
        city: Some("Austin".to_owned()),
        state: Some("TX".to_owned()),
        postal_code: Some("78701".to_owned()),
        country: None,
    };
    assert_eq!(lines(&address), ["7 Elm Street", "Austin, TX 78701"]);
    let abroad = PostalAddress {
        state: None,
        country: Some("MX".to_owned()),
        ..address
    };
    assert_eq!(lines(&abroad), ["7 Elm Street", "Austin, 78701", "MX"]);
    assert_eq!(truncated("ACME-10001"), "****0001");
    assert_eq!(truncated("ñ-12"), "ñ-12");
}
