//! The sandbox's clock: advances business time for every process, and wakes what may be due.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    platform::{
        clock::BusinessClock,
        context::SystemCtx,
        db::{Db, DbError},
        jobs::JobRegistry,
        live::Ring,
    },
    sandbox::SandboxClock,
};

/// The row in the database, with this process's view of it.
pub struct DatabaseClock {
    pub db: Db,
    pub clock: BusinessClock,
    pub registry: JobRegistry,
}

impl DatabaseClock {
    async fn move_row(&self, by: TimeDelta) -> Result<i64, DbError> {
        let mut tx = self
            .db
            .system(&SystemCtx::for_reason(
                "advance the simulated clock",
                "sandbox-clock",
            ))
            .await?;
        let micros = by.num_microseconds().unwrap_or(i64::MAX);
        let offset = sqlx::query_scalar!(
            "UPDATE clock SET offset_micros = offset_micros + $1 RETURNING offset_micros",
            micros
        )
        .fetch_one(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(offset)
    }
}

#[async_trait]
impl SandboxClock for DatabaseClock {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn advance(&self, by: TimeDelta) -> Result<DateTime<Utc>, String> {
        let year = TimeDelta::days(366);
        if by < TimeDelta::zero() || by > year {
            return Err("the clock moves forward only, by at most a year at once".to_owned());
        }
        let offset = self.move_row(by).await.map_err(|error| error.to_string())?;
        self.clock.apply(offset).map_err(|error| error.to_string())?;
        self.db.live().ring(Ring::ClockMoved);
        self.registry
            .reconcile_all()
            .await
            .map_err(|error| error.to_string())?;
        Ok(self.clock.now())
    }
}
