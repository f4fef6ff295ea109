//! What only a superuser can do, once per cluster: the roles, the database, the schemas and extensions. Roles are
//! cluster-wide, so they are made here and never in a migration.

use anyhow::Context as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection,
    postgres::PgConnectOptions,
};

/// One role that logs in.
#[derive(Clone, Debug)]
pub struct LoginRole {
    /// `funnelchat_owner`, `funnelchat_app`, `funnelchat_system` or `funnelchat_worker`.
    pub name: String,
    /// Its password, as in its URL.
    pub password: String,
}

/// The roles that must exist, in this order: owner, app, system, worker.
pub const LOGIN_ROLES: [&str; 4] = [
    "funnelchat_owner",
    "funnelchat_app",
    "funnelchat_system",
    "funnelchat_worker",
];

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Makes roles, database, schemas and extensions; whatever is there already stays, but a
/// database of somebody else's becomes funnelchat_owner's. `superuser` connects to any
/// database of the cluster.
///
/// # Errors
/// When the connection is no superuser's, or a statement fails.
pub async fn bootstrap(
    superuser: &PgConnectOptions,
    database: &str,
    roles: &[LoginRole],
) -> anyhow::Result<()> {
    let mut admin = superuser
        .connect()
        .await
        .context("the superuser cannot connect")?;
    for role in roles {
        make_role(&mut admin, role).await?;
    }
    admin
        .execute(
            "DO $$ BEGIN CREATE ROLE funnelchat_search NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
             GRANT funnelchat_search TO funnelchat_owner",
        )
        .await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(database)
        .fetch_one(&mut admin)
        .await?;
    // One that a container image or a provider has made belongs to somebody else, and migrations make schemas in it.
    let verb = if exists {
        format!("ALTER DATABASE {} OWNER TO", identifier(database))
    } else {
        format!("CREATE DATABASE {} OWNER", identifier(database))
    };
    admin
        .execute(AssertSqlSafe(format!("{verb} funnelchat_owner")))
        .await?;
    admin.close().await?;
    let mut inside = superuser.clone().database(database).connect().await?;
    prepare_database(&mut inside).await?;
    inside.close().await?;
    Ok(())
}

/// Several databases of one cluster may be made at once: whoever loses the race finds the role there.
async fn make_role(admin: &mut PgConnection, role: &LoginRole) -> anyhow::Result<()> {
    let (name, password) = (identifier(&role.name), literal(&role.password));
    let statement = format!(
        "DO $do$ BEGIN CREATE ROLE {name} LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $do$;
         ALTER ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {password}"
    );
    admin
        .execute(AssertSqlSafe(statement))
        .await
        .with_context(|| format!("the role {} could not be made", role.name))?;
    Ok(())
}

async fn prepare_database(inside: &mut PgConnection) -> anyhow::Result<()> {
    inside
        .execute(
            "ALTER SCHEMA public OWNER TO funnelchat_owner;
             CREATE SCHEMA IF NOT EXISTS queue AUTHORIZATION funnelchat_worker;
             GRANT USAGE ON SCHEMA queue TO funnelchat_app, funnelchat_system;
             CREATE EXTENSION IF NOT EXISTS pg_trgm;
             CREATE EXTENSION IF NOT EXISTS btree_gin",
        )
        .await?;
    Ok(())
}
