//! Pages of what accounts have. Those of all accounts that ask for the same number are read by one statement, and usually all
//! do.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use crate::platform::gql::PageRequest;

/// A page of what one account has: how many, past which.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct AccountPage {
    account: Uuid,
    limit: i64,
    past: Option<Uuid>,
}

impl AccountPage {
    /// With the one more that tells whether there is a next page.
    pub fn new(account: Uuid, page: &PageRequest, past: Option<Uuid>) -> Self {
        Self {
            account,
            limit: page.fetch(),
            past,
        }
    }
}

/// Pages of the same length, as a statement takes them: `unnest(accounts, pasts) WITH ORDINALITY`.
pub struct AccountPages {
    pub limit: i64,
    pub accounts: Vec<Uuid>,
    pub pasts: Vec<Option<Uuid>>,
}

impl AccountPages {
    /// The pages by their length.
    pub fn of(pages: Vec<AccountPage>) -> impl Iterator<Item = Self> {
        let mut groups: HashMap<i64, Self> = HashMap::new();
        for page in pages {
            let group = groups.entry(page.limit).or_insert_with(|| Self {
                limit: page.limit,
                accounts: Vec::new(),
                pasts: Vec::new(),
            });
            group.accounts.push(page.account);
            group.pasts.push(page.past);
        }
        groups.into_values()
    }

    /// Which account the `nth` page is of, counted from one.
    pub fn account(&self, nth: i64) -> Option<Uuid> {
        let place = usize::try_from(nth - 1).ok()?;
        self.accounts.get(place).copied()
    }

    /// Each page with its rows, in their order; a row comes with the number of its page, counted from one.
    pub fn filled<T>(
        self,
        rows: impl IntoIterator<Item = (i64, T)>,
    ) -> impl Iterator<Item = (AccountPage, Arc<Vec<T>>)> {
        let mut by_page: HashMap<i64, Vec<T>> = HashMap::with_capacity(self.accounts.len());
        for (nth, row) in rows {
            by_page.entry(nth).or_default().push(row);
        }
        let limit = self.limit;
        let pages = self.accounts.into_iter().zip(self.pasts);
        (1..).zip(pages).map(move |(nth, (account, past))| {
            let page = AccountPage { account, limit, past };
            (page, Arc::new(by_page.remove(&nth).unwrap_or_default()))
        })
    }
}
