//! Whatever is sent, what is wrong with it is explained at its place, and never our fault.

use std::collections::BTreeSet;

use funnelchat::{
    access::operations::{Needs, needs},
    platform::ids::{IdKind, encode},
};
use serde_json::{Map, Value, json};

use crate::support::{
    Callers, Client, Field, Problems, Schema, TestApp,
    recipes::{Ids, kind_of, plain_arguments},
};

/// Asks for `field` with these arguments; nothing but its type comes back.
async fn call(
    client: &Client,
    schema: &Schema,
    root: &str,
    field: &Field,
    arguments: &Map<String, Value>,
) -> Value {
    let (document, variables) = schema.document(root, field, arguments, 0);
    client.gql(&document, variables).await
}

/// The places that user errors name, and the top-level errors' codes with their messages.
fn complaints(answer: &Value, field: &str) -> Vec<(String, String)> {
    let top = answer["errors"].as_array().into_iter().flatten().map(|error| {
        let code = error["extensions"]["code"].as_str().unwrap_or("(none)");
        (
            code.to_owned(),
            error["message"].as_str().unwrap_or_default().to_owned(),
        )
    });
    let user = answer["data"][field]["userErrors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| {
            let path: Vec<&str> = error["field"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            (
                error["code"].as_str().unwrap_or_default().to_owned(),
                path.join("."),
            )
        });
    top.chain(user).collect()
}

