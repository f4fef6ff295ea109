//! What a content is, told by itself: the extension says what it should be, and a lie is refused. Looks at the bytes as
//! they pass.

use memchr::memmem;

use super::{model::Purpose, name::extension};

/// What is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    Pdf,
    Png,
    Jpeg,
    Tiff,
    Webp,
    Docx,
    Xlsx,
    Text,
    Csv,
}

/// Extension, type, what may be uploaded as it, and its name for people.
const KNOWN: &[(&str, MediaType)] = &[
    ("pdf", MediaType::Pdf),
    ("png", MediaType::Png),
    ("jpg", MediaType::Jpeg),
    ("jpeg", MediaType::Jpeg),
    ("tif", MediaType::Tiff),
    ("tiff", MediaType::Tiff),
    ("webp", MediaType::Webp),
    ("docx", MediaType::Docx),
    ("xlsx", MediaType::Xlsx),
    ("txt", MediaType::Text),
    ("csv", MediaType::Csv),
];

impl MediaType {
    /// As registered with IANA.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Tiff => "image/tiff",
            Self::Webp => "image/webp",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Text => "text/plain",
            Self::Csv => "text/csv",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        KNOWN.iter().map(|(_, ty)| *ty).find(|ty| ty.as_str() == text)
    }

    fn is_for(self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::AccountImport => matches!(self, Self::Csv | Self::Text | Self::Xlsx),
            Purpose::ReassignedNumbers => matches!(self, Self::Csv | Self::Text),
            Purpose::Document => true,
            Purpose::ProfilePhoto | Purpose::BusinessLogo => {
                matches!(self, Self::Png | Self::Jpeg | Self::Webp)
            }
            Purpose::Export | Purpose::ImportReport | Purpose::LegalNotice => false,
        }
    }
}

/// What a file of this name should hold.
///
/// # Errors
/// A sentence on which files are taken.
pub(super) fn expected(name: &str, purpose: Purpose) -> Result<MediaType, String> {
    let found = extension(name);
    let taken: Vec<&str> = KNOWN
        .iter()
        .filter(|(_, ty)| ty.is_for(purpose))
        .map(|(known, _)| *known)
        .collect();
    KNOWN
        .iter()
        .find(|(known, ty)| *known == found && ty.is_for(purpose))
        .map(|(_, ty)| *ty)
        .ok_or_else(|| format!("Give a file of one of these kinds: {}.", taken.join(", ")))
}

/// Enough of the beginning to tell a type by.
const HEAD: usize = 8 * 1024;
/// The size of a photo can stand behind half a megabyte of colour profiles and thumbnails.
const PHOTO_HEAD: usize = 512 * 1024;
/// A photo that is larger unpacks to more memory than a browser should give it.
const PHOTO_PIXELS: usize = 6_000;

/// Parts of an Office document by their names, which stand in clear in the archive.
const WORD: &[u8] = b"word/document.xml";
const SHEETS: &[u8] = b"xl/workbook.xml";
const MACROS: &[u8] = b"vbaProject.bin";
/// The end of an archive (APPNOTE 4.3.16), and the least that it takes; a comment may follow.
const ARCHIVE_END: &[u8] = b"PK\x05\x06";
const ARCHIVE_END_SIZE: usize = 22;
/// What is kept of what passed: enough for a part's name, and for an archive's end with a short comment.
const TAIL: usize = 128;

/// Why a content is not taken; a sentence for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch(pub(super) String);

/// Watches a content pass.
pub(super) struct Detector {
    expected: MediaType,
    photo: bool,
    head: Vec<u8>,
    /// The end of what passed, in which a part's name may have begun.
    tail: Vec<u8>,
    has_part: bool,
    has_macros: bool,
    wide_text: bool,
    passed: usize,
}

impl Detector {
    pub(super) fn new(expected: MediaType, purpose: Purpose) -> Self {
        Self {
            expected,
            photo: matches!(purpose, Purpose::ProfilePhoto | Purpose::BusinessLogo),
            head: Vec::new(),
            tail: Vec::new(),
            has_part: false,
            has_macros: false,
            wide_text: false,
            passed: 0,
        }
    }

