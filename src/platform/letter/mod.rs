//! Letters and forms that people keep: one list of blocks, written as PDF (US Letter) and as a page of HTML that needs nothing
//! else. The same letter gives the same bytes for ever, so that their hash is evidence: nothing is drawn at random, and the
//! one instant in it is the caller's.

mod html;
mod layout;
mod pdf;
mod widths;

use chrono::{DateTime, Utc};

pub use html::page;
pub use pdf::{Unprintable, pdf};
pub use widths::is_printable;

/// A letter.
#[derive(Clone)]
pub struct Letter {
    /// What viewers show as its title.
    pub title: String,
    /// Who writes.
    pub author: String,
    /// BCP 47.
    pub language: &'static str,
    pub written_at: DateTime<Utc>,
    pub blocks: Vec<Block>,
}

/// A part of a letter.
#[derive(Clone)]
pub enum Block {
    /// What the letter is; once, at its beginning.
    Title(String),
    /// Leads what follows, on the same page.
    Heading(String),
    Paragraph(Vec<Span>),
    /// Each on a line of its own: an address.
    Lines(Vec<String>),
    /// Two addresses beside each other.
    Beside(Vec<String>, Vec<String>),
    Bullets(Vec<Vec<Span>>),
    /// A table of amounts, right-aligned.
    Amounts(Vec<Amount>),
    /// A line across the page.
    Rule,
    /// Boxes to be checked by hand.
    Boxes(Vec<CheckBox>),
    /// A part that is torn off and sent back: together at the foot of a page, below a dashed line.
    TearOff(Vec<Self>),
}

/// Words of one weight.
#[derive(Clone)]
pub struct Span {
    pub text: String,
    pub is_strong: bool,
}

impl Span {
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_strong: false,
        }
    }

    pub fn strong(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_strong: true,
        }
    }
}

/// A row of a table of amounts.
#[derive(Clone)]
pub struct Amount {
    pub label: String,
    /// As it is printed, sign and currency included.
    pub amount: String,
    /// Stands out, below a line.
    pub is_total: bool,
}

/// A box with what checking it says.
#[derive(Clone)]
pub struct CheckBox {
    pub text: String,
    /// It details the box above it.
    pub is_detail: bool,
}

impl Letter {
    /// All words of the letter in reading order, a block's part to a line: what both renderings say.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        collect(&self.blocks, &mut lines);
        lines.join("\n")
    }
}

fn collect(blocks: &[Block], lines: &mut Vec<String>) {
    let joined = |spans: &[Span]| spans.iter().map(|span| span.text.as_str()).collect::<String>();
    for block in blocks {
        match block {
            Block::Title(text) | Block::Heading(text) => lines.push(text.clone()),
            Block::Paragraph(spans) => lines.push(joined(spans)),
            Block::Lines(each) => lines.extend(each.iter().cloned()),
            Block::Beside(left, right) => lines.extend(left.iter().chain(right).cloned()),
            Block::Bullets(items) => lines.extend(items.iter().map(|spans| joined(spans))),
            Block::Amounts(rows) => {
                lines.extend(rows.iter().map(|row| format!("{} {}", row.label, row.amount)));
            }
            Block::Rule => {}
            Block::Boxes(boxes) => lines.extend(boxes.iter().map(|each| each.text.clone())),
            Block::TearOff(inner) => collect(inner, lines),
        }
    }
}

#[cfg(test)]
mod tests;
