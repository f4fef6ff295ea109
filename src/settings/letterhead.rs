//! How the business names itself in what it sends by law.

use async_trait::async_trait;

use super::store;
use crate::{
    compliance::ports::{Letterhead, Letterheads},
    platform::{db::TenantTx, error::OpError},
};

/// As the company's settings say.
pub struct CompanyLetterhead;

#[async_trait]
impl Letterheads for CompanyLetterhead {
    async fn letterhead(&self, tx: &mut TenantTx) -> Result<Letterhead, OpError> {
        let sections = store::settings(tx).await?.sections;
        let company = sections.company;
        Ok(Letterhead {
            legal_name: company.legal_name,
            address: company.address,
            phone: company.phone.map(|phone| phone.0),
            email: company.email.map(|email| email.0),
            website: company.website,
            time_zone: sections.locale.time_zone.and_then(|zone| zone.0.parse().ok()),
        })
    }
}
