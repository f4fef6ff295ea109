//! Acts on a received text in the transaction that stores it, before anything more can be sent: what it asks for and what it
//! states binds at once (12 CFR 1006.6, 1006.14(h), 1006.38(d); 47 CFR 64.1200(a)(10)). A person looks afterwards.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    contact_places::record_said_of_work,
    disputes::{Found, file_found, file_repeated, file_request, has_asked},
    holds::{HoldKind, HoldSource},
    inbound::{Effect, effects},
    opt_out::{SaidByText, own_names, record_opt_in, record_said_opt_out},
    opt_out_confirmation::is_in_own_words,
    place_hold::{Placement, place_hold},
    reading::{Medium, Names, SaidTime},
    rule_set::RuleSet,
    said_times::{Saying, record_said_times},
    suppressions::{AddressKind, NewSuppression, SuppressionReason, suppress},
};
use crate::{
    accounts::{PhoneOwner, debtors_by_phone, lock_persons, open_accounts_of},
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
        keys::TenantKeys,
    },
};

/// A text that is being stored.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedText<'a> {
    /// The row that stores it.
    pub event_id: Uuid,
    /// The sender's number, E.164.
    pub number: &'a str,
    pub body: &'a str,
    /// The vendor has blocked the number already, for a word that it knows.
    pub is_stopped_by_vendor: bool,
    /// When it came. What it asks for and states counts as of then (12 CFR 1006.6(c), 1006.38(d)), whenever it is acted on.
    pub received_at: DateTime<Utc>,
    /// It is acted on by its job, a while after it came: what was said since may be the contrary.
    pub is_late: bool,
}

/// What a text asks for and states, and on whose records its number stands, each once.
pub struct ReadText {
    effects: Vec<Effect>,
    people: Vec<PhoneOwner>,
}

impl ReadText {
    /// Whether something in it binds.
    pub fn binds(&self) -> bool {
        self.effects.iter().any(|effect| *effect != Effect::Nothing)
    }

    /// Whether something in it is about one debt.
    pub fn is_about_a_debt(&self) -> bool {
        self.effects.iter().any(|effect| match effect {
            Effect::Hold(kind) => is_of_a_debt(*kind),
            effect => *effect == Effect::OriginalCreditor,
        })
    }
}

fn is_of_a_debt(kind: HoldKind) -> bool {
    matches!(kind, HoldKind::Dispute | HoldKind::IdentityTheft)
}

/// Why nothing more may be sent to the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silenced {
    /// They asked for it.
    OptedOut,
    /// It reaches somebody else.
    WrongParty,
}

/// What came of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acted {
    pub silenced: Option<Silenced>,
    /// They opted out in their own words, which nobody has confirmed to them yet.
    pub is_to_be_confirmed: bool,
}

/// Reads a text; nothing is written.
///
/// # Errors
/// [`DbError`] as met.
pub async fn read_text(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    text: &ReceivedText<'_>,
) -> Result<ReadText, DbError> {
    let mut people = debtors_by_phone(tx, &keys.blinds(text.number)).await?;
    people.dedup_by_key(|person| person.debtor_id);
    let names: Vec<&str> = people
        .iter()
        .flat_map(|person| [person.first_name.as_deref(), person.last_name.as_deref()])
        .flatten()
        .collect();
    let names = Names {
        theirs: &names,
        ours: &[],
    };
    let mut found = effects(RuleSet::current(), text.body, &names);
    if found.contains(&Effect::Hold(HoldKind::WrongParty)) {
        // "Who is Dana?" asks after us, where Dana is who writes.
        let ours = own_names(tx).await?;
        let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
        found = effects(RuleSet::current(), text.body, &Names { ours: &ours, ..names });
    }
    let is_ended = |effect: &Effect| {
        matches!(
            effect,
            Effect::Cease | Effect::Revoke(Medium::Own | Medium::Texts)
        )
    };
    if text.is_stopped_by_vendor && !found.iter().any(is_ended) {
        found.push(Effect::Revoke(Medium::Own));
    }
    Ok(ReadText {
        effects: found,
        people,
    })
}

