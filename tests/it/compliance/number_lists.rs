//! The national do-not-call registry.

use std::path::PathBuf;

use chrono::{NaiveDate, TimeDelta};
use funnelchat::{
    compliance::{DoNotCallFile, LoadProblem, Loaded, load_do_not_call, stale_registry},
    platform::ids,
};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::{
    account_work::{
        MARIA, act, ask,
        holds::{JAMES, gate},
    },
    support::{Client, TestApp, data, error_code, recipes::settings_version, user_errors},
};

const REGISTRY: &str = "dnc-solicitation-only";

/// A file that goes with the test.
struct Download(PathBuf);

impl Download {
    fn of(content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("funnelchat-registry-{}", ids::next()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn full(&self, as_of: NaiveDate) -> DoNotCallFile<'_> {
        DoNotCallFile {
            path: &self.0,
            as_of,
            changes_since: None,
            area_codes: &[],
            expected: None,
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

async fn load(app: &TestApp, file: &DoNotCallFile<'_>) -> Result<Loaded, LoadProblem> {
    load_do_not_call(&app.app.db, &app.app.keyring, file, |_| (), || ()).await
}

/// What is wrong with a file of which nothing was loaded.
async fn refused(app: &TestApp, file: &DoNotCallFile<'_>) -> String {
    match load(app, file).await {
        Err(LoadProblem::Wrong(what)) => what,
        other => panic!("{other:?}"),
    }
}

pub(super) fn today(app: &TestApp) -> NaiveDate {
    app.app.db.clock().now().date_naive()
}

/// Maria's number is `+1212…`; as a line of the registry.
fn line_of(number: &str) -> String {
    let national = number.strip_prefix("+1").unwrap();
    format!("{},{}", &national[..3], &national[3..])
}

async fn record_access(client: &Client, app: &TestApp, areas: Value) -> Value {
    let input = json!({ "accountNumber": "SAN-1234567", "areaCodes": areas,
        "validFrom": today(app) - TimeDelta::days(1), "validUntil": today(app) + TimeDelta::days(365) });
    act(
        client,
        "setDoNotCallAccess",
        "nationalDoNotCall { isStale missingAreaCodes access { accountNumber isValid } }",
        input,
    )
    .await
}

async fn bind_collection(client: &Client) {
    let input = json!({ "expectedVersion": settings_version(client).await, "contactPolicy": { "nationalDoNotCall": true } });
    let changed = act(client, "updateBusinessSettings", "", input).await;
    assert_eq!(user_errors(&changed), Vec::<&str>::new(), "{changed}");
}

/// What is loaded, as the API tells it.
pub(super) async fn lists(client: &Client) -> Value {
    let answer = client
        .gql(
            "{ numberLists { nationalDoNotCall { areaCodesLoaded numbers oldestAsOf newestAsOf staleAreaCodes
               missingAreaCodes isStale maxAgeDays access { accountNumber areaCodes isValid recordedBy { id } } }
               reassignedNumbers { newestQueriedOn isStale maxAgeDays imports { id status rowsRead reassigned notReassigned
               noData queriedFirst queriedLast failure createdBy { id } endedAt } } } }",
            json!({}),
        )
        .await;
    data(&answer)["numberLists"].clone()
}

#[tokio::test]
async fn the_national_registry_binds_collection_where_a_business_says_so_and_only_with_a_fresh_copy() {
    let app = TestApp::start().await;
    let (admin, compliance) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("compliance").await,
    );
    let (maria, james) = (
        app.account_id(&app.acme, MARIA).await,
        app.account_id(&app.acme, JAMES).await,
    );
    let number = app.acme.debtor_number(MARIA);
    let download = Download::of(format!("{}\r\n212,5559999\r\n", line_of(&number)).as_bytes());
    let loaded = load(&app, &download.full(today(&app))).await.unwrap();
    assert_eq!(
        (loaded.areas, loaded.lines, loaded.added, loaded.removed),
        (1, 2, 2, 0)
    );

