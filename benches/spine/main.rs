//! `cargo bench`: what the spine does on this machine, as ratios to floors that are taken in the same run.
//!
//! A private PostgreSQL (durable, as in production) and Redis, 20 businesses of 10,000 accounts with a thread of five
//! messages each, and the service itself as processes of their own: `serve`, and `worker` where jobs are part of what
//! is measured. The load comes from here, over loopback, and ends by itself. All of it shares the machine's cores.
//!
//! `cargo bench -- accounts` runs the parts that are named; `--accounts 500` makes the data set smaller,
//! `--seconds 3` the measurements shorter, `--sockets 500` opens fewer sockets, `--rows 5000` imports fewer rows,
//! `--decisions 5000` makes fewer stored decisions again,
//! `--pool 10` gives the service, and the floors, as many connections to the database.
//!
//! `cargo bench -- search` runs what is not part of the others, on a data set of its own: lists in a business of a
//! million accounts (`--search N`: of so many) against the same ones in a business of 10,000.

mod accounts;
mod caller;
mod cpu;
mod data;
#[path = "../../tests/it/support/decisions.rs"]
mod decisions;
mod figures;
mod gate;
mod http;
mod import;
mod memory;
mod rounds;
mod rows;
mod search;
mod search_data;
mod servers;
mod sockets;
mod webhook;
#[expect(dead_code, reason = "the tests look at plans, too")]
#[path = "../../tests/it/support/wire.rs"]
mod wire;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};

use crate::servers::Bench;

/// As the service has it: the floors must not pay for a slower one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "cargo bench [-- [accounts] [webhook] [sockets] [import] [gate] [search] [--accounts N] [--seconds N] [--sockets N] [--rows N] [--pool N] [--search N] [--decisions N]]";

/// What is to be measured.
pub struct Plan {
    parts: Vec<String>,
    /// Accounts of each business.
    accounts: usize,
    /// How long one measurement lasts.
    length: Duration,
    sockets: usize,
    /// Rows of the file that is imported.
    rows: usize,
    /// Connections to the database, of the service and of the floors.
    pool: usize,
    /// Accounts of the large business that is searched.
    search: usize,
    /// Stored decisions that are made again.
    decisions: usize,
}

impl Plan {
    fn of_arguments() -> anyhow::Result<Self> {
        let mut plan = Self {
            parts: Vec::new(),
            accounts: 10_000,
            length: Duration::from_secs(10),
            sockets: 5_000,
            rows: 100_000,
            pool: 20,
            search: 1_000_000,
            decisions: 100_000,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut number = || {
                let value = words.next().with_context(|| format!("{word} needs a number"))?;
                value.parse().with_context(|| format!("{word} {value}"))
            };
            match word.as_str() {
                // Cargo says so to every bench.
                "--bench" => {}
                "--accounts" => plan.accounts = number()?,
                "--sockets" => plan.sockets = number()?,
                "--rows" => plan.rows = number()?.clamp(1, 100_000),
                "--search" => plan.search = number()?,
                "--pool" => plan.pool = number()?,
                "--decisions" => plan.decisions = number()?.max(1),
                "--seconds" => plan.length = Duration::from_secs(u64::try_from(number()?)?),
                "accounts" | "webhook" | "sockets" | "import" | "gate" | "search" => plan.parts.push(word),
                other => bail!("{other} is not known: {USAGE}"),
            }
        }
        // A page of 20 must be full, and every socket has a thread of its own.
        let sockets = if plan.asks_for("sockets") { plan.sockets } else { 0 };
        let least = sockets.div_ceil(data::BUSINESSES).max(20);
        if plan.accounts < least || plan.sockets == 0 || plan.search < 10_000 {
            bail!("--accounts must be {least} or more, --sockets 1 or more, --search 10000 or more");
        }
        Ok(plan)
    }

    fn asks_for(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|named| named == part)
    }

    /// Whether any of the parts is asked for that share a data set.
    fn shares_data(&self) -> bool {
        ["accounts", "webhook", "sockets", "import", "gate"]
            .iter()
            .any(|part| self.asks_for(part))
    }
}

fn main() -> ExitCode {
    let ran = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run()));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark ended: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let plan = Plan::of_arguments()?;
    let bench = Bench::prepare(&plan).await?;
    println!("{}", figures::machine(&bench).await?);
    if plan.asks_for("accounts") {
        accounts::measure(&bench, &plan).await?;
    }
    if plan.asks_for("webhook") {
        webhook::measure(&bench, &plan).await?;
    }
    if plan.asks_for("sockets") {
        sockets::measure(&bench, &plan).await?;
    }
    if plan.asks_for("import") {
        import::measure(&bench, &plan).await?;
    }
    if plan.asks_for("gate") {
        gate::measure(&bench, &plan).await?;
    }
    // Only by its name: it takes as long as all others.
    if plan.parts.iter().any(|named| named == "search") {
        let both = search_data::fill(&bench.app, &mut bench.superuser().await?, plan.search).await?;
        search::measure(&bench, &both).await?;
    }
    Ok(())
}
