//! The consent ledger: what people said of the use of their addresses, never changed, the latest word by business time
//! counts. A revocation is a word of its own and removes no grant (47 CFR 64.1200(a)(10); 12 CFR 1006.6(d)).

use async_graphql::Enum;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::facts::ClockTime;
use crate::{
    access::{Cell, authorize},
    accounts::{Channel, DebtorRow, contact_points_of, debtor_by_id, lock_person},
    platform::{
        db::{AuditEntry, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{TenantKeys, WrappedKey},
    },
};

/// What an address may be used for. Each is consented to by itself.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ConsentPurpose {
    /// Contact about a debt.
    Collection,
    /// Offers. No consent to contact about a debt is one to these (47 CFR 64.1200(f)(9)).
    Marketing,
    /// Legal notices in electronic form (15 USC 7001(c)).
    ElectronicNotices,
    /// To be called about a debt (12 CFR 1006.14(b)(3)(i)): for seven days from the day on which it was said, or on the day that
    /// was named among them. Such a call is not counted, and the first one uses it up.
    CallBack,
    /// To be contacted on the channel at hours that were named, at which nobody is otherwise (12 CFR 1006.6(b)(1)).
    OutsideHours,
    /// To be contacted directly although an attorney represents the person, who said so (12 CFR 1006.6(b)(2)). It counts from when
    /// the representation was recorded on.
    DirectContact,
}

impl ConsentPurpose {
    const ALL: [Self; 6] = [
        Self::Collection,
        Self::Marketing,
        Self::ElectronicNotices,
        Self::CallBack,
        Self::OutsideHours,
        Self::DirectContact,
    ];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Collection => "COLLECTION",
            Self::Marketing => "MARKETING",
            Self::ElectronicNotices => "ELECTRONIC_NOTICES",
            Self::CallBack => "CALL_BACK",
            Self::OutsideHours => "OUTSIDE_HOURS",
            Self::DirectContact => "DIRECT_CONTACT",
        }
    }

    /// The reverse of [`ConsentPurpose::as_str`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// What was said.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ConsentStatus {
    /// Yes.
    Granted,
    /// Yes, to the creditor, in the transaction that made the debt; the gate asks for more where the law does.
    ImpliedFromCreditor,
    /// No more.
    Revoked,
}

impl ConsentStatus {
    const ALL: [Self; 3] = [Self::Granted, Self::ImpliedFromCreditor, Self::Revoked];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "GRANTED",
            Self::ImpliedFromCreditor => "IMPLIED_FROM_CREDITOR",
            Self::Revoked => "REVOKED",
        }
    }

    /// The reverse of [`ConsentStatus::as_str`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// How it was said.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ConsentSource {
    /// On a form of a web site.
    WebForm,
    /// In the debtors' portal.
    Portal,
    /// By a link in a message.
    Link,
    /// In a text.
    Text,
    /// In an e-mail.
    Email,
    /// On the telephone.
    Call,
    /// On paper.
    Paper,
    /// To the creditor.
    Creditor,
    /// In another way, which the note tells.
    Other,
}

impl ConsentSource {
    const ALL: [Self; 9] = [
        Self::WebForm,
        Self::Portal,
        Self::Link,
        Self::Text,
        Self::Email,
        Self::Call,
        Self::Paper,
        Self::Creditor,
        Self::Other,
    ];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::WebForm => "WEB_FORM",
            Self::Portal => "PORTAL",
            Self::Link => "LINK",
            Self::Text => "TEXT",
            Self::Email => "EMAIL",
            Self::Call => "CALL",
            Self::Paper => "PAPER",
            Self::Creditor => "CREDITOR",
            Self::Other => "OTHER",
        }
    }

    /// The reverse of [`ConsentSource::as_str`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// Whether a consent is evidenced in writing. What the person wrote, signed or pressed is; what they said on the telephone is not,
/// and what others tell of it counts with the words that were shown and their version, or whence they came.
pub(super) fn is_written(source: ConsentSource, words_kept: bool) -> bool {
    match source {
        ConsentSource::Call => false,
        ConsentSource::Creditor | ConsentSource::Other => words_kept,
        ConsentSource::WebForm
        | ConsentSource::Portal
        | ConsentSource::Link
        | ConsentSource::Text
        | ConsentSource::Email
        | ConsentSource::Paper => true,
    }
}

/// What proves it; sealed under the person's record key.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ConsentEvidence {
    /// The exact words that were shown, or said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The version of those words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_version: Option<String>,
    /// The IP address that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// The program that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ConsentEvidence {
    /// The words that were shown are there, with their version or whence they came.
    fn keeps_words(&self) -> bool {
        self.text.is_some() && (self.text_version.is_some() || self.ip_address.is_some())
    }
}

