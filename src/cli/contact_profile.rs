//! `compliance profile`: which caps bind a business.

use std::process::ExitCode;

use clap::ValueEnum;

use super::businesses::businesses;
use crate::{
    app::App,
    compliance::{facts::Profile, set_contact_profile},
    platform::error::OpError,
};

/// The question itself is wrong.
const WRONG_INPUT: u8 = 2;

/// Which caps bind.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ProfileChoice {
    /// The product's, beside the law's.
    Product,
    /// The law's alone.
    Floor,
}

impl From<ProfileChoice> for Profile {
    fn from(choice: ProfileChoice) -> Self {
        match choice {
            ProfileChoice::Product => Profile::Product,
            ProfileChoice::Floor => Profile::Floor,
        }
    }
}

pub(super) async fn profile(
    app: &App,
    business: &str,
    choice: ProfileChoice,
    reason: &str,
) -> anyhow::Result<ExitCode> {
    let found = businesses(
        app,
        Some(business),
        "which caps bind a business",
        "cli-compliance",
    )
    .await?;
    let mut exit = ExitCode::SUCCESS;
    for (slug, ctx) in &found {
        match set_contact_profile(&app.db, ctx.business_id(), choice.into(), reason).await {
            Ok(()) => println!("{slug}: {choice:?} from the next decision on"),
            Err(OpError::User(errors)) => {
                for error in errors {
                    eprintln!("funnelchat: {}", error.message);
                }
                exit = ExitCode::from(WRONG_INPUT);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(exit)
}
