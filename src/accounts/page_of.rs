//! Pages of what accounts or people have. Those of all that ask for the same number are read by one statement, and usually all
//! do.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use crate::platform::gql::PageRequest;

/// A page of what one account, or one person, has: how many, past which.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct PageOf {
    owner: Uuid,
    limit: i64,
    past: Option<Uuid>,
}

impl PageOf {
    /// With the one more that tells whether there is a next page.
    pub fn new(owner: Uuid, page: &PageRequest, past: Option<Uuid>) -> Self {
        Self {
            owner,
            limit: page.fetch(),
            past,
        }
    }
}

/// Pages of the same length, as a statement takes them: `unnest(owners, pasts) WITH ORDINALITY`.
pub struct PagesOf {
    pub limit: i64,
    pub owners: Vec<Uuid>,
    pub pasts: Vec<Option<Uuid>>,
}

impl PagesOf {
    /// The pages by their length.
    pub fn of(pages: Vec<PageOf>) -> impl Iterator<Item = Self> {
        let mut groups: HashMap<i64, Self> = HashMap::new();
        for page in pages {
            let group = groups.entry(page.limit).or_insert_with(|| Self {
                limit: page.limit,
                owners: Vec::new(),
                pasts: Vec::new(),
            });
            group.owners.push(page.owner);
            group.pasts.push(page.past);
        }
        groups.into_values()
    }

    /// Whose the `nth` page is, counted from one.
    pub fn owner(&self, nth: i64) -> Option<Uuid> {
        let place = usize::try_from(nth - 1).ok()?;
        self.owners.get(place).copied()
    }

    /// Each page with its rows, in their order; a row comes with the number of its page, counted from one.
    pub fn filled<T>(
        self,
        rows: impl IntoIterator<Item = (i64, T)>,
    ) -> impl Iterator<Item = (PageOf, Arc<Vec<T>>)> {
        let mut by_page: HashMap<i64, Vec<T>> = HashMap::with_capacity(self.owners.len());
        for (nth, row) in rows {
            by_page.entry(nth).or_default().push(row);
        }
        let limit = self.limit;
        let pages = self.owners.into_iter().zip(self.pasts);
        (1..).zip(pages).map(move |(nth, (owner, past))| {
            let page = PageOf { owner, limit, past };
            (page, Arc::new(by_page.remove(&nth).unwrap_or_default()))
        })
    }
}
