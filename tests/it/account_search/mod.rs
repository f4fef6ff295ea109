//! Lists of accounts by any combination of filter, search, order and page hold exactly what a slow filter in Rust over
//! the plaintext holds, in its order.

pub mod questions;
pub mod world;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use funnelchat::{
    compliance::HoldKind,
    platform::{
        ids::{self, IdKind},
        phone::PhoneNumber,
    },
};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use self::{
    questions::{Question, question},
    world::{ACCOUNTS, people_the_world, scatter},
};
use crate::support::{Client, Options, TestApp, data, noon};

/// Questions that are asked.
const CASES: usize = 60;

const TAGS: [&str; 4] = ["vip", "summer", "callback", "old"];
pub const LANGUAGES: [&str; 3] = ["en", "es", "fr"];
const STATUSES: [&str; 6] = [
    "ACTIVE",
    "IN_PAYMENT_PLAN",
    "PAID_IN_FULL",
    "DISPUTED",
    "LEGAL",
    "CLOSED",
];
pub const HOLDS: [(&str, HoldKind); 4] = [
    ("ATTORNEY_REPRESENTED", HoldKind::AttorneyRepresented),
    ("CEASE_CONTACT", HoldKind::CeaseContact),
    ("DISPUTE", HoldKind::Dispute),
    ("PAYMENT_FAILED", HoldKind::PaymentFailed),
];
/// An account in clear.
#[derive(Debug)]
struct Plain {
    id: String,
    number: String,
    name_key: String,
    contacts: BTreeSet<String>,
    cents: i64,
    due: Option<NaiveDate>,
    status: String,
    language: String,
    tags: BTreeSet<String>,
    holds: BTreeSet<String>,
    agent: Option<String>,
    creditor: Option<String>,
    placement: Option<String>,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

pub fn texts(value: &Value, key: &str) -> BTreeSet<String> {
    let items = value.as_array().into_iter().flatten();
    items
        .map(|item| if key.is_empty() { item } else { &item[key] })
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn cents(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}

impl Plain {
    fn read(node: &Value) -> Self {
        let text = |key: &str| node[key].as_str().unwrap_or_default().to_owned();
        let id_of = |key: &str| node[key]["id"].as_str().map(str::to_owned);
        Self {
            id: text("id"),
            number: text("accountNumber"),
            name_key: format!("{} {}", text("lastName"), text("firstName")).to_lowercase(),
            contacts: texts(&node["debtor"]["contactPoints"], "value"),
            cents: cents(node["currentBalance"]["amount"].as_str().unwrap()),
            due: node["dueDate"].as_str().map(|day| day.parse().unwrap()),
            status: text("status"),
            language: text("preferredLanguage"),
            tags: texts(&node["tags"], ""),
            holds: texts(&node["holds"], "kind"),
            agent: id_of("assignedAgent"),
            creditor: id_of("creditor"),
            placement: id_of("placement"),
            created: text("createdAt").parse().unwrap(),
            updated: text("updatedAt").parse().unwrap(),
        }
    }

    /// Whether all conditions of the filter hold.
    fn fits(&self, filter: &Value) -> bool {
        let fields = filter.as_object().unwrap();
        fields.iter().all(|(name, wanted)| self.fits_one(name, wanted))
    }

    fn fits_one(&self, name: &str, wanted: &Value) -> bool {
        let all = || wanted.as_array().unwrap().iter();
        let any_of = |has: &BTreeSet<String>| !has.is_disjoint(&texts(wanted, ""));
        let is = |has: &Option<String>| has.as_deref() == wanted.as_str();
        match name {
            "status" => texts(wanted, "").contains(&self.status),
            "preferredLanguage" => texts(wanted, "").contains(&self.language),
            "tags" => any_of(&self.tags),
            "hold" => any_of(&self.holds),
            "creditorId" => is(&self.creditor),
            "placementId" => is(&self.placement),
            "assignedAgentId" => is(&self.agent),
            "unassigned" => self.agent.is_none() == wanted.as_bool().unwrap(),
            "balance" => {
                let bound = |key: &str| wanted[key].as_str().map(cents);
                bound("min").is_none_or(|min| self.cents >= min)
                    && bound("max").is_none_or(|max| self.cents <= max)
            }
            "daysPastDue" => {
                let days = self
                    .due
                    .map_or(0, |due| (noon().date_naive() - due).num_days().max(0));
                wanted["min"].as_i64().is_none_or(|min| days >= min)
                    && wanted["max"].as_i64().is_none_or(|max| days <= max)
            }
            "dueDate" => {
                let bound = |key: &str| wanted[key].as_str().map(|day| day.parse::<NaiveDate>().unwrap());
                // Of what has no date, nothing can be said; a range without bounds says nothing.
                bound("from").is_none_or(|from| self.due.is_some_and(|due| due >= from))
                    && bound("to").is_none_or(|to| self.due.is_some_and(|due| due <= to))
            }
            "createdAt" | "updatedAt" => {
                let at = if name == "createdAt" {
                    self.created
                } else {
                    self.updated
                };
                let bound = |key: &str| {
                    wanted[key]
                        .as_str()
                        .map(|at| at.parse::<DateTime<Utc>>().unwrap())
                };
                bound("from").is_none_or(|from| at >= from) && bound("to").is_none_or(|to| at <= to)
            }
            "and" => all().all(|part| self.fits(part)),
            "or" => all().any(|part| self.fits(part)),
            "not" => !self.fits(wanted),
            other => panic!("say what {other} means"),
        }
    }

    fn is_found(&self, search: &str) -> bool {
        self.number.starts_with(search) || is_person(&self.name_key, &self.contacts, search)
    }
}

/// Whether a search finds the person of this name with these numbers and addresses.
pub fn is_person(name_key: &str, contacts: &BTreeSet<String>, search: &str) -> bool {
    if search.contains('@') {
        return contacts.contains(&search.to_lowercase());
    }
    if search.bytes().filter(u8::is_ascii_digit).count() >= 10 {
        let number = PhoneNumber::parse_lenient(search, "US").unwrap();
        return contacts.contains(number.as_e164());
    }
    let term = search.to_lowercase();
    name_key.contains(&term) || is_called(name_key, &term)
}

/// Whether the person may be meant who is typed first name first: wherever the last name ends that is on record, it ends
/// as what is typed does behind one of its blanks, and the first name begins as what is typed does before it.
fn is_called(name_key: &str, typed: &str) -> bool {
    blanks(name_key).any(|(last, first)| {
        blanks(typed)
            .any(|(typed_first, typed_last)| last.ends_with(typed_last) && first.starts_with(typed_first))
    })
}

/// The places of the blanks in a text.
fn blanks(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices(' ')
        .map(|(at, _)| (text[..at].trim_end(), text[at..].trim_start()))
}

/// The slow filter.
fn expected(accounts: &[Plain], question: &Question, agent: &str) -> Vec<String> {
    let mut found: Vec<&Plain> = accounts
        .iter()
        .filter(|account| {
            let in_scope =
                !question.as_agent || account.agent.as_deref().is_none_or(|assigned| assigned == agent);
            in_scope
                && account.fits(&question.filter)
                && question.search.is_none_or(|search| account.is_found(search))
        })
        .collect();
    found.sort_by(|a, b| {
        let ordered = match question.field {
            "CREATED_AT" => a.created.cmp(&b.created),
            "BALANCE" => a.cents.cmp(&b.cents),
            "DUE_DATE" => (a.due.is_none(), a.due).cmp(&(b.due.is_none(), b.due)),
            _ => a.name_key.cmp(&b.name_key),
        };
        ordered.then_with(|| a.id.cmp(&b.id))
    });
    if question.descending {
        found.reverse();
    }
    found.into_iter().map(|account| account.number.clone()).collect()
}

const LIST: &str = "query($f: AccountFilter, $s: String, $o: AccountOrder, $first: Int, $after: String, $last: Int, $before: String) {
  accounts(filter: $f, search: $s, orderBy: $o, first: $first, after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { node { accountNumber } } } }";

/// All pages of the list, forward or backward, in the list's order, with its count if that can be told; none where the
/// list asks to be narrowed.
async fn pages(client: &Client, question: &Question, forward: bool) -> Option<(Vec<String>, Option<i64>)> {
    let (count, past, more, end) = if forward {
        ("first", "after", "hasNextPage", "endCursor")
    } else {
        ("last", "before", "hasPreviousPage", "startCursor")
    };
    let direction = if question.descending { "DESC" } else { "ASC" };
    let (mut seen, mut cursor): (Vec<String>, Value) = (Vec::new(), Value::Null);
    loop {
        let mut variables = json!({ "f": question.filter, "s": question.search,
            "o": { "field": question.field, "direction": direction } });
        variables[count] = json!(question.size);
        variables[past] = cursor;
        let answer = client.gql(LIST, variables).await;
        let error = &answer["errors"][0];
        if error["message"]
            .as_str()
            .is_some_and(|text| text.contains("too broad"))
        {
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
            return None;
        }
        let page = &data(&answer)["accounts"];
        let edges = page["edges"].as_array().unwrap();
        let mut numbers: Vec<String> = edges
            .iter()
            .map(|edge| edge["node"]["accountNumber"].as_str().unwrap().to_owned())
            .collect();
        if forward {
            seen.extend(numbers);
        } else {
            numbers.append(&mut seen);
            seen = numbers;
        }
        cursor = page["pageInfo"][end].clone();
        if page["pageInfo"][more] == false {
            return Some((seen, page["totalCount"].as_i64()));
        }
    }
}

/// What differs, if anything does; a service that looks at few accounts may decline to answer, and need not count.
async fn difference(
    clients: &[Client; 2],
    agent: &str,
    accounts: &[Plain],
    question: &Question,
    declined: Option<&mut usize>,
) -> Option<String> {
    let may_decline = declined.is_some();
    let mut times = 0;
    let client = &clients[usize::from(question.as_agent)];
    let wanted = expected(accounts, question, agent);
    for forward in [true, false] {
        let Some((found, counted)) = pages(client, question, forward).await else {
            times += 1;
            if may_decline {
                continue;
            }
            return Some(format!("forward {forward}: declined"));
        };
        let right = i64::try_from(wanted.len()).unwrap();
        if found != wanted || counted.map_or(!may_decline, |counted| counted != right) {
            return Some(format!(
                "forward {forward}: {found:?} ({counted:?} counted), not {wanted:?}"
            ));
        }
    }
    if let Some(declined) = declined {
        *declined += times;
    }
    None
}

async fn read_everything(admin: &Client) -> Vec<Plain> {
    let (mut accounts, mut after) = (Vec::new(), Value::Null);
    loop {
        let answer = admin
            .gql(
                "query($after: String) { accounts(first: 100, after: $after) { pageInfo { hasNextPage endCursor } edges { node {
                   id accountNumber firstName lastName status dueDate tags preferredLanguage createdAt updatedAt
                   currentBalance { amount } assignedAgent { id } creditor { id } placement { id } holds { kind }
                   debtor { contactPoints { value } } } } } }",
                json!({ "after": after }),
            )
            .await;
        let page = &data(&answer)["accounts"];
        accounts.extend(
            page["edges"]
                .as_array()
                .unwrap()
                .iter()
                .map(|edge| Plain::read(&edge["node"])),
        );
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            return accounts;
        }
    }
}

