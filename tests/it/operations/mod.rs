//! The API's surface: what is listed, described, bounded and explained.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --test it operations` writes `schema.graphql` and `policies/access/matrix.txt`.

mod inputs;

use std::{collections::BTreeSet, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use funnelchat::{
    access::{
        AccessTable,
        operations::{OPERATIONS, matrix},
    },
    graphql,
    platform::gql::{CursorOwner, keyset_cursor},
};
use serde_json::{Value, json};

use crate::support::{Callers, Problems, Schema, TestApp, error_code, recipes::Ids};

/// Lists that are no connections, with what bounds them.
const BOUNDED_LISTS: &[(&str, &str)] = &[
    ("AccessLogEntry.debtorIds", "those of one answer"),
    ("Account.disputes", "100, in the statement"),
    ("Account.holds", "100, in the statement"),
    ("AnswerDue.complaints", "100, in the statement"),
    ("AnswerDue.disputes", "100, in the statement"),
    ("AccountImport.columns", "200, checked when the file is read"),
    (
        "AccountImport.missingFields",
        "the fields that a template requires",
    ),
    ("AccountImportColumn.samples", "three"),
    ("Account.tags", "50, checked when they are set"),
    ("AccountNote.mentions", "20, checked when it is written"),
    (
        "Account.timeZoneEvidence",
        "what is stated, and three for each contact point and address",
    ),
    ("Account.validationNotices", "50, in the statement"),
    ("ApiKey.scopes", "the cells of the service role"),
    (
        "AssignAccountsPayload.accounts",
        "as many as ids were given, 500 at most",
    ),
    ("Availability.exceptions", "100, checked when they are set"),
    ("Availability.week", "the days there are, seven"),
    ("AutoResponse.texts", "the languages there are, two"),
    ("Business.inboundNumbers", "100, in the statement"),
    (
        "Business.providerApprovals",
        "100, checked when they are recorded",
    ),
    ("Business.skills", "500, in the statement"),
    ("BusinessLocale.languages", "the languages there are, two"),
    ("ComplianceDashboard.alerts", "100, cut"),
    ("ComplianceDashboard.decisions", "92 days, checked, in two stages"),
    ("ComplianceDashboard.holds", "the kinds there are, twelve"),
    (
        "ComplianceDashboard.optOuts",
        "92 days, checked, and five channels",
    ),
    ("ComplianceDashboard.refusals", "the rules there are, some sixty"),
    (
        "ComplianceDashboard.revocations",
        "92 days, checked, four channels and nine sources",
    ),
    ("ComplianceDashboard.suppressions", "the reasons there are, four"),
    (
        "ComplianceDecision.missingContent",
        "the kinds of text that a law can require: fewer than ten",
    ),
    ("ComplianceScore.components", "the components there are, six"),
    ("ComplianceDecision.rules", "the rules there are, some sixty"),
    ("ConfirmMfaEnrollmentPayload.recoveryCodes", "ten are made"),
    ("ConfirmMfaReplacementPayload.recoveryCodes", "ten are made"),
    ("RegenerateRecoveryCodesPayload.recoveryCodes", "ten are made"),
    (
        "CreateAccountPayload.notTaken",
        "what is told of a person, seven fields",
    ),
    ("NotTaken.field", "one path"),
    ("ContentCheck.findings", "forty, in the scanner"),
    ("CustomRole.permissions", "the cells there are"),
    (
        "Debtor.contactPoints",
        "twenty of each of two kinds, by a CHECK of the table, on each of twenty records at most",
    ),
    ("Debtor.holds", "100, in the statement"),
    ("HoldsStated.holds", "100, in the statement"),
    ("HoldsStated.inconvenientTimes", "100, in the statement"),
    ("Debtor.contactPlaces", "twenty on each of twenty records at most"),
    ("ContactPlace.channels", "the channels there are, five"),
    (
        "ContactPoint.suppressions",
        "one of each reason and channel at an address",
    ),
    ("DoNotContact.holds", "100, in the statement"),
    ("DoNotContact.closed", "forty on each of twenty records at most"),
    (
        "Debtor.inconvenientTimes",
        "twenty on each of twenty records at most",
    ),
    ("CookieChoice.allowed", "the purposes there are, three"),
    ("CookieNotice.purposes", "the purposes there are, three"),
    ("CustomFieldDefinition.choices", "50, checked when they are set"),
    ("CustomFieldList.fields", "50, checked when they are set"),
    ("Debtor.privacyAcceptances", "twenty, in the statement"),
    ("Debtor.matchSuggestions", "20, when they are put in order"),
    ("Debtor.merges", "a person has at most 20 records"),
    (
        "Debtor.timeZoneEvidence",
        "what is stated, and three for each contact point and address",
    ),
    ("InconvenientTime.channels", "the channels there are, five"),
    ("InconvenientTime.days", "a week's"),
    ("DuplicateSuggestion.reasons", "the reasons there are, five"),
    ("MatchSuggestion.reasons", "the reasons there are, five"),
    ("Account.suitAuthorities", "100, in the statement"),
    ("Dispute.steps", "100, in the statement"),
    ("DisputeStep.documents", "20, checked when they are sent"),
    ("Document.tags", "20, by a CHECK of the table"),
    ("DoNotCallAccess.areaCodes", "800, by a CHECK of the table"),
    ("NationalDoNotCallList.missingAreaCodes", "100, cut"),
    ("NationalDoNotCallList.staleAreaCodes", "100, cut"),
    ("Query.connectedNumbers", "100, checked when they are connected"),
    ("Query.licenses", "500, in the statement"),
    ("ReassignedNumberList.imports", "twenty, in the statement"),
    ("RuleRefusals.days", "92, checked"),
    ("MfaChallenge.methods", "the methods there are, four"),
    ("Payment.refunds", "100, in the statement"),
    (
        "PlatformBusiness.providerApprovals",
        "100, checked when they are recorded",
    ),
    ("PlatformUser.memberships", "100, in the statement"),
    ("PrivacyNotice.categories", "those of the file, seven"),
    ("PrivacyNotice.processors", "those of the file, three"),
    ("Query.accountViews", "200, in the statement"),
    ("Query.nodes", "as many as ids were given, 100 at most"),
    ("Query.providerAccounts", "100, in the statement"),
    ("Query.roles", "100, in the statement"),
    ("Query.routingRules", "50, checked when they are saved"),
    ("RoutingRule.channels", "the channels there are, five"),
    ("RoutingRule.creditors", "50, checked when they are saved"),
    ("RoutingRule.languages", "20, checked when they are saved"),
    ("RoutingRule.requiredSkills", "30, checked when they are saved"),
    ("RoutingRule.tags", "50, checked when they are saved"),
    ("Query.sessions", "100, in the statement"),
    ("Query.templateVariables", "the variables there are, fourteen"),
    ("CreateTemplatePayload.findings", "100, cut"),
    ("Template.findings", "100, cut"),
    ("Template.variables", "the variables there are, fourteen"),
    ("TemplateCheck.findings", "100, cut"),
    ("TemplatePreview.contentFindings", "forty, in the scanner"),
    ("TemplatePreview.findings", "100, cut"),
    (
        "TemplatePreview.missingVariables",
        "the variables of a text of 20,000 characters",
    ),
    ("TemplateVariable.firstContactTypes", "the types there are, five"),
    ("TemplateVariable.followUpTypes", "the types there are, five"),
    ("UpdateTemplatePayload.findings", "100, cut"),
    ("SendMessagePayload.findings", "forty, in the scanner"),
    ("StartConversationPayload.findings", "forty, in the scanner"),
    (
        "SetAccountsCreditorPayload.accounts",
        "as many as ids were given, 500 at most",
    ),
    (
        "TagAccountsPayload.accounts",
        "as many as ids were given, 500 at most",
    ),
    (
        "TimeZoneEvidence.timeZones",
        "the zones of one state, area code or ZIP prefix",
    ),
    ("UserError.field", "one path"),
    ("User.permissions", "the cells there are"),
    ("User.skills", "30, checked when they are set"),
    ("Viewer.memberships", "100, in the statement"),
    (
        "Viewer.notificationPreferences",
        "the kinds of things to hear of and their ways, fifteen",
    ),
    ("Viewer.permissions", "the cells there are"),
    ("WorkingDay.hours", "six, checked when they are set"),
    ("WorkingException.hours", "six, checked when they are set"),
];

fn snapshot(path: &str, now: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, now).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == now,
        "{path} has drifted: run `UPDATE_SNAPSHOTS=1 cargo test --test it operations`, read the difference, commit it"
    );
}

