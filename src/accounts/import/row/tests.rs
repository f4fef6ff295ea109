use proptest::prelude::*;

use super::*;
use crate::{accounts::import::columns::suggest, platform::money::Money};

fn columns(header: &[&str]) -> Vec<Column> {
    suggest(header.iter().map(|name| (*name).to_owned()).collect(), &[])
}

fn parse(header: &[&str], cells: &[&str]) -> Result<ParsedRow, Vec<Finding>> {
    read(header, cells).parsed
}

fn read(header: &[&str], cells: &[&str]) -> ReadRow {
    let columns = columns(header);
    let record = Record {
        row: 2,
        cells: cells.iter().map(|cell| (*cell).to_owned()).collect(),
    };
    let today = "2026-06-10".parse().unwrap();
    let custom = CustomFields::default();
    RowParser::new(&columns, AccountImportTemplate::of(&columns), &custom, today).parse(&record)
}

const ACCOUNTS: [&str; 7] = [
    "firstName",
    "lastName",
    "email",
    "phone",
    "accountNumber",
    "currentBalance",
    "dueDate",
];
const LEADS: [&str; 8] = [
    "first_name",
    "last_name",
    "phone",
    "country",
    "type",
    "priority",
    "do_not_call",
    "notes",
];

/// The only finding: its column and code.
fn problem(header: &[&str], cells: &[&str]) -> (Option<usize>, ImportFindingCode) {
    match parse(header, cells) {
        Ok(_) => panic!("{cells:?} was taken"),
        Err(findings) => {
            let [finding] = findings.as_slice() else {
                panic!("{cells:?}: {findings:?}");
            };
            for cell in cells.iter().filter(|cell| cell.len() > 4) {
                assert!(
                    !finding.message.contains(cell),
                    "the row's own words: {finding:?}"
                );
            }
            assert!(finding.message.ends_with('.'), "{finding:?}");
            (finding.column, finding.code)
        }
    }
}

#[test]
fn a_row_of_each_template_is_read_whole() {
    let cells = [
        " Maria ",
        "Alvarez",
        "Maria@Example.com",
        "(212) 555-0110",
        "ACME-1",
        "$1,250.50",
        "11/30/2026",
    ];
    let row = parse(&ACCOUNTS, &cells).unwrap_or_else(|findings| panic!("{findings:?}"));
    assert_eq!(row.first_name.as_deref(), Some("Maria"));
    assert_eq!((row.balance_minor, row.language.as_str()), (125_050, "en"));
    assert_eq!(row.due_date, NaiveDate::from_ymd_opt(2026, 11, 30));
    assert_eq!(row.contacts[0].written, "+12125550110");
    assert_eq!(row.contacts[0].original, "(212) 555-0110", "as it was written");
    assert_eq!(row.contacts[1].normalised, "maria@example.com");
    assert_eq!(row.identity().as_deref(), Some("number ACME-1"));

    let cells = [
        "",
        "",
        "0300 1234567",
        "pk",
        "broker",
        "HIGH",
        "yes",
        "- after ten",
    ];
    let row = parse(&LEADS, &cells).unwrap_or_else(|findings| panic!("{findings:?}"));
    assert_eq!(
        row.contacts[0].written, "+923001234567",
        "read as of the row's country"
    );
    assert!(row.address.is_none() && row.account_number.is_none());
    assert_eq!(row.custom.as_ref().unwrap()["priority"], "high");
    assert_eq!(row.custom.as_ref().unwrap()["type"], "broker");
    assert_eq!(row.note.as_deref(), Some("- after ten"));
    assert_eq!(row.identity().as_deref(), Some("phone +923001234567"));
}

