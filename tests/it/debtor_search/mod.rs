//! Lists of people by any combination of filter, search, order and page hold exactly whom a slow filter in Rust over the
//! plaintext holds, in its order.

mod questions;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use funnelchat::platform::ids::{self, IdKind};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use sqlx::{Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use self::questions::{Question, question};
use crate::{
    account_search::{
        is_person, texts, user_id,
        world::{people_the_world, scatter},
    },
    account_work::act,
    support::{Client, Options, TestApp, data, noon, user_errors},
};

/// Questions that are asked.
const CASES: usize = 50;

const RISKS: [&str; 3] = ["LOW", "MEDIUM", "HIGH"];
/// As the database spells them.
const STOPPING: [&str; 7] = [
    "ATTORNEY",
    "BANKRUPTCY",
    "BANKRUPTCY_DISCHARGED",
    "CEASE",
    "DECEASED",
    "DO_NOT_RECONTACT",
    "MINOR",
];

/// A debt in clear.
#[derive(Debug)]
struct Debt {
    is_open: bool,
    is_deleted: bool,
    agent: Option<Uuid>,
}

/// A person in clear, with all of their records.
#[derive(Debug)]
struct Plain {
    id: Uuid,
    name_key: String,
    names: Vec<String>,
    contacts: BTreeSet<String>,
    language: String,
    risk: Option<String>,
    references: BTreeSet<String>,
    /// Kinds as the API spells them.
    holds: BTreeSet<String>,
    is_stopped: bool,
    debts: Vec<Debt>,
    created: DateTime<Utc>,
}

impl Plain {
    fn fits(&self, filter: &Value, agent: Option<Uuid>) -> bool {
        let fields = filter.as_object().unwrap();
        fields
            .iter()
            .all(|(name, wanted)| self.fits_one(name, wanted, agent))
    }

    fn fits_one(&self, name: &str, wanted: &Value, agent: Option<Uuid>) -> bool {
        let all = || wanted.as_array().unwrap().iter();
        let is = |truth: bool| wanted.as_bool() == Some(truth);
        match name {
            "preferredLanguage" => texts(wanted, "").contains(&self.language),
            "riskLevel" => self
                .risk
                .as_ref()
                .is_some_and(|risk| texts(wanted, "").contains(risk)),
            "hold" => !self.holds.is_disjoint(&texts(wanted, "")),
            "externalDebtorReference" => !self.references.is_disjoint(&texts(wanted, "")),
            "contactStopped" => is(self.is_stopped),
            "hasOpenAccounts" => is(self
                .debts
                .iter()
                .any(|debt| debt.is_open && debt.is_seen_by(agent))),
            "createdAt" => {
                let bound = |key: &str| {
                    let text = wanted[key].as_str();
                    text.map(|at| at.parse::<DateTime<Utc>>().unwrap())
                };
                bound("from").is_none_or(|from| self.created >= from)
                    && bound("to").is_none_or(|to| self.created <= to)
            }
            "and" => all().all(|part| self.fits(part, agent)),
            "or" => all().any(|part| self.fits(part, agent)),
            "not" => !self.fits(wanted, agent),
            other => panic!("say what {other} means"),
        }
    }

    /// Whom an agent sees: through a debt of theirs or of nobody's, and whom nobody has a debt of.
    fn is_seen_by(&self, agent: Option<Uuid>) -> bool {
        agent.is_none() || self.debts.is_empty() || self.debts.iter().any(|debt| debt.is_seen_by(agent))
    }

    fn is_found(&self, search: &str) -> bool {
        self.names
            .iter()
            .any(|name| is_person(name, &self.contacts, search))
    }
}

impl Debt {
    fn is_seen_by(&self, agent: Option<Uuid>) -> bool {
        !self.is_deleted && (agent.is_none() || self.agent.is_none() || self.agent == agent)
    }
}

/// The slow filter.
fn expected(people: &[Plain], question: &Question, agent: Uuid) -> Vec<Uuid> {
    let agent = question.as_agent.then_some(agent);
    let mut found: Vec<&Plain> = people
        .iter()
        .filter(|person| {
            person.is_seen_by(agent)
                && person.fits(&question.filter, agent)
                && question.search.is_none_or(|search| person.is_found(search))
        })
        .collect();
    found.sort_by(|a, b| {
        let ordered = match question.field {
            "CREATED_AT" => a.created.cmp(&b.created),
            _ => a.name_key.cmp(&b.name_key),
        };
        ordered.then_with(|| a.id.cmp(&b.id))
    });
    if question.descending {
        found.reverse();
    }
    found.into_iter().map(|person| person.id).collect()
}

const LIST: &str = "query($f: DebtorFilter, $s: String, $o: DebtorOrder, $first: Int, $after: String, $last: Int, $before: String) {
  debtors(filter: $f, search: $s, orderBy: $o, first: $first, after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { node { id } } } }";

