//! The single-use permission to make one contact. It cannot be cloned, stored or made outside this slice: the
//! fields are private, and the only maker takes the proof that its decision and its slot are committed, and looks once more
//! whether what it was decided on still stands.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::gate::Contact;
use crate::{
    accounts::Channel,
    platform::{
        db::{Committed, DbError, TenantTx},
        keys::TenantKeys,
    },
};

/// How long a permit may wait for its dispatch.
const LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// Permission to send one content to one recipient over one channel, soon and once.
#[derive(Debug)]
#[must_use = "a permit that is dropped has taken a frequency slot for nothing"]
pub struct Permit {
    decision_id: Uuid,
    channel: Channel,
    recipient_hash: [u8; 32],
    content_hash: [u8; 32],
    expires_at: DateTime<Utc>,
}

/// A permit that becomes usable once its decision and slot are committed, if nothing was said meanwhile that bears on it.
#[derive(Debug)]
#[must_use = "a reservation that is dropped has taken a frequency slot for nothing"]
pub struct Reservation {
    permit: Permit,
    ground: Ground,
}

/// What a permit was decided on: whose contact it is, and the print of all that whoever takes something back changes.
#[derive(Debug)]
pub(super) struct Ground {
    debtor: Uuid,
    account: Option<Uuid>,
    blinds: Vec<Vec<u8>>,
    print: Vec<u8>,
}

impl Ground {
    pub(super) fn of(contact: &Contact<'_>, keys: &TenantKeys, print: Vec<u8>) -> Self {
        Self {
            debtor: contact.debtor_id,
            account: contact.account_id,
            blinds: keys.blinds(contact.recipient),
            print,
        }
    }

    async fn still_stands(&self, tx: &mut TenantTx) -> Result<bool, DbError> {
        let business = tx.business_id();
        let print = sqlx::query_scalar!(
            r#"SELECT app.contact_print($1, $2, $3, $4) AS "print!""#,
            business,
            self.debtor,
            self.account,
            &self.blinds,
        )
        .fetch_one(tx.conn())
        .await?;
        Ok(print == self.print)
    }
}

/// Why a permit does not fit what is about to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermitError {
    #[error("the permit is for another recipient, channel or content")]
    Mismatch,
    #[error("the permit has expired")]
    Expired,
}

impl PermitError {
    /// Whether it came too late, and no more than that: a new decision may allow it again.
    pub fn is_expired(self) -> bool {
        self == Self::Expired
    }
}

/// SHA-256 of what is sent, as stored with decisions.
pub fn content_hash(content: &str) -> [u8; 32] {
    Sha256::digest(content.as_bytes()).into()
}

impl Reservation {
    pub(super) fn new(decision_id: Uuid, contact: &Contact<'_>, ground: Ground, now: DateTime<Utc>) -> Self {
        let permit = Permit::new(
            decision_id,
            contact.channel,
            contact.recipient,
            contact.content,
            now,
        );
        Self { permit, ground }
    }

    /// Only what is committed permits anything, and only while what it was decided on stands: `tx` begins after it was
    /// committed, right before the contact. None when somebody has taken something back meanwhile, or written, or the business
    /// has tightened its settings: then it is to be decided anew.
    ///
    /// # Errors
    /// [`DbError`] as met: then nothing is permitted.
    pub async fn confirm(self, _committed: &Committed, tx: &mut TenantTx) -> Result<Option<Permit>, DbError> {
        let stands = self.ground.still_stands(tx).await?;
        Ok(stands.then_some(self.permit))
    }
}

impl Permit {
    fn new(decision_id: Uuid, channel: Channel, recipient: &str, content: &str, now: DateTime<Utc>) -> Self {
        Self {
            decision_id,
            channel,
            recipient_hash: content_hash(recipient),
            content_hash: content_hash(content),
            expires_at: now + LIFETIME,
        }
    }

    /// The decision that allowed it.
    pub fn decision_id(&self) -> Uuid {
        self.decision_id
    }

    /// Spends the permit on exactly this.
    ///
    /// # Errors
    /// [`PermitError`] when it was given for something else or too long ago; then nothing may be sent.
    pub fn spend(
        self,
        channel: Channel,
        recipient: &str,
        content: &str,
        now: DateTime<Utc>,
    ) -> Result<(), PermitError> {
        let same = self.recipient_hash.ct_eq(&content_hash(recipient))
            & self.content_hash.ct_eq(&content_hash(content));
        if channel != self.channel || !bool::from(same) {
            return Err(PermitError::Mismatch);
        }
        if now >= self.expires_at {
            Err(PermitError::Expired)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_is_good_for_its_own_recipient_content_and_minute_only() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let permit = || Permit::new(Uuid::from_u128(1), Channel::Sms, "+12125550101", "Hello", now);
        assert_eq!(permit().spend(Channel::Sms, "+12125550101", "Hello", now), Ok(()));
        assert_eq!(
            permit().spend(Channel::Sms, "+12125550102", "Hello", now),
            Err(PermitError::Mismatch)
        );
        assert_eq!(
            permit().spend(Channel::Sms, "+12125550101", "Hello!", now),
            Err(PermitError::Mismatch)
        );
        assert_eq!(
            permit().spend(Channel::Voice, "+12125550101", "Hello", now),
            Err(PermitError::Mismatch)
        );
        assert_eq!(
            permit().spend(Channel::Sms, "+12125550101", "Hello", now + LIFETIME),
            Err(PermitError::Expired)
        );
    }
}
