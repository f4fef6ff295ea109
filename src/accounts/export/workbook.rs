//! A workbook of Excel (ISO/IEC 29500) with one sheet, packed row by row: neither memory nor any file of the machine ever
//! holds more than the rows that are being packed.

use std::{
    io::{self, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::NaiveDate;
use zip::{CompressionMethod, ZipWriter, result::ZipError, write::SimpleFileOptions, write::StreamWriter};

use super::{columns::Value, table::instant};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const CONTENT_TYPES: &str = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
<Default Extension=\"xml\" ContentType=\"application/xml\"/>\
<Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>\
<Override PartName=\"/xl/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/>\
<Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>\
</Types>";
const PACKAGE_RELATIONS: &str = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
<Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/>\
</Relationships>";
const WORKBOOK: &str = "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">\
<sheets><sheet name=\"Accounts\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>";
const WORKBOOK_RELATIONS: &str = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
<Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
<Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles\" Target=\"styles.xml\"/>\
</Relationships>";
/// Styles by number: 0 as it is, 1 an amount (built-in format 2, `0.00`), 2 a day.
const STYLES: &str = "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
<numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\"/></numFmts>\
<fonts count=\"1\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
<cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
<cellXfs count=\"3\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
<xf numFmtId=\"2\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
<xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/></cellXfs></styleSheet>";
const SHEET_BEGIN: &str =
    "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>";
const SHEET_END: &str = "</sheetData></worksheet>";

/// A workbook that is being packed.
pub(super) struct Packing {
    archive: ZipWriter<StreamWriter<Packed>>,
    packed: Packed,
    next_row: u32,
}

/// What is packed and not taken yet.
#[derive(Clone, Default)]
struct Packed(Arc<Mutex<Vec<u8>>>);

impl io::Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Packed {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Packing {
    /// Begins with the parts that are always the same.
    pub(super) fn begin() -> Result<Self, ZipError> {
        let packed = Packed::default();
        let mut archive = ZipWriter::new_stream(packed.clone());
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, text) in [
            ("[Content_Types].xml", CONTENT_TYPES),
            ("_rels/.rels", PACKAGE_RELATIONS),
            ("xl/workbook.xml", WORKBOOK),
            ("xl/_rels/workbook.xml.rels", WORKBOOK_RELATIONS),
            ("xl/styles.xml", STYLES),
            ("xl/worksheets/sheet1.xml", SHEET_BEGIN),
        ] {
            archive.start_file(name, options)?;
            archive.write_all(HEAD.as_bytes())?;
            archive.write_all(text.as_bytes())?;
        }
        Ok(Self {
            archive,
            packed,
            next_row: 1,
        })
    }

    /// Packs lines, and hands out what is ready.
    pub(super) fn add(&mut self, lines: &[Vec<Value>]) -> Result<Vec<u8>, ZipError> {
        let mut text = String::new();
        for line in lines {
            push_row(&mut text, self.next_row, line);
            self.next_row += 1;
        }
        self.archive.write_all(text.as_bytes())?;
        Ok(self.packed.take())
    }

    /// Ends the workbook, and hands out the rest.
    pub(super) fn end(mut self) -> Result<Vec<u8>, ZipError> {
        self.archive.write_all(SHEET_END.as_bytes())?;
        self.archive.finish()?;
        Ok(self.packed.take())
    }
}

fn push_row(text: &mut String, row: u32, line: &[Value]) {
    text.push_str(&format!("<row r=\"{row}\">"));
    for (place, value) in line.iter().enumerate() {
        let cell = format!("{}{row}", column_name(place));
        match value {
            Value::Nothing => {}
            Value::Text(written) => push_text(text, &cell, written),
            // As it is, digit by digit: what Excel makes of it, a binary fraction of 15 digits, is its own affair.
            Value::Number(number) if number.contains('.') => {
                text.push_str(&format!("<c r=\"{cell}\" s=\"1\"><v>{number}</v></c>"));
            }
            Value::Number(number) => text.push_str(&format!("<c r=\"{cell}\"><v>{number}</v></c>")),
            Value::Day(day) => match excel_day(*day) {
                Some(serial) => text.push_str(&format!("<c r=\"{cell}\" s=\"2\"><v>{serial}</v></c>")),
                None => push_text(text, &cell, &day.to_string()),
            },
            Value::Instant(at) => push_text(text, &cell, &instant(at)),
        }
    }
    text.push_str("</row>");
}

/// A text in a workbook has the type of a text: it is no formula, whatever it begins with.
fn push_text(text: &mut String, cell: &str, written: &str) {
    text.push_str(&format!("<c r=\"{cell}\" t=\"inlineStr\"><is><t"));
    if written.trim() != written {
        text.push_str(" xml:space=\"preserve\"");
    }
    text.push('>');
    for (at, letter) in written.char_indices() {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            // What XML cannot hold is written so (ECMA-376 part 1, 22.9.2.19), and so is what looks like it.
            '\0'..='\x08' | '\x0b' | '\x0c' | '\r' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {
                text.push_str(&format!("_x{:04X}_", u32::from(letter)));
            }
            '_' if is_escape(&written[at..]) => text.push_str("_x005F_"),
            other => text.push(other),
        }
    }
    text.push_str("</t></is></c>");
}

/// Whether the text begins as `_x000D_` does.
fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 7
        && bytes.starts_with(b"_x")
        && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
        && bytes[6] == b'_'
}

