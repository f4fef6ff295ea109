//! Reads a CSV file record by record in fixed memory, whatever the file holds. What a person can put right in the file
//! is said in a sentence; cells that merely do not fit are [`super::row`]'s business.

use std::collections::HashMap;

use csv_core::ReadRecordResult;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// At most this many rows below the header.
pub(super) const MOST_ROWS: u32 = 100_000;
/// At most this many columns.
pub(super) const MOST_COLUMNS: usize = 200;
/// At most this many characters in the name of a column.
const LONGEST_NAME: usize = 100;
/// At most this many bytes in one row. A quote that is never closed swallows what follows it: here it is noticed.
const LONGEST_ROW: usize = 256 * 1024;
/// How much is read at once.
const BUFFER: usize = 64 * 1024;

/// One row of the file.
#[derive(Clone)]
pub(super) struct Record {
    /// As a spreadsheet counts: the header is row 1. Empty lines are not counted.
    pub(super) row: u32,
    /// As they stand in the file.
    pub(super) cells: Vec<String>,
}

/// Why the file as a whole cannot be read. The texts never repeat what the file holds, but for a column's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FileProblem {
    #[error("The file is empty: put the names of the columns into its first row.")]
    Empty,
    #[error("The file has no row below the names of its columns.")]
    NoRows,
    #[error(
        "This is a spreadsheet, not a CSV file: open it and save it as \"CSV UTF-8 (comma delimited)\", then upload that file."
    )]
    Spreadsheet,
    #[error("The file is in UTF-16: save it as \"CSV UTF-8\", then upload it again.")]
    Utf16,
    #[error("This is not a text file: upload a CSV file in UTF-8.")]
    NotText,
    #[error(
        "Row {row} is not in UTF-8 (the file is perhaps in Latin-1 or Windows-1252): save the file as \"CSV UTF-8\", then upload it again."
    )]
    NotUtf8 { row: u32 },
    #[error(
        "Row {row} is longer than 256 KiB: look for a quotation mark that is never closed, or shorten the row."
    )]
    RowTooLong { row: u32 },
    #[error("Row {row} has more than {MOST_COLUMNS} columns: leave out what is not to be imported.")]
    TooManyColumns { row: u32 },
    #[error("The file has more than 100,000 rows: split it and import the parts one after the other.")]
    TooManyRows,
    #[error("Column {place} has a name of more than {LONGEST_NAME} characters: is the header row missing?")]
    NameTooLong { place: usize },
    #[error("Columns {first} and {second} have the same name: rename one of them, or take it out.")]
    SameName { first: usize, second: usize },
}

impl FileProblem {
    /// A word for it that a program can tell apart.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Empty | Self::NoRows => "EMPTY",
            Self::Spreadsheet => "SPREADSHEET",
            Self::Utf16 | Self::NotUtf8 { .. } => "ENCODING",
            Self::NotText => "NOT_TEXT",
            Self::RowTooLong { .. } => "ROW_TOO_LONG",
            Self::TooManyColumns { .. } => "TOO_MANY_COLUMNS",
            Self::TooManyRows => "TOO_MANY_ROWS",
            Self::NameTooLong { .. } | Self::SameName { .. } => "HEADER",
        }
    }
}

/// Why reading ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The file is not as it should be.
    #[error(transparent)]
    File(#[from] FileProblem),
    /// The file could not be had; trying again may help.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
}

/// Reads records of at most [`LONGEST_ROW`] bytes.
pub(super) struct CsvReader<R> {
    input: R,
    core: csv_core::Reader,
    buffer: Box<[u8]>,
    /// What of the buffer is not read yet.
    unread: std::ops::Range<usize>,
    ended: bool,
    fields: Box<[u8]>,
    ends: Box<[usize]>,
    row: u32,
}

impl<R: AsyncRead + Unpin> CsvReader<R> {
    /// Looks at the beginning of the file and reads its header.
    ///
    /// # Errors
    /// [`ReadError`] for a file that is no CSV file in UTF-8, or whose header cannot be.
    pub(super) async fn open(input: R) -> Result<(Self, Vec<String>), ReadError> {
        let mut reader = Self {
            input,
            core: csv_core::Reader::new(),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            unread: 0..0,
            ended: false,
            fields: vec![0; LONGEST_ROW].into_boxed_slice(),
            ends: vec![0; MOST_COLUMNS + 1].into_boxed_slice(),
            row: 0,
        };
        while !reader.ended && reader.unread.end < BUFFER {
            reader.fill().await?;
        }
        let beginning = &reader.buffer[reader.unread.clone()];
        check_kind(beginning)?;
        let delimiter = delimiter_of(beginning);
        reader.core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let header = reader.next().await?.ok_or(FileProblem::Empty)?;
        let names = column_names(header.cells)?;
        Ok((reader, names))
    }