/// All pages of the list, forward or backward, in the list's order, with its count if that can be told; none where the
/// list asks to be narrowed.
async fn pages(client: &Client, question: &Question, forward: bool) -> Option<(Vec<Uuid>, Option<i64>)> {
    let (count, past, more, end) = if forward {
        ("first", "after", "hasNextPage", "endCursor")
    } else {
        ("last", "before", "hasPreviousPage", "startCursor")
    };
    let direction = if question.descending { "DESC" } else { "ASC" };
    let (mut seen, mut cursor): (Vec<Uuid>, Value) = (Vec::new(), Value::Null);
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
        let page = &data(&answer)["debtors"];
        let mut people: Vec<Uuid> = page["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edge| ids::decode(IdKind::Debtor, edge["node"]["id"].as_str().unwrap()).unwrap())
            .collect();
        if forward {
            seen.extend(people);
        } else {
            people.append(&mut seen);
            seen = people;
        }
        cursor = page["pageInfo"][end].clone();
        if page["pageInfo"][more] == false {
            return Some((seen, page["totalCount"].as_i64()));
        }
    }
}

/// What differs, if anything does; a service that looks at few people may decline to answer, and need not count.
async fn difference(
    clients: &[Client; 2],
    agent: Uuid,
    people: &[Plain],
    question: &Question,
    declined: Option<&mut usize>,
) -> Option<String> {
    let may_decline = declined.is_some();
    let mut times = 0;
    let client = &clients[usize::from(question.as_agent)];
    let wanted = expected(people, question, agent);
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

/// What no use case sets at will, and some people on two records.
async fn shuffle(app: &TestApp, admin: &Client) {
    let mut superuser = app.superuser().await;
    let business = app.business_id(&app.acme).await;
    let all: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM debtors WHERE business_id = $1 AND external_reference LIKE 'person %' ORDER BY id",
    )
    .bind(business)
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    for (nth, id) in all.iter().enumerate() {
        sqlx::query("UPDATE debtors SET risk_level = $2, created_at = $3 WHERE id = $1")
            .bind(id)
            .bind((nth % 4 < 3).then(|| RISKS[nth % 4]))
            .bind(noon() + TimeDelta::hours(i64::try_from(nth % 19).unwrap() - 9))
            .execute(&mut superuser)
            .await
            .unwrap();
    }
    for pair in all.chunks(2).step_by(9) {
        let [survivor, merged] = pair else { continue };
        let id = |id: &Uuid| ids::encode(IdKind::Debtor, *id);
        let input =
            json!({ "survivorId": id(survivor), "mergedId": id(merged), "reason": "The same person." });
        let payload = act(admin, "mergeDebtors", "__typename", input).await;
        assert_eq!(user_errors(&payload), Vec::<&str>::new(), "{payload}");
    }
}

/// Everybody, as the database has them.
async fn read_everything(app: &TestApp, admin: &Client) -> Vec<Plain> {
    let contacts = contacts_of_all(admin).await;
    let mut superuser: PgConnection = app.superuser().await;
    let business = app.business_id(&app.acme).await;
    let rows = superuser
        .fetch_all(
            sqlx::query(
                "SELECT p.id, p.name_key, p.preferred_language, p.risk_level, p.created_at,
                    ARRAY(SELECT d.name_key FROM debtors d WHERE d.business_id = $1 AND d.person_id = p.id) AS names,
                    ARRAY(SELECT d.external_reference FROM debtors d WHERE d.business_id = $1 AND d.person_id = p.id
                          AND d.external_reference IS NOT NULL) AS refs,
                    (SELECT coalesce(jsonb_agg(jsonb_build_array(h.kind, h.account_id IS NULL)), '[]')
                       FROM holds h JOIN debtors d ON d.business_id = $1 AND d.id = h.debtor_id
                      WHERE d.person_id = p.id AND h.lifted_at IS NULL) AS holds,
                    (SELECT coalesce(jsonb_agg(jsonb_build_array(a.status, a.assigned_agent_id, a.deleted_at IS NOT NULL)), '[]')
                       FROM accounts a JOIN debtors d ON d.business_id = $1 AND d.id = a.debtor_id
                      WHERE d.person_id = p.id) AS debts
                 FROM debtors p WHERE p.business_id = $1 AND p.merged_into IS NULL",
            )
            .bind(business),
        )
        .await
        .unwrap();
    rows.iter()
        .map(|row| {
            let (holds, debts): (Value, Value) = (row.get("holds"), row.get("debts"));
            let holds: Vec<(String, bool)> = serde_json::from_value(holds).unwrap();
            let debts: Vec<(String, Option<Uuid>, bool)> = serde_json::from_value(debts).unwrap();
            let id: Uuid = row.get("id");
            Plain {
                id,
                name_key: row.get("name_key"),
                names: row.get("names"),
                contacts: contacts.get(&id).cloned().unwrap_or_default(),
                language: row.get("preferred_language"),
                risk: row.get("risk_level"),
                references: row.get::<Vec<String>, _>("refs").into_iter().collect(),
                is_stopped: holds
                    .iter()
                    .any(|(kind, of_person)| *of_person && STOPPING.contains(&kind.as_str())),
                holds: holds
                    .into_iter()
                    .map(|(kind, _)| match kind.as_str() {
                        "ATTORNEY" => "ATTORNEY_REPRESENTED".to_owned(),
                        "CEASE" => "CEASE_CONTACT".to_owned(),
                        _ => kind,
                    })
                    .collect(),
                debts: debts
                    .into_iter()
                    .map(|(status, agent, is_deleted)| Debt {
                        is_open: status != "PAID_IN_FULL" && status != "CLOSED",
                        is_deleted,
                        agent,
                    })
                    .collect(),
                created: row.get("created_at"),
            }
        })
        .collect()
}