#[tokio::test]
async fn the_permission_matrix_is_as_committed() {
    snapshot(
        "policies/access/matrix.txt",
        &matrix(&AccessTable::load().await.unwrap()),
    );
}

#[test]
fn the_schema_is_as_committed() {
    snapshot("schema.graphql", &graphql::sdl());
}

#[tokio::test]
async fn every_root_field_says_what_it_needs_and_everything_is_described() {
    let app = TestApp::start().await;
    let schema = Schema::of(&app.acme.sign_in("admin").await).await;
    let fields: Vec<(&str, &str)> = schema
        .operations()
        .iter()
        .map(|(root, field)| (*root, field.name.as_str()))
        .collect();
    let listed: Vec<(&str, &str)> = OPERATIONS
        .iter()
        .map(|(root, field, _)| (*root, *field))
        .collect();
    let mut sorted = fields.clone();
    sorted.sort_unstable();
    assert_eq!(
        listed, sorted,
        "access::operations::OPERATIONS (left) lists the schema's root fields (right), sorted"
    );

    let mut silent = BTreeSet::new();
    let mut lists = BTreeSet::new();
    for ty in schema.own_types() {
        if ty.description.is_empty() {
            silent.insert(ty.name.clone());
        }
        for field in &ty.fields {
            let name = format!("{}.{}", ty.name, field.name);
            for arg in &field.args {
                if arg.description.is_empty() {
                    silent.insert(format!("{name}({})", arg.name));
                }
            }
            if field.description.is_empty() {
                silent.insert(name.clone());
            }
            let is_edges = ty.name.ends_with("Connection") && field.name == "edges";
            if field.ty.is_list && !is_edges && field.ty.named != "UserError" {
                lists.insert(name);
            }
        }
        for (name, description) in ty
            .input_fields
            .iter()
            .map(|input| (&input.name, &input.description))
        {
            if description.is_empty() {
                silent.insert(format!("{}.{name}", ty.name));
            }
        }
        for (name, description) in &ty.enum_values {
            if description.is_empty() {
                silent.insert(format!("{}.{name}", ty.name));
            }
        }
    }
    assert_eq!(silent, BTreeSet::new(), "without a description");
    let bounded: BTreeSet<String> = BOUNDED_LISTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        lists, bounded,
        "lists that are no connections (left) are bounded for a listed reason (right)"
    );
    app.finish().await;
}

