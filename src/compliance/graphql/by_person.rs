//! Rows of several people, or of several of their debts, as a loader hands them out.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

/// The rows of each, in the order in which they were read.
pub(super) fn by_person<T>(rows: impl IntoIterator<Item = (Uuid, T)>) -> HashMap<Uuid, Arc<Vec<Arc<T>>>> {
    let mut found: HashMap<Uuid, Vec<Arc<T>>> = HashMap::new();
    for (asked, row) in rows {
        found.entry(asked).or_default().push(Arc::new(row));
    }
    found.into_iter().map(|(id, rows)| (id, Arc::new(rows))).collect()
}