#[test]
fn each_wrong_cell_is_named_with_its_reason() {
    use ImportFindingCode as Code;
    let good = [
        "Ann",
        "Lee",
        "a@b.example",
        "2125550110",
        "A-1",
        "10",
        "2026-01-31",
    ];
    for (place, cell, code) in [
        (0, "", Code::MissingValue),
        (1, " ", Code::MissingValue),
        (4, "", Code::MissingValue),
        (5, "", Code::MissingValue),
        (2, "not an address", Code::InvalidEmail),
        (3, "555-0110", Code::InvalidPhone),
        (3, "call me", Code::InvalidPhone),
        (5, "-10.00", Code::InvalidAmount),
        (5, "1.250,50", Code::InvalidAmount),
        (5, "12,50", Code::InvalidAmount),
        (5, "10.005", Code::InvalidAmount),
        (5, "$", Code::InvalidAmount),
        (5, "ten", Code::InvalidAmount),
        (6, "31/01/2026", Code::InvalidDate),
        (6, "2026-02-30", Code::InvalidDate),
        (6, "1/2/26", Code::InvalidDate),
        (6, "46000", Code::InvalidDate),
        (0, "=HYPERLINK(\"http://evil.example\")", Code::Formula),
        (0, "@SUM(A1:A9)", Code::Formula),
        (1, "+1-1|cmd", Code::Formula),
        (1, "a\0b", Code::InvalidCharacter),
    ] {
        let mut cells = good;
        cells[place] = cell;
        assert_eq!(problem(&ACCOUNTS, &cells), (Some(place), code), "{cell:?}");
    }
    let long = "x".repeat(101);
    let mut cells = good;
    cells[0] = &long;
    assert_eq!(problem(&ACCOUNTS, &cells), (Some(0), Code::TooLong));
    let mut more = good.to_vec();
    more.push("shifted");
    assert_eq!(problem(&ACCOUNTS, &more), (None, Code::TooManyCells));
    let lead = ["", "", "2125550110", "US", "", "", "", ""];
    for (place, cell, code) in [
        (2, "", Code::MissingValue),
        (3, "Atlantis", Code::InvalidCountry),
        (5, "asap", Code::InvalidChoice),
        (6, "maybe", Code::InvalidChoice),
    ] {
        let mut cells = lead;
        cells[place] = cell;
        assert_eq!(problem(&LEADS, &cells), (Some(place), code), "{cell:?}");
    }
}

#[test]
fn who_is_not_to_be_called_is_known_whatever_else_is_wrong_with_the_row() {
    let wish = |cells: [&str; 8]| read(&LEADS, &cells).do_not_call;
    let number = || Some(vec!["+12125550110".to_owned()]);
    assert_eq!(wish(["", "", "2125550110", "US", "", "", "yes", ""]), number());
    assert_eq!(
        wish(["=1+1", "a\0b", "2125550110", "", "", "asap", "TRUE", ""]),
        number()
    );
    assert_eq!(wish(["", "", "2125550110", "", "", "", "no", ""]), None);
    assert_eq!(wish(["", "", "2125550110", "", "", "", "", ""]), None);
    assert_eq!(
        wish(["", "", "2125550110", "", "", "", "maybe", ""]),
        None,
        "what cannot be read is asked for again"
    );
    for unreadable in ["", "555", "call me"] {
        let found = wish(["", "", unreadable, "", "", "", "1", ""]);
        assert_eq!(
            found,
            Some(Vec::new()),
            "it is said, though of nobody known: {unreadable:?}"
        );
    }
    // Of which country a national number is cannot be told; the whole number is the same everywhere.
    assert_eq!(
        wish(["", "", "0300 1234567", "Atlantis", "", "", "1", ""]),
        Some(Vec::new())
    );
    assert_eq!(
        wish(["", "", "+1 212 555 0110", "Atlantis", "", "", "1", ""]),
        number()
    );
}

#[test]
fn a_date_of_birth_is_in_the_past() {
    let header = ["first_name", "last_name", "phone", "date of birth", "zip"];
    let born = |cell| parse(&header, &["Ann", "Lee", "2125550110", cell, "10001"]);
    let row = born("01/31/1980").unwrap_or_else(|findings| panic!("{findings:?}"));
    assert_eq!(row.birth_date, NaiveDate::from_ymd_opt(1980, 1, 31));
    assert!(row.match_key().is_some());
    for wrong in ["2026-06-11", "1899-12-31", "31/01/1980", "young"] {
        let (_, code) = problem(&header, &["Ann", "Lee", "2125550110", wrong, "10001"]);
        assert_eq!(code, ImportFindingCode::InvalidDate, "{wrong}");
    }
}

