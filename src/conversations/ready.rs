//! Whether a message may leave yet: its number is still the person's, and nothing that they wrote waits to be read. What came in
//! may forbid what is about to be sent.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{deliver::send_later, settle::block, store::ConversationRow};
use crate::{
    accounts::{has_phone, phones_of},
    platform::{db::TenantTx, error::OpError, keys::TenantKeys},
};

/// How long dispatch waits for an inbound text to be processed: as long again as that has waited.
const WAIT_FOR_INBOUND: (TimeDelta, TimeDelta) = (TimeDelta::seconds(2), TimeDelta::seconds(60));

/// Whom a message goes to.
pub(super) struct Addressee<'a> {
    pub(super) debtor: Uuid,
    /// The prints of the number.
    pub(super) blinds: &'a [Vec<u8>],
}

/// Whether the number is ready to be written to. Otherwise the message waits, or will not go.
pub(super) async fn is_ready(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    thread: &ConversationRow,
    message: Uuid,
    to: &Addressee<'_>,
) -> Result<bool, OpError> {
    if !has_phone(tx, to.debtor, to.blinds).await? {
        let reason = "The number was taken off the debtor before it was sent: it may be somebody else's now.";
        block(tx, thread, message, "NUMBER_REMOVED", reason).await?;
        return Ok(false);
    }
    let unread = unread(tx, keys, to).await?;
    if unread.is_aside {
        let reason = "A text from the debtor could not be read, so nobody knows what it asks for. Tell support, and reach the \
                      debtor in another way.";
        block(tx, thread, message, "UNREAD_TEXT", reason).await?;
        return Ok(false);
    }
    if let Some(since) = unread.since {
        let (shortest, longest) = WAIT_FOR_INBOUND;
        let pause = (tx.now() - since).clamp(shortest, longest);
        send_later(tx, message, pause).await?;
        return Ok(false);
    }
    Ok(true)
}

/// Received texts that wait.
struct Unread {
    /// Since when the oldest waits.
    since: Option<DateTime<Utc>>,
    /// One was set aside: it could not be read.
    is_aside: bool,
}

/// What waits of the number; and where a text waits anywhere that binds nobody yet, what waits of the person's other numbers:
/// what it asks for and states is of the person.
async fn unread(tx: &mut TenantTx, keys: &TenantKeys, to: &Addressee<'_>) -> Result<Unread, OpError> {
    let business = tx.business_id();
    let here = sqlx::query!(
        r#"SELECT min(received_at) FILTER (WHERE quarantined_at IS NULL) AS since,
                coalesce(bool_or(quarantined_at IS NOT NULL), false) AS "is_aside!",
                EXISTS (SELECT FROM provider_events u WHERE u.business_id = $1 AND NOT u.is_acted_on) AS "others_wait!"
         FROM provider_events WHERE business_id = $1 AND peer_blind = ANY($2) AND processed_at IS NULL"#,
        business,
        to.blinds,
    )
    .fetch_one(tx.conn())
    .await?;
    let found = Unread {
        since: here.since,
        is_aside: here.is_aside,
    };
    if found.is_aside || found.since.is_some() || !here.others_wait {
        return Ok(found);
    }
    let phones = phones_of(tx, keys, to.debtor).await?;
    let blinds: Vec<Vec<u8>> = phones
        .iter()
        .flat_map(|phone| keys.blinds(phone.number.expose()))
        .collect();
    let elsewhere = sqlx::query!(
        r#"SELECT min(received_at) FILTER (WHERE quarantined_at IS NULL) AS since,
                coalesce(bool_or(quarantined_at IS NOT NULL), false) AS "is_aside!"
         FROM provider_events
         WHERE business_id = $1 AND peer_blind = ANY($2) AND processed_at IS NULL AND NOT is_acted_on"#,
        business,
        &blinds,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Unread {
        since: elsewhere.since,
        is_aside: elsewhere.is_aside,
    })
}
