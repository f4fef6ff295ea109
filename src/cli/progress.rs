//! A bar on standard error, for whoever watches.

use std::io::{IsTerminal as _, Write as _};

const WIDTH: u64 = 40;

/// How far something is.
pub(super) struct Bar {
    what: &'static str,
    all: u64,
    done: u64,
    drawn: Option<u64>,
    is_watched: bool,
}

impl Bar {
    pub(super) fn new(what: &'static str, all: u64) -> Self {
        Self {
            what,
            all,
            done: 0,
            drawn: None,
            is_watched: std::io::stderr().is_terminal(),
        }
    }

    /// One more is done. Draws when a thousandth more can be seen.
    pub(super) fn advance(&mut self) {
        self.done += 1;
        let all = self.all.max(self.done);
        let share = self.done * 1000 / all;
        if !self.is_watched || self.drawn == Some(share) {
            return;
        }
        self.drawn = Some(share);
        let full = usize::try_from(WIDTH * self.done / all).unwrap_or_default();
        let (full, empty) = ("#".repeat(full), "-".repeat(40_usize.saturating_sub(full)));
        let (what, done) = (self.what, self.done);
        // Nobody is harmed by a bar that cannot be drawn.
        let _ = write!(std::io::stderr(), "\r{what} [{full}{empty}] {done}/{all} ");
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.is_watched && self.drawn.is_some() {
            eprintln!();
        }
    }
}