    /// Looks at the next bytes.
    ///
    /// # Errors
    /// As soon as the content is known to be something else.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Mismatch> {
        let head = if self.photo { PHOTO_HEAD } else { HEAD };
        if let (0, Some(first)) = (self.passed, bytes.first()) {
            // No other text begins with one of these: the byte order mark of UTF-16, the rest of which the head shows.
            self.wide_text = matches!(first, 0xFE | 0xFF);
        }
        if self.head.len() < head {
            let room = head - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        self.passed += bytes.len();
        match self.expected {
            MediaType::Docx | MediaType::Xlsx => self.look_for_parts(bytes),
            MediaType::Text | MediaType::Csv
                if !self.wide_text && bytes.iter().any(|byte| is_no_text(*byte)) =>
            {
                return Err(self.mismatch());
            }
            _ => {}
        }
        if self.head.len() >= HEAD && self.passed - bytes.len() < HEAD {
            self.check_head()?;
        }
        Ok(())
    }

    /// The content has ended.
    ///
    /// # Errors
    /// When it is something else, cut off, or a photo too large to be shown.
    pub(super) fn finish(self) -> Result<(), Mismatch> {
        self.check_head()?;
        match self.expected {
            MediaType::Docx | MediaType::Xlsx => self.check_archive(),
            _ if self.photo => self.check_pixels(),
            _ => Ok(()),
        }
    }

    fn check_head(&self) -> Result<(), Mismatch> {
        let head = self.head.as_slice();
        let fits = match self.expected {
            MediaType::Pdf => head.starts_with(b"%PDF-"),
            MediaType::Png => infer::image::is_png(head),
            MediaType::Jpeg => infer::image::is_jpeg(head),
            MediaType::Tiff => infer::image::is_tiff(head),
            MediaType::Webp => infer::image::is_webp(head),
            MediaType::Docx | MediaType::Xlsx => head.starts_with(b"PK\x03\x04"),
            MediaType::Text | MediaType::Csv if self.wide_text => {
                head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF])
            }
            MediaType::Text | MediaType::Csv => !looks_like_markup(head) && is_no_known_binary(head),
        };
        if fits { Ok(()) } else { Err(self.mismatch()) }
    }

    fn look_for_parts(&mut self, bytes: &[u8]) {
        let part = if self.expected == MediaType::Docx {
            WORD
        } else {
            SHEETS
        };
        self.tail.extend_from_slice(bytes);
        self.has_part |= memmem::find(&self.tail, part).is_some();
        self.has_macros |= memmem::find(&self.tail, MACROS).is_some();
        if self.tail.len() > TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
    }

    fn check_archive(&self) -> Result<(), Mismatch> {
        if self.has_macros {
            let message = "This document holds macros, which are not taken: save it without them.";
            return Err(Mismatch(message.to_owned()));
        }
        let end = memmem::rfind(&self.tail, ARCHIVE_END);
        let ends = end.is_some_and(|at| self.tail.len() - at >= ARCHIVE_END_SIZE);
        if self.has_part && ends {
            Ok(())
        } else {
            Err(self.mismatch())
        }
    }

    fn check_pixels(&self) -> Result<(), Mismatch> {
        let size = imagesize::blob_size(&self.head).map_err(|_| self.mismatch())?;
        if (1..=PHOTO_PIXELS).contains(&size.width) && (1..=PHOTO_PIXELS).contains(&size.height) {
            return Ok(());
        }
        Err(Mismatch(format!(
            "This picture has {} x {} pixels: give one of at most {PHOTO_PIXELS} x {PHOTO_PIXELS}.",
            size.width, size.height
        )))
    }

    fn mismatch(&self) -> Mismatch {
        let announced = self.expected.as_str();
        Mismatch(match infer::get(&self.head) {
            Some(found) if found.mime_type() != announced => format!(
                "The name says {announced}, but the content is {}: give the file its right name, or save it anew.",
                found.mime_type()
            ),
            _ => format!(
                "The name says {announced}, but the content is not: it may be damaged, incomplete, or of another kind."
            ),
        })
    }
}

/// A control character that no text of any encoding has; bytes above ASCII may be of whichever encoding it is in.
fn is_no_text(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C)) || byte == 0x7F
}

fn is_no_known_binary(head: &[u8]) -> bool {
    infer::get(head).is_none_or(|found| found.matcher_type() == infer::MatcherType::Text)
}

