//! `audit`: exports a trail as a bundle, and verifies it: in the database, or from a bundle alone.

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
    audit::{Chain, CheckpointKeys, Entry, read_chain, verify_bundle, write_bundle},
    compliance::{NamedDecision, changed_decisions},
    config::Config,
    platform::{
        clock::SystemWallClock,
        context::{SystemCtx, TenantCtx},
        db::Db,
        ids::{self, IdKind},
    },
};

/// What to do with audit trails.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Recomputes the hash chains of the trails and checks their signed checkpoints, and whether the decisions that they name
    /// are as they were made: of the database's, the platform's own too, or of a bundle.
    Verify {
        /// A bundle that `audit export` wrote; needs neither database nor settings.
        bundle: Option<PathBuf>,
        /// A public key that is trusted, as `audit keys` prints it (name:base64); may be given several times. Without one,
        /// a bundle is checked with the keys that it names itself.
        #[arg(long = "key", requires = "bundle")]
        keys: Vec<String>,
        /// Only this business, by its slug; all of them, and the platform, otherwise.
        #[arg(long, conflicts_with_all = ["bundle", "platform"])]
        business: Option<String>,
        /// Only the platform's own trail: acts that belong to no business, such as log-ins.
        #[arg(long, conflicts_with = "bundle")]
        platform: bool,
    },
    /// Prints the public keys of the checkpoints (name:base64). Keep them where the database's masters cannot reach.
    Keys,
    /// Writes a trail as a bundle: JSON lines of its rows and signed checkpoints, with a signed end.
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

/// Verifies a bundle from the file alone.
pub(super) fn verify_file(path: &PathBuf, keys: &[String]) -> anyhow::Result<()> {
    let mut trusted = CheckpointKeys::default();
    for key in keys {
        trusted
            .add(key)
            .map_err(|problem| anyhow::anyhow!("--key {key}: {problem}"))?;
    }
    let trusted = (!keys.is_empty()).then_some(trusted);
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let found = verify_bundle(BufReader::new(file), trusted.as_ref(), progress("verified"))?;
    println!(
        "{}: {}, {} row(s), {} checkpoint(s), made {}: the chain is whole",
        path.display(),
        found.trail,
        found.rows,
        found.checkpoints,
        found.made_at.format("%Y-%m-%d %H:%M:%S UTC")
    );
    if trusted.is_none() {
        println!(
            "signed with the keys that the bundle names itself: compare them with what `funnelchat audit keys` printed"
        );
        for key in &found.own_keys {
            println!("  {key}");
        }
    }
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
                let (mut told, mut decisions) = (progress("verified"), Vec::new());
                let walked = read_chain(
                    &app.db,
                    trail.whose.chain(),
                    app.checkpoints.signer.public(),
                    |entry| {
                        if let Entry::Row(link) = entry {
                            told(link.position);
                            decisions.extend(NamedDecision::in_details(&link.details));
                        }
                        Ok(())
                    },
                )
                .await
                .with_context(|| format!("the trail of {name} is not whole"))?;
                println!(
                    "{name}: {} row(s), {} checkpoint(s), the chain is whole",
                    walked.rows, walked.checkpoints
                );
                if let Whose::Business(ctx) = &trail.whose {
                    check_decisions(&app.db, ctx, name, &decisions).await?;
                }
            }
        }
        AuditCommand::Keys => {
            for key in app.checkpoints.signer.public().texts() {
                println!("{key}");
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
            let (chain, signer) = (trail.whose.chain(), &app.checkpoints.signer);
            let rows = write_bundle(&app.db, chain, signer, &mut file, progress("written")).await?;
            file.into_inner()?.sync_all()?;
            println!("{}: {rows} row(s) written to {}", trail.name, out.display());
        }
    }
    app.close().await;
    Ok(())
}

/// Whether the decisions that the trail names are still the ones that were made.
async fn check_decisions(
    db: &Db,
    ctx: &TenantCtx,
    name: &str,
    decisions: &[NamedDecision],
) -> anyhow::Result<()> {
    let changed = changed_decisions(db, ctx, decisions).await?;
    let shown: Vec<String> = changed
        .iter()
        .map(|id| ids::encode(IdKind::Decision, *id))
        .collect();
    anyhow::ensure!(
        shown.is_empty(),
        "the trail of {name} names decisions that were changed or removed since: {}",
        shown.join(", ")
    );
    println!("{name}: {} decision(s) are as the trail says", decisions.len());
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
