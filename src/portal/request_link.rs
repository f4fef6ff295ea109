//! A debtor asks for a link with nothing but a number or address that is theirs. The answer, and the work for it, are the
//! same whoever asks for whatever; whether anybody has that address is for the job to find out. The link goes to a number
//! on record, never to one that was typed in.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Portal, link_token::LinkToken, links, store, words};
use crate::{
    accounts::{NewContact, debtor_by_id},
    conversations::{Notice, Sent, send_notice},
    platform::{
        context::{Actor, SystemCtx, TenantCtx},
        db::PlatformAudit,
        error::OpError,
        ids,
        jobs::{Job, JobError},
        rate_limit::Rule,
    },
};

/// Links that are sent for one address.
const LINKS_PER_HOUR: Rule = Rule::new("debtor_links_hour", 3, Duration::from_secs(3600));
/// The longest name of a business in addresses.
const LONGEST_SLUG: usize = 60;

/// What was asked, sealed until the job has run.
#[derive(Deserialize, Serialize)]
struct Asked {
    slug: String,
    kind: String,
    address: String,
    /// More than three within the hour: nothing is sent.
    limited: bool,
}

/// Looks whether anybody has the address, and texts them a link.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendDebtorLink {
    request_id: Uuid,
}

impl Job for SendDebtorLink {
    const NAME: &'static str = "portal.send_debtor_link";
}

impl Portal {
    /// Takes the wish in.
    ///
    /// # Errors
    /// [`OpError`] as met; never that there is nobody.
    pub(super) async fn request_link(
        &self,
        request_id: &str,
        slug: &str,
        contact: &NewContact,
    ) -> Result<(), OpError> {
        let identity = &self.identity;
        let address = match contact {
            NewContact::Phone(phone) => phone.as_e164().to_owned(),
            NewContact::Email(email) => email.normalised(),
        };
        let kind = match contact {
            NewContact::Phone(_) => "PHONE",
            NewContact::Email(_) => "EMAIL",
        };
        let slug: String = slug.trim().to_lowercase().chars().take(LONGEST_SLUG).collect();
        let subject = format!("{slug} {address}");
        let asked = identity
            .limiter
            .check(&[(LINKS_PER_HOUR, subject.as_str())], identity.wall.now())
            .await;
        let (id, limited) = (ids::next(), !asked.allowed);
        let sealed = serde_json::to_vec(&Asked {
            slug,
            kind: kind.to_owned(),
            address,
            limited,
        });
        let sealed = identity.keyring.platform_seal(
            "debtor_link_requests",
            "request_cipher",
            id,
            &sealed.map_err(|error| OpError::Internal(error.into()))?,
        )?;
        let ctx = SystemCtx::for_reason("debtor's link asked for", request_id);
        let mut tx = identity.db.system(&ctx).await?;
        let now = tx.now();
        store::insert_request(&mut tx, id, &sealed, now).await?;
        tx.enqueue(None, &SendDebtorLink { request_id: id }).await?;
        tx.audit(PlatformAudit {
            actor: Actor::System,
            action: "debtor_link.requested",
            object_id: Some(id),
            details: json!({ "limited": limited }),
        });
        Ok(tx.commit().await?)
    }
}

/// Runs [`SendDebtorLink`]. Its link has the request's id: run twice, it sends once.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn send_debtor_link(portal: &Portal, job: SendDebtorLink) -> Result<(), JobError> {
    answer(portal, job.request_id).await.map_err(|error| match error {
        OpError::Unavailable(cause) => JobError::Retry(cause),
        other => JobError::Fatal(format!("{other:#}")),
    })
}

async fn answer(portal: &Portal, request: Uuid) -> Result<(), OpError> {
    let identity = &portal.identity;
    let ctx = SystemCtx::for_reason("debtor's link asked for", "job-debtor-link");
    let mut tx = identity.db.system(&ctx).await?;
    let Some(cipher) = store::request(&mut tx, request).await? else {
        return Ok(());
    };
    let plain = identity
        .keyring
        .platform_open("debtor_link_requests", "request_cipher", request, &cipher)?;
    let asked: Asked = serde_json::from_slice(&plain).map_err(|error| OpError::Internal(error.into()))?;
    let business = match asked.limited || asked.slug.contains('\0') {
        true => None,
        false => store::active_business(&mut tx, &asked.slug).await?,
    };
    tx.commit().await?;
    if let Some(business) = business {
        send(portal, business, request, &asked).await?;
    }
    let mut tx = identity.db.system(&ctx).await?;
    store::remove_request(&mut tx, request).await?;
    Ok(tx.commit().await?)
}

async fn send(portal: &Portal, business: Uuid, request: Uuid, asked: &Asked) -> Result<(), OpError> {
    let identity = &portal.identity;
    let keys = identity.keyring.business(&identity.db, business).await?;
    let mut tx = identity
        .db
        .tenant(&TenantCtx::for_service(business, "job-debtor-link"))
        .await?;
    if store::link_by_id(&mut tx, request).await?.is_some() {
        return Ok(());
    }
    // A household shares a telephone: then nobody is meant for sure.
    let people = store::people_at(&mut tx, &asked.kind, &keys.blinds(&asked.address)).await?;
    let [person] = people.as_slice() else {
        return Ok(());
    };
    let Some(debtor) = debtor_by_id(&mut tx, *person).await? else {
        return Ok(());
    };
    let Some(account) = store::newest_account(&mut tx, debtor.id).await? else {
        return Ok(());
    };
    let expires_at = tx.now() + portal.link_lifetime;
    let url = portal.url(&LinkToken {
        business_id: business,
        link_id: request,
        expires_at,
    });
    let to = (asked.kind == "PHONE").then_some(asked.address.as_str());
    let notice = Notice {
        account,
        to,
        words: &words::link(&debtor.preferred_language),
        secret: url,
        asked_by: None,
    };
    match send_notice(&mut tx, &identity.keyring, &identity.db, notice).await {
        Ok(Sent::Queued { .. }) => {
            let whose = (debtor.id, account);
            links::insert(&mut tx, portal, request, whose, "REQUEST", portal.link_lifetime).await?;
        }
        // The decision stands; there is no link.
        Ok(Sent::Refused { .. }) => {}
        // No number of theirs takes texts.
        Err(OpError::User(_)) => return Ok(()),
        Err(other) => return Err(other),
    }
    tx.commit().await?;
    Ok(())
}
