//! Processor time. On a machine that others use too it says more than a rate.

use std::{fs, time::Duration};

use anyhow::Context as _;

use crate::servers::Bench;

/// What proc(5) counts in, on every Linux: USER_HZ.
const TICKS_PER_SECOND: u64 = 100;

/// Whose time is taken.
#[derive(Clone, Copy)]
pub struct Processes {
    postmaster: u32,
    service: u32,
}

/// Processor time that was spent up to a moment.
#[derive(Clone, Copy)]
pub struct Spent {
    pub service: Duration,
    pub postgres: Duration,
}

impl Processes {
    /// PostgreSQL, and a process of the service, or of what stands for it.
    pub async fn of(bench: &Bench, service: u32) -> anyhow::Result<Self> {
        let postmaster: i32 =
            sqlx::query_scalar("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int")
                .fetch_one(&mut bench.superuser().await?)
                .await?;
        Ok(Self {
            postmaster: u32::try_from(postmaster)?,
            service,
        })
    }

    pub fn spent(self) -> anyhow::Result<Spent> {
        let postmaster = times(self.postmaster)?;
        // The postmaster counts those of its children that have ended.
        let mut postgres = postmaster.own + postmaster.ended_children;
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // Others end while they are looked at.
            if let Some(child) = times(process)
                .ok()
                .filter(|child| child.parent == self.postmaster)
            {
                postgres += child.own;
            }
        }
        Ok(Spent {
            service: times(self.service)?.own,
            postgres,
        })
    }
}

impl Spent {
    /// What was spent since, on each of so many requests, in milliseconds: the service's and PostgreSQL's.
    pub fn each_since(self, before: Self, requests: f64) -> (f64, f64) {
        let each = |now: Duration, then: Duration| (now - then).as_secs_f64() * 1000.0 / requests.max(1.0);
        (
            each(self.service, before.service),
            each(self.postgres, before.postgres),
        )
    }
}

struct Times {
    parent: u32,
    own: Duration,
    ended_children: Duration,
}

fn times(process: u32) -> anyhow::Result<Times> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))
        .context("processor time is read from /proc, which Linux has")?;
    // The name before the bracket may hold anything.
    let (_, text) = text.rsplit_once(')').context("no name in stat")?;
    // From the third field on: state, parent; the 14th to the 17th are utime, stime, cutime, cstime.
    let fields: Vec<&str> = text.split_whitespace().collect();
    let number = |field: usize| -> anyhow::Result<u64> { Ok(fields.get(field).context("stat")?.parse()?) };
    let time = |of: u64| Duration::from_millis(of * 1000 / TICKS_PER_SECOND);
    Ok(Times {
        parent: u32::try_from(number(1)?)?,
        own: time(number(11)? + number(12)?),
        ended_children: time(number(13)? + number(14)?),
    })
}