/// Records what the text asks for and states. It vouches for its own number where the rule is about the number; what it
/// states of a person holds for everybody whose number it is, for it cannot be known who of them writes. `thread_account` is the
/// debt that the open thread with the number is about, where there is one.
///
/// # Errors
/// [`OpError`] as met: then nothing of it is stored.
pub async fn act_on_text(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    text: ReceivedText<'_>,
    read: ReadText,
    thread_account: Option<Uuid>,
) -> Result<Acted, OpError> {
    let ReadText { effects, people } = read;
    let ids: Vec<Uuid> = people.iter().map(|person| person.debtor_id).collect();
    let is_of_the_person = |effect: &Effect| match effect {
        Effect::Nothing | Effect::Resubscribe | Effect::Revoke(Medium::Own | Medium::Texts) => false,
        Effect::Cease
        | Effect::Hold(_)
        | Effect::OriginalCreditor
        | Effect::NotAtWork
        | Effect::NotThen(_)
        | Effect::Revoke(Medium::Calls | Medium::Email | Medium::Whatsapp) => true,
    };
    if effects.iter().any(is_of_the_person) && !ids.is_empty() {
        // Whoever decides over a contact with them stands before this, or sees it.
        lock_persons(tx, &ids).await?;
    }
    let mut acted = Acted::default();
    // 12 CFR 1006.6(c)(2): after a notice to cease, what may still be said is not this.
    let is_confirmable = !effects.contains(&Effect::Cease)
        && !effects.contains(&Effect::Hold(HoldKind::WrongParty))
        && !text.is_stopped_by_vendor
        && is_in_own_words(text.body)
        && !ids.is_empty();
    let said = SaidByText {
        event: text.event_id,
        at: text.received_at,
        number: text.number,
        people: &ids,
    };
    let holding = Holding {
        people: &people,
        text,
        thread_account,
    };
    let times: Vec<SaidTime> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::NotThen(time) => Some(*time),
            _ => None,
        })
        .collect();
    if !times.is_empty() {
        let saying = Saying {
            event: text.event_id,
            at: text.received_at,
            words: text.body,
            people: &ids,
        };
        record_said_times(tx, keys, saying, &times).await?;
    }
    for effect in effects {
        match effect {
            Effect::Nothing | Effect::NotThen(_) => {}
            // One that is late gives nothing back: a STOP may have come after it. Who means it says it again.
            Effect::Resubscribe if asks_to_start(text.body) && !text.is_late => {
                record_opt_in(tx, keys, text.number, text.event_id).await?;
            }
            Effect::Resubscribe => {}
            Effect::Revoke(medium) => {
                let opt_out = record_said_opt_out(tx, keys, said, Some(medium)).await?;
                if matches!(medium, Medium::Own | Medium::Texts) {
                    acted.is_to_be_confirmed |= opt_out.is_new && is_confirmable;
                    acted.silenced = Some(Silenced::OptedOut);
                }
            }
            Effect::Cease => {
                let opt_out = record_said_opt_out(tx, keys, said, None).await?;
                let suppression = Some(opt_out.id);
                holding.place(tx, HoldKind::CeaseContact, suppression).await?;
                acted.silenced = Some(Silenced::OptedOut);
            }
            Effect::OriginalCreditor => holding.ask_for_original_creditor(tx).await?,
            Effect::NotAtWork => {
                record_said_of_work(tx, keys, (&ids, text.received_at), text.body).await?;
            }
            Effect::Hold(HoldKind::WrongParty) => {
                let suppression = suppress_wrong_party(tx, keys, &text, &ids).await?;
                holding.place(tx, HoldKind::WrongParty, Some(suppression)).await?;
                acted.silenced = acted.silenced.or(Some(Silenced::WrongParty));
            }
            Effect::Hold(kind) => holding.place(tx, kind, None).await?,
        }
    }
    Ok(acted)
}

/// 15 USC 1692c(b); 47 CFR 64.1200(m): the number is contacted for nobody, on no channel.
async fn suppress_wrong_party(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    text: &ReceivedText<'_>,
    people: &[Uuid],
) -> Result<Uuid, DbError> {
    let blind = keys.blind(text.number);
    let new = NewSuppression {
        kind: AddressKind::Phone,
        debtor_id: if let [only] = people { Some(*only) } else { None },
        address_blind: blind.as_slice(),
        channel: "ALL",
        reason: SuppressionReason::WrongParty,
        since: text.received_at,
    };
    Ok(suppress(tx, new).await?.id)
}

