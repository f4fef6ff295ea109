//! What the slice needs from above; bound in `app.rs`.

use async_trait::async_trait;
use chrono_tz::Tz;

use crate::{
    accounts::PostalAddress,
    platform::{db::TenantTx, error::OpError},
};

/// How the business names itself in what it sends by law, as far as it has said.
#[derive(Clone, Debug, Default)]
pub struct Letterhead {
    /// Its name in law.
    pub legal_name: Option<String>,
    /// Where it accepts disputes by post.
    pub address: Option<PostalAddress>,
    /// Where debtors can call it, E.164.
    pub phone: Option<String>,
    /// Where debtors can write to it.
    pub email: Option<String>,
    pub website: Option<String>,
    /// The zone of its own clock, by which it dates what it sends.
    pub time_zone: Option<Tz>,
}

/// Knows how the business names itself.
#[async_trait]
pub trait Letterheads: Send + Sync {
    /// Of the transaction's business.
    ///
    /// # Errors
    /// [`OpError`] as met.
    async fn letterhead(&self, tx: &mut TenantTx) -> Result<Letterhead, OpError>;
}
