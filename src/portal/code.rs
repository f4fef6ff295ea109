//! A code by text message: six digits, good once, for ten minutes of wall time and five tries.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::{
    Portal,
    challenge::{Challenged, FAILED, PASSED, audit_try},
    store, words,
};
use crate::{
    accounts::{debtor_by_id, lock_person},
    conversations::{Notice, Sent, send_notice},
    identity::{DebtorOrigin, IssuedSession},
    platform::{
        db::AuditEntry,
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
    },
};

/// How long a code is good.
const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// How often it may be tried.
const MOST_TRIES: i16 = 5;
/// Codes that are sent by one link in an hour; not of one person, or an old link's holder could use up those of a new one.
const MOST_AN_HOUR: i64 = 3;

/// Why none is sent is not told: that somebody opted out, or may not be written to now, is theirs alone.
fn none_now() -> OpError {
    UserError::new(
        UserErrorCode::Conflict,
        "No code can be sent now. Use another way to show who you are, or try again later.",
    )
    .into()
}

impl Portal {
    /// Texts the person a code.
    ///
    /// # Errors
    /// BAD_CREDENTIALS for a challenge that is over, LOCKED after three codes in an hour, CONFLICT where none can be sent.
    pub(super) async fn send_code(&self, request_id: &str, token: &str) -> Result<(), OpError> {
        let Challenged { place, ctx } = self.read_challenge(request_id, token).await?;
        let (identity, now) = (&self.identity, self.identity.wall.now());
        let mut tx = identity.db.tenant(&ctx).await?;
        lock_person(&mut tx, place.debtor_id).await?;
        let since = now - TimeDelta::hours(1);
        if store::codes_since(&mut tx, place.link_id, since).await? >= MOST_AN_HOUR {
            return Err(UserError::new(
                UserErrorCode::Locked,
                "Three codes were sent within an hour. Use the newest one, or try again later.",
            )
            .into());
        }
        let debtor = debtor_by_id(&mut tx, place.debtor_id)
            .await?
            .ok_or_else(none_now)?;
        let code = new_code();
        let notice = Notice {
            account: place.account_id,
            to: None,
            words: &words::code(&debtor.preferred_language),
            secret: code.clone(),
            asked_by: Some(place.debtor_id),
        };
        let sent = match send_notice(&mut tx, &identity.keyring, &identity.db, notice).await {
            Ok(sent) => sent,
            Err(OpError::User(_)) => return Err(none_now()),
            Err(other) => return Err(other),
        };
        let message = match sent {
            Sent::Queued { message } => message,
            Sent::Refused { .. } => {
                // The decision stands.
                tx.commit().await?;
                return Err(none_now());
            }
        };
        let id = ids::next();
        let hash = self.codes.sign(&signed(place.link_id, id, &code));
        store::insert_code(
            &mut tx,
            id,
            (place.link_id, place.debtor_id),
            &hash,
            now,
            LIFETIME,
        )
        .await?;
        let details = json!({ "message": message });
        let entry = AuditEntry::plain("debtor_code.sent", place.link_id, &details);
        tx.audit(entry.about(Some(place.debtor_id)));
        tx.commit().await?;
        Ok(())
    }

    /// Takes the newest code and opens the session.
    ///
    /// # Errors
    /// BAD_CREDENTIALS, LOCKED after too many failures.
    pub(super) async fn verify_code(
        &self,
        request_id: &str,
        origin: DebtorOrigin<'_>,
        token: &str,
        code: &str,
    ) -> Result<IssuedSession, OpError> {
        let Challenged { place, ctx } = self.read_challenge(request_id, token).await?;
        let turn = self
            .identity
            .take_turn(request_id, place.link_id, origin.peer)
            .await?;
        let now = self.identity.wall.now();
        let mut tx = self.identity.db.tenant(&ctx).await?;
        let found = store::try_code(&mut tx, place.link_id, now, MOST_TRIES).await?;
        let fits = found.filter(|found| {
            let typed = signed(place.link_id, found.id, code.trim());
            self.codes.verifies(&typed, &found.code_hash)
        });
        let Some(found) = fits else {
            audit_try(&mut tx, &place, FAILED, "SMS_CODE");
            tx.commit().await?;
            return Err(UserError::at(
                UserErrorCode::BadCredentials,
                "code",
                "This code is not right, or no longer good. Check it, or ask for a new one.",
            )
            .into());
        };
        store::use_code(&mut tx, found.id, now).await?;
        store::count_use(&mut tx, place.link_id).await?;
        audit_try(&mut tx, &place, PASSED, "SMS_CODE");
        tx.commit().await?;
        self.identity
            .open_debtor_session(request_id, place, origin, turn)
            .await
    }
}

/// Six digits, each as likely as any other.
fn new_code() -> String {
    // The last, incomplete run of a million is thrown away.
    const WHOLE: u32 = u32::MAX - u32::MAX % 1_000_000;
    loop {
        let drawn: u32 = rand::random();
        if drawn < WHOLE {
            return format!("{:06}", drawn % 1_000_000);
        }
    }
}

fn signed(link: Uuid, id: Uuid, code: &str) -> Vec<u8> {
    [link.as_bytes(), id.as_bytes(), code.as_bytes()].concat()
}
