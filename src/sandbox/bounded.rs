//! A list that forgets its oldest entries instead of growing without end.

use std::collections::VecDeque;

/// How many entries each list of the sandbox keeps.
pub(super) const LIST_LIMIT: usize = 10_000;

/// Keeps the newest [`LIST_LIMIT`] entries in the order in which they came.
pub(super) struct BoundedList<T> {
    entries: VecDeque<T>,
}

impl<T> BoundedList<T> {
    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
        }
    }

    /// Appends an entry; a full list drops its oldest one first.
    pub(super) fn push(&mut self, entry: T) {
        if self.entries.len() == LIST_LIMIT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.entries.iter()
    }

    /// Oldest first.
    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.entries.iter_mut()
    }

    /// Keeps the entries for which `keep` holds.
    pub(super) fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.entries.retain(keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_list_forgets_its_oldest_entry() {
        let mut list = BoundedList::new();
        for n in 0..=LIST_LIMIT {
            list.push(n);
        }
        assert_eq!(list.iter().count(), LIST_LIMIT);
        assert_eq!(list.iter().next(), Some(&1));
        assert_eq!(list.iter().next_back(), Some(&LIST_LIMIT));
    }
}
