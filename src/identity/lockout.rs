//! Failed log-ins cost time. The limiter lets five fail in a quarter of an hour, per address and per account; beside
//! it each account remembers its failures for a day, in the database, so that all processes agree, and from the fifth
//! on each makes the next wait twice as long. The wait ends at an hour: a stranger can slow a person down, never shut
//! them out, and a new password by mail ends every wait at once.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    Identity,
    account_mail::{AccountMail, SendAccountMail},
    credential_store, email_change_store,
    failed_log_ins::TellOfLoginFailure,
    login::push_audit,
    password::verify_password,
    tokens::password_mark,
};
use crate::platform::{
    context::{Actor, RequestMark, SystemCtx},
    db::{PlatformAudit, SystemTx},
    error::OpError,
    gql::{UserError, UserErrorCode},
    net::limit_subject,
    rate_limit::Rule,
};

/// So many failures are free of delay, and within an hour are worth a mail.
const FREE: i32 = 5;
const FIRST_DELAY: TimeDelta = TimeDelta::minutes(1);
const LONGEST_DELAY: TimeDelta = TimeDelta::hours(1);
/// Within which five failures raise the alert, and between two alerts.
const ALERT_WINDOW: TimeDelta = TimeDelta::hours(1);
/// Without a failure for so long, an account begins anew.
pub(super) const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(24);

/// The failures of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    pub(super) failures: i32,
    /// The newest five.
    pub(super) recent: Vec<DateTime<Utc>>,
    pub(super) last_at: DateTime<Utc>,
    pub(super) blocked_until: Option<DateTime<Utc>>,
    pub(super) alerted_at: Option<DateTime<Utc>>,
}

impl Failures {
    /// Counts a try before it is made, so that parallel guesses cannot slip through.
    ///
    /// # Errors
    /// The instant from which one may try again. A try that is refused is not counted: knocking prolongs nothing.
    fn take_turn(mut self, now: DateTime<Utc>) -> Result<Self, DateTime<Utc>> {
        if let Some(until) = self.blocked_until.filter(|until| *until > now) {
            return Err(until);
        }
        if self.last_at + FORGOTTEN_AFTER <= now {
            self = Self::default();
        }
        self.failures = self.failures.saturating_add(1);
        self.recent.push(now);
        if self.recent.len() > 5 {
            self.recent.remove(0);
        }
        self.last_at = now;
        self.blocked_until = delay_after(self.failures).map(|delay| now + delay);
        Ok(self)
    }

    /// Takes a try back that was right; `None` when nothing is left to remember.
    fn give_back(mut self) -> Option<Self> {
        self.failures = self.failures.saturating_sub(1);
        self.recent.pop();
        self.blocked_until = None;
        (self.failures > 0).then_some(self)
    }

    /// Whether the person should hear of it.
    fn is_alarming(&self, now: DateTime<Utc>) -> bool {
        let told = self.alerted_at.is_some_and(|at| at + ALERT_WINDOW > now);
        !told && self.recent.len() == 5 && self.recent.iter().all(|at| *at + ALERT_WINDOW > now)
    }
}

fn delay_after(failures: i32) -> Option<TimeDelta> {
    let doublings = u32::try_from(failures - FREE).ok()?;
    let factor = 2_i32.checked_pow(doublings).unwrap_or(i32::MAX);
    Some(
        FIRST_DELAY
            .checked_mul(factor)
            .map_or(LONGEST_DELAY, |delay| delay.min(LONGEST_DELAY)),
    )
}

/// What somebody tries to enter.
#[derive(Clone, Copy)]
pub(super) struct Account<'a> {
    /// What the limiter counts by, the factor apart: the e-mail address, or the person's id.
    pub(super) name: &'a str,
    /// The blind index of the e-mail address.
    pub(super) blind: &'a [u8],
    /// Of a person who exists.
    pub(super) password_hash: Option<&'a str>,
}

/// Counts failures only, so that an office behind one address is not locked out by success. Every try is counted
/// before it is made and given back when it was right.
pub(super) struct FailureGuard<'a> {
    identity: &'a Identity,
    request_id: &'a RequestMark,
    subjects: [String; 2],
    account: Vec<u8>,
    counted_at: DateTime<Utc>,
}