#[tokio::test]
async fn an_id_of_another_kind_or_none_at_all_is_named() {
    let app = TestApp::start().await;
    let mut problems = Problems::default();
    let callers = Callers::of(&app, &app.acme).await;
    let admin = &callers.admin;
    let schema = Schema::of(admin).await;
    let ids = Ids::make(&app, &app.acme, admin, "Kinds", 22).await;
    let mut tried = 0;
    for (root, field) in schema.operations() {
        if root == "Subscription" {
            continue;
        }
        for slot in schema.slots(field, "ID") {
            let kind = kind_of(&field.name, &slot);
            let suffix = ids.get("acct").split_once('_').unwrap().1;
            let mut wrong = vec![
                String::new(),
                "x".to_owned(),
                ids.uuid("acct").to_string(),
                suffix.to_owned(),
                format!("nobody_{suffix}"),
                format!("acct_{}", "z".repeat(26)),
                format!("acct_{}", "0".repeat(3000)),
                "acct_\u{0}".to_owned(),
            ];
            // `node` and `nodes` take any kind.
            wrong.extend(kind.map(|kind| ids.get(if kind == "biz" { "acct" } else { "biz" }).to_owned()));
            for wrong in wrong {
                let mut arguments = plain_arguments(&schema, field, &ids);
                slot.put(&mut arguments, json!(wrong));
                let answer = call(callers.who(root, &field.name), &schema, root, field, &arguments).await;
                let found = complaints(&answer, &field.name);
                let names_it = found.iter().any(|(code, place)| match code.as_str() {
                    "INVALID_INPUT" => *place == slot.name(),
                    "BAD_USER_INPUT" => place.contains(&slot.name()),
                    _ => false,
                });
                problems.check(names_it, || {
                    format!("{}({}: {wrong:.60?}): {answer}", field.name, slot.name())
                });
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "slots were found: {tried}");
    problems.none();
    app.finish().await;
}

/// Malformed values of each scalar.
const MALFORMED: &[(&str, &[&str])] = &[
    (
        "PhoneNumber",
        &["", "x", "12", "+1999", "+1 212 555 0100 0000 0000", "\u{0}"],
    ),
    (
        "EmailAddress",
        &["", "x", "a@", "@b.example", "a b@c.example", "a@b\u{0}.example"],
    ),
    (
        "Decimal",
        &[
            "",
            "x",
            "1,000.00",
            "1e3",
            "NaN",
            "1.234",
            "99999999999999999999999999",
            "-0.001",
            "\u{0}",
        ],
    ),
    (
        "Date",
        &["", "x", "2026-13-01", "2026-02-30", "01/02/2026", "20260101"],
    ),
    (
        "DateTime",
        &["", "x", "2026-01-01", "2026-01-01T00:00:00", "noon"],
    ),
    (
        "NationalId",
        &["", "x", "12345678", "000-12-3456", "078-05-1120", "\u{0}"],
    ),
    ("TimeZone", &["", "x", "EST5PDT4", "America", "\u{0}"]),
    (
        "Cursor",
        &[
            "",
            "x",
            "live1_",
            "live1_-1",
            "live1_99999999999999999999",
            "live2_1",
        ],
    ),
];

#[tokio::test]
async fn a_malformed_value_is_explained_at_its_place() {
    let app = TestApp::start().await;
    let mut problems = Problems::default();
    let callers = Callers::of(&app, &app.acme).await;
    let admin = &callers.admin;
    let schema = Schema::of(admin).await;
    let ids = Ids::make(&app, &app.acme, admin, "Values", 23).await;
    let mut tried = BTreeSet::new();
    for (root, field) in schema.operations() {
        if root == "Subscription" {
            continue;
        }
        for (scalar, values) in MALFORMED {
            for slot in schema.slots(field, scalar) {
                // A log-in does not say what is wrong with an address.
                if field.name == "login" {
                    continue;
                }
                tried.insert(*scalar);
                for wrong in *values {
                    let mut arguments = plain_arguments(&schema, field, &ids);
                    slot.put(&mut arguments, json!(wrong));
                    let answer = call(callers.who(root, &field.name), &schema, root, field, &arguments).await;
                    let names_it =
                        complaints(&answer, &field.name)
                            .iter()
                            .any(|(code, place)| match code.as_str() {
                                "INVALID_INPUT" => *place == slot.name(),
                                "BAD_USER_INPUT" if *scalar == "DateTime" => {
                                    // The library's own scalar: its error names the type and the inputs around it.
                                    let around = [
                                        "ComplaintFilter",
                                        "DateTimeRange",
                                        "DisputeFilter",
                                        "FileComplaintInput",
                                        "FileDisputeInput",
                                        "RecordConsentInput",
                                        "RecordContactPlaceInput",
                                        "RecordPrivacyRequestInput",
                                        "RecordProviderApprovalInput",
                                        "RecordValidationNoticeProvidedInput",
                                        "RecordValidationNoticeReturnedInput",
                                        "RecordVerificationSentInput",
                                        "RequestEvidencePackInput",
                                        "RevokeConsentInput",
                                        "UpdateComplaintInput",
                                    ];
                                    place.contains("\"DateTime\"")
                                        && around.iter().any(|name| place.contains(name))
                                }
                                "BAD_USER_INPUT" | "GRAPHQL_VALIDATION_FAILED" => {
                                    place.contains(&slot.name())
                                }
                                _ => false,
                            });
                    problems.check(names_it, || {
                        format!("{}({}: {wrong:?}): {answer}", field.name, slot.name())
                    });
                }
            }
        }
    }
    assert_eq!(
        tried,
        BTreeSet::from([
            "Date",
            "DateTime",
            "Decimal",
            "EmailAddress",
            "NationalId",
            "PhoneNumber",
            "TimeZone"
        ])
    );
    problems.none();
    app.finish().await;
}

#[tokio::test]
async fn no_text_however_strange_is_an_internal_error() {
    let app = TestApp::start().await;
    let mut problems = Problems::default();
    let callers = Callers::of(&app, &app.acme).await;
    let admin = &callers.admin;
    let schema = Schema::of(admin).await;
    let ids = Ids::make(&app, &app.acme, admin, "Texts", 24).await;
    let mut elsewhere = ids.clone();
    let globex = app.business_id(&app.globex).await;
    elsewhere.set("biz", encode(IdKind::Business, globex));
    let long = "long ".repeat(4_000);
    let mut tried = 0;
    for (root, field) in schema.operations() {
        if root == "Subscription" {
            continue;
        }
        // What the platform does to a business, it does to the other one: this one goes on.
        let ids = match needs(root, &field.name) {
            Some(Needs::Platform) => &elsewhere,
            _ => &ids,
        };
        for slot in schema.slots(field, "String") {
            for strange in [
                "",
                "   ",
                "\u{0}",
                "a\u{0}b",
                "%_\\'\"",
                "\u{202e}\u{1f4b8}\u{301}",
                &long,
            ] {
                let mut arguments = plain_arguments(&schema, field, ids);
                slot.put(&mut arguments, json!(strange));
                let answer = call(callers.who(root, &field.name), &schema, root, field, &arguments).await;
                for (code, message) in complaints(&answer, &field.name) {
                    problems.check(code != "INTERNAL" && code != "UNAVAILABLE", || {
                        format!("{}({}: {strange:.20?}): {message}", field.name, slot.name())
                    });
                }
                tried += 1;
            }
        }
        for slot in schema.slots(field, "Int") {
            for strange in [i32::MIN, -1, 0, i32::MAX] {
                let mut arguments = plain_arguments(&schema, field, ids);
                slot.put(&mut arguments, json!(strange));
                let answer = call(callers.who(root, &field.name), &schema, root, field, &arguments).await;
                for (code, message) in complaints(&answer, &field.name) {
                    problems.check(code != "INTERNAL", || {
                        format!("{}({}: {strange}): {message}", field.name, slot.name())
                    });
                }
            }
        }
    }
    assert!(tried > 150, "texts were found: {tried}");
    app.run_jobs().await;
    problems.none();
    app.finish().await;
}
