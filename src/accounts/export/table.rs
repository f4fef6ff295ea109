//! Lines become the bytes of a file, without keeping them: CSV (RFC 4180) or a workbook of Excel (ISO/IEC 29500).

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::{
    columns::{Column, Value},
    workbook::Packing,
};
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

/// A table that is being written; memory holds no more of it than the lines that are being added.
pub(super) enum Table {
    Csv,
    Xlsx(Box<Packing>),
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
            Format::Xlsx => Self::Xlsx(Box::new(Packing::begin().map_err(failed)?)),
        };
        table.add(&[titles], out).await?;
        Ok(table)
    }

    /// Adds lines.
    pub(super) async fn add(&mut self, lines: &[Vec<Value>], out: &mut FileWriter) -> Result<(), OpError> {
        match self {
            Self::Csv => out.write(&csv_of(lines)?).await,
            Self::Xlsx(packing) => out.write(&packing.add(lines).map_err(failed)?).await,
        }
    }

    /// Ends the table.
    pub(super) async fn end(self, out: &mut FileWriter) -> Result<(), OpError> {
        match self {
            Self::Csv => Ok(()),
            Self::Xlsx(packing) => out.write(&packing.end().map_err(failed)?).await,
        }
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> OpError {
    OpError::Internal(anyhow::Error::from(error).context("a table could not be written"))
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

/// As every table writes it.
pub(super) fn instant(at: &DateTime<Utc>) -> String {
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