/// What somebody named who asked to be contacted.
#[derive(Clone, Debug, Default)]
pub struct ConsentTerms {
    /// The hours, `HH:MM` on their own clock, past midnight where they end before they begin.
    pub hours: Option<(String, String)>,
    /// The day.
    pub on: Option<NaiveDate>,
}

/// A word on one address, for one channel and purpose.
#[derive(Clone, Debug)]
pub struct NewConsent {
    pub contact_point_id: Uuid,
    pub channel: Channel,
    pub purpose: ConsentPurpose,
    pub status: ConsentStatus,
    /// Said to this business itself, not through the creditor (12 CFR 1006.6(d)(5)).
    pub given_directly: bool,
    pub source: ConsentSource,
    /// When it was said; now when none.
    pub said_at: Option<DateTime<Utc>>,
    pub evidence: ConsentEvidence,
    pub terms: ConsentTerms,
    /// The received text that says so.
    pub event_id: Option<Uuid>,
}

impl NewConsent {
    /// A consent to contact about debts that was given directly, now, and nothing more known of it.
    pub fn granted(contact_point_id: Uuid, channel: Channel, source: ConsentSource) -> Self {
        Self {
            contact_point_id,
            channel,
            purpose: ConsentPurpose::Collection,
            status: ConsentStatus::Granted,
            given_directly: true,
            source,
            said_at: None,
            evidence: ConsentEvidence::default(),
            terms: ConsentTerms::default(),
            event_id: None,
        }
    }
}

/// A word as it stands in the ledger.
#[derive(Clone, Debug)]
pub(super) struct ConsentRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) contact_point_id: Uuid,
    pub(super) channel: String,
    pub(super) purpose: String,
    pub(super) status: String,
    pub(super) given_directly: bool,
    pub(super) source: String,
    pub(super) said_at: DateTime<Utc>,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) recorded_by: Option<Uuid>,
    pub(super) evidence_cipher: Option<Vec<u8>>,
    pub(super) from_minute: Option<i16>,
    pub(super) to_minute: Option<i16>,
    pub(super) on_date: Option<NaiveDate>,
    pub(super) key: WrappedKey,
}

/// Records what staff know of a consent, or an integrator.
///
/// # Errors
/// User errors: NOT_FOUND for an address that is not the caller's, INVALID_INPUT for a channel that does not fit it, words
/// that are too long, an instant that lies ahead, or a grant without its words; CONFLICT for a person whose records were
/// destroyed.
pub async fn record_consent(tx: &mut TenantTx, keys: &TenantKeys, new: NewConsent) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::ConsentRecord).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    write(tx, keys, new).await
}

/// Records that a consent is taken back, on the person's word.
///
/// # Errors
/// As [`record_consent`].
pub async fn revoke_consent(tx: &mut TenantTx, keys: &TenantKeys, new: NewConsent) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::ConsentRecord).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let revoked = NewConsent {
        status: ConsentStatus::Revoked,
        ..new
    };
    write(tx, keys, revoked).await
}

/// The debtor, signed in, takes back what stands for contact about their debts on these channels, at every number or address
/// of theirs. The caller has checked who they are.
///
/// # Errors
/// As [`record_consent`].
pub async fn revoke_own_consents(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    debtor: Uuid,
    channels: &[Channel],
) -> Result<(), OpError> {
    for point in contact_points_of(tx, &[debtor]).await? {
        let fits = |channel: &&Channel| {
            **channel != Channel::WebChat && (**channel == Channel::Email) == (point.kind == "EMAIL")
        };
        for channel in channels.iter().filter(fits) {
            let new = NewConsent {
                status: ConsentStatus::Revoked,
                ..NewConsent::granted(point.id, *channel, ConsentSource::Portal)
            };
            write(tx, keys, new).await?;
        }
    }
    Ok(())
}