pub async fn user_id(client: &Client) -> String {
    let answer = client.gql("{ viewer { user { id } } }", json!({})).await;
    data(&answer)["viewer"]["user"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn any_search_finds_exactly_what_a_slow_filter_finds() {
    ask(Options::default(), None).await;
}

/// Each way to a list is taken: its order walked, a few candidates sorted, either after the other.
#[tokio::test]
async fn a_list_that_may_look_at_little_is_right_or_asks_to_be_narrowed() {
    let settings = vec![("LIST_LOOK_LIMIT", "60".to_owned())];
    let options = Options {
        settings,
        ..Options::default()
    };
    let mut declined = 0;
    ask(options, Some(&mut declined)).await;
    assert!(
        (5..CASES).contains(&declined),
        "some, and not most: {declined} of {}",
        2 * CASES
    );
}

/// Asks the service and the slow filter the same questions.
async fn ask(options: Options, mut declined: Option<&mut usize>) {
    let app = TestApp::start_with(options).await;
    let clients = [app.acme.sign_in("admin").await, app.acme.agent().await];
    let (mut world, made) = people_the_world(&app).await;
    let (boss, agent) = (user_id(&clients[0]).await, user_id(&clients[1]).await);
    let user = |id: &str| ids::decode(IdKind::User, id).unwrap();
    scatter(&app, &made, [user(&boss), user(&agent)]).await;
    world.agents = vec![boss, agent.clone()];
    let accounts = read_everything(&clients[0]).await;
    assert_eq!(accounts.len(), 25 + ACCOUNTS - 10, "all that are not deleted");

    let questions = question(&world);
    let mut runner = TestRunner::deterministic();
    let mut hits = 0;
    for _ in 0..CASES {
        let mut tree = questions.new_tree(&mut runner).unwrap();
        hits += expected(&accounts, &tree.current(), &agent).len();
        let mut failure = difference(
            &clients,
            &agent,
            &accounts,
            &tree.current(),
            declined.as_deref_mut(),
        )
        .await;
        // Looks for the smallest question that still fails, as proptest itself does for what does not wait.
        let mut smallest = None;
        while let Some(found) = failure.take() {
            smallest = Some((tree.current(), found));
            while tree.simplify() {
                failure = difference(
                    &clients,
                    &agent,
                    &accounts,
                    &tree.current(),
                    declined.as_deref_mut(),
                )
                .await;
                if failure.is_some() || !tree.complicate() {
                    break;
                }
            }
        }
        assert!(smallest.is_none(), "{smallest:#?}");
    }
    assert!(hits > CASES * 5, "the questions find something: {hits}");
    app.finish().await;
}