#[test]
fn a_national_id_is_one_that_may_be_issued_and_survives_being_staged() {
    let header = ["first_name", "last_name", "phone", "SSN"];
    let row = |cell| parse(&header, &["Ann", "Lee", "2125550110", cell]);
    let read = row("123 45 6789").unwrap_or_else(|findings| panic!("{findings:?}"));
    assert_eq!(read.national_id, Some(NationalId::parse("123-45-6789").unwrap()));
    assert!(row("").is_ok_and(|row| row.national_id.is_none()));
    let staged = serde_json::to_value(&read).unwrap();
    assert_eq!(
        staged["national_id"], "123456789",
        "inside what is sealed as a whole"
    );
    let again: ParsedRow = serde_json::from_value(staged.clone()).unwrap();
    assert_eq!(again.national_id, read.national_id);
    let mut earlier = staged;
    earlier.as_object_mut().unwrap().remove("national_id");
    let earlier: ParsedRow = serde_json::from_value(earlier).unwrap();
    assert_eq!(
        earlier.national_id, None,
        "a row that was staged before there was one"
    );
    for wrong in ["000-12-3456", "078-05-1120", "12-3456789", "12345678", "unknown"] {
        let (column, code) = problem(&header, &["Ann", "Lee", "2125550110", wrong]);
        assert_eq!(
            (column, code),
            (Some(3), ImportFindingCode::InvalidNationalId),
            "{wrong}"
        );
    }
}

#[test]
fn amounts_are_read_as_people_write_them_in_the_united_states() {
    for (cell, minor) in [
        ("0", 0),
        ("0.00", 0),
        (".5", 50),
        ("007.10", 710),
        ("1250", 125_000),
        ("1,250", 125_000),
        ("$ 1,234,567.89", 123_456_789),
        ("12.5000", 1_250),
        ("10.", 1_000),
    ] {
        assert_eq!(parse_amount(cell).map(Money::minor), Ok(minor), "{cell}");
    }
    for cell in [
        "",
        ".",
        ",",
        "1,25",
        "1,2345",
        ",123",
        "1e3",
        "0x1",
        "--1",
        "99999999999999999999",
    ] {
        assert!(parse_amount(cell).is_err(), "{cell}");
    }
}

proptest! {
    #[test]
    fn any_cells_give_a_row_or_findings_that_name_their_column(
        cells in proptest::collection::vec("\\PC{0,20}|[ -~\0]{0,20}", 0..12), leads in any::<bool>()
    ) {
        let header: &[&str] = if leads { &LEADS } else { &ACCOUNTS };
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        match parse(header, &cells) {
            Ok(row) => {
                prop_assert!(row.balance_minor >= 0);
                prop_assert!(!serde_json::to_string(&row).unwrap().contains("\\u0000"));
            }
            Err(findings) => {
                prop_assert!(!findings.is_empty());
                prop_assert!(findings.iter().all(|f| f.column.is_none_or(|c| c < header.len())));
            }
        }
    }
}

#[test]
fn a_state_is_kept_as_its_code_and_one_that_there_is_not_is_found() {
    let header = [
        "firstName",
        "lastName",
        "phone",
        "accountNumber",
        "currentBalance",
        "state",
        "country",
    ];
    let row = |state, country| ["Ada", "Lovelace", "+12125550123", "A-1", "12.50", state, country];
    for (state, country, kept) in [
        ("Massachusetts", "", "MA"),
        ("ma", "US", "MA"),
        ("Ontario", "CA", "Ontario"),
    ] {
        let parsed = parse(&header, &row(state, country)).unwrap_or_else(|findings| panic!("{findings:?}"));
        assert_eq!(parsed.address.unwrap().state.as_deref(), Some(kept));
    }
    assert_eq!(
        problem(&header, &row("Massachusets", "")),
        (Some(5), ImportFindingCode::InvalidChoice)
    );
}

