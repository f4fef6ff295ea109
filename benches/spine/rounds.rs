//! Several rounds of one measurement, with the processor time that a request of them costs.

use std::{fmt, time::Duration};

use crate::{
    cpu::Processes,
    figures::{listed, median},
};

/// What the rounds gave.
pub struct Rounds {
    of: Processes,
    rates: Vec<f64>,
    service: Vec<f64>,
    postgres: Vec<f64>,
}

impl Rounds {
    /// None yet; the processor time will be that of these processes.
    pub fn of(of: Processes) -> Self {
        Self {
            of,
            rates: Vec::new(),
            service: Vec::new(),
            postgres: Vec::new(),
        }
    }

    /// Takes one, of this length: `run` says how many requests a second it made.
    pub async fn take(
        &mut self,
        length: Duration,
        run: impl Future<Output = anyhow::Result<f64>>,
    ) -> anyhow::Result<()> {
        let before = self.of.spent()?;
        let rate = run.await?;
        let requests = rate * length.as_secs_f64();
        let (service, postgres) = self.of.spent()?.each_since(before, requests);
        self.rates.push(rate);
        self.service.push(service);
        self.postgres.push(postgres);
        Ok(())
    }

    /// Requests a second, in the middle one.
    pub fn rate(&self) -> f64 {
        median(self.rates.clone())
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({:.2} ms of the processor each, and {:.2} ms of PostgreSQL's)",
            listed(&self.rates),
            median(self.service.clone()),
            median(self.postgres.clone())
        )
    }
}
