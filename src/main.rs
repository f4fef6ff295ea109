//! The one binary: see `funnelchat --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    funnelchat::cli::run().await
}
