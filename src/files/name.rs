//! Names of files, which come from anywhere and go onto people's disks.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use unicode_normalization::UnicodeNormalization as _;

/// At most this many characters, the extension among them.
const LONGEST: usize = 150;
/// No extension that is known is longer.
const LONGEST_EXTENSION: usize = 10;

/// The name without folders, without characters that a file system or a shell takes for something else, and without
/// those that make it look like another name (Unicode TR 36 section 2.4: bidirectional overrides show `exe.pdf` for
/// `fdp.exe`).
pub fn sanitised(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .nfc()
        .filter(|letter| !letter.is_control() && !is_invisible(*letter))
        .map(|letter| match letter {
            ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            other => other,
        })
        .collect();
    let clean = clean.trim_matches([' ', '.']);
    let (stem, extension) = match clean.rsplit_once('.') {
        Some((stem, extension)) if extension.chars().count() <= LONGEST_EXTENSION => (stem, Some(extension)),
        _ => (clean, None),
    };
    let stem: String = stem.chars().take(LONGEST - LONGEST_EXTENSION - 1).collect();
    match (stem.trim().is_empty(), extension) {
        (false, Some(extension)) => format!("{}.{extension}", stem.trim_end()),
        (false, None) => stem.trim_end().to_owned(),
        (true, Some(extension)) => format!("file.{extension}"),
        (true, None) => "file".to_owned(),
    }
}

/// Marks of direction and of joining, and the byte order mark.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{061C}')
}

/// The extension in small letters; empty where there is none.
pub(super) fn extension(name: &str) -> String {
    name.rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase())
        .unwrap_or_default()
}

/// `Content-Disposition` of a download (RFC 6266 section 4): the name in ASCII for old clients, and as it is (RFC 8187).
pub fn content_disposition(kind: &str, name: &str) -> String {
    let ascii: String = name
        .chars()
        .map(|letter| match letter {
            '"' | '\\' | '%' => '_',
            ' '..='~' => letter,
            _ => '_',
        })
        .collect();
    let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_what_is_harmless() {
        for (given, kept) in [
            ("letter.pdf", "letter.pdf"),
            ("Señora Núñez – Rechnung 7.PDF", "Señora Núñez – Rechnung 7.PDF"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ana\\scan.png", "scan.png"),
            ("a\r\nSet-Cookie: x.txt", "aSet-Cookie_ x.txt"),
            ("invoice\u{202E}fdp.exe", "invoicefdp.exe"),
            ("...", "file"),
            (".pdf", "pdf"),
            ("  .  .pdf", "pdf"),
            ("a<b>|c?.csv", "a_b__c_.csv"),
            ("", "file"),
        ] {
            assert_eq!(sanitised(given), kept, "{given:?}");
        }
        let long = sanitised(&format!("{}.pdf", "x".repeat(500)));
        assert!(
            long.ends_with(".pdf") && long.chars().count() <= LONGEST,
            "{long}"
        );
    }

    #[test]
    fn a_name_in_a_header_stays_in_its_quotes() {
        assert_eq!(
            content_disposition("attachment", "a\"; x=\"é.pdf"),
            "attachment; filename=\"a_; x=__.pdf\"; filename*=UTF-8''a%22%3B%20x%3D%22%C3%A9%2Epdf"
        );
    }
}
