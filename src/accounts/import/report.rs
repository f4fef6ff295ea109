//! The rows that were not imported, as a file to correct and upload again.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    AccountImports,
    columns::Column,
    field::REPORT_COLUMNS,
    finding::ImportFindingCode,
    model::{REPORT_KEPT_FOR, StagedRow},
    people::People,
    row::ParsedRow,
    staged::{self, FindingRow},
    store,
    taken::taken,
};
use crate::{
    files::{self, NewFile, Purpose, Stored},
    platform::{context::TenantCtx, db::TenantTx, error::OpError, keys::TenantKeys},
};

/// A report that was written.
pub(super) struct Report {
    stored: Stored,
    /// Records of people whom it tells of, as far as the business has them.
    debtors: HashSet<Uuid>,
}

impl Report {
    /// Takes it into use for an import: as long as an export is kept, or until one of those whom it tells of is erased.
    pub(super) async fn keep(&self, tx: &mut TenantTx, import: Uuid) -> Result<(), OpError> {
        let expires_at = tx.now() + REPORT_KEPT_FOR;
        files::keep(tx, &self.stored, Some(expires_at)).await?;
        let debtors: Vec<Uuid> = self.debtors.iter().copied().collect();
        files::tells_of(tx, self.stored.id, &debtors).await?;
        Ok(store::set_report(tx, import, self.stored.id).await?)
    }
}

impl AccountImports {
    /// Writes the report, chunk by chunk; none where every row can be imported.
    pub(super) async fn write_report(
        &self,
        ctx: &TenantCtx,
        keys: &TenantKeys,
        import: Uuid,
        columns: &[Column],
    ) -> Result<Option<Report>, OpError> {
        let (mut writer, mut debtors) = (None, HashSet::new());
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
            let by_row = by_row(&findings);
            let refused: Vec<&StagedRow> = rows.iter().filter(|row| is_refused(&by_row, row)).collect();
            if refused.is_empty() {
                tx.finish_read().await?;
                continue;
            }
            debtors.extend(told_of(&mut tx, keys, &refused).await?);
            tx.finish_read().await?;
            let lines = lines(columns, &refused, &by_row)?;
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
            Some(writer) => Ok(Some(Report {
                stored: writer.finish().await?,
                debtors,
            })),
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

/// What is to be said of each row.
type Said<'a> = HashMap<i32, Vec<&'a FindingRow>>;

fn by_row(findings: &[FindingRow]) -> Said<'_> {
    let mut by_row = Said::new();
    for finding in findings {
        by_row.entry(finding.row_number).or_default().push(finding);
    }
    by_row
}

fn said<'a>(by_row: &'a Said<'a>, row: &StagedRow) -> &'a [&'a FindingRow] {
    let number = i32::try_from(row.row).ok();
    let found = number.and_then(|number| by_row.get(&number));
    found.map_or(&[], Vec::as_slice)
}

fn is_refused(by_row: &Said<'_>, row: &StagedRow) -> bool {
    let blocks = |code: &str| ImportFindingCode::parse(code).is_none_or(ImportFindingCode::blocks);
    said(by_row, row).iter().any(|finding| blocks(&finding.code))
}

/// Records of people whom these rows repeat or name.
async fn told_of(tx: &mut TenantTx, keys: &TenantKeys, refused: &[&StagedRow]) -> Result<Vec<Uuid>, OpError> {
    let mut found: Vec<Uuid> = refused
        .iter()
        .flat_map(|row| row.repeats.iter().copied())
        .collect();
    // Those that were valid, and could not be placed when it came to it.
    let late: Vec<&ParsedRow> = refused.iter().filter_map(|row| row.parsed.as_ref()).collect();
    if !late.is_empty() {
        let there = taken(tx, keys, late.iter().copied()).await?;
        found.extend(late.iter().filter_map(|row| there.has(keys, row)).flatten());
        found.extend(People::find(tx, keys, &late).await?.ids());
    }
    Ok(found)
}

/// The rows of a chunk that were not imported.
fn lines(columns: &[Column], refused: &[&StagedRow], by_row: &Said<'_>) -> Result<Vec<u8>, OpError> {
    csv_lines(refused.iter().map(|row| {
        let problems = said(by_row, row);
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
        line
    }))
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