#[test]
fn what_a_debt_is_for_is_read_however_it_is_written() {
    let header: Vec<&str> = ACCOUNTS.into_iter().chain(["Type of debt"]).collect();
    let row = |kind: &'static str| ["Maria", "Alvarez", "", "", "ACME-1", "10", "", kind];
    for (written, read) in [
        ("Credit Card", Some(DebtType::CreditCard)),
        ("student-loan", Some(DebtType::StudentLoan)),
        ("MEDICAL", Some(DebtType::Medical)),
        ("", None),
    ] {
        let row = parse(&header, &row(written)).unwrap_or_else(|findings| panic!("{findings:?}"));
        assert_eq!(row.debt_type, read, "{written}");
    }
    assert_eq!(
        problem(&header, &row("gambling")),
        (Some(7), ImportFindingCode::InvalidChoice)
    );
}

#[test]
fn columns_say_where_a_number_reaches_the_person_and_what_it_is_connected_to() {
    let header = [
        "firstName",
        "lastName",
        "accountNumber",
        "currentBalance",
        "mobile",
        "home phone",
        "work phone",
        "phone",
    ];
    let cells = [
        "Zoe",
        "Quill",
        "Z-1",
        "10",
        "(212) 555-0101",
        "212-555-0102",
        "2125550103",
        "+12125550102",
    ];
    let row = parse(&header, &cells).ok().unwrap();
    let told: Vec<(&str, Option<&str>, Option<&str>)> = row
        .contacts
        .iter()
        .map(|contact| {
            let (line, place) = (contact.line_type.as_deref(), contact.contact_use.as_deref());
            (contact.written.as_str(), line, place)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("+12125550102", None, Some("HOME")),
            ("+12125550101", Some("MOBILE"), None),
            ("+12125550103", None, Some("WORK")),
        ]
    );
    // A lead needs any number.
    let lead = ["first_name", "mobile", "type"];
    assert!(parse(&lead, &["Sara", "(415) 555-2671", "carrier"]).is_ok());
    assert_eq!(
        problem(&lead, &["Sara", "", "carrier"]),
        (Some(1), ImportFindingCode::MissingValue)
    );
}

#[test]
fn what_a_balance_is_made_of_sums_to_it_and_has_its_day() {
    let header = [
        "firstName",
        "lastName",
        "accountNumber",
        "currentBalance",
        "principal",
        "interest",
        "fees",
        "itemization date",
        "itemization event",
    ];
    let row = |cells: [&str; 6]| {
        let mut all = vec!["Zoe", "Quill", "Z-1"];
        all.extend(cells);
        all.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let read = |cells: [&str; 6]| {
        let cells = row(cells);
        parse(&header, &cells.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let told = read(["100.50", "90", "10.50", "", "01/31/2026", "Charge-Off"])
        .ok()
        .unwrap();
    let components = told.components.unwrap();
    assert_eq!(
        (
            components.principal_minor,
            components.interest_minor,
            components.fees_minor,
            components.costs_minor
        ),
        (9_000, 1_050, 0, 0)
    );
    assert_eq!(components.itemization_event, "CHARGE_OFF");
    assert!(
        read(["100.50", "", "", "", "", ""])
            .ok()
            .unwrap()
            .components
            .is_none()
    );
    let wrong = |cells: [&str; 6]| {
        let cells = row(cells);
        problem(&header, &cells.iter().map(String::as_str).collect::<Vec<_>>())
    };
    use ImportFindingCode::{InvalidAmount, InvalidChoice, InvalidDate, MissingValue};
    assert_eq!(
        wrong(["100.50", "90", "10", "", "01/31/2026", "charge off"]),
        (Some(4), InvalidAmount)
    );
    assert_eq!(
        wrong(["100.50", "100.50", "", "", "", "charge off"]),
        (Some(7), MissingValue)
    );
    assert_eq!(
        wrong(["100.50", "100.50", "", "", "01/31/2026", ""]),
        (Some(8), MissingValue)
    );
    assert_eq!(
        wrong(["100.50", "100.50", "", "", "12/31/2030", "charge off"]),
        (Some(7), InvalidDate)
    );
    assert_eq!(
        wrong(["100.50", "100.50", "", "", "01/31/2026", "birthday"]),
        (Some(8), InvalidChoice)
    );
    assert_eq!(
        wrong(["100.50", "", "", "", "01/31/2026", "charge off"]),
        (Some(7), MissingValue)
    );
}
