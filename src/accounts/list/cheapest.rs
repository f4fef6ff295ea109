//! A page by the cheapest way. A list can be walked in its order, until enough accounts fulfil its conditions; or all that
//! one condition leaves are read and sorted. Which is less depends on how many fulfil what, and statistics do not tell
//! that of one business: so a little of each way is tried before the whole of either.

use super::{
    AccountList, AccountOrdering, Cut, Listed, ListedAccount, LookLimit, Search, Wanted, Way, Window,
    candidates::{Bounds, Candidates, Chosen},
    criteria::Condition,
    lanes::Lanes,
    months, walk,
};
use crate::platform::db::{DbError, TenantTx};

/// Of what may be looked at, a twentieth is sorted before anything is walked: as fast as a walk can hope to be.
const FEWEST: i64 = 20;
/// What is more than a third, or of unknown number, is sorted only where the walk would be longer still.
const FEW: i64 = 3;
/// Before so many candidates are sorted, a fourth of their number is walked: what is not rare is there.
const GLANCE: i64 = 4;

/// One look at a list.
pub(super) struct Look<'a> {
    pub(super) list: &'a AccountList,
    pub(super) all: &'a [Condition<'a>],
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) limit: LookLimit,
}

/// What reading a page told of the number of its candidates.
enum Known {
    /// The page was sorted from these.
    Sorted(Chosen),
    /// Of each source there are more than may be looked at.
    TooMany,
    Nothing,
}

type Page = (Vec<ListedAccount>, Known);

/// The two ways to a page.
struct Ways<'a> {
    lanes: Lanes<'a>,
    candidates: Candidates<'a>,
    way: Way<'a>,
    window: Window,
}