/// HTML, SVG and other XML, and scripts: none of them is a text to be read, and browsers run some of them.
fn looks_like_markup(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let start = head.iter().position(|byte| !byte.is_ascii_whitespace());
    match start.map(|at| &head[at..]) {
        Some([b'<', next, ..]) => next.is_ascii_alphabetic() || matches!(next, b'!' | b'?' | b'/'),
        Some([b'#', b'!', ..]) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x06\0\0\0";

    fn judge(name: &str, purpose: Purpose, content: &[u8], piece: usize) -> Result<(), String> {
        let mut detector = Detector::new(expected(name, purpose)?, purpose);
        for bytes in content.chunks(piece) {
            detector.push(bytes).map_err(|mismatch| mismatch.0)?;
        }
        detector.finish().map_err(|mismatch| mismatch.0)
    }

    fn archive(parts: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend(b"PK\x03\x04........................");
            bytes.extend(*part);
        }
        bytes.extend(b"PK\x05\x06..................");
        bytes
    }

    #[test]
    fn what_is_what_its_name_says_is_taken_however_it_arrives() {
        let word = archive(&[b"[Content_Types].xml", WORD]);
        let sheets = archive(&[SHEETS, b"[Content_Types].xml"]);
        let long = [&b"name;sum\n"[..], &b"M\xFCller;1\n".repeat(4_000)].concat();
        for (name, content) in [
            ("a.pdf", &b"%PDF-1.7\n..."[..]),
            ("a.png", PNG),
            ("a.jpg", b"\xFF\xD8\xFF\xE0...."),
            ("A.TIFF", b"II*\0......"),
            ("a.docx", &word),
            ("a.xlsx", &sheets),
            ("a.txt", b"Dear Sir, 1 < 2 & \xC3\xA9"),
            ("a.csv", b"\xEF\xBB\xBFname,sum\r\nAna,1\r\n"),
            ("utf16.csv", b"\xFF\xFEa\0,\0b\0"),
            ("latin.csv", &long),
        ] {
            for piece in [1, 7, 100_000] {
                assert_eq!(
                    judge(name, Purpose::Document, content, piece),
                    Ok(()),
                    "{name} by {piece}"
                );
            }
        }
    }

    #[test]
    fn a_lie_is_told_from_the_truth() {
        let macros = archive(&[WORD, b"word/vbaProject.bin"]);
        let cut = &archive(&[WORD])[..50];
        for (name, content) in [
            ("a.pdf", &b"MZ\x90\0\x03\0\0\0"[..]),
            ("a.pdf", b"<html><script>"),
            ("a.pdf", b"junk %PDF-1.7"),
            ("a.png", b"\xFF\xD8\xFF\xE0...."),
            ("a.docx", &macros),
            ("a.docx", cut),
            ("a.docx", &archive(&[SHEETS])),
            ("a.xlsx", &archive(&[b"META-INF/MANIFEST.MF"])),
            ("a.txt", b"\x7FELF\x02\x01\x01\0"),
            ("a.txt", b"  <!DOCTYPE html>"),
            ("a.txt", b"<svg onload=alert(1)>"),
            ("a.csv", b"#!/bin/sh\nrm"),
            ("a.csv", b"\xEF\xBB\xBF<?xml version='1.0'?>"),
            ("a.csv", b"a,b\0c"),
            ("a.csv", b"PK\x03\x04"),
        ] {
            for piece in [1, 100_000] {
                assert!(
                    judge(name, Purpose::Document, content, piece).is_err(),
                    "{name} {content:?} by {piece}"
                );
            }
        }
        for name in ["a.html", "a.svg", "a.exe", "a.docm", "a.pdf.js", "a", "pdf"] {
            assert!(expected(name, Purpose::Document).is_err(), "{name}");
        }
        let told = judge("a.pdf", Purpose::Document, PNG, 9).unwrap_err();
        assert!(told.contains("image/png"), "{told}");
    }

    #[test]
    fn a_photo_has_a_size_that_can_be_shown() {
        assert_eq!(judge("me.png", Purpose::ProfilePhoto, PNG, 5), Ok(()));
        let mut bomb = PNG.to_vec();
        bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        let told = judge("me.png", Purpose::ProfilePhoto, &bomb, 5).unwrap_err();
        assert!(told.contains("60000 x 256"), "{told}");
        assert!(judge("me.jpg", Purpose::ProfilePhoto, b"\xFF\xD8\xFF\xE0....", 5).is_err());
        assert!(expected("me.pdf", Purpose::ProfilePhoto).is_err());
        assert!(expected("all.pdf", Purpose::AccountImport).is_err());
    }
}