impl<'a> FailureGuard<'a> {
    /// Counts the try, or refuses it.
    pub(super) async fn enter(
        identity: &'a Identity,
        request_id: &'a RequestMark,
        peer: IpAddr,
        account: Account<'_>,
    ) -> Result<Self, OpError> {
        let counted_at = identity.wall.now();
        // Guesses at the password before count nothing against this one.
        let mark = account.password_hash.map(password_mark).unwrap_or_default();
        let guard = Self {
            identity,
            request_id,
            subjects: [limit_subject(peer), format!("{} {mark}", account.name)],
            account: account.blind.to_vec(),
            counted_at,
        };
        let account = account.blind;
        let verdict = identity.limiter.check(&guard.rules(), counted_at).await;
        if !verdict.allowed {
            return Err(locked(verdict.retry_after.as_secs()));
        }
        let mut tx = identity.db.system(&guard.ctx()).await?;
        let known = credential_store::lock_failures(&mut tx, account).await?;
        match known.unwrap_or_default().take_turn(counted_at) {
            Ok(failures) => {
                credential_store::save_failures(&mut tx, account, Some(&failures)).await?;
                tx.commit().await?;
                Ok(guard)
            }
            Err(until) => {
                identity.limiter.refund(&guard.rules(), counted_at).await;
                Err(locked((until - counted_at).num_seconds().unsigned_abs()))
            }
        }
    }

    fn ctx(&self) -> SystemCtx {
        SystemCtx::for_reason("failed log-ins", self.request_id)
    }

    fn rules(&self) -> [(Rule, &str); 2] {
        let limits = &self.identity.settings.rate_limits;
        [
            (limits.login_failures_per_ip, self.subjects[0].as_str()),
            (limits.login_failures_per_account, self.subjects[1].as_str()),
        ]
    }

    /// Whether the password fits. Where it could not be checked, the try is taken back.
    pub(super) async fn verify(
        &self,
        password: &SecretString,
        stored: Option<&str>,
    ) -> Result<bool, OpError> {
        let verified = verify_password(password, stored).await;
        if verified.is_err() {
            self.take_back().await?;
        }
        verified
    }

