//! What a line of the national registry's flat files says. A full list has `202,5550100` on each line; a change list adds
//! more cells, of which one is the letter `A` (added) or `D` (deleted).

use super::lines::cells;

/// One number of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) area: i32,
    /// E.164.
    pub(super) number: String,
    /// False where a change list takes it off.
    pub(super) added: bool,
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it, without what it holds.
pub(super) fn parse_entry(line: &str, is_change_list: bool) -> Result<Entry, &'static str> {
    let mut cells = cells(line);
    let area = cells.next().filter(|cell| is_digits(cell, 3));
    let area = area
        .and_then(|cell| cell.parse::<i32>().ok())
        .filter(|area| *area >= 200);
    let area = area.ok_or("does not begin with an area code")?;
    let local = cells.next().filter(|cell| is_digits(cell, 7));
    let local = local.filter(|cell| !cell.starts_with(['0', '1']));
    let local = local.ok_or("has no number of seven digits after the area code")?;
    let rest: Vec<&str> = cells.collect();
    let added = if is_change_list {
        let marks: Vec<bool> = rest
            .iter()
            .filter(|cell| matches!(**cell, "A" | "D"))
            .map(|cell| *cell == "A")
            .collect();
        match marks.as_slice() {
            [added] => *added,
            _ => return Err("says neither A (added) nor D (deleted): is it a line of a full list?"),
        }
    } else if rest.is_empty() {
        true
    } else {
        return Err("has more than area code and number: is it a line of a change list?");
    };
    Ok(Entry {
        area,
        number: format!("+1{area}{local}"),
        added,
    })
}

fn is_digits(cell: &str, count: usize) -> bool {
    cell.len() == count && cell.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_and_change_lists_are_told_apart() {
        let entry = parse_entry("202,5550100", false).unwrap();
        assert_eq!(
            (entry.area, entry.number.as_str(), entry.added),
            (202, "+12025550100", true)
        );
        let deleted = parse_entry("202,5550100,2026-11-01T04:12:55,D", true).unwrap();
        assert!(!deleted.added);
        assert!(parse_entry("\"202\", \"5550100\", \"A\"", true).unwrap().added);
        assert!(parse_entry("202,5550100,D", false).is_err());
        assert!(parse_entry("202,5550100", true).is_err());
        assert!(parse_entry("202,5550100,A,D", true).is_err());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for line in [
            "",
            ",",
            "2025550100",
            "202",
            "202,",
            "202,555010",
            "202,55501000",
            "102,5550100",
            "202,0550100",
            "202,555010x",
            "２０２,5550100",
            "202;5550100",
            "<html>",
        ] {
            assert!(parse_entry(line, false).is_err(), "{line}");
        }
    }
}
