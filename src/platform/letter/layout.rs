//! From blocks to rows of marks: words wrapped by their real widths, before anybody knows on which page a row will stand.
//! Lengths are points, of 1/72 inch.

use super::{
    Amount, Block, CheckBox, Span,
    pdf::Unprintable,
    widths::{code, width},
};

/// Between the margins.
pub(super) const LINE: f32 = 525.6;
const BODY: f32 = 9.5;
/// From line to line, as a multiple of the size.
const LEADING: f32 = 1.2;
/// After a block.
const GAP: f32 = 4.0;
const INDENT: f32 = 14.0;
const BOX: f32 = 8.0;
/// The right column of two.
const MIDDLE: f32 = 270.0;

/// What is drawn, from the left margin and the row's baseline.
pub(super) enum Mark {
    Text {
        x: f32,
        size: f32,
        is_strong: bool,
        text: Vec<u8>,
    },
    Line {
        x: f32,
        to: f32,
        is_dashed: bool,
    },
    Square {
        x: f32,
        side: f32,
    },
}

/// Marks on one baseline.
pub(super) struct Row {
    pub(super) height: f32,
    /// It stands on the same page as the next one.
    pub(super) leads: bool,
    pub(super) marks: Vec<Mark>,
}

impl Row {
    fn new(height: f32, marks: Vec<Mark>) -> Self {
        Self {
            height,
            leads: false,
            marks,
        }
    }

    fn gap(height: f32) -> Self {
        Self::new(height, Vec::new())
    }
}

/// Rows, and whether they stay together at the foot of a page.
pub(super) struct Group {
    pub(super) rows: Vec<Row>,
    pub(super) at_foot: bool,
}

/// Lays all blocks out.
///
/// # Errors
/// The first text that the fonts cannot print.
pub(super) fn groups(blocks: &[Block]) -> Result<Vec<Group>, Unprintable> {
    let mut found = Vec::new();
    for block in blocks {
        let (rows, at_foot) = match block {
            Block::TearOff(inner) => {
                let mut rows = vec![dashes()];
                for block in inner {
                    rows.extend(rows_of(block)?);
                }
                (rows, true)
            }
            block => (rows_of(block)?, false),
        };
        found.push(Group { rows, at_foot });
    }
    Ok(found)
}

fn rows_of(block: &Block) -> Result<Vec<Row>, Unprintable> {
    let mut rows = match block {
        Block::Title(text) => leading(paragraph(&[Span::strong(text.as_str())], 0.0, LINE, 15.0)?),
        Block::Heading(text) => leading(paragraph(&[Span::strong(text.as_str())], 0.0, LINE, 11.0)?),
        Block::Paragraph(spans) => paragraph(spans, 0.0, LINE, BODY)?,
        Block::Lines(each) => column(each, 0.0, LINE)?,
        Block::Beside(left, right) => beside(left, right)?,
        Block::Bullets(items) => bullets(items)?,
        Block::Amounts(amounts) => table(amounts)?,
        Block::Rule => vec![Row::new(4.0, vec![line(0.0, false)])],
        Block::Boxes(boxes) => check_boxes(boxes)?,
        // One inside the other is one.
        Block::TearOff(inner) => {
            let nested: Result<Vec<_>, _> = inner.iter().map(rows_of).collect();
            nested?.into_iter().flatten().collect()
        }
    };
    rows.push(Row::gap(GAP));
    Ok(rows)
}

fn leading(mut rows: Vec<Row>) -> Vec<Row> {
    for row in &mut rows {
        row.leads = true;
    }
    rows
}

fn dashes() -> Row {
    let mut row = Row::new(14.0, vec![line(0.0, true)]);
    row.leads = true;
    row
}

fn line(x: f32, is_dashed: bool) -> Mark {
    Mark::Line {
        x,
        to: LINE,
        is_dashed,
    }
}

/// A word with the blank before it, in the fonts' encoding.
struct Word {
    text: Vec<u8>,
    is_strong: bool,
    /// It stands apart from the one before it.
    is_apart: bool,
}

/// Words of spans; what stands together in two spans stays together.
fn words(spans: &[Span]) -> Result<Vec<Word>, Unprintable> {
    let mut found: Vec<Word> = Vec::new();
    let mut is_apart = false;
    for span in spans {
        for (nth, piece) in span.text.split(char::is_whitespace).enumerate() {
            is_apart |= nth > 0;
            if piece.is_empty() {
                continue;
            }
            found.push(Word {
                text: encoded(piece)?,
                is_strong: span.is_strong,
                is_apart,
            });
            is_apart = false;
        }
    }
    Ok(found)
}

