//! Lines become the bytes of a file, without keeping them: CSV (RFC 4180) or a workbook of Excel (ISO/IEC 29500).

use std::io::{self, Write};

use chrono::{DateTime, Datelike as _, NaiveDate, SecondsFormat, Utc};
use rust_xlsxwriter::{ExcelDateTime, Format as CellFormat, Workbook, XlsxError};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::columns::{Column, Value};
use crate::{files::FileWriter, platform::error::OpError};

/// Which kind of file.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(in crate::accounts) enum Format {
    Csv,
    Xlsx,
}

impl Format {
    /// As the database and the API spell it.
    pub(in crate::accounts) fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Xlsx => "XLSX",
        }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// Excel reads UTF-8 only where this stands first.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// Blocks of a workbook on their way from the thread that packs it.
const BLOCKS: usize = 4;
/// Bytes of such a block.
const BLOCK: usize = 64 * 1024;

/// A table that is being written.
pub(super) enum Table {
    Csv,
    /// Rows lie in a temporary file without a name until the workbook is packed: memory holds one row.
    Xlsx(Box<Sheet>),
}

/// The one sheet of a workbook.
pub(super) struct Sheet {
    workbook: Workbook,
    next: u32,
    amount: CellFormat,
    day: CellFormat,
}

impl Table {
    /// Begins with the columns' titles.
    pub(super) async fn begin(
        format: Format,
        columns: &[Column],
        out: &mut FileWriter,
    ) -> Result<Self, OpError> {
        let titles: Vec<Value> = columns
            .iter()
            .map(|column| Value::Text(column.title().to_owned()))
            .collect();
        let mut table = match format {
            Format::Csv => {
                out.write(BYTE_ORDER_MARK).await?;
                Self::Csv
            }
            Format::Xlsx => Self::Xlsx(Box::new(Sheet::new().map_err(failed)?)),
        };
        table.add(&[titles], out).await?;
        Ok(table)
    }

    /// Adds lines.
    pub(super) async fn add(&mut self, lines: &[Vec<Value>], out: &mut FileWriter) -> Result<(), OpError> {
        match self {
            Self::Csv => out.write(&csv_of(lines)?).await,
            Self::Xlsx(sheet) => {
                for line in lines {
                    sheet.add(line).map_err(failed)?;
                }
                Ok(())
            }
        }
    }

    /// Ends the table.
    pub(super) async fn end(self, out: &mut FileWriter) -> Result<(), OpError> {
        let Self::Xlsx(sheet) = self else {
            return Ok(());
        };
        let mut workbook = sheet.workbook;
        let (sender, mut blocks) = mpsc::channel(BLOCKS);
        // Packing keeps a processor busy.
        let packing = tokio::task::spawn_blocking(move || {
            let mut blocks = io::BufWriter::with_capacity(BLOCK, Blocks(sender));
            workbook.save_to_writer(&mut blocks)?;
            blocks.flush().map_err(XlsxError::from)
        });
        while let Some(block) = blocks.recv().await {
            out.write(&block).await?;
        }
        packing
            .await
            .map_err(|error| OpError::Internal(error.into()))?
            .map_err(failed)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> OpError {
    OpError::Internal(anyhow::Error::from(error).context("a table could not be written"))
}

/// Hands blocks over to whoever writes them.
struct Blocks(mpsc::Sender<Vec<u8>>);

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.blocking_send(bytes.to_vec()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn csv_of(lines: &[Vec<Value>]) -> Result<Vec<u8>, OpError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .quote_style(csv::QuoteStyle::Always)
        .from_writer(Vec::new());
    for line in lines {
        writer.write_record(line.iter().map(csv_text)).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| failed(error.into_error()))
}

fn csv_text(value: &Value) -> String {
    match value {
        Value::Nothing => String::new(),
        Value::Text(text) => harmless(text),
        Value::Number(number) => number.clone(),
        Value::Day(day) => day.to_string(),
        Value::Instant(at) => instant(at),
    }
}

/// A spreadsheet takes a text that begins with one of these for a formula, and runs it (OWASP, "CSV Injection"): an
/// apostrophe in front makes it a text again. Of the wide forms, East Asian editions do the same.
fn harmless(text: &str) -> String {
    let first = text.trim_start_matches(' ').chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => {
            format!("'{text}")
        }
        _ => text.to_owned(),
    }
}

impl Sheet {
    fn new() -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        workbook
            .add_worksheet_with_constant_memory()?
            .set_name("Accounts")?;
        Ok(Self {
            workbook,
            next: 0,
            amount: CellFormat::new().set_num_format("0.00"),
            day: CellFormat::new().set_num_format("yyyy-mm-dd"),
        })
    }

    /// A text in a workbook has the type of a text: it is no formula, whatever it begins with.
    fn add(&mut self, line: &[Value]) -> Result<(), XlsxError> {
        let (sheet, row) = (self.workbook.worksheet_from_index(0)?, self.next);
        for (value, column) in line.iter().zip(0..) {
            match value {
                Value::Nothing => continue,
                Value::Text(text) => sheet.write_string(row, column, text)?,
                // What Excel knows as a number is a binary fraction of 15 digits; the service computes with none of them.
                Value::Number(number) => match number.parse::<f64>() {
                    Ok(parsed) if number.contains('.') => {
                        sheet.write_number_with_format(row, column, parsed, &self.amount)?
                    }
                    Ok(parsed) => sheet.write_number(row, column, parsed)?,
                    Err(_) => sheet.write_string(row, column, number)?,
                },
                Value::Day(day) => match excel_day(*day) {
                    Some(date) => sheet.write_datetime_with_format(row, column, &date, &self.day)?,
                    None => sheet.write_string(row, column, day.to_string())?,
                },
                Value::Instant(at) => sheet.write_string(row, column, instant(at))?,
            };
        }
        self.next += 1;
        Ok(())
    }
}

/// Excel's days begin with the year 1900.
fn excel_day(day: NaiveDate) -> Option<ExcelDateTime> {
    let part = |number: u32| u8::try_from(number).ok();
    ExcelDateTime::from_ymd(
        u16::try_from(day.year()).ok()?,
        part(day.month())?,
        part(day.day())?,
    )
    .ok()
}

fn instant(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_a_text_again_and_numbers_stay_numbers() {
        let text = |text: &str| Value::Text(text.to_owned());
        let line = vec![
            text("=HYPERLINK(\"http://evil.example\",\"Pay\")"),
            text("+1"),
            text("@SUM(A1)"),
            text("\tx"),
            text(" =1"),
            text("＝1"),
            text("a\"b\r\nc,d"),
            text("O'Brien-Jones"),
            Value::Number("-12.50".to_owned()),
            Value::Nothing,
        ];
        let csv = String::from_utf8(csv_of(&[line]).unwrap()).unwrap();
        assert_eq!(
            csv,
            "\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"Pay\"\")\",\"'+1\",\"'@SUM(A1)\",\"'\tx\",\"' =1\",\"'＝1\",\
             \"a\"\"b\r\nc,d\",\"O'Brien-Jones\",\"-12.50\",\"\"\r\n"
        );
    }
}