    // 47 CFR 64.1200(c): collection is no solicitation.
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    bind_collection(&admin).await;
    // Bound, but without a subscription nothing is known (16 CFR 310.8).
    for account in [&maria, &james] {
        assert_eq!(
            gate(&compliance, account).await,
            ("DENY".to_owned(), REGISTRY.to_owned())
        );
    }
    let recorded = record_access(&compliance, &app, json!([212])).await;
    assert_eq!(
        recorded["nationalDoNotCall"]["access"]["isValid"], true,
        "{recorded}"
    );
    assert_eq!(recorded["nationalDoNotCall"]["isStale"], false);
    assert_eq!(
        gate(&compliance, &maria).await.1,
        REGISTRY,
        "the number is listed"
    );
    assert_eq!(
        gate(&compliance, &james).await.1,
        REGISTRY,
        "312 was not paid for"
    );
    let recorded = record_access(&compliance, &app, json!([212, 312])).await;
    assert_eq!(recorded["nationalDoNotCall"]["missingAreaCodes"], json!([312]));
    assert_eq!(recorded["nationalDoNotCall"]["isStale"], true);
    assert_eq!(
        gate(&compliance, &james).await.1,
        REGISTRY,
        "of 312 there is no copy"
    );

    let chicago = Download::of(b"312,5559999\n");
    load(&app, &chicago.full(today(&app))).await.unwrap();
    assert_eq!(gate(&compliance, &james).await.0, "ALLOW");
    let seen = lists(&compliance).await["nationalDoNotCall"].clone();
    assert_eq!(
        (&seen["areaCodesLoaded"], &seen["numbers"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(seen["isStale"], false);
    assert_eq!(seen["oldestAsOf"], json!(today(&app).to_string()));
    assert!(seen["access"]["recordedBy"]["id"].is_string());

    // Taken off by a change list, and put back by the next.
    let copy_of = today(&app);
    app.advance(TimeDelta::days(10)).await;
    let compliance = app.acme.sign_in("compliance").await;
    let off = Download::of(format!("{},2026-06-12T01:02:03,D\n", line_of(&number)).as_bytes());
    let changes = DoNotCallFile {
        changes_since: Some(copy_of),
        ..off.full(today(&app))
    };
    let loaded = load(&app, &changes).await.unwrap();
    assert_eq!((loaded.added, loaded.removed), (0, 1));
    assert_eq!(gate(&compliance, &maria).await.0, "ALLOW");
    let back = Download::of(
        format!(
            "{0},2026-06-13T01:02:03,A\n{0},2026-06-14T01:02:03,D\n{0},2026-06-15T01:02:03,A\n",
            line_of(&number)
        )
        .as_bytes(),
    );
    let changes = DoNotCallFile {
        changes_since: Some(copy_of),
        ..back.full(today(&app))
    };
    assert_eq!(
        load(&app, &changes).await.unwrap().added,
        1,
        "the last word counts"
    );
    assert_eq!(gate(&compliance, &maria).await.1, REGISTRY);

    // 312 was loaded 31 days ago, then 32.
    app.advance(TimeDelta::days(21)).await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(gate(&compliance, &james).await.0, "ALLOW");
    app.advance(TimeDelta::days(1)).await;
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(gate(&compliance, &james).await.1, REGISTRY, "an old copy is none");
    let seen = lists(&compliance).await["nationalDoNotCall"].clone();
    assert_eq!(seen["staleAreaCodes"], json!([312]));
    assert_eq!(seen["isStale"], true);

    let now = app.app.db.clock().now();
    let told = stale_registry(&mut app.superuser().await, now).await.unwrap();
    assert!(told.unwrap().contains("31 days in 1 area code"));

    // The other business has no part in it.
    let globex = app.globex.sign_in("compliance").await;
    let seen = lists(&globex).await["nationalDoNotCall"].clone();
    assert_eq!(seen["access"], Value::Null);
    assert_eq!(
        (&seen["areaCodesLoaded"], &seen["isStale"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(app.audited("do_not_call_access.set").await, 2);
    let agent = app.acme.agent().await;
    let input = json!({ "accountNumber": "1", "validFrom": "2026-01-01", "validUntil": "2026-12-31" });
    assert_eq!(
        error_code(&ask(&agent, "setDoNotCallAccess", "", input).await),
        "FORBIDDEN"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_file_of_the_registry_that_is_not_in_order_changes_nothing() {
    let app = TestApp::start().await;
    let day = today(&app);
    let good: String = (0..100).map(|nth| format!("212,55501{nth:02}\n")).collect();
    let good = Download::of(good.as_bytes());
    assert_eq!(load(&app, &good.full(day)).await.unwrap().added, 100);
    let numbers = async || -> (i64, i64) {
        let row = app
            .superuser()
            .await
            .fetch_one("SELECT (SELECT count(*) FROM do_not_call_numbers), (SELECT sum(numbers)::bigint FROM do_not_call_areas)")
            .await
            .unwrap();
        (row.get(0), row.get(1))
    };
    let mut huge = b"212,5550100\n212,".to_vec();
    huge.extend(vec![b'5'; 3_000_000]);
    for (content, told) in [
        (&b"212,5550100\n<html>no list</html>\n"[..], "line 2"),
        (b"212,5550100\n212,555010\n", "line 2"),
        (b"212,5550100,2026-06-01,A\n", "change list"),
        (b"\xFF\xFE2\x001\x002\x00", "line 1 is no text"),
        (b"PK\x03\x04\x00\x00", "line 1 is no text"),
        (&huge, "line 2 is longer"),
        (b"", "the file is empty"),
        // A download that was cut off.
        (b"212,5550100\n", "after 100"),
    ] {
        let file = Download::of(content);
        let what = refused(&app, &file.full(day)).await;
        assert!(what.contains(told), "{told}: {what}");
    }
    let file = Download::of(b"212,5550100\n212,5550101\n");
    let counted = |expected| DoNotCallFile {
        expected: Some(expected),
        ..file.full(day)
    };
    assert!(refused(&app, &counted(3)).await.contains("2 numbers, but 3"));
    assert!(
        refused(&app, &file.full(day + TimeDelta::days(1)))
            .await
            .contains("yet to come")
    );
    assert!(
        refused(&app, &file.full(day - TimeDelta::days(1)))
            .await
            .contains("newer")
    );
    let change = Download::of(b"212,5550100,x,D\n");
    let since = |since, area_codes| DoNotCallFile {
        changes_since: Some(since),
        area_codes,
        ..change.full(day)
    };
    assert!(
        refused(&app, &since(day + TimeDelta::days(1), &[]))
            .await
            .contains("load a full list"),
        "there is a gap before the changes"
    );
    assert!(
        refused(&app, &since(day, &[646])).await.contains("646"),
        "646 was never loaded"
    );
    let missing = DoNotCallFile {
        path: std::path::Path::new("/nowhere/at/all"),
        ..file.full(day)
    };
    assert!(refused(&app, &missing).await.contains("cannot be read"));
    assert_eq!(numbers().await, (100, 100), "nothing has changed");

    // What somebody has counted is believed.
    let loaded = load(&app, &counted(2)).await.unwrap();
    assert_eq!((loaded.added, loaded.removed), (2, 100));
    assert_eq!(numbers().await, (2, 2));
    // Numbers are kept by their print alone.
    let row = app
        .superuser()
        .await
        .fetch_one("SELECT string_agg(encode(number_blind, 'escape'), ' ') FROM do_not_call_numbers")
        .await
        .unwrap();
    assert!(!row.get::<String, _>(0).contains("5550100"));
    app.finish().await;
}
