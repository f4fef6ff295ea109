//! Counting, percentiles, progress.

use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use tokio::task::JoinSet;

use crate::servers::Bench;

/// What the figures were taken on.
pub async fn machine(bench: &Bench) -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let memory = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok())
        .map_or_else(String::new, |kib| format!(", {} GiB", kib.div_ceil(1024 * 1024)));
    let postgres: String = sqlx::query_scalar("SHOW server_version")
        .fetch_one(&mut bench.superuser().await?)
        .await?;
    Ok(format!(
        "\n{cores} cores{memory}, PostgreSQL {postgres} with its own durability; service, database and load share them\n"
    ))
}

/// How many times `once` succeeds in `length`, called by as many tasks as there are `callers`, each of which calls
/// again as soon as it has its answer.
pub async fn throughput<C, F>(callers: Vec<C>, length: Duration, once: F) -> anyhow::Result<f64>
where
    C: Send + 'static,
    F: for<'a> Fn(&'a mut C) -> BoxFuture<'a, anyhow::Result<()>> + Clone + Send + 'static,
{
    let started = Instant::now();
    let deadline = started + length;
    let mut tasks = JoinSet::new();
    for mut caller in callers {
        let once = once.clone();
        tasks.spawn(async move {
            let mut done = 0_u32;
            while Instant::now() < deadline {
                once(&mut caller).await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut done = 0_u32;
    while let Some(counted) = tasks.join_next().await {
        done += counted??;
    }
    Ok(f64::from(done) / started.elapsed().as_secs_f64())
}

/// Rates of several rounds, for who wants to see how steady the machine was.
pub fn listed(rates: &[f64]) -> String {
    rates
        .iter()
        .map(|rate| format!("{rate:.0}/s"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The value below which this share of them lies, in milliseconds.
pub fn percentile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let rank = (share * times.len() as f64).ceil() as usize;
    times
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
        .as_secs_f64()
        * 1000.0
}

/// A bar on standard error, where somebody watches.
pub struct Bar {
    what: &'static str,
    all: usize,
    done: usize,
    watched: bool,
}

impl Bar {
    pub fn new(what: &'static str, all: usize) -> Self {
        let bar = Self {
            what,
            all,
            done: 0,
            watched: std::io::stderr().is_terminal(),
        };
        if !bar.watched {
            eprintln!("{what}");
        }
        bar
    }

    pub fn advance(&mut self, by: usize) {
        const WIDTH: usize = 40;
        self.done += by;
        if self.watched {
            let filled = WIDTH * self.done / self.all.max(1);
            let (full, empty) = ("#".repeat(filled), "-".repeat(WIDTH - filled));
            let mut out = std::io::stderr();
            // Nobody is harmed by a bar that cannot be drawn.
            let _ = write!(
                out,
                "\r{:<28} [{full}{empty}] {}/{} ",
                self.what, self.done, self.all
            );
            if self.done >= self.all {
                let _ = writeln!(out);
            }
        }
    }
}
