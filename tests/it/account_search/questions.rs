//! What is asked: filters put together from every condition, searches, orders, pages.

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{HOLDS, LANGUAGES, STATUSES, TAGS, world::World};
use crate::support::noon;

const SEARCHES: [&str; 20] = [
    "lop",
    "LOPEZ",
    "ana lopez",
    "Lopez Ana",
    "ana maría lopez",
    "an de la cruz",
    "ana",
    "o'n",
    "100%",
    "a_a",
    "maría",
    "P-01",
    "P-010",
    "acme-1000",
    "ACME-1000",
    "nobody of that name",
    "person7@mail.example",
    "PERSON9@mail.example",
    "(646) 555-0012",
    "+16465550015",
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

pub fn some_of(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::sample::subsequence(words, 0..=words.len()).prop_map(|some| json!(some))
}

pub fn range(
    low: &'static str,
    high: &'static str,
    value: impl Strategy<Value = Value> + Clone + 'static,
) -> impl Strategy<Value = Value> {
    (prop::option::of(value.clone()), prop::option::of(value)).prop_map(move |(from, to)| {
        let mut bounds = Map::new();
        from.and_then(|from| bounds.insert(low.to_owned(), from));
        to.and_then(|to| bounds.insert(high.to_owned(), to));
        Value::Object(bounds)
    })
}

/// One condition under its name.
fn condition(world: &World) -> BoxedStrategy<(&'static str, Value)> {
    let named = |ids: &[String]| prop::sample::select(ids.to_vec()).prop_map(|id| json!(id));
    let day = (-40_i64..40).prop_map(|days| json!((noon() + TimeDelta::days(days)).date_naive()));
    let instant = (-20_i64..20).prop_map(|hours| json!(noon() + TimeDelta::hours(hours)));
    let amount = (0_i64..500_000).prop_map(|cents| json!(format!("{}.{:02}", cents / 100, cents % 100)));
    const KINDS: [&str; 4] = [HOLDS[0].0, HOLDS[1].0, HOLDS[2].0, HOLDS[3].0];
    prop_oneof![
        some_of(&STATUSES).prop_map(|value| ("status", value)),
        some_of(&TAGS).prop_map(|value| ("tags", value)),
        some_of(&LANGUAGES).prop_map(|value| ("preferredLanguage", value)),
        some_of(&KINDS).prop_map(|value| ("hold", value)),
        range("min", "max", amount).prop_map(|value| ("balance", value)),
        range("min", "max", (0_i32..45).prop_map(|days| json!(days)))
            .prop_map(|value| ("daysPastDue", value)),
        range("from", "to", day).prop_map(|value| ("dueDate", value)),
        range("from", "to", instant.clone()).prop_map(|value| ("createdAt", value)),
        range("from", "to", instant).prop_map(|value| ("updatedAt", value)),
        named(&world.creditors).prop_map(|value| ("creditorId", value)),
        named(&world.placements).prop_map(|value| ("placementId", value)),
        named(&world.agents).prop_map(|value| ("assignedAgentId", value)),
        any::<bool>().prop_map(|value| ("unassigned", json!(value))),
    ]
    .boxed()
}

fn filter(world: &World) -> impl Strategy<Value = Value> {
    let conditions = |most: usize| {
        prop::collection::vec(condition(world), 0..=most).prop_map(|found| {
            let fields = found.into_iter().map(|(name, value)| (name.to_owned(), value));
            Value::Object(fields.collect())
        })
    };
    let beside = condition(world);
    conditions(2).prop_recursive(3, 16, 3, move |inner| {
        (
            prop::option::of(beside.clone()),
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

pub(super) fn question(world: &World) -> impl Strategy<Value = Question> {
    (
        filter(world),
        prop::option::weighted(0.4, prop::sample::select(&SEARCHES[..])),
        prop::sample::select(&["CREATED_AT", "BALANCE", "DUE_DATE", "LAST_NAME"][..]),
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
