//! `audit`: exports a business's trail, and verifies it: in the database, or from an export alone.

use std::{
    fs::File,
    io::{BufReader, BufWriter, IsTerminal as _},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context as _;
use clap::Subcommand;

use crate::{
    app::{App, Databases},
    audit::{export_chain, read_chain, verify_export},
    config::Config,
    platform::{
        clock::SystemWallClock,
        context::{SystemCtx, TenantCtx},
    },
};

/// What to do with audit trails.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Recomputes the hash chain of businesses' trails in the database, or of an export.
    Verify {
        /// Only this business, by its slug; all of them otherwise.
        #[arg(long, conflicts_with = "file")]
        business: Option<String>,
        /// An export; needs neither database nor settings.
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Writes a business's trail as JSON lines, with the head of its chain at the end.
    Export {
        /// The business's slug.
        #[arg(long)]
        business: String,
        /// Where to.
        #[arg(long)]
        out: PathBuf,
    },
}

/// Verifies an export from the file alone.
pub(super) fn verify_file(path: &PathBuf) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let rows = verify_export(BufReader::new(file), progress("verified"))?;
    println!("{}: {rows} row(s), the chain is whole", path.display());
    Ok(())
}

pub(super) async fn audit(config: &Config, command: &AuditCommand) -> anyhow::Result<()> {
    let urls = config.database.urls.as_ref().context("DATABASE_URL is not set")?;
    let app = App::build(config, &Databases::parse(urls)?, Arc::new(SystemWallClock)).await?;
    match command {
        AuditCommand::Verify { business, .. } => {
            for (slug, ctx) in businesses(&app, business.as_deref()).await? {
                let mut told = progress("verified");
                let (rows, _) = read_chain(&app.db, &ctx, |link| {
                    told(link.position);
                    Ok(())
                })
                .await
                .with_context(|| format!("the trail of {slug} is not whole"))?;
                println!("{slug}: {rows} row(s), the chain is whole");
            }
        }
        AuditCommand::Export { business, out } => {
            let (slug, ctx) = businesses(&app, Some(business))
                .await?
                .pop()
                .with_context(|| format!("there is no business {business}"))?;
            let file = File::create_new(out).with_context(|| format!("{} cannot be made", out.display()))?;
            let mut file = BufWriter::new(file);
            let rows = export_chain(&app.db, &ctx, &mut file, progress("written")).await?;
            file.into_inner()?.sync_all()?;
            println!("{slug}: {rows} row(s) written to {}", out.display());
        }
    }
    app.close().await;
    Ok(())
}

/// Says now and then how far it is, to whoever watches.
fn progress(what: &'static str) -> impl FnMut(i64) {
    let watched = std::io::stderr().is_terminal();
    move |position| {
        if watched && position % 10_000 == 0 {
            eprintln!("{position} row(s) {what} …");
        }
    }
}

/// The businesses whose trails are meant, with the context to read them.
async fn businesses(app: &App, slug: Option<&str>) -> anyhow::Result<Vec<(String, TenantCtx)>> {
    let mut tx = app
        .db
        .system(&SystemCtx::for_reason("audit trails", "cli-audit"))
        .await?;
    let rows = sqlx::query!(
        "SELECT id, slug FROM businesses WHERE $1::text IS NULL OR slug = $1 ORDER BY slug",
        slug
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    if let Some(slug) = slug {
        anyhow::ensure!(!rows.is_empty(), "there is no business {slug}");
    }
    Ok(rows
        .into_iter()
        .map(|row| (row.slug, TenantCtx::for_service(row.id, "cli-audit")))
        .collect())
}