    /// The next row; `None` at the end of the file.
    ///
    /// # Errors
    /// [`ReadError`] for a row that cannot be read.
    pub(super) async fn next(&mut self) -> Result<Option<Record>, ReadError> {
        let (mut written, mut ended_fields) = (0, 0);
        let row = self.row + 1;
        loop {
            if self.unread.is_empty() && !self.ended {
                self.fill().await?;
            }
            let (result, read, out, fields) = self.core.read_record(
                &self.buffer[self.unread.clone()],
                &mut self.fields[written..],
                &mut self.ends[ended_fields..],
            );
            self.unread.start += read;
            written += out;
            ended_fields += fields;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => return Err(FileProblem::RowTooLong { row }.into()),
                ReadRecordResult::OutputEndsFull => return Err(FileProblem::TooManyColumns { row }.into()),
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record => break,
            }
        }
        // The header is no row of data.
        if row > MOST_ROWS + 1 {
            return Err(FileProblem::TooManyRows.into());
        }
        self.row = row;
        if ended_fields > MOST_COLUMNS {
            return Err(FileProblem::TooManyColumns { row }.into());
        }
        let mut start = 0;
        let mut cells = Vec::with_capacity(ended_fields);
        for end in &self.ends[..ended_fields] {
            let cell =
                std::str::from_utf8(&self.fields[start..*end]).map_err(|_| FileProblem::NotUtf8 { row })?;
            cells.push(cell.to_owned());
            start = *end;
        }
        Ok(Some(Record { row, cells }))
    }

    /// Reads on into the buffer, behind what is there.
    async fn fill(&mut self) -> Result<(), std::io::Error> {
        if self.unread.is_empty() {
            self.unread = 0..0;
        }
        let read = self.input.read(&mut self.buffer[self.unread.end..]).await?;
        self.unread.end += read;
        self.ended = read == 0;
        Ok(())
    }
}

/// Refuses what only calls itself CSV: told by the first bytes, because names and media types are the sender's word.
fn check_kind(beginning: &[u8]) -> Result<(), FileProblem> {
    // ZIP (Office Open XML, OpenDocument) and the Compound File of older Office.
    if beginning.starts_with(b"PK\x03\x04") || beginning.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Err(FileProblem::Spreadsheet);
    }
    if beginning.starts_with(b"\xff\xfe") || beginning.starts_with(b"\xfe\xff") {
        return Err(FileProblem::Utf16);
    }
    let header = beginning.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let nuls = header.iter().filter(|byte| **byte == 0).count();
    match nuls {
        0 => {}
        // Every other byte of Latin letters in UTF-16 is NUL.
        _ if nuls * 3 >= header.len() => return Err(FileProblem::Utf16),
        _ => return Err(FileProblem::NotText),
    }
    if beginning.starts_with(b"%PDF-") {
        return Err(FileProblem::NotText);
    }
    Ok(())
}

/// What separates the cells: spreadsheets in countries with a decimal comma write semicolons, copies out of them tabs.
fn delimiter_of(beginning: &[u8]) -> u8 {
    let header = beginning
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let count = |delimiter: u8| header.iter().filter(|byte| **byte == delimiter).count();
    // The first of the most frequent: the comma wins a draw.
    [b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|delimiter| count(*delimiter))
        .unwrap_or(b',')
}