/// `A` to `Z`, `AA` and so on.
fn column_name(place: usize) -> String {
    let mut name = Vec::new();
    let mut rest = place + 1;
    while rest > 0 {
        rest -= 1;
        name.push(b'A' + u8::try_from(rest % 26).unwrap_or_default());
        rest /= 26;
    }
    name.iter().rev().map(|letter| char::from(*letter)).collect()
}

/// Excel counts days from the end of 1899, and takes 1900 for a leap year: before March of it, its days are others.
fn excel_day(day: NaiveDate) -> Option<i64> {
    let (first, zero) = (
        NaiveDate::from_ymd_opt(1900, 3, 1)?,
        NaiveDate::from_ymd_opt(1899, 12, 30)?,
    );
    (day >= first).then(|| (day - zero).num_days())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_packed_page_by_page_is_a_workbook_whose_texts_stay_texts() {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut packing = Packing::begin().unwrap();
        let mut file = packing.add(&[vec![text("name"), text("owed")]]).unwrap();
        let before = file.len();
        for nth in 0..2_000 {
            let line = vec![
                text(&format!("=1+{nth} <&> \u{1} _x0041_ ")),
                Value::Number("1234567890123456.50".to_owned()),
                Value::Nothing,
                Value::Day("2026-11-30".parse().unwrap()),
                Value::Day("1900-02-01".parse().unwrap()),
            ];
            file.extend(packing.add(&[line]).unwrap());
        }
        assert!(file.len() > before, "it is handed out while it grows");
        file.extend(packing.end().unwrap());
        let mut archive = zip::ZipArchive::new(io::Cursor::new(file)).unwrap();
        let names: Vec<String> = archive
            .file_names()
            .map(|name| name.expect("a name").into_owned())
            .collect();
        for part in [
            "[Content_Types].xml",
            "_rels/.rels",
            "xl/workbook.xml",
            "xl/styles.xml",
        ] {
            assert!(names.iter().any(|name| name == part), "{part}");
        }
        let mut sheet = String::new();
        let mut part = archive.by_name("xl/worksheets/sheet1.xml").unwrap();
        part.read_to_string(&mut sheet).unwrap();
        assert!(sheet.contains(
            "<row r=\"2001\"><c r=\"A2001\" t=\"inlineStr\"><is><t xml:space=\"preserve\">=1+1999 &lt;&amp;&gt; _x0001_ _x005F_x0041_ </t></is></c>\
             <c r=\"B2001\" s=\"1\"><v>1234567890123456.50</v></c><c r=\"D2001\" s=\"2\"><v>46356</v></c>\
             <c r=\"E2001\" t=\"inlineStr\"><is><t>1900-02-01</t></is></c></row></sheetData></worksheet>"
        ));
        assert!(!sheet.contains("<f"), "no formula");
        assert_eq!(column_name(25), "Z");
        assert_eq!(column_name(26), "AA");
        assert_eq!(column_name(26 * 27), "AAA");
    }
}
