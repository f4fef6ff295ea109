//! `compliance`: what the gate's rules say, said, and would say.

use std::{
    cell::RefCell,
    fmt::Write as _,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use chrono::{NaiveDate, NaiveTime};
use clap::Subcommand;

use super::{
    businesses::businesses,
    contact_profile::{ProfileChoice, profile},
    progress::Bar,
    rule_sets::{activate, active, read_pack, shadow},
};
use crate::{
    app::{App, Databases},
    compliance::{
        DoNotCallFile, LoadProblem, Outcome, Replayed, StoredDecision, count_decisions, decide_documents,
        each_decision, load_do_not_call,
        rule_set::{RuleData, RuleSet, StateRow},
    },
    config::Config,
    platform::{
        clock::{SystemWallClock, WallClock as _},
        ids::{self, IdKind},
    },
};

/// Something was found that should not be: a difference, a wrong document.
const FOUND: u8 = 1;
/// The question itself is wrong.
pub(super) const WRONG_INPUT: u8 = 2;
/// Lines of single decisions that are printed.
pub(super) const MOST_LINES: usize = 100;

/// What to do with the rules.
#[derive(Debug, Subcommand)]
pub enum ComplianceCommand {
    /// Lists the rules that are in force, with what they rest on, and what each state adds.
    Rules {
        /// On this date (YYYY-MM-DD); today otherwise.
        #[arg(long)]
        on: Option<NaiveDate>,
        /// Only the rules that bind there: a USPS code, or NYC.
        #[arg(long)]
        state: Option<String>,
    },
    /// Decides facts documents and prints the decisions as JSON. Exits with 2 where a document is wrong.
    Decide {
        /// A file with one document or a list of them; `-` is the standard input.
        file: PathBuf,
    },
    /// Makes every stored decision again and reports what differs. Exits with 1 where anything does.
    Replay {
        /// Only of this business, by its slug or id.
        #[arg(long)]
        business: Option<String>,
        /// Only what was decided on this date (YYYY-MM-DD, UTC) or later.
        #[arg(long)]
        since: Option<NaiveDate>,
    },
    /// Says which decisions of the last days a new rule set would have changed, before it takes effect.
    Shadow {
        /// The rule set.
        #[arg(long)]
        pack: PathBuf,
        /// How far to look back.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3660))]
        days: u16,
        /// Only of this business, by its slug or id.
        #[arg(long)]
        business: Option<String>,
    },
    /// Lets another version of the rules decide, of those that this build carries. Shows first how many of the last days'
    /// decisions it would have changed, and which; activates only with --yes. Audited, with the reason.
    Activate {
        /// The version, such as 2026-11-29.6; the newest of this build when left out.
        version: Option<String>,
        /// How far to look back.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3660))]
        days: u16,
        /// Activate it, having seen that.
        #[arg(long, requires = "reason")]
        yes: bool,
        /// Why, in 1 to 1,000 characters.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Says which version of the rules decides, since when and why, and which others this build carries.
    Active,
    /// Says whether the product's own caps (3 calls and 3 texts in seven days, and so on) bind a business beside the law, or
    /// the law's limits alone. What a business chose for itself binds either way. Audited, with the reason.
    Profile {
        /// The business, by its slug or id.
        #[arg(long)]
        business: String,
        /// `product`, as every business begins, or `floor`: the law alone.
        #[arg(long, value_enum)]
        set: ProfileChoice,
        /// Why, in 1 to 1,000 characters.
        #[arg(long)]
        reason: String,
    },
    /// Loads the national do-not-call registry from one of its flat files, for all businesses that have access to it.
    LoadDoNotCall {
        /// The file: `202,5550100` on each line, and in a change list A or D too.
        file: PathBuf,
        /// The day of the download (YYYY-MM-DD).
        #[arg(long)]
        as_of: NaiveDate,
        /// It is a change list since this day, that of the download before; a full list otherwise.
        #[arg(long)]
        changes_since: Option<NaiveDate>,
        /// The area codes of the download (202,212,…), where they are more than those that stand in the file.
        #[arg(long, value_delimiter = ',')]
        area_codes: Vec<i32>,
        /// How many lines there should be; anything else is refused.
        #[arg(long)]
        count: Option<u64>,
    },
}

pub(super) async fn compliance(command: ComplianceCommand) -> anyhow::Result<ExitCode> {
    match command {
        ComplianceCommand::Rules { on, state } => rules(on, state.as_deref()),
        ComplianceCommand::Decide { file } => decide(&file),
        ComplianceCommand::Replay { business, since } => replay(business.as_deref(), since).await,
        ComplianceCommand::Shadow { pack, days, business } => {
            let Some(set) = read_pack(&pack)? else {
                return Ok(ExitCode::from(WRONG_INPUT));
            };
            shadow(&connect().await?, &set, days, business.as_deref()).await
        }
        ComplianceCommand::Activate {
            version,
            days,
            yes,
            reason,
        } => {
            let reason = reason.filter(|_| yes);
            activate(&connect().await?, version.as_deref(), days, reason.as_deref()).await
        }
        ComplianceCommand::Active => active(&connect().await?).await,
        ComplianceCommand::Profile {
            business,
            set,
            reason,
        } => profile(&connect().await?, &business, set, &reason).await,
        ComplianceCommand::LoadDoNotCall {
            file,
            as_of,
            changes_since,
            area_codes,
            count,
        } => {
            do_not_call(&DoNotCallFile {
                path: &file,
                as_of,
                changes_since,
                area_codes: &area_codes,
                expected: count,
            })
            .await
        }
    }
}

/// Writes to the standard output; who has closed it has read enough.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the answer cannot be written"),
    }
}