/// The columns' names, trimmed; one without a name is called after its place.
fn column_names(cells: Vec<String>) -> Result<Vec<String>, FileProblem> {
    if cells.iter().all(|cell| cell.trim().is_empty()) {
        return Err(FileProblem::Empty);
    }
    let mut places: HashMap<String, usize> = HashMap::with_capacity(cells.len());
    let mut names = Vec::with_capacity(cells.len());
    for (place, cell) in (1..).zip(cells) {
        let name = match cell.trim() {
            "" => format!("Column {place}"),
            name => name.to_owned(),
        };
        if name.chars().count() > LONGEST_NAME {
            return Err(FileProblem::NameTooLong { place });
        }
        if let Some(first) = places.insert(name.to_lowercase(), place) {
            return Err(FileProblem::SameName { first, second: place });
        }
        names.push(name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn read(bytes: &[u8]) -> Result<(Vec<String>, Vec<Record>), ReadError> {
        let (mut reader, names) = CsvReader::open(bytes).await?;
        let mut records = Vec::new();
        while let Some(record) = reader.next().await? {
            records.push(record);
        }
        Ok((names, records))
    }

    async fn refused(bytes: &[u8]) -> FileProblem {
        match read(bytes).await {
            Err(ReadError::File(problem)) => problem,
            Err(ReadError::Io(error)) => panic!("{error}"),
            Ok((names, records)) => panic!("was read: {names:?}, {} rows", records.len()),
        }
    }

    #[tokio::test]
    async fn what_spreadsheets_write_is_read_whatever_their_habits() {
        let cells = [vec!["Ann", "1, \"Elm\"\nBack"], vec!["Bob", ""]];
        for file in [
            "name,street\nAnn,\"1, \"\"Elm\"\"\nBack\"\nBob,\n",
            "\u{feff}name,street\r\nAnn,\"1, \"\"Elm\"\"\nBack\"\r\nBob,",
            "name;street\rAnn;\"1, \"\"Elm\"\"\nBack\"\rBob;\r",
            "\n\nname\tstreet\nAnn\t\"1, \"\"Elm\"\"\nBack\"\r\n\r\nBob\t\n\n",
        ] {
            let (names, records) = read(file.as_bytes()).await.unwrap();
            assert_eq!(names, ["name", "street"], "{file:?}");
            let found: Vec<&[String]> = records.iter().map(|record| record.cells.as_slice()).collect();
            assert_eq!(found, cells, "{file:?}");
            assert_eq!(
                records.iter().map(|record| record.row).collect::<Vec<_>>(),
                [2, 3],
                "{file:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_csv_file_in_utf_8_is_refused_with_the_way_out() {
        assert_eq!(refused(b"").await, FileProblem::Empty);
        assert_eq!(refused(b"\xef\xbb\xbf\n\n").await, FileProblem::Empty);
        assert_eq!(refused(b" , ,\nAnn,1,2\n").await, FileProblem::Empty);
        assert_eq!(
            refused(b"PK\x03\x04rest of a zip").await,
            FileProblem::Spreadsheet
        );
        assert_eq!(refused(b"\xff\xfen\0a\0m\0e\0\n\0").await, FileProblem::Utf16);
        assert_eq!(refused(b"n\0a\0m\0e\0,\0\n\0").await, FileProblem::Utf16);
        assert_eq!(refused(b"name,a\0street\nAnn,b\n").await, FileProblem::NotText);
        assert_eq!(refused(b"%PDF-1.7\n").await, FileProblem::NotText);
        assert_eq!(
            refused(b"name\nAnn\nJos\xe9\n").await,
            FileProblem::NotUtf8 { row: 3 }
        );
        assert_eq!(
            refused(b"name,Phone,phone \nAnn,1,2\n").await,
            FileProblem::SameName { first: 2, second: 3 }
        );
        let header = vec!["same"; 100].join(",");
        assert_eq!(
            refused(format!("{header}\n").as_bytes()).await,
            FileProblem::SameName { first: 1, second: 2 }
        );
        assert_eq!(
            refused(format!("{}\n", ",a".repeat(MOST_COLUMNS)).as_bytes()).await,
            FileProblem::TooManyColumns { row: 1 }
        );
        assert_eq!(
            refused(format!("{}\n", "long".repeat(30)).as_bytes()).await,
            FileProblem::NameTooLong { place: 1 }
        );
    }

    #[tokio::test]
    async fn one_huge_cell_or_an_open_quote_is_noticed_in_fixed_memory() {
        let mut file = b"name,street\nAnn,ok\nBob,\"".to_vec();
        file.resize(10 * 1024 * 1024, b'x');
        assert_eq!(refused(&file).await, FileProblem::RowTooLong { row: 3 });
        let rows = format!("name\n{}", "x\n".repeat(100_001));
        assert_eq!(refused(rows.as_bytes()).await, FileProblem::TooManyRows);
        let (_, records) = read(&rows.as_bytes()[..rows.len() - 2]).await.unwrap();
        assert_eq!(records.len(), 100_000);
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_rows_or_a_sentence(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            match runtime.block_on(read(&bytes)) {
                Ok((names, records)) => prop_assert!(!names.is_empty() && records.len() < bytes.len()),
                Err(ReadError::File(problem)) => prop_assert!(problem.to_string().ends_with(['.', '?'])),
                Err(ReadError::Io(error)) => prop_assert!(false, "{error}"),
            }
        }

        #[test]
        fn what_a_writer_writes_is_read_back(
            rows in proptest::collection::vec(proptest::collection::vec("[ -~äé\n\r]{0,12}", 2..4), 1..20)
        ) {
            let width = rows[0].len();
            let mut writer = csv::Writer::from_writer(Vec::new());
            let header: Vec<String> = (0..width).map(|n| format!("c{n}")).collect();
            writer.write_record(&header).unwrap();
            for row in &rows {
                let mut row = row.clone();
                row.resize(width, String::new());
                writer.write_record(&row).unwrap();
            }
            let file = writer.into_inner().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (_, records) = runtime.block_on(read(&file)).unwrap();
            prop_assert_eq!(records.len(), rows.len());
            for (record, row) in records.iter().zip(&rows) {
                for (cell, wrote) in record.cells.iter().zip(row) {
                    prop_assert_eq!(cell, wrote);
                }
            }
        }
    }
}
