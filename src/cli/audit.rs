//! `audit`: exports a business's trail, and verifies it: in the database, or from an export alone.

use std::{
    fs::File,
    io::{BufReader, BufWriter, IsTerminal as _},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context as _;
use clap::Subcommand;

use super::businesses::businesses;
use crate::{
    app::{App, Databases},
    audit::{Chain, export_chain, read_chain, verify_export},
    config::Config,
    platform::{
        clock::SystemWallClock,
        context::{SystemCtx, TenantCtx},
    },
};

/// What to do with audit trails.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Recomputes the hash chains of the trails in the database, the platform's own too, or of an export.
    Verify {
        /// Only this business, by its slug; all of them, and the platform, otherwise.
        #[arg(long, conflicts_with_all = ["file", "platform"])]
        business: Option<String>,
        /// Only the platform's own trail: acts that belong to no business, such as log-ins.
        #[arg(long, conflicts_with = "file")]
        platform: bool,
        /// An export; needs neither database nor settings.
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Writes a trail as JSON lines, with the head of its chain at the end.
    #[command(group(clap::ArgGroup::new("whose").required(true).args(["business", "platform"])))]
    Export {
        /// That of this business, by its slug.
        #[arg(long)]
        business: Option<String>,
        /// The platform's own.
        #[arg(long)]
        platform: bool,
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
        AuditCommand::Verify {
            business, platform, ..
        } => {
            for trail in trails(&app, business.as_deref(), *platform).await? {
                let name = &trail.name;
                let mut told = progress("verified");
                let (rows, _) = read_chain(&app.db, trail.whose.chain(), |link| {
                    told(link.position);
                    Ok(())
                })
                .await
                .with_context(|| format!("the trail of {name} is not whole"))?;
                println!("{name}: {rows} row(s), the chain is whole");
            }
        }
        AuditCommand::Export {
            business,
            platform,
            out,
        } => {
            let trail = trails(&app, business.as_deref(), *platform)
                .await?
                .pop()
                .context("there is no such trail")?;
            let file = File::create_new(out).with_context(|| format!("{} cannot be made", out.display()))?;
            let mut file = BufWriter::new(file);
            let rows = export_chain(&app.db, trail.whose.chain(), &mut file, progress("written")).await?;
            file.into_inner()?.sync_all()?;
            println!("{}: {rows} row(s) written to {}", trail.name, out.display());
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

/// A trail to be read.
struct Trail {
    name: String,
    whose: Whose,
}

/// The context in which it is read.
enum Whose {
    Business(TenantCtx),
    Platform(SystemCtx),
}

impl Whose {
    fn chain(&self) -> Chain<'_> {
        match self {
            Self::Business(ctx) => Chain::Business(ctx),
            Self::Platform(ctx) => Chain::Platform(ctx),
        }
    }
}

/// The trails that are meant: one, or all, the platform's last.
async fn trails(app: &App, slug: Option<&str>, platform: bool) -> anyhow::Result<Vec<Trail>> {
    let ctx = SystemCtx::for_reason("audit trails", "cli-audit");
    let of_platform = Trail {
        name: "the platform".to_owned(),
        whose: Whose::Platform(ctx.clone()),
    };
    if platform {
        return Ok(vec![of_platform]);
    }
    let of_businesses = businesses(app, slug, "audit trails", "cli-audit").await?;
    let of_businesses = of_businesses.into_iter().map(|(name, ctx)| Trail {
        name,
        whose: Whose::Business(ctx),
    });
    let of_platform = slug.is_none().then_some(of_platform);
    Ok(of_businesses.chain(of_platform).collect())
}