    /// The try was right, or was none: it never happened.
    pub(super) async fn take_back(&self) -> Result<(), OpError> {
        let mut tx = self.identity.db.system(&self.ctx()).await?;
        self.take_back_in(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// The same in the transaction that what was tried is done in: whoever holds one waits for no second.
    pub(super) async fn take_back_in(&self, tx: &mut SystemTx) -> Result<(), OpError> {
        self.identity.limiter.refund(&self.rules(), self.counted_at).await;
        if let Some(failures) = credential_store::lock_failures(tx, &self.account).await? {
            credential_store::save_failures(tx, &self.account, failures.give_back().as_ref()).await?;
        }
        Ok(())
    }

    /// The try was wrong: audited, brought before the person's businesses, and told to the person where it happens too often.
    pub(super) async fn failed(&self, action: &'static str, person: Option<Uuid>) -> Result<(), OpError> {
        let mut tx = self.identity.db.system(&self.ctx()).await?;
        let mut acts = vec![push_audit(&mut tx, action, person)];
        if let Some(mut failures) = credential_store::lock_failures(&mut tx, &self.account).await? {
            if let Some(until) = failures.blocked_until.filter(|until| *until > self.counted_at) {
                acts.push(tx.audit(PlatformAudit {
                    actor: Actor::System,
                    action: "login.locked",
                    object_id: person,
                    details: serde_json::json!({ "until": until }),
                }));
            }
            if failures.is_alarming(self.counted_at) {
                failures.alerted_at = Some(self.counted_at);
                credential_store::save_failures(&mut tx, &self.account, Some(&failures)).await?;
                acts.push(push_audit(&mut tx, "login.alert_raised", person));
                let mail = SendAccountMail::new(person, AccountMail::LoginFailures);
                tx.enqueue(None, &mail).await?;
            }
        }
        // For nobody too, as the mail: whether an address is known must not show in the time this takes.
        let tell = acts.into_iter().map(|act| (None, TellOfLoginFailure::new(act)));
        tx.enqueue_all(tell).await?;
        Ok(tx.commit().await?)
    }

    /// Both factors were right, in the transaction that opens the session: nothing is held against the account.
    pub(super) async fn signed_in(&self, tx: &mut SystemTx) -> Result<(), OpError> {
        self.identity.limiter.refund(&self.rules(), self.counted_at).await;
        Ok(credential_store::save_failures(tx, &self.account, None).await?)
    }
}

/// A try of a debtor, who has no password of their own: it counts against the link by which they come, and against the
/// source from which they do. Not against the person: whoever holds an old link of theirs could bar them from a new one.
#[derive(Debug)]
pub struct Turn {
    /// Blind index.
    link: Vec<u8>,
    source: String,
    counted_at: DateTime<Utc>,
}

impl Identity {
    /// Counts a try before it is made, so that parallel guesses cannot slip through.
    ///
    /// # Errors
    /// LOCKED while the link waits, or after too many failures from the source.
    pub async fn take_turn(&self, request_id: &str, link: Uuid, peer: IpAddr) -> Result<Turn, OpError> {
        let turn = Turn {
            link: self
                .keyring
                .platform_blind(&format!("debtor link {link}"))
                .to_vec(),
            source: format!("debtors {}", limit_subject(peer)),
            counted_at: self.wall.now(),
        };
        let now = turn.counted_at;
        let verdict = self.limiter.check(&turn.rules(self), now).await;
        if !verdict.allowed {
            return Err(locked(verdict.retry_after.as_secs()));
        }
        let mut tx = self
            .db
            .system(&SystemCtx::for_reason("debtors' tries", request_id))
            .await?;
        let known = credential_store::lock_failures(&mut tx, &turn.link).await?;
        match known.unwrap_or_default().take_turn(now) {
            Ok(counted) => {
                credential_store::save_failures(&mut tx, &turn.link, Some(&counted)).await?;
                tx.commit().await?;
                Ok(turn)
            }
            Err(until) => {
                self.limiter.refund(&turn.rules(self), now).await;
                Err(locked((until - now).num_seconds().unsigned_abs()))
            }
        }
    }
}

impl Turn {
    fn rules(&self, identity: &Identity) -> [(Rule, &str); 1] {
        let limits = &identity.settings.rate_limits;
        [(limits.debtor_failures_per_ip, self.source.as_str())]
    }

    /// The try was right, in the transaction that opens the session: nothing is held against the link.
    pub(super) async fn forget(&self, identity: &Identity, tx: &mut SystemTx) -> Result<(), OpError> {
        identity
            .limiter
            .refund(&self.rules(identity), self.counted_at)
            .await;
        credential_store::lock_failures(tx, &self.link).await?;
        Ok(credential_store::save_failures(tx, &self.link, None).await?)
    }
}

fn locked(seconds: u64) -> OpError {
    let minutes = seconds.div_ceil(60).max(1);
    UserError::new(
        UserErrorCode::Locked,
        format!("Too many failed attempts. Try again in {minutes} minute(s)."),
    )
    .into()
}

/// Forgets accounts that had no failure for a day, and new addresses that nobody confirmed.
///
/// # Errors
/// [`JobError::Retry`](crate::platform::jobs::JobError::Retry) while the database is away.
pub async fn forget_login_failures(identity: &Identity) -> Result<(), crate::platform::jobs::JobError> {
    let ctx = SystemCtx::for_reason("old failed log-ins", "job-forget-login-failures");
    let mut tx = identity.db.system(&ctx).await?;
    credential_store::forget_failures_before(&mut tx, identity.wall.now() - FORGOTTEN_AFTER).await?;
    email_change_store::forget_before(&mut tx, identity.wall.now()).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
    }

    #[test]
    fn each_failure_from_the_fifth_on_doubles_the_wait_up_to_an_hour() {
        let waits: Vec<Option<i64>> = (1..=13)
            .map(|failures| delay_after(failures).map(|delay| delay.num_minutes()))
            .collect();
        assert_eq!(waits[..4], [None; 4]);
        assert_eq!(waits[4..], [1, 2, 4, 8, 16, 32, 60, 60, 60].map(Some));
        assert_eq!(delay_after(i32::MAX), Some(LONGEST_DELAY));
    }

    #[test]
    fn who_knocks_while_waiting_prolongs_nothing() {
        let mut failures = Failures::default();
        for minute in 0..5 {
            failures = failures.take_turn(at(minute)).unwrap();
        }
        assert_eq!(failures.blocked_until, Some(at(5)));
        assert_eq!(failures.clone().take_turn(at(4)), Err(at(5)));
        let sixth = failures.take_turn(at(5)).unwrap();
        assert_eq!((sixth.failures, sixth.blocked_until), (6, Some(at(7))));
    }

    #[test]
    fn what_was_right_is_given_back_and_a_day_forgets() {
        let one = Failures::default().take_turn(at(0)).unwrap();
        assert_eq!(one.clone().give_back(), None);
        let two = one.take_turn(at(1)).unwrap();
        assert_eq!(two.clone().give_back().unwrap().failures, 1);
        let late = two.take_turn(at(1) + FORGOTTEN_AFTER).unwrap();
        assert_eq!((late.failures, late.recent.len()), (1, 1));
    }

    #[test]
    fn five_failures_in_any_hour_alarm_once_an_hour() {
        let mut failures = Failures::default();
        for minute in [0, 50, 55, 70, 80] {
            failures = failures.take_turn(at(minute)).unwrap();
        }
        assert!(!failures.is_alarming(at(80)), "the first is older than an hour");
        failures = failures.take_turn(at(100)).unwrap();
        assert!(failures.is_alarming(at(100)));
        failures.alerted_at = Some(at(100));
        assert!(!failures.is_alarming(at(101)));
    }
}
