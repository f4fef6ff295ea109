//! Lists of accounts in a business of a million and in one of ten thousand, which are alike: each condition alone in each
//! order, each kind of search, and combinations that no index answers. What counts is the ratio of the two.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use chrono::TimeDelta;
use funnelchat::platform::ids::{IdKind, encode};
use serde_json::{Value, json};

use crate::{
    caller::{operation, sign_in},
    figures::{Bar, percentile},
    http::Connection,
    search_data::{Business, email, name, phone},
    servers::Bench,
};

const QUERY: &str = "query($f: AccountFilter, $o: AccountOrder, $s: String, $after: String) {
  accounts(first: 20, filter: $f, orderBy: $o, search: $s, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node { id accountNumber status firstName lastName currentBalance { amount } dueDate } } } }";
const ORDERS: [&str; 4] = ["CREATED_AT", "BALANCE", "DUE_DATE", "LAST_NAME"];
/// Pages of each list, as far as it has them.
const PAGES: usize = 3;
/// Each list is asked for so often, after one time that does not count.
const TIMES: usize = 5;

/// What is asked of both businesses.
struct Question {
    what: String,
    filter: Value,
    search: Option<String>,
    order: Value,
    as_agent: bool,
}

/// How a business answered.
enum Outcome {
    /// The median page, in milliseconds, and how many accounts the pages held.
    Pages(f64, usize),
    /// It asked to be narrowed; the median, in milliseconds.
    Narrow(f64),
}

impl Outcome {
    fn time(&self) -> f64 {
        match self {
            Self::Pages(time, _) | Self::Narrow(time) => *time,
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pages(time, rows) => write!(f, "{time:.1} ms, {rows} rows"),
            Self::Narrow(time) => write!(f, "{time:.1} ms, asks to narrow"),
        }
    }
}

pub async fn measure(bench: &Bench, both: &[Business; 2]) -> anyhow::Result<()> {
    let service = bench.serve().await?;
    let (mut tokens, mut asked) = (Vec::new(), Vec::new());
    for business in both {
        tokens.push([
            sign_in(service.address, &business.tenant.manager).await?,
            sign_in(service.address, &business.tenant.agent).await?,
        ]);
        asked.push(questions(business));
    }
    let mut connection = Connection::open(service.address).await?;
    let mut bar = Bar::new("lists of accounts", asked[0].len());
    let mut answers = Vec::new();
    // In turns, so that a machine that slows down slows both.
    for (small, large) in asked[0].iter().zip(&asked[1]) {
        let as_agent = usize::from(small.as_agent);
        let before = ask(&mut connection, &tokens[0][as_agent], small).await?;
        answers.push((before, ask(&mut connection, &tokens[1][as_agent], large).await?));
        bar.advance(1);
    }
    report(both, &asked[0], &answers);
    Ok(())
}

async fn ask(connection: &mut Connection, token: &str, question: &Question) -> anyhow::Result<Outcome> {
    let (mut times, mut rows, mut narrow) = (Vec::new(), 0, false);
    for time in 0..=TIMES {
        let (mut after, mut seen) = (Value::Null, 0);
        for _ in 0..PAGES {
            let variables =
                json!({ "f": question.filter, "o": question.order, "s": question.search, "after": after });
            let request = operation(Some(token), QUERY, &variables);
            let started = Instant::now();
            let answer = connection.send(&request).await?;
            let taken = started.elapsed();
            let answer: Value = serde_json::from_slice(answer.body)?;
            if time > 0 {
                times.push(taken);
            }
            if answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT" {
                let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
                ensure!(message.contains("more than"), "{}: {answer}", question.what);
                narrow = true;
                break;
            }
            let page = &answer["data"]["accounts"];
            seen += page["edges"]
                .as_array()
                .with_context(|| format!("{}: {answer}", question.what))?
                .len();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        rows = seen;
    }
    let median = percentile(&mut times, 0.5);
    Ok(if narrow {
        Outcome::Narrow(median)
    } else {
        Outcome::Pages(median, rows)
    })
}