async fn write(tx: &mut TenantTx, keys: &TenantKeys, new: NewConsent) -> Result<Uuid, OpError> {
    check(tx.now(), &new)?;
    let (from, to) = hours_of(&new)?.unzip();
    let (owner, kind) = point_of(tx, new.contact_point_id).await?;
    let is_email = new.channel == Channel::Email;
    if new.channel == Channel::WebChat || is_email != (kind == "EMAIL") {
        let message = "This address cannot be reached on this channel.";
        return Err(UserError::invalid("channel", message).into());
    }
    lock_person(tx, owner.id).await?;
    let record = keys.data_key(&owner.keys.record)?.ok_or_else(|| {
        let message = "This person's records were destroyed.";
        UserError::at(UserErrorCode::Conflict, "contactPointId", message)
    })?;
    let id = ids::next();
    let evidence = serde_json::to_vec(&new.evidence).map_err(|error| OpError::Internal(error.into()))?;
    let sealed = (new.evidence != ConsentEvidence::default())
        .then(|| keys.seal(&record, "consents", "evidence_cipher", id, &evidence))
        .transpose()?;
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO consents (business_id, id, debtor_id, contact_point_id, channel, purpose, status, given_directly, source,
             said_at, recorded_at, recorded_by, event_id, evidence_cipher, words_kept, from_minute, to_minute, on_date)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        business,
        id,
        owner.id,
        new.contact_point_id,
        new.channel.as_str(),
        new.purpose.as_str(),
        new.status.as_str(),
        new.given_directly,
        new.source.as_str(),
        new.said_at.unwrap_or(now),
        now,
        user,
        new.event_id,
        sealed,
        new.evidence.keeps_words(),
        from,
        to,
        new.terms.on,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({
        "channel": new.channel.as_str(), "purpose": new.purpose.as_str(), "status": new.status.as_str(),
        "source": new.source.as_str(), "contact_point": new.contact_point_id,
    });
    let action = match new.status {
        ConsentStatus::Revoked => "consent.revoked",
        _ => "consent.recorded",
    };
    tx.audit(AuditEntry::plain(action, id, &details).about(Some(owner.id)));
    tx.emit(LiveEvent {
        kind: "DEBTOR_UPDATED",
        debtor_id: Some(owner.id),
        ..LiveEvent::default()
    });
    Ok(id)
}

fn check(now: DateTime<Utc>, new: &NewConsent) -> Result<(), UserError> {
    if new.said_at.is_some_and(|said_at| said_at > now) {
        return Err(UserError::invalid("saidAt", "This instant lies ahead."));
    }
    let evidence = &new.evidence;
    for (field, text, most) in [
        ("text", &evidence.text, 5_000),
        ("textVersion", &evidence.text_version, 100),
        ("ipAddress", &evidence.ip_address, 45),
        ("userAgent", &evidence.user_agent, 500),
        ("note", &evidence.note, 1_000),
    ] {
        let fits = |text: &String| (1..=most).contains(&text.trim().chars().count());
        if !text.as_ref().is_none_or(fits) {
            let message = format!("Write 1 to {most} characters, or leave it out.");
            return Err(UserError::invalid(field, message));
        }
    }
    let is_address = |text: &String| text.trim().parse::<std::net::IpAddr>().is_ok();
    if !evidence.ip_address.as_ref().is_none_or(is_address) {
        return Err(UserError::invalid("ipAddress", "Give an IPv4 or IPv6 address."));
    }
    Ok(())
}

/// The hours in minutes since midnight, where the consent is to some; and what no such consent can be.
fn hours_of(new: &NewConsent) -> Result<Option<(i16, i16)>, UserError> {
    if new.terms.on.is_some() && new.purpose != ConsentPurpose::CallBack {
        let message = "A day is named of a call that somebody asked for: leave it out, or say CALL_BACK.";
        return Err(UserError::invalid("onDate", message));
    }
    if new.purpose == ConsentPurpose::CallBack && new.channel != Channel::Voice {
        return Err(UserError::invalid("channel", "A call is made by VOICE."));
    }
    let is_to_hours = new.purpose == ConsentPurpose::OutsideHours && new.status != ConsentStatus::Revoked;
    let minute = |field: &str, text: &str| {
        let time = ClockTime::parse(text).filter(|_| text.len() == 5);
        let minute = time.and_then(|time| i16::try_from(time.seconds() / 60).ok());
        minute.ok_or_else(|| UserError::invalid(field, "Write a time of day as HH:MM."))
    };
    match (&new.terms.hours, is_to_hours) {
        (None, false) => Ok(None),
        (None, true) => {
            let message = "Name the hours, fromTime and toTime, to which the person said yes.";
            Err(UserError::invalid("fromTime", message))
        }
        (Some(_), false) => {
            let message = "Hours are named of a consent to them: leave them out, or say OUTSIDE_HOURS.";
            Err(UserError::invalid("fromTime", message))
        }
        (Some((from, to)), true) => {
            let (from, to) = (minute("fromTime", from)?, minute("toTime", to)?);
            let is_some_time = from != to && from < 1_440 && to > 0;
            if !is_some_time {
                return Err(UserError::invalid(
                    "toTime",
                    "These hours have no beginning or no end.",
                ));
            }
            Ok(Some((from, to)))
        }
    }
}

/// Whose address it is, and whether it is a `PHONE` or an `EMAIL`. A removed one is nobody's.
async fn point_of(tx: &mut TenantTx, id: Uuid) -> Result<(DebtorRow, String), OpError> {
    let no_point = || UserError::not_found("contactPointId", "contact point");
    let business = tx.business_id();
    let point = sqlx::query!(
        "SELECT debtor_id, kind FROM contact_points WHERE business_id = $1 AND id = $2 AND removed_at IS NULL",
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(no_point)?;
    let owner = debtor_by_id(tx, point.debtor_id).await?.ok_or_else(no_point)?;
    Ok((owner, point.kind))
}
