//! `compliance shadow`, `activate` and `active`: what another version of the rules would change, and which one decides.

use std::{collections::BTreeMap, fmt::Write as _, path::Path, process::ExitCode, time::Duration};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    businesses::businesses,
    compliance::{MOST_LINES, WRONG_INPUT, print, word},
    progress::Bar,
};
use crate::{
    app::App,
    compliance::{
        Shown, activate_rules, active_rules, count_decisions, each_decision,
        rule_set::{RuleSet, embedded_versions, newest},
        use_active_rules,
    },
    platform::{
        error::OpError,
        ids::{self, IdKind},
    },
};

/// How soon an activation counts in every process.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(10);

/// Lets this process decide by the rules that were activated last, from its first decision on, and by others soon after they
/// are. Where it cannot, it does not begin; later it goes on as it was, and says so.
pub(super) async fn follow_active_rules(app: &App) -> anyhow::Result<()> {
    use_active_rules(&app.db).await?;
    let (db, stopping) = (app.db.clone(), app.stopping.clone());
    tokio::spawn(async move {
        while tokio::time::timeout(LOOKED_AT_EVERY, stopping.cancelled())
            .await
            .is_err()
        {
            if let Err(error) = use_active_rules(&db).await
                && !matches!(error, OpError::Unavailable(_))
            {
                tracing::error!(
                    cause = format!("{error:#}"),
                    "the rules that were activated do not decide here"
                );
            }
        }
    });
    Ok(())
}

/// A pack that may decide; none when it may not, which was said.
pub(super) fn read_pack(pack: &Path) -> anyhow::Result<Option<RuleSet>> {
    let text = std::fs::read_to_string(pack).with_context(|| format!("{} cannot be read", pack.display()))?;
    match RuleSet::from_toml(&text) {
        Ok(set) => Ok(Some(set)),
        Err(error) => {
            eprintln!("funnelchat: {}: {error}", pack.display());
            Ok(None)
        }
    }
}

/// What a rule set would have changed, for a person to read, and in numbers.
async fn compared(
    app: &App,
    set: &RuleSet,
    days: u16,
    business: Option<&str>,
) -> anyhow::Result<(String, Shown)> {
    let since: DateTime<Utc> = app.clock.now() - TimeDelta::days(i64::from(days));
    let (mut all, mut lines, mut changes) = (0_u64, Vec::new(), BTreeMap::new());
    for (slug, ctx) in businesses(app, business, "shadow run of rules", "cli-compliance").await? {
        let mut bar = Bar::new("decided anew", count_decisions(&app.db, &ctx, Some(since)).await?);
        each_decision(&app.db, &app.keyring, &ctx, Some(since), |stored| {
            all += 1;
            bar.advance();
            let Some(now) = stored.changed_by(set) else {
                return;
            };
            let change = (stored.decision.outcome, now.outcome, now.rule.clone());
            *changes.entry(change).or_insert(0_u64) += 1;
            if lines.len() < MOST_LINES {
                let id = ids::encode(IdKind::Decision, stored.id);
                let (then, then_rule) = (word(stored.decision.outcome), &stored.decision.rule);
                lines.push(format!(
                    "{slug} {id} {}: {then} ({then_rule}) becomes {} ({}): {}",
                    stored.decided_at.to_rfc3339(),
                    word(now.outcome),
                    now.rule,
                    now.reason
                ));
            }
        })
        .await?;
    }
    let changed: u64 = changes.values().sum();
    let mut out = String::new();
    for line in &lines {
        writeln!(out, "{line}")?;
    }
    if changed > lines.len() as u64 {
        writeln!(out, "… and {} more", changed - lines.len() as u64)?;
    }
    for ((then, now, rule), count) in &changes {
        writeln!(out, "{count}: {} becomes {} by {rule}", word(*then), word(*now))?;
    }
    writeln!(
        out,
        "rule set {}: {changed} of {all} decision(s) of the last {days} day(s) would have been others",
        set.version()
    )?;
    let shown = Shown {
        days,
        decisions: all,
        changed,
    };
    Ok((out, shown))
}

pub(super) async fn shadow(
    app: &App,
    set: &RuleSet,
    days: u16,
    business: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let (told, _) = compared(app, set, days, business).await?;
    app.close().await;
    print(&told)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows what the version would have changed, and with a reason activates it.
pub(super) async fn activate(
    app: &App,
    version: Option<&str>,
    days: u16,
    reason: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let version = version.unwrap_or_else(|| newest().version());
    let Some(set) = RuleSet::of_version(version) else {
        let known: Vec<&str> = embedded_versions().iter().map(RuleSet::version).collect();
        eprintln!(
            "funnelchat: this build does not carry the rules {version}; it carries {}",
            known.join(", ")
        );
        return Ok(ExitCode::from(WRONG_INPUT));
    };
    let (told, shown) = compared(app, set, days, None).await?;
    print(&told)?;
    let Some(reason) = reason else {
        print("Nothing was activated. If that is what you want: the same with --yes and --reason.\n")?;
        app.close().await;
        return Ok(ExitCode::SUCCESS);
    };
    let activated = activate_rules(&app.db, version, shown, reason).await;
    app.close().await;
    match activated {
        Ok(()) => {
            print(&format!(
                "The rules {version} decide within seconds, in every process.\n"
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(OpError::User(errors)) => {
            for error in errors {
                eprintln!("funnelchat: {}", error.message);
            }
            Ok(ExitCode::from(WRONG_INPUT))
        }
        Err(error) => Err(error.into()),
    }
}

/// Which version decides.
pub(super) async fn active(app: &App) -> anyhow::Result<ExitCode> {
    let active = active_rules(&app.db).await?;
    app.close().await;
    let mut out = match &active {
        Some(active) => format!(
            "{} decides since {}: {} ({} of {} decision(s) looked at would have been others)\n",
            active.version,
            active.activated_at.to_rfc3339(),
            active.reason,
            active.decisions_changed,
            active.decisions_seen,
        ),
        None => {
            "Nothing was activated yet: the first process to start activates the newest rules of its build.\n"
                .to_owned()
        }
    };
    for set in embedded_versions() {
        writeln!(out, "  carried: {}", set.version())?;
    }
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}
