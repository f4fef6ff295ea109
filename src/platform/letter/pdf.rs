//! A letter as PDF 1.4, in which the standard fonts need no widths of their own (ISO 32000-1, 9.6.2.1).

use chrono::{Datelike as _, Timelike as _};
use pdf_writer::{Content, Date, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use super::{
    Letter,
    layout::{Group, Mark, Row, groups},
};

/// US Letter, in points.
const WIDTH: f32 = 612.0;
const HEIGHT: f32 = 792.0;
const MARGIN: f32 = 43.2;
const REGULAR: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

/// A character that the standard fonts lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be printed in this font")]
pub struct Unprintable(pub char);

/// The letter's bytes.
///
/// # Errors
/// [`Unprintable`] for a text that [`super::is_printable`] refuses.
pub fn pdf(letter: &Letter) -> Result<Vec<u8>, Unprintable> {
    let mut pages = Pages::new();
    for group in groups(&letter.blocks)? {
        pages.add(group);
    }
    Ok(write(letter, pages.finish()))
}

/// Rows find their pages here.
struct Pages {
    done: Vec<Content>,
    open: Content,
    /// What is free above the lower margin.
    room: f32,
}

impl Pages {
    const WHOLE: f32 = HEIGHT - 2.0 * MARGIN;

    fn new() -> Self {
        Self {
            done: Vec::new(),
            open: Content::new(),
            room: Self::WHOLE,
        }
    }

    fn add(&mut self, group: Group) {
        if group.at_foot {
            let needed: f32 = group.rows.iter().map(|row| row.height).sum();
            if needed <= Self::WHOLE {
                if needed > self.room {
                    self.turn();
                }
                self.room = needed;
            }
        }
        for (nth, row) in group.rows.iter().enumerate() {
            let follows = if row.leads { group.rows.get(nth + 1) } else { None };
            let needed = row.height + follows.map_or(0.0, |next| next.height);
            // What does not fit a whole page either stands where it can.
            if needed > self.room && self.room < Self::WHOLE {
                self.turn();
            }
            self.draw(row);
        }
    }

    fn turn(&mut self) {
        self.done.push(std::mem::replace(&mut self.open, Content::new()));
        self.room = Self::WHOLE;
    }

    fn draw(&mut self, row: &Row) {
        self.room -= row.height;
        // The baseline is a fifth of the row above its lower edge, so that descenders stay inside.
        let y = MARGIN + self.room + row.height / 5.0;
        for mark in &row.marks {
            draw(&mut self.open, mark, y);
        }
    }

    fn finish(mut self) -> Vec<Content> {
        self.done.push(self.open);
        self.done
    }
}

fn draw(content: &mut Content, mark: &Mark, y: f32) {
    match mark {
        Mark::Text {
            x,
            size,
            is_strong,
            text,
        } => {
            content
                .begin_text()
                .set_font(if *is_strong { BOLD } else { REGULAR }, *size)
                .next_line(MARGIN + x, y)
                .show(Str(text))
                .end_text();
        }
        Mark::Line { x, to, is_dashed } => {
            content.save_state().set_line_width(0.7);
            if *is_dashed {
                content.set_dash_pattern([4.0, 3.0], 0.0);
            }
            content
                .move_to(MARGIN + x, y)
                .line_to(MARGIN + to, y)
                .stroke()
                .restore_state();
        }
        Mark::Square { x, side } => {
            content
                .save_state()
                .set_line_width(0.7)
                .rect(MARGIN + x, y - 0.5, *side, *side)
                .stroke()
                .restore_state();
        }
    }
}

/// Hands out the numbers of a document's objects.
struct Refs(i32);

impl Refs {
    fn next(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0)
    }
}

fn write(letter: &Letter, pages: Vec<Content>) -> Vec<u8> {
    let mut refs = Refs(0);
    let (catalog, tree, info) = (refs.next(), refs.next(), refs.next());
    let fonts = [(REGULAR, refs.next()), (BOLD, refs.next())];
    let mut pdf = Pdf::new();
    pdf.set_version(1, 4);
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr(letter.language));
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    describe(&mut pdf, info, letter);
    for ((_, font), name) in fonts
        .iter()
        .zip([b"Helvetica".as_slice(), b"Helvetica-Bold".as_slice()])
    {
        pdf.type1_font(*font)
            .base_font(Name(name))
            .encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    let mut kids = Vec::new();
    for content in pages {
        let (page, stream) = (refs.next(), refs.next());
        let mut written = pdf.page(page);
        written
            .parent(tree)
            .media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT))
            .contents(stream);
        written.resources().fonts().pairs(fonts);
        written.finish();
        pdf.stream(stream, &content.finish());
        kids.push(page);
    }
    let count = i32::try_from(kids.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(kids).count(count);
    pdf.finish()
}

fn describe(pdf: &mut Pdf, info: Ref, letter: &Letter) {
    let at = letter.written_at;
    let small = |value: u32| u8::try_from(value).unwrap_or_default();
    let date = Date::new(u16::try_from(at.year()).unwrap_or_default())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    pdf.document_info(info)
        .title(TextStr(&letter.title))
        .author(TextStr(&letter.author))
        .creation_date(date);
}