/// A text in the fonts' encoding, its white space as blanks.
fn encoded(text: &str) -> Result<Vec<u8>, Unprintable> {
    text.chars()
        .map(|character| match character.is_whitespace() {
            true => Ok(b' '),
            false => code(character).ok_or(Unprintable(character)),
        })
        .collect()
}

/// Wraps words between `x` and `to`.
fn paragraph(spans: &[Span], x: f32, to: f32, size: f32) -> Result<Vec<Row>, Unprintable> {
    let scale = size / 1000.0;
    let mut rows = Vec::new();
    let mut marks = Vec::new();
    let mut at = x;
    for mut word in words(spans)? {
        let blank = if word.is_apart && at > x {
            width(b" ", word.is_strong) * scale
        } else {
            0.0
        };
        let mut long = width(&word.text, word.is_strong) * scale;
        if at + blank + long > to && at > x && word.is_apart {
            rows.push(Row::new(size * LEADING, std::mem::take(&mut marks)));
            at = x;
        } else {
            at += blank;
        }
        // A word that is longer than the line is broken where the line ends.
        while at + long > to && word.text.len() > 1 {
            let fits = how_many_fit(&word, scale, to - at).max(usize::from(at <= x));
            let rest = word.text.split_off(fits);
            if !word.text.is_empty() {
                marks.push(text(at, size, word.is_strong, std::mem::take(&mut word.text)));
            }
            rows.push(Row::new(size * LEADING, std::mem::take(&mut marks)));
            word.text = rest;
            long = width(&word.text, word.is_strong) * scale;
            at = x;
        }
        marks.push(text(at, size, word.is_strong, word.text));
        at += long;
    }
    if !marks.is_empty() {
        rows.push(Row::new(size * LEADING, marks));
    }
    Ok(rows)
}

fn how_many_fit(word: &Word, scale: f32, room: f32) -> usize {
    (1..=word.text.len())
        .take_while(|count| width(&word.text[..*count], word.is_strong) * scale <= room)
        .count()
}

fn text(x: f32, size: f32, is_strong: bool, text: Vec<u8>) -> Mark {
    Mark::Text {
        x,
        size,
        is_strong,
        text,
    }
}

fn column(each: &[String], x: f32, to: f32) -> Result<Vec<Row>, Unprintable> {
    let mut rows = Vec::new();
    for line in each {
        rows.extend(paragraph(&[Span::plain(line.as_str())], x, to, BODY)?);
    }
    Ok(rows)
}

fn beside(left: &[String], right: &[String]) -> Result<Vec<Row>, Unprintable> {
    let mut rows = column(left, 0.0, MIDDLE - INDENT)?;
    for (nth, row) in column(right, MIDDLE, LINE)?.into_iter().enumerate() {
        match rows.get_mut(nth) {
            Some(beside) => beside.marks.extend(row.marks),
            None => rows.push(row),
        }
    }
    Ok(leading(rows))
}

fn bullets(items: &[Vec<Span>]) -> Result<Vec<Row>, Unprintable> {
    let mut rows = Vec::new();
    for spans in items {
        let mut item = paragraph(spans, INDENT, LINE, BODY)?;
        if let (Some(first), Some(dot)) = (item.first_mut(), code('•')) {
            first.marks.insert(0, text(3.0, BODY, false, vec![dot]));
        }
        rows.extend(item);
        rows.push(Row::gap(2.0));
    }
    Ok(rows)
}

fn table(amounts: &[Amount]) -> Result<Vec<Row>, Unprintable> {
    /// What an amount never reaches into.
    const LABELS: f32 = 410.0;
    let mut rows = Vec::new();
    for each in amounts {
        let label = Span {
            text: each.label.clone(),
            is_strong: each.is_total,
        };
        if each.is_total {
            rows.push(Row::new(3.0, vec![line(LABELS, false)]));
        }
        let mut row = paragraph(&[label], 0.0, LABELS, BODY)?;
        let amount = encoded(&each.amount)?;
        let long = width(&amount, each.is_total) * BODY / 1000.0;
        if let Some(last) = row.last_mut() {
            last.marks.push(text(LINE - long, BODY, each.is_total, amount));
        }
        rows.extend(leading(row));
    }
    if let Some(last) = rows.last_mut() {
        last.leads = false;
    }
    Ok(rows)
}

fn check_boxes(boxes: &[CheckBox]) -> Result<Vec<Row>, Unprintable> {
    let mut rows = Vec::new();
    for each in boxes {
        let x = if each.is_detail { 2.0 * INDENT } else { 0.0 };
        let mut item = paragraph(&[Span::plain(each.text.as_str())], x + INDENT, LINE, BODY)?;
        if let Some(first) = item.first_mut() {
            first.marks.insert(0, Mark::Square { x, side: BOX });
        }
        rows.extend(item);
        rows.push(Row::gap(2.0));
    }
    Ok(rows)
}