impl Look<'_> {
    /// The page and its count; `None` where more than the limit would have to be looked at.
    pub(super) async fn page(&self, tx: &mut TenantTx) -> Result<Option<Listed>, DbError> {
        let LookLimit(look_at) = self.limit;
        let ways = Ways {
            lanes: Lanes::of(self.list.ordering, self.all),
            candidates: Candidates::of(self.all),
            way: Way {
                ordering: self.list.ordering,
                descending: self.list.descending != self.wanted.page.backward,
                past: self.wanted.past.as_ref(),
            },
            window: Window {
                rows: self.wanted.page.fetch(),
                look_at,
            },
        };
        let found = if ways.lanes.rest.is_empty() {
            let rows = ways.walked(tx, look_at).await?.ok();
            Some((rows.unwrap_or_default(), Known::TooMany))
        } else if let Some(Search::Person(_)) = self.list.search {
            ways.sorted(tx, ways.candidates.found_by_search().as_ref())
                .await?
        } else {
            self.cheapest(tx, &ways).await?
        };
        let Some((rows, known)) = found else {
            return Ok(None);
        };
        let count = self.count(tx, &ways, known).await?;
        Ok(Some(Listed { rows, count }))
    }

    async fn cheapest(&self, tx: &mut TenantTx, ways: &Ways<'_>) -> Result<Option<Page>, DbError> {
        let LookLimit(look_at) = self.limit;
        let few = look_at / FEW;
        // What a search finds is usually less than the way to it.
        let at_once = if self.list.search.is_some() {
            look_at
        } else {
            look_at / FEWEST
        };
        let bounds = Bounds {
            by_index: few.max(at_once),
            by_row: at_once,
        };
        let first = ways.candidates.choose(tx, bounds).await?;
        let held = first.as_ref().map_or(i64::MAX, |chosen| chosen.held);
        if held <= at_once
            && let Some(page) = ways.sorted(tx, first.as_ref()).await?
        {
            return Ok(Some(page));
        }
        if let Some(span) = months::range(self.list.ordering, self.all) {
            if let Some(rows) = months::page(tx, span, &ways.way, ways.window).await? {
                return Ok(Some((rows, Known::Nothing)));
            }
        } else if held <= few {
            // A source of accounts themselves is known to hold more than its bound, and no more.
            let is_counted = held > at_once + 1;
            let glance = if is_counted { held / GLANCE } else { held };
            let Cut { found } = match ways.walked(tx, glance).await? {
                Ok(rows) => return Ok(Some((rows, Known::Nothing))),
                Err(cut) => cut,
            };
            // As far as the walk goes on like this.
            let likely = glance * ways.window.rows / found.max(1);
            if likely > if is_counted { held } else { few } {
                return self.sorted_or_walked(tx, ways, first).await;
            }
        }
        if let Ok(rows) = ways.walked(tx, look_at).await? {
            return Ok(Some((rows, Known::Nothing)));
        }
        let fewest = self.fewest(tx, ways, first).await?;
        ways.sorted(tx, fewest.as_ref()).await
    }

    async fn sorted_or_walked(
        &self,
        tx: &mut TenantTx,
        ways: &Ways<'_>,
        first: Option<Chosen>,
    ) -> Result<Option<Page>, DbError> {
        let LookLimit(look_at) = self.limit;
        let fewest = self.fewest(tx, ways, first).await?;
        if let Some(page) = ways.sorted(tx, fewest.as_ref()).await? {
            return Ok(Some(page));
        }
        let rows = ways.walked(tx, look_at).await?.ok();
        Ok(rows.map(|rows| (rows, Known::TooMany)))
    }

    /// The sources that hold fewest, if that may be no more than may be looked at.
    async fn fewest(
        &self,
        tx: &mut TenantTx,
        ways: &Ways<'_>,
        first: Option<Chosen>,
    ) -> Result<Option<Chosen>, DbError> {
        if ways.candidates.has_no_choice() {
            return Ok(first);
        }
        self.fewest_of_all(tx, ways).await
    }

    async fn fewest_of_all(&self, tx: &mut TenantTx, ways: &Ways<'_>) -> Result<Option<Chosen>, DbError> {
        let LookLimit(look_at) = self.limit;
        let bounds = Bounds {
            by_index: look_at,
            by_row: look_at,
        };
        let chosen = ways.candidates.choose(tx, bounds).await?;
        Ok(chosen.filter(|chosen| chosen.held <= look_at))
    }

    /// Along the lanes; where these are too long, through candidates, if these are not.
    async fn count(&self, tx: &mut TenantTx, ways: &Ways<'_>, known: Known) -> Result<Option<i64>, DbError> {
        let (Some(most), LookLimit(look_at)) = (self.wanted.count, self.limit) else {
            return Ok(None);
        };
        let chosen = if let Known::Sorted(chosen) = known {
            Some(chosen)
        } else if let Some(count) = self.count_of_lanes(tx, ways, most).await? {
            return Ok(Some(count));
        } else if let Known::Nothing = known {
            self.fewest_of_all(tx, ways).await?
        } else {
            None
        };
        let Some(chosen) = chosen else { return Ok(None) };
        let count = ways.candidates.count(tx, &chosen, look_at).await?;
        Ok(count.map(|count| count.min(most)))
    }

    async fn count_of_lanes(
        &self,
        tx: &mut TenantTx,
        ways: &Ways<'_>,
        most: i64,
    ) -> Result<Option<i64>, DbError> {
        let LookLimit(look_at) = self.limit;
        // In the order of what is asked, each account of the lanes counts, and none has to be looked at.
        let exact = [
            AccountOrdering::CreatedAt,
            AccountOrdering::Balance,
            AccountOrdering::DueDate,
        ]
        .map(|ordering| (ordering, Lanes::of(ordering, self.all)));
        let exact = exact.iter().find(|(_, lanes)| lanes.rest.is_empty());
        let (ordering, lanes) = exact.map_or((ways.way.ordering, &ways.lanes), |(ordering, lanes)| {
            (*ordering, lanes)
        });
        let whole = Way {
            ordering,
            past: None,
            ..ways.way
        };
        walk::count(tx, lanes, &whole, look_at, most).await
    }
}

impl Ways<'_> {
    /// In the list's order, through no more than `look_at` accounts of each lane.
    async fn walked(
        &self,
        tx: &mut TenantTx,
        look_at: i64,
    ) -> Result<Result<Vec<ListedAccount>, Cut>, DbError> {
        let window = Window {
            look_at,
            ..self.window
        };
        walk::page(tx, &self.lanes, &self.way, window).await
    }

    /// Of all that the chosen sources hold, if that is no more than may be looked at.
    async fn sorted(&self, tx: &mut TenantTx, chosen: Option<&Chosen>) -> Result<Option<Page>, DbError> {
        let Some(chosen) = chosen else { return Ok(None) };
        let rows = self.candidates.page(tx, chosen, &self.way, self.window).await?;
        Ok(rows.map(|rows| (rows, Known::Sorted(chosen.clone()))))
    }
}
