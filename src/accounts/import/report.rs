//! The rows that were not imported, as a file to correct and upload again.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    AccountImports,
    columns::Column,
    field::REPORT_COLUMNS,
    finding::ImportFindingCode,
    model::StagedRow,
    staged::{self, FindingRow},
};
use crate::{
    files::{NewFile, Purpose, Stored},
    platform::{context::TenantCtx, error::OpError, keys::TenantKeys},
};

impl AccountImports {
    /// Writes the report, chunk by chunk; none where every row can be imported.
    pub(super) async fn write_report(
        &self,
        ctx: &TenantCtx,
        keys: &TenantKeys,
        import: Uuid,
        columns: &[Column],
    ) -> Result<Option<Stored>, OpError> {
        let mut writer = None;
        for nth in 0.. {
            let mut tx = self.db.snapshot(ctx).await?;
            let Some(rows) = staged::chunk(&mut tx, keys, import, nth).await? else {
                tx.finish_read().await?;
                break;
            };
            let (first, last) = (
                rows.first().map_or(0, |row| row.row),
                rows.last().map_or(0, |row| row.row),
            );
            let findings = staged::findings_of_rows(&mut tx, import, first, last).await?;
            tx.finish_read().await?;
            let lines = lines(columns, &rows, &findings)?;
            if lines.is_empty() {
                continue;
            }
            if writer.is_none() {
                let mut begun = self.files.begin(ctx, new_file()).await?;
                begun.write(&header(columns)?).await?;
                writer = Some(begun);
            }
            if let Some(writer) = &mut writer {
                writer.write(&lines).await?;
            }
        }
        match writer {
            Some(writer) => Ok(Some(writer.finish().await?)),
            None => Ok(None),
        }
    }
}

fn new_file() -> NewFile {
    NewFile {
        purpose: Purpose::ImportReport,
        name: "rows not imported.csv".to_owned(),
        media_type: "text/csv",
    }
}

/// The file's own columns, and what is wrong; with a byte order mark, by which Excel knows UTF-8.
fn header(columns: &[Column]) -> Result<Vec<u8>, OpError> {
    let names = columns
        .iter()
        .map(|column| column.name.as_str())
        .chain(REPORT_COLUMNS);
    let mut file = "\u{feff}".as_bytes().to_vec();
    file.extend(csv_lines(std::iter::once(
        names.map(neutral).collect::<Vec<_>>(),
    ))?);
    Ok(file)
}

/// The rows of a chunk that were not imported.
fn lines(columns: &[Column], rows: &[StagedRow], findings: &[FindingRow]) -> Result<Vec<u8>, OpError> {
    let mut by_row: HashMap<i32, Vec<&FindingRow>> = HashMap::new();
    let blocking =
        |finding: &&FindingRow| ImportFindingCode::parse(&finding.code).is_none_or(ImportFindingCode::blocks);
    for finding in findings.iter().filter(blocking) {
        by_row.entry(finding.row_number).or_default().push(finding);
    }
    let refused = rows.iter().filter_map(|row| {
        let problems = by_row.get(&i32::try_from(row.row).ok()?)?;
        let named = problems.iter().filter_map(|finding| {
            let place = usize::try_from(finding.column_index?).ok()?;
            Some(columns.get(place)?.name.as_str())
        });
        let named = named.collect::<Vec<_>>().join("; ");
        let said = problems.iter().map(|finding| finding.message.as_str());
        let said = said.collect::<Vec<_>>().join(" ");
        let cells = (0..columns.len()).map(|place| row.cells.get(place).map_or("", String::as_str));
        let mut line: Vec<String> = cells.map(neutral).collect();
        line.extend([row.row.to_string(), neutral(&named), said]);
        Some(line)
    });
    csv_lines(refused)
}

fn csv_lines(rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, OpError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for row in rows {
        writer.write_record(&row).map_err(anyhow::Error::from)?;
    }
    Ok(writer.into_inner().map_err(|error| anyhow::anyhow!("{error}"))?)
}

/// A cell that no spreadsheet runs (CWE-1236): what begins like a formula gets an apostrophe. Numbers with a sign, such as
/// telephone numbers, compute nothing and stay as they are, so that they can be imported again.
fn neutral(cell: &str) -> String {
    let starts = cell.trim_start_matches(' ').chars().next();
    let is_number = |c: char| c.is_ascii_digit() || " ()-.,+".contains(c);
    let runs = match starts {
        Some('=' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => true,
        Some('+' | '-') => !cell.chars().all(is_number),
        _ => false,
    };
    if runs { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::neutral;

    #[test]
    fn formulas_are_made_texts_and_numbers_stay() {
        for formula in [
            "=1+1",
            " =HYPERLINK(\"x\")",
            "@SUM(A1)",
            "+A1",
            "-2+cmd|' /C calc'!A0",
            "\t=1",
            "\r=1",
        ] {
            assert_eq!(neutral(formula), format!("'{formula}"));
        }
        for harmless in ["+1 (212) 555-0110", "-12.50", "Ann", "", "a=b", "1,250.50"] {
            assert_eq!(neutral(harmless), harmless);
        }
    }
}