/// Whom the holds of a text are placed on.
struct Holding<'a> {
    people: &'a [PhoneOwner],
    text: ReceivedText<'a>,
    thread_account: Option<Uuid>,
}

impl Holding<'_> {
    /// Places the hold on everybody behind the number. Where one of its kind stands already, nothing changes but what a dispute
    /// in writing adds to what was known of it.
    async fn place(
        &self,
        tx: &mut TenantTx,
        kind: HoldKind,
        suppression_id: Option<Uuid>,
    ) -> Result<(), OpError> {
        for person in self.people {
            let account_id = match is_of_a_debt(kind) {
                true => self.debt_in_question(tx, person.debtor_id).await?,
                false => None,
            };
            let placement = Placement {
                account_id,
                event_id: Some(self.text.event_id),
                suppression_id,
                since: Some(self.text.received_at),
                ..Placement::new(person.debtor_id, kind, HoldSource::InboundText)
            };
            let found = Found {
                debtor_id: person.debtor_id,
                account_id,
                hold_id: placement.id,
                text: Some((self.text.event_id, self.text.received_at)),
            };
            let is_new = place_hold(tx, placement).await?;
            match (kind == HoldKind::Dispute, is_new) {
                (true, true) => file_found(tx, found).await?,
                (true, false) => file_repeated(tx, found).await?,
                (false, _) => {}
            }
        }
        Ok(())
    }

    /// Files that everybody behind the number asks for the original creditor (12 CFR 1006.38(c)), marked as a dispute is. Where
    /// such a request waits for its answer already, asking again changes nothing.
    async fn ask_for_original_creditor(&self, tx: &mut TenantTx) -> Result<(), OpError> {
        for person in self.people {
            let account_id = self.debt_in_question(tx, person.debtor_id).await?;
            if has_asked(tx, person.debtor_id, account_id).await? {
                continue;
            }
            let placement = Placement {
                account_id,
                event_id: Some(self.text.event_id),
                since: Some(self.text.received_at),
                ..Placement::new(person.debtor_id, HoldKind::Dispute, HoldSource::InboundText)
            };
            let found = Found {
                debtor_id: person.debtor_id,
                account_id,
                hold_id: placement.id,
                text: Some((self.text.event_id, self.text.received_at)),
            };
            let is_new = place_hold(tx, placement).await?;
            file_request(tx, found, is_new).await?;
        }
        Ok(())
    }

    /// The debt that is meant, when there is no doubt: the one that the thread is about, or the only one. Otherwise the hold
    /// is on all of them.
    async fn debt_in_question(&self, tx: &mut TenantTx, debtor: Uuid) -> Result<Option<Uuid>, DbError> {
        let open = open_accounts_of(tx, debtor).await?;
        let meant = match (self.thread_account, open.as_slice()) {
            (Some(id), all) => all.iter().find(|account| account.id == id),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        // A hold stands on the record that the debt is of.
        Ok(meant
            .filter(|account| account.debtor_id == debtor)
            .map(|account| account.id))
    }
}

/// "Yes" may answer a question of ours; only words that can mean nothing else restore texts.
fn asks_to_start(body: &str) -> bool {
    let word: String = body
        .chars()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    !matches!(word.as_str(), "yes" | "si" | "s")
}

/// The text has become a message: the holds that it placed, and the times that it calls inconvenient, name it. Returns the records
/// that they stand on.
///
/// # Errors
/// [`DbError`] as met.
pub async fn attribute_stated(tx: &mut TenantTx, event: Uuid, message: Uuid) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    let mut held = sqlx::query_scalar!(
        r#"WITH held AS (
             UPDATE holds SET message_id = $3 WHERE business_id = $1 AND event_id = $2 RETURNING debtor_id),
         timed AS (
             UPDATE inconvenient_times SET message_id = $3 WHERE business_id = $1 AND event_id = $2 RETURNING debtor_id)
         SELECT debtor_id AS "debtor_id!" FROM held UNION ALL SELECT debtor_id FROM timed"#,
        business,
        event,
        message,
    )
    .fetch_all(tx.conn())
    .await?;
    held.sort_unstable();
    held.dedup();
    Ok(held)
}
