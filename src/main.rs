//! The one binary: see `funnelchat --help`.

use std::process::ExitCode;

/// An operation makes and frees thousands of small values on all threads at once, over which glibc's allocator
/// quarrels: a fifth of the time of a nested query went into its locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    funnelchat::cli::run().await
}
