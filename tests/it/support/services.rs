//! One private PostgreSQL for the test process; a migrated and seeded template in it; a clone per test.

use std::{
    str::FromStr as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use funnelchat::{
    app::{App, Databases},
    cli::seed::seed,
    config::Config,
    platform::{
        clock::ManualWallClock,
        db::{
            bootstrap::{LOGIN_ROLES, LoginRole, bootstrap},
            migrate::migrate,
        },
        local_services::{LocalRedis, TestServices},
    },
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

use super::noon;

const EMPTY: &str = "funnelchat_empty";
const TEMPLATE: &str = "funnelchat_template";
const PASSWORD: &str = "only for tests";

/// A test's own database.
#[derive(Clone)]
pub struct TestDatabase {
    pub logins: Databases,
    pub superuser_url: String,
}

fn services() -> &'static TestServices {
    TestServices::shared()
}

/// A Redis of the test's own.
pub async fn redis() -> LocalRedis {
    tokio::task::spawn_blocking(|| services().redis()).await.unwrap()
}

fn logins(database: &str) -> Databases {
    let superuser = PgConnectOptions::from_str(&services().postgres_superuser_url(database)).unwrap();
    let login = |role: &str| {
        superuser
            .clone()
            .username(role)
            .password(PASSWORD)
            .database(database)
    };
    Databases {
        app: login("funnelchat_app"),
        system: login("funnelchat_system"),
        worker: login("funnelchat_worker"),
        owner: Some(login("funnelchat_owner")),
    }
}

/// Migrated and seeded once per test process.
async fn template() {
    static READY: OnceCell<()> = OnceCell::const_new();
    READY
        .get_or_init(|| async {
            // Starting a server blocks; tests share it.
            let url = tokio::task::spawn_blocking(|| services().postgres_superuser_url("postgres"))
                .await
                .unwrap();
            let superuser = PgConnectOptions::from_str(&url).unwrap();
            let roles: Vec<LoginRole> = LOGIN_ROLES
                .iter()
                .map(|name| LoginRole {
                    name: (*name).to_owned(),
                    password: PASSWORD.to_owned(),
                })
                .collect();
            bootstrap(&superuser, EMPTY, &roles).await.unwrap();
            let empty = logins(EMPTY);
            migrate(empty.owner.as_ref().unwrap(), &empty.worker, noon())
                .await
                .unwrap();
            clone_database(EMPTY, TEMPLATE).await;
            let logins = logins(TEMPLATE);
            let config =
                Config::from_env(&|name| (name == "FUNNELCHAT_ENV").then(|| "development".to_owned()))
                    .unwrap();
            let wall = ManualWallClock::starting_at(noon());
            let app = App::build(&config, &logins, Arc::new(wall)).await.unwrap();
            assert_eq!(seed(&app.db, &app.keyring).await.unwrap(), 2);
            app.close().await;
        })
        .await;
}

/// Two clones at once find each other connected to the template: one after the other.
async fn clone_database(template: &str, name: &str) {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = TURN.lock().await;
    let mut admin = PgConnection::connect(&services().postgres_superuser_url("postgres"))
        .await
        .unwrap();
    admin
        .execute(AssertSqlSafe(format!(
            "CREATE DATABASE {name} TEMPLATE {template}"
        )))
        .await
        .unwrap();
    admin.close().await.unwrap();
}

async fn fresh(template_name: &str) -> TestDatabase {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    template().await;
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    clone_database(template_name, &name).await;
    TestDatabase {
        logins: logins(&name),
        superuser_url: services().postgres_superuser_url(&name),
    }
}

/// A clone of the seeded template (about a tenth of a second).
pub async fn fresh_database() -> TestDatabase {
    fresh(TEMPLATE).await
}

/// Migrated, but without data and keys.
pub async fn empty_database() -> TestDatabase {
    fresh(EMPTY).await
}