fn rules(on: Option<NaiveDate>, state: Option<&str>) -> anyhow::Result<ExitCode> {
    crate::compliance::rule_set::check_embedded()?;
    let set = RuleSet::current();
    let on = on.unwrap_or_else(|| SystemWallClock.now().date_naive());
    let state = state.map(str::to_ascii_uppercase);
    let rows: Vec<&StateRow> = set
        .states()
        .filter(|row| row.is_in_force(on, on) && state.as_ref().is_none_or(|state| *state == row.code))
        .collect();
    if let Some(state) = &state
        && crate::compliance::zones::zones_of_state(state).is_empty()
        && state != "NYC"
    {
        eprintln!("funnelchat: {state} is no state; give a USPS code such as CA, or NYC");
        return Ok(ExitCode::from(WRONG_INPUT));
    }
    let mut out = format!("Rule set {}, as of {on}\n\n", set.version());
    let binds = |rule: &&RuleData| {
        let place = rule.jurisdiction.as_str();
        let is_local = place.len() == 2 && place != "US" || place == "NYC";
        rule.is_in_force(on, on) && (state.is_none() || !is_local || state.as_deref() == Some(place))
    };
    let in_force: Vec<&RuleData> = set.rules().filter(binds).collect();
    for rule in &in_force {
        describe_rule(&mut out, rule)?;
    }
    for row in &rows {
        describe_row(&mut out, row)?;
    }
    writeln!(out, "{} rule(s), {} state row(s)", in_force.len(), rows.len())?;
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn describe_rule(out: &mut String, rule: &RuleData) -> anyhow::Result<()> {
    writeln!(out, "{}  [{} {}]", rule.id, rule.severity, rule.jurisdiction)?;
    writeln!(out, "    {}", rule.citation)?;
    writeln!(out, "    {}", rule.explanation_en)?;
    let parameters = parameters_of(rule);
    if !parameters.is_empty() {
        writeln!(out, "    {parameters}")?;
    }
    match (rule.effective_from, rule.effective_until) {
        (None, None) => {}
        (from, until) => writeln!(
            out,
            "    in force{}{}",
            dated(" from", from),
            dated(" until", until)
        )?,
    }
    if let Some(why) = &rule.data_only {
        writeln!(out, "    not checked: {why}")?;
    }
    Ok(writeln!(out)?)
}

fn dated(word: &str, date: Option<NaiveDate>) -> String {
    date.map(|date| format!("{word} {date}")).unwrap_or_default()
}

/// The parameters that are set, as `limit 7, days 7`.
fn parameters_of(rule: &RuleData) -> String {
    let Ok(serde_json::Value::Object(set)) = serde_json::to_value(&rule.parameters) else {
        return String::new();
    };
    let shown = set.iter().map(|(name, value)| match value {
        serde_json::Value::Array(list) => {
            let words: Vec<&str> = list.iter().filter_map(serde_json::Value::as_str).collect();
            format!("{name}: {}", words.join(", "))
        }
        serde_json::Value::String(text) => format!("{name} {text}"),
        value => format!("{name} {value}"),
    });
    shown.collect::<Vec<_>>().join("; ")
}

fn describe_row(out: &mut String, row: &StateRow) -> anyhow::Result<()> {
    let binds = if row.binds_creditors() {
        "creditors and collectors"
    } else {
        "collectors"
    };
    writeln!(
        out,
        "{}  [{binds}]{}{}",
        row.code,
        dated(" from", row.from),
        dated(" until", row.until)
    )?;
    let Ok(serde_json::Value::Object(facts)) = serde_json::to_value(row) else {
        return Ok(());
    };
    let told = ["code", "scope", "from", "until"];
    for (name, value) in facts.iter().filter(|(name, _)| !told.contains(&name.as_str())) {
        match value {
            serde_json::Value::String(text) => writeln!(out, "    {name}: {text}")?,
            value => writeln!(out, "    {name}: {value}")?,
        }
    }
    Ok(writeln!(out)?)
}

fn decide(file: &Path) -> anyhow::Result<ExitCode> {
    crate::compliance::rule_set::check_embedded()?;
    let mut json = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .read_to_string(&mut json)
            .context("the standard input cannot be read as text")?;
    } else {
        json = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    }
    match decide_documents(RuleSet::current(), &json) {
        Ok(answers) => {
            let mut text = serde_json::to_string_pretty(&answers)?;
            text.push('\n');
            print(&text)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(wrong) => {
            for fault in wrong.0 {
                eprintln!("funnelchat: {fault}");
            }
            Ok(ExitCode::from(WRONG_INPUT))
        }
    }
}

async fn connect() -> anyhow::Result<App> {
    let config = Config::from_process()?;
    let urls = config.database.urls.as_ref().context("DATABASE_URL is not set")?;
    App::build(&config, &Databases::parse(urls)?, Arc::new(SystemWallClock)).await
}

/// How the decisions of one run came out.
#[derive(Default)]
struct Tally {
    same: u64,
    different: u64,
    erased: u64,
    unknown_version: u64,
    lines: Vec<String>,
}

impl Tally {
    fn note(&mut self, slug: &str, stored: &StoredDecision) {
        let what = match stored.replay() {
            Replayed::Same => {
                self.same += 1;
                return;
            }
            Replayed::Erased => {
                self.erased += 1;
                return;
            }
            Replayed::UnknownVersion => {
                self.unknown_version += 1;
                format!(
                    "this build does not carry rule set {}: replay it with one that does",
                    stored.decision.rule_set_version
                )
            }
            Replayed::Different {
                what,
                other_zone_data,
            } => {
                self.different += 1;
                let why = if other_zone_data {
                    format!(
                        " (decided with time zones {} and places {}, of which this build has later ones)",
                        stored.decision.tzdb_version, stored.decision.geo_version
                    )
                } else {
                    String::new()
                };
                format!("{}{why}", what.join("; "))
            }
        };
        if self.lines.len() < MOST_LINES {
            let id = ids::encode(IdKind::Decision, stored.id);
            self.lines
                .push(format!("{slug} {id} {}: {what}", stored.decided_at.to_rfc3339()));
        }
    }
}

async fn replay(business: Option<&str>, since: Option<NaiveDate>) -> anyhow::Result<ExitCode> {
    let app = connect().await?;
    let since = since.map(|date| date.and_time(NaiveTime::MIN).and_utc());
    let mut tally = Tally::default();
    for (slug, ctx) in businesses(&app, business, "replay of decisions", "cli-compliance").await? {
        let mut bar = Bar::new("decided again", count_decisions(&app.db, &ctx, since).await?);
        each_decision(&app.db, &app.keyring, &ctx, since, |stored| {
            tally.note(&slug, &stored);
            bar.advance();
        })
        .await?;
    }
    app.close().await;
    let mut out = String::new();
    for line in &tally.lines {
        writeln!(out, "{line}")?;
    }
    let bad = tally.different + tally.unknown_version;
    if bad > tally.lines.len() as u64 {
        writeln!(out, "… and {} more", bad - tally.lines.len() as u64)?;
    }
    writeln!(
        out,
        "{} decision(s): {} the same, {bad} different, {} erased",
        tally.same + bad + tally.erased,
        tally.same,
        tally.erased
    )?;
    print(&out)?;
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FOUND)
    })
}

async fn do_not_call(file: &DoNotCallFile<'_>) -> anyhow::Result<ExitCode> {
    let app = connect().await?;
    let bar = RefCell::new(None);
    let begin = |lines| *bar.borrow_mut() = Some(Bar::new("numbers", lines));
    let advance = || {
        if let Some(bar) = bar.borrow_mut().as_mut() {
            bar.advance();
        }
    };
    let loaded = load_do_not_call(&app.db, &app.keyring, file, begin, advance).await;
    app.close().await;
    drop(bar);
    match loaded {
        Ok(loaded) => {
            print(&format!(
                "{} area code(s) as of {}: {} line(s), {} number(s) added, {} removed\n",
                loaded.areas, file.as_of, loaded.lines, loaded.added, loaded.removed
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(LoadProblem::Wrong(what)) => {
            eprintln!("funnelchat: {}: {what}; nothing was loaded", file.path.display());
            Ok(ExitCode::from(WRONG_INPUT))
        }
        Err(LoadProblem::Op(error)) => Err(error.into()),
    }
}

pub(super) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "allow",
        Outcome::Deny => "deny",
        Outcome::Defer => "defer",
        Outcome::RequireContent => "require_content",
        Outcome::Record => "record",
    }
}
