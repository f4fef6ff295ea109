//! What is asked of lists of people: filters put together from every condition, searches, orders, pages.

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::RISKS;
use crate::{
    account_search::{
        HOLDS, LANGUAGES,
        questions::{range, some_of},
    },
    support::noon,
};

const SEARCHES: [&str; 12] = [
    "lop",
    "LOPEZ",
    "ana lopez",
    "Lopez Ana",
    "ana maría lopez",
    "o'n",
    "100%",
    "maría",
    "nobody of that name",
    "person7@mail.example",
    "(646) 555-0012",
    "+16465550015",
];
const REFERENCES: [&str; 6] = [
    "person 0",
    "person 1",
    "person 18",
    "person 77",
    "ACME-0002",
    "nobody's",
];

/// One question.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) filter: Value,
    pub(super) search: Option<&'static str>,
    pub(super) field: &'static str,
    pub(super) descending: bool,
    pub(super) size: usize,
    pub(super) as_agent: bool,
}

/// One condition under its name.
fn condition() -> BoxedStrategy<(&'static str, Value)> {
    let instant = (-14_i64..14).prop_map(|hours| json!(noon() + TimeDelta::hours(hours)));
    const KINDS: [&str; 4] = [HOLDS[0].0, HOLDS[1].0, HOLDS[2].0, HOLDS[3].0];
    prop_oneof![
        some_of(&LANGUAGES).prop_map(|value| ("preferredLanguage", value)),
        some_of(&RISKS).prop_map(|value| ("riskLevel", value)),
        some_of(&KINDS).prop_map(|value| ("hold", value)),
        some_of(&REFERENCES).prop_map(|value| ("externalDebtorReference", value)),
        any::<bool>().prop_map(|value| ("contactStopped", json!(value))),
        any::<bool>().prop_map(|value| ("hasOpenAccounts", json!(value))),
        range("from", "to", instant).prop_map(|value| ("createdAt", value)),
    ]
    .boxed()
}

fn filter() -> impl Strategy<Value = Value> {
    let conditions = |most: usize| {
        prop::collection::vec(condition(), 0..=most).prop_map(|found| {
            let fields = found.into_iter().map(|(name, value)| (name.to_owned(), value));
            Value::Object(fields.collect())
        })
    };
    conditions(2).prop_recursive(3, 16, 3, move |inner| {
        (
            prop::option::of(condition()),
            prop::option::of(prop::collection::vec(inner.clone(), 0..3)),
            prop::option::of(prop::collection::vec(inner.clone(), 1..3)),
            prop::option::of(inner),
        )
            .prop_map(|(one, and, or, not)| {
                let mut fields = Map::new();
                one.and_then(|(name, value)| fields.insert(name.to_owned(), value));
                and.and_then(|parts| fields.insert("and".to_owned(), json!(parts)));
                or.and_then(|parts| fields.insert("or".to_owned(), json!(parts)));
                not.and_then(|part| fields.insert("not".to_owned(), part));
                Value::Object(fields)
            })
    })
}

pub(super) fn question() -> impl Strategy<Value = Question> {
    (
        filter(),
        prop::option::weighted(0.3, prop::sample::select(&SEARCHES[..])),
        prop::sample::select(&["NAME", "CREATED_AT"][..]),
        any::<bool>(),
        prop::sample::select(&[9_usize, 40, 100][..]),
        any::<bool>(),
    )
        .prop_map(|(filter, search, field, descending, size, as_agent)| Question {
            filter,
            search,
            field,
            descending,
            size,
            as_agent,
        })
}