async fn contacts_of_all(admin: &Client) -> BTreeMap<Uuid, BTreeSet<String>> {
    let (mut found, mut after) = (BTreeMap::new(), Value::Null);
    loop {
        let answer = admin
            .gql(
                "query($after: String) { debtors(first: 100, after: $after) { pageInfo { hasNextPage endCursor }
                   edges { node { id contactPoints { value } } } } }",
                json!({ "after": after }),
            )
            .await;
        let page = &data(&answer)["debtors"];
        for edge in page["edges"].as_array().unwrap() {
            let id = ids::decode(IdKind::Debtor, edge["node"]["id"].as_str().unwrap()).unwrap();
            found.insert(id, texts(&edge["node"]["contactPoints"], "value"));
        }
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            return found;
        }
    }
}

#[tokio::test]
async fn any_list_of_people_holds_exactly_whom_a_slow_filter_holds() {
    ask(Options::default(), None).await;
}

/// Each way to a list is taken: its order walked, those with a condition read and sorted, either after the other.
#[tokio::test]
async fn a_list_of_people_that_may_look_at_few_is_right_or_asks_to_be_narrowed() {
    let settings = vec![("LIST_LOOK_LIMIT", "45".to_owned())];
    let options = Options {
        settings,
        ..Options::default()
    };
    let mut declined = 0;
    ask(options, Some(&mut declined)).await;
    assert!(
        (1..2 * CASES).contains(&declined),
        "some, and not all: {declined} of {}",
        2 * CASES
    );
}

/// Asks the service and the slow filter the same questions.
async fn ask(options: Options, mut declined: Option<&mut usize>) {
    let app = TestApp::start_with(options).await;
    let clients = [app.acme.sign_in("admin").await, app.acme.agent().await];
    let (_, made) = people_the_world(&app).await;
    let user = async |client: &Client| ids::decode(IdKind::User, &user_id(client).await).unwrap();
    let (boss, agent) = (user(&clients[0]).await, user(&clients[1]).await);
    scatter(&app, &made, [boss, agent]).await;
    shuffle(&app, &clients[0]).await;
    let people = read_everything(&app, &clients[0]).await;
    assert!(people.len() > 150, "{}", people.len());
    assert!(
        people.iter().any(|person| person.names.len() > 1),
        "some are merged"
    );

    let questions = question();
    let mut runner = TestRunner::deterministic();
    let mut hits = 0;
    for _ in 0..CASES {
        let mut tree = questions.new_tree(&mut runner).unwrap();
        hits += expected(&people, &tree.current(), agent).len();
        let mut failure =
            difference(&clients, agent, &people, &tree.current(), declined.as_deref_mut()).await;
        // Looks for the smallest question that still fails, as proptest itself does for what does not wait.
        let mut smallest = None;
        while let Some(found) = failure.take() {
            smallest = Some((tree.current(), found));
            while tree.simplify() {
                let asked = tree.current();
                failure = difference(&clients, agent, &people, &asked, declined.as_deref_mut()).await;
                if failure.is_some() || !tree.complicate() {
                    break;
                }
            }
        }
        assert!(smallest.is_none(), "{smallest:#?}");
    }
    assert!(hits > CASES * 5, "the questions find somebody: {hits}");
    app.finish().await;
}
