//! A text file line by line, whatever its size and however long somebody made a line.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// No line of the files that are read here comes near it.
const LONGEST: usize = 512;

/// Why a line cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("line {0} is longer than {max} characters", max = LONGEST)]
    TooLong(u64),
    #[error("line {0} is no text")]
    NotText(u64),
}

/// Reads lines, and forgets each with the next.
pub(super) struct Lines<R> {
    source: BufReader<R>,
    line: Vec<u8>,
    /// The number of the line that was read last.
    pub(super) number: u64,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(64 * 1024, source),
            line: Vec::with_capacity(LONGEST),
            number: 0,
        }
    }

    /// The next line that is not empty, without its end; none at the end of the file.
    ///
    /// # Errors
    /// [`LineError`].
    pub(super) async fn next(&mut self) -> Result<Option<&str>, LineError> {
        loop {
            self.line.clear();
            self.number += 1;
            if !self.read_line().await? {
                return Ok(None);
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let mut line = self.line.trim_ascii();
        if self.number == 1 {
            // Spreadsheets write a byte order mark first.
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        match std::str::from_utf8(line) {
            Ok(text) if !text.contains(|c: char| c.is_control() && c != '\t') => Ok(Some(text)),
            _ => Err(LineError::NotText(self.number)),
        }
    }

    /// False at the end of the file.
    async fn read_line(&mut self) -> Result<bool, LineError> {
        loop {
            let read = self.source.fill_buf().await?;
            if read.is_empty() {
                return Ok(!self.line.is_empty());
            }
            let end = memchr::memchr(b'\n', read);
            let taken = end.unwrap_or(read.len());
            if self.line.len() + taken > LONGEST {
                return Err(LineError::TooLong(self.number));
            }
            self.line.extend_from_slice(&read[..taken]);
            self.source.consume(end.map_or(taken, |end| end + 1));
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

/// The cells of a line: separated by commas, each perhaps in quotation marks. None of the files has a comma in a cell.
pub(super) fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(|cell| {
        let cell = cell.trim();
        let inner = cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.unwrap_or(cell).trim()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(content: &[u8]) -> Result<Vec<String>, LineError> {
        let mut lines = Lines::new(content);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await? {
            all.push(line.to_owned());
        }
        Ok(all)
    }

    #[tokio::test]
    async fn lines_are_read_with_any_end_and_without_the_mark_of_a_spreadsheet() {
        let all = read(b"\xEF\xBB\xBFa,b\r\n\r\n  \nc\nlast").await.unwrap();
        assert_eq!(all, ["a,b", "c", "last"]);
        assert!(read(b"").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_line_without_end_and_what_is_no_text_are_refused() {
        let long = vec![b'1'; 50_000_000];
        assert!(matches!(read(&long).await, Err(LineError::TooLong(1))));
        assert!(matches!(
            read(b"fine\n\xFF\xFEoh\n").await,
            Err(LineError::NotText(2))
        ));
        assert!(matches!(read(b"nul\0nul").await, Err(LineError::NotText(1))));
    }
}