/// The first cursor in an answer.
fn end_cursor(answer: &Value) -> Option<String> {
    match answer {
        Value::Object(fields) => match fields.get("endCursor") {
            Some(cursor) => cursor.as_str().map(str::to_owned),
            None => fields.values().find_map(end_cursor),
        },
        Value::Array(items) => items.iter().find_map(end_cursor),
        _ => None,
    }
}

/// The same place as a business with another id would have it.
fn of_another_business(cursor: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap();
    let mut parts: Value = serde_json::from_slice(&bytes).unwrap();
    parts[0] = json!(CursorOwner::business(uuid::Uuid::from_u128(7)));
    URL_SAFE_NO_PAD.encode(parts.to_string())
}

#[tokio::test]
async fn a_page_has_between_one_and_a_hundred_items_and_takes_no_foreign_cursor() {
    let app = TestApp::start().await;
    let mut problems = Problems::default();
    let callers = Callers::of(&app, &app.acme).await;
    let admin = &callers.admin;
    let schema = Schema::of(admin).await;
    let ids = Ids::make(&app, &app.acme, admin, "Pager", 21).await;
    let here = CursorOwner::business(ids.uuid("biz"));
    let foreign = keyset_cursor(here, "another list", &1);
    let (mut lists, mut true_cursors) = (0, 0);
    for ty in schema.own_types().filter(|ty| ty.kind == "OBJECT") {
        for field in ty
            .fields
            .iter()
            .filter(|field| field.args.iter().any(|arg| arg.name == "first"))
        {
            lists += 1;
            let name = format!("{}.{}", ty.name, field.name);
            problems.check(field.ty.named.ends_with("Connection"), || {
                format!("{name} pages, so it is a connection")
            });
            let ask = async |arguments: &str| {
                let inner = format!("{}{arguments} {{ pageInfo {{ endCursor }} }}", field.name);
                let document = match ty.name.as_str() {
                    "Query" if matches!(field.name.as_str(), "debtorLinks" | "templateRevisions") => {
                        let (argument, kind) = match field.name.as_str() {
                            "debtorLinks" => ("accountId", "acct"),
                            _ => ("templateId", "tmpl"),
                        };
                        let of = format!("{}({argument}: \"{}\"", field.name, ids.get(kind));
                        match arguments.strip_prefix('(') {
                            Some(more) => format!("{{ {of}, {more} {{ pageInfo {{ endCursor }} }} }}"),
                            None => format!("{{ {of}) {{ pageInfo {{ endCursor }} }} }}"),
                        }
                    }
                    "Query" => format!("{{ {inner} }}"),
                    "Account" => format!(
                        "{{ node(id: \"{}\") {{ ... on Account {{ {inner} }} }} }}",
                        ids.get("acct")
                    ),
                    "Debtor" => format!(
                        "{{ node(id: \"{}\") {{ ... on Debtor {{ {inner} }} }} }}",
                        ids.get("dbtr")
                    ),
                    "Conversation" => format!(
                        "{{ node(id: \"{}\") {{ ... on Conversation {{ {inner} }} }} }}",
                        ids.get("conv")
                    ),
                    "AccountImport" => format!(
                        "{{ node(id: \"{}\") {{ ... on AccountImport {{ {inner} }} }} }}",
                        ids.get("imp")
                    ),
                    "UserActivity" => format!(
                        "{{ node(id: \"{}\") {{ ... on User {{ activity {{ {inner} }} }} }} }}",
                        ids.get("usr")
                    ),
                    "DeletedAccount" => {
                        format!("{{ deletedAccounts(first: 1) {{ edges {{ node {{ {inner} }} }} }} }}")
                    }
                    "ComplianceDashboard" => format!(
                        "{{ complianceDashboard(from: \"2026-06-01\", to: \"2026-06-10\") {{ {inner} }} }}"
                    ),
                    other => panic!("say how to reach a list of {other}"),
                };
                callers.who(&ty.name, &field.name).gql(&document, json!({})).await
            };
            for (count, past) in [("first", "after"), ("last", "before")] {
                if !field.args.iter().any(|arg| arg.name == count) {
                    continue;
                }
                let fits = ask(&format!("({count}: 100)")).await;
                problems.check(fits.get("errors").is_none(), || {
                    format!("{name}({count}: 100): {fits}")
                });
                for wrong in ["101", "0", "-1", "2147483647"] {
                    let answer = ask(&format!("({count}: {wrong})")).await;
                    let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
                    // A page that large may be too dear before it is too long.
                    let too_dear = wrong == "2147483647" && error_code(&answer) == "COST_LIMIT_EXCEEDED";
                    problems.check(
                        too_dear || (error_code(&answer) == "BAD_USER_INPUT" && message.contains(count)),
                        || format!("{name}({count}: {wrong}): {answer}"),
                    );
                }
                let nul = keyset_cursor(here, &field.name, &("\0", ids.uuid("acct")));
                let mut malformed: Vec<String> =
                    ["", "x", "bm8", "====", &foreign, &nul].map(str::to_owned).into();
                // A true one is taken, and the same of another business is not.
                if let Some(cursor) = end_cursor(&fits) {
                    let answer = ask(&format!("({count}: 1, {past}: \"{cursor}\")")).await;
                    problems.check(answer.get("errors").is_none(), || {
                        format!("{name}({past}: its own): {answer}")
                    });
                    malformed.push(of_another_business(&cursor));
                    true_cursors += 1;
                }
                for cursor in &malformed {
                    let answer = ask(&format!("({count}: 1, {past}: \"{cursor}\")")).await;
                    let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
                    problems.check(
                        error_code(&answer) == "BAD_USER_INPUT" && message.contains(past),
                        || format!("{name}({past}: {cursor:?}) names what is wrong: {answer}"),
                    );
                }
            }
            let neither = ask("").await;
            assert_eq!(error_code(&neither), "BAD_USER_INPUT", "{name}: {neither}");
        }
    }
    assert!(lists >= 8, "lists were found: {lists}");
    assert!(
        true_cursors >= 15,
        "lists with an item were found: {true_cursors}"
    );

    let many: Vec<String> = std::iter::repeat_n(ids.get("acct").to_owned(), 101).collect();
    let answer = admin
        .gql(
            "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
            json!({ "ids": many }),
        )
        .await;
    assert_eq!(error_code(&answer), "BAD_USER_INPUT", "{answer}");
    problems.none();
    app.finish().await;
}