fn questions(business: &Business) -> Vec<Question> {
    let (nth, began) = (business.accounts / 2, business.began);
    let day = |days| (began + TimeDelta::days(days)).date_naive();
    let instant = |days| began + TimeDelta::days(days);
    let creditor = |at: usize| json!({ "creditorId": encode(IdKind::Creditor, business.creditors[at]) });
    let placement = |at: usize| json!({ "placementId": encode(IdKind::Placement, business.placements[at]) });
    let filters = [
        ("no condition", json!({})),
        ("status: the most usual", json!({ "status": ["ACTIVE"] })),
        ("status: 0.5 %", json!({ "status": ["LEGAL"] })),
        ("two statuses", json!({ "status": ["DISPUTED", "LEGAL"] })),
        ("tag: 19 %", json!({ "tags": ["summer"] })),
        ("tag: 5 %", json!({ "tags": ["callback"] })),
        ("tag: 0.1 %", json!({ "tags": ["vip"] })),
        (
            "balance: few",
            json!({ "balance": { "min": "15000.00", "max": "15100.00" } }),
        ),
        (
            "balance: many",
            json!({ "balance": { "min": "100.00", "max": "2000.00" } }),
        ),
        (
            "due date: 3 days",
            json!({ "dueDate": { "from": day(500), "to": day(502) } }),
        ),
        (
            "due date: a quarter",
            json!({ "dueDate": { "from": day(500), "to": day(590) } }),
        ),
        ("past due: 30 days", json!({ "daysPastDue": { "min": 30 } })),
        (
            "placed: a day",
            json!({ "createdAt": { "from": instant(500), "to": instant(501) } }),
        ),
        (
            "changed: a day",
            json!({ "updatedAt": { "from": instant(500), "to": instant(501) } }),
        ),
        ("creditor: large", creditor(0)),
        ("creditor: small", creditor(9)),
        ("placement: oldest", placement(0)),
        ("placement: newest", placement(99)),
        (
            "agent: few",
            json!({ "assignedAgentId": encode(IdKind::User, business.agent) }),
        ),
        (
            "agent: many",
            json!({ "assignedAgentId": encode(IdKind::User, business.colleague) }),
        ),
        ("unassigned", json!({ "unassigned": true })),
        ("assigned", json!({ "unassigned": false })),
        ("language: 20 %", json!({ "preferredLanguage": ["es"] })),
        ("language: 0.05 %", json!({ "preferredLanguage": ["vi"] })),
        ("hold: 1.2 %", json!({ "hold": ["DISPUTE"] })),
        ("hold: 0.05 %", json!({ "hold": ["DECEASED"] })),
    ];
    let mut all = Vec::new();
    let mut put =
        |what: &str, filter: &Value, search: Option<String>, field: &str, direction: &str, as_agent| {
            all.push(Question {
                what: format!(
                    "{what}, {field} {direction}{}",
                    if as_agent { ", as an agent" } else { "" }
                ),
                filter: filter.clone(),
                search,
                order: json!({ "field": field, "direction": direction }),
                as_agent,
            });
        };
    for (what, filter) in &filters {
        for field in ORDERS {
            for direction in ["ASC", "DESC"] {
                put(what, filter, None, field, direction, false);
            }
        }
    }
    for field in ORDERS {
        put("no condition", &json!({}), None, field, "DESC", true);
        put(
            "status: the most usual",
            &json!({ "status": ["ACTIVE"] }),
            None,
            field,
            "DESC",
            true,
        );
    }
    let (first, last) = name(nth);
    for (what, search) in [
        ("search: account number", format!("S-{nth:07}")),
        ("search: start of a number", "S-00012".to_owned()),
        ("search: e-mail", email(nth)),
        ("search: phone", phone(nth)),
        ("search: last and first name", format!("{last} {first}")),
        ("search: first and last name", format!("{first} {last}")),
        ("search: last name", last.clone()),
        (
            "search: part of a name",
            format!("{} {}", &last[3..], &first[..2]),
        ),
        ("search: three letters", "sal".to_owned()),
    ] {
        put(
            what,
            &json!({}),
            Some(search.clone()),
            "CREATED_AT",
            "DESC",
            false,
        );
        put(
            what,
            &json!({ "status": ["ACTIVE"] }),
            Some(search),
            "BALANCE",
            "DESC",
            false,
        );
    }
    for (what, filter) in [
        (
            "both: tag 19 % and a status that none of them has",
            json!({ "tags": ["summer"], "status": ["CLOSED"] }),
        ),
        (
            "both: tag 5 % and agent with many",
            json!({ "tags": ["callback"], "assignedAgentId": encode(IdKind::User, business.colleague) }),
        ),
        (
            "both: language 20 % and past due, not active",
            json!({ "preferredLanguage": ["es"], "daysPastDue": { "min": 30 }, "not": { "status": ["ACTIVE"] } }),
        ),
        (
            "either: hold 0.05 % or tag 0.1 %",
            json!({ "or": [{ "hold": ["DECEASED"] }, { "tags": ["vip"] }] }),
        ),
        (
            "not: any usual status or language",
            json!({ "not": { "or": [{ "status": ["ACTIVE"] }, { "preferredLanguage": ["en", "es", "fr"] }] } }),
        ),
    ] {
        put(what, &filter, None, "BALANCE", "DESC", false);
    }
    all
}

fn report(both: &[Business; 2], questions: &[Question], answers: &[(Outcome, Outcome)]) {
    println!(
        "| list | {} accounts | {} accounts | ratio |\n|---|---|---|---|",
        both[0].accounts, both[1].accounts
    );
    let (mut worst, mut over, mut compared) = ((0.0, ""), 0, 0);
    for (question, (small, large)) in questions.iter().zip(answers) {
        let ratio = large.time() / small.time();
        if let (Outcome::Pages(..), Outcome::Pages(..)) = (small, large) {
            compared += 1;
            over += usize::from(ratio > 3.0);
            if ratio > worst.0 {
                worst = (ratio, question.what.as_str());
            }
        }
        println!("| {} | {small} | {large} | {ratio:.1} |", question.what);
    }
    println!(
        "{compared} lists: {over} take more than three times as long; the worst is {}: {:.1} times",
        worst.1, worst.0
    );
}
