//! How much memory a process holds.

use std::fs;

use anyhow::Context as _;

/// Resident memory of a process in KiB (proc(5), `VmRSS`).
pub fn resident_kib(process: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))
        .context("resident memory is read from /proc, which Linux has")?;
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .context("no VmRSS")
}
