//! Amounts, dates and formulas as people write them into cells.

use chrono::{Datelike as _, NaiveDate};

use crate::platform::money::{Currency, Money, MoneyError};

/// With a capital letter and a full stop, as every message ends.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// What a spreadsheet would compute: `=1+1`, `@SUM(A1)`, `+A1`, `-2+cmd|…`; but not a phone number or an amount. East
/// Asian editions take the wide signs as well.
pub(super) fn is_formula(cell: &str) -> bool {
    let cell = cell.trim_start();
    match cell.chars().next() {
        Some('=' | '@' | '＝' | '＠') => true,
        Some('+' | '-') => {
            // `- called back` and `-12.50` are no formulas, nor is `+1 (212) 555-0110 ext`.
            let looks_computed = |c: char| matches!(c, '=' | '|' | '!' | '*' | '/');
            cell.chars().nth(1).is_some_and(|c| !c.is_whitespace()) && cell.contains(looks_computed)
        }
        _ => false,
    }
}

/// `1250.5`, `$1,250.50`, `0001250.5000`; not `1.250,50`, not `(12.00)`, not `-3`.
pub(super) fn parse_amount(cell: &str) -> Result<Money, MoneyError> {
    let bare = cell.strip_prefix('$').unwrap_or(cell).trim();
    let (whole, cents) = bare.split_once('.').unwrap_or((bare, ""));
    let mut groups = whole.split(',');
    let leads = groups.next().map_or(0, str::len);
    let grouped = !whole.contains(',') || (1..=3).contains(&leads) && groups.all(|group| group.len() == 3);
    if !grouped || !bare.bytes().any(|b| b.is_ascii_digit()) {
        return Money::parse(bare, Currency::USD);
    }
    // Spreadsheets fill with zeros in front and behind, and leave out the one before the point.
    let digits = whole.replace(',', "");
    let digits = match digits.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    match cents.trim_end_matches('0') {
        "" => Money::parse(digits, Currency::USD),
        cents => Money::parse(&format!("{digits}.{cents}"), Currency::USD),
    }
}

/// ISO 8601, or the month first as in the United States; with all four digits of the year.
pub(in crate::accounts) fn parse_date(cell: &str) -> Option<NaiveDate> {
    let format = if cell.contains('/') {
        "%m/%d/%Y"
    } else {
        "%Y-%m-%d"
    };
    let date = NaiveDate::parse_from_str(cell, format).ok()?;
    (1900..=2199).contains(&date.year()).then_some(date)
}
