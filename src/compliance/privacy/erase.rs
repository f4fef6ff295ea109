//! Erasure: asked for, decided by the rules, and done by a job in one transaction, so that a run that dies leaves all or
//! nothing, and one that comes again finds it done.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    activity::{PersonClock, clocks},
    model::{PrivacyRegime, PrivacyRequestKind, PrivacyRequestStatus},
    requests::{check_text, destroyed},
    retention::{kept_until, retention_years_of},
    store::{self, Erasure, NewRow, privacy_request_by_id},
};
use crate::{
    access::{Cell, authorize},
    accounts::{DebtorRow, addresses_of_nobody_else, debtor_by_id, lock_person},
    compliance::{
        decide::{Strictness, decide},
        decision::Decision,
        facts::{Action, ActionType},
        rule_set::RuleSet,
    },
    identity::{Identity, end_debtor_sessions},
    platform::{
        context::{SystemCtx, TenantCtx},
        crypto::DataKey,
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{Done, UserError, UserErrorCode},
        ids,
        jobs::{Job, JobError},
        keys::TenantKeys,
    },
};

/// What the rules call an erasure of everything, because the law wants nothing kept any more.
const ERASE_ALL: &str = "erase_all_but_suppression";
/// An erasure is done within seconds; one this late was given up by the queue.
const OVERDUE: TimeDelta = TimeDelta::hours(1);
/// Erasures that are taken up per run; what is left waits for the next.
const AT_MOST: i64 = 1000;

/// Erases one person, as a request says.
#[derive(Debug, Deserialize, Serialize)]
pub struct EraseDebtor {
    pub(super) id: Uuid,
}

impl Job for EraseDebtor {
    const NAME: &'static str = "privacy.erase_debtor";
}

/// What the job works with.
#[derive(Clone)]
pub struct Eraser {
    pub identity: Identity,
}

/// What is decided about a person's data now.
struct Decided {
    decision: Decision,
    facts: Vec<u8>,
    kept_until: Option<NaiveDate>,
}

impl Decided {
    /// Whether the records go as well.
    fn erases_all(&self) -> bool {
        self.kept_until.is_none()
    }

    fn sealed(&self, keys: &TenantKeys, record: Option<&DataKey>, id: Uuid) -> Result<Erasure, OpError> {
        let facts_cipher = match record {
            Some(record) => Some(keys.seal(record, "privacy_requests", "facts_cipher", id, &self.facts)?),
            None => None,
        };
        Ok(Erasure {
            decision: serde_json::to_value(&self.decision).map_err(anyhow::Error::from)?,
            facts_cipher,
            kept_until: self.kept_until,
        })
    }
}

async fn decide_erasure(
    tx: &mut TenantTx,
    clock: &PersonClock,
    regime: PrivacyRegime,
) -> Result<Decided, OpError> {
    let years = retention_years_of(tx).await?;
    let action = Action {
        action_type: Some(ActionType::ErasureRequest),
        regime: Some(regime.fact().to_owned()),
        ..Action::default()
    };
    let facts = clock.facts(tx.now(), action);
    let decision = decide(RuleSet::current(), &facts, Strictness::Production);
    let until = kept_until(RuleSet::current(), clock, years);
    // The rules know the law's term; what a business keeps longer by its own choice, it keeps.
    let is_over = tx.now().date_naive() > until && !clock.has_open_matter;
    let erases_all = decision.effect.as_deref() == Some(ERASE_ALL) && is_over;
    Ok(Decided {
        facts: serde_json::to_vec(&facts).map_err(anyhow::Error::from)?,
        kept_until: (!erases_all).then_some(until),
        decision,
    })
}

/// Asks for the erasure of a person, all of their records, and returns the request with what was decided. A legal hold
/// refuses it: the request is written down as denied.
///
/// # Errors
/// User errors: NOT_FOUND for a person who is not the caller's, INVALID_INPUT for a reason that does not fit, CONFLICT for
/// one who is erased, or being erased, or whose records were destroyed, and under a legal hold.
pub async fn request_erasure(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    debtor: Uuid,
    regime: PrivacyRegime,
    reason: &str,
) -> Result<Done, OpError> {
    authorize(tx.ctx(), Cell::PrivacyManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_text("reason", reason)?;
    let not_found = || UserError::not_found("debtorId", "debtor");
    let known = debtor_by_id(tx, debtor).await?.ok_or_else(not_found)?;
    lock_person(tx, known.id).await?;
    let known = debtor_by_id(tx, known.id).await?.ok_or_else(not_found)?;
    let person = debtor_by_id(tx, known.person_id).await?.ok_or_else(not_found)?;
    let record = keys.data_key(&person.keys.record)?.ok_or_else(destroyed)?;
    check_not_erased(tx, keys, &person).await?;
    let clock = clock_of(tx, person.id).await?;
    let decided = decide_erasure(tx, &clock, regime).await?;
    let id = ids::next();
    let erasure = decided.sealed(keys, Some(&record), id)?;
    let status = match clock.on_legal_hold {
        true => PrivacyRequestStatus::Denied,
        false => PrivacyRequestStatus::Running,
    };
    let row = NewRow {
        id,
        debtor_id: person.id,
        kind: PrivacyRequestKind::Erasure,
        regime,
        status,
        reason_cipher: Some(keys.seal(
            &record,
            "privacy_requests",
            "reason_cipher",
            id,
            reason.trim().as_bytes(),
        )?),
        received_at: tx.now(),
        own_account: None,
        erasure: Some(&erasure),
    };
    store::insert(tx, row).await?;
    let details = json!({
        "kind": "ERASURE", "regime": regime.as_str(), "status": status.as_str(), "effect": decided.decision.effect,
        "kept_until": decided.kept_until, "open_accounts": clock.open_accounts,
    });
    tx.audit(AuditEntry::plain("privacy.requested", id, &details).about(Some(person.id)));
    let mut done = Done::from(id);
    if clock.on_legal_hold {
        done.user_errors.push(UserError::at(
            UserErrorCode::Conflict,
            "debtorId",
            "A legal hold stands on this person or one of their debts: nothing is erased before it is released. The \
             request is written down as denied.",
        ));
    } else {
        tx.enqueue(&EraseDebtor { id });
    }
    Ok(done)
}

async fn check_not_erased(tx: &mut TenantTx, keys: &TenantKeys, person: &DebtorRow) -> Result<(), OpError> {
    let conflict = |message: &str| UserError::at(UserErrorCode::Conflict, "debtorId", message);
    if keys.data_key(&person.keys.profile)?.is_none() {
        return Err(conflict("This person's data was erased already.").into());
    }
    let business = tx.business_id();
    let is_running = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM privacy_requests
             WHERE business_id = $1 AND debtor_id = $2 AND kind = 'ERASURE' AND status = 'RUNNING') AS "is_running!""#,
        business,
        person.id,
    )
    .fetch_one(tx.conn())
    .await?;
    if is_running {
        return Err(conflict("This person is being erased already.").into());
    }
    Ok(())
}

async fn clock_of(tx: &mut TenantTx, person: Uuid) -> Result<PersonClock, OpError> {
    let clock = clocks(tx, &[person]).await?.pop();
    Ok(clock.ok_or_else(|| anyhow::anyhow!("a person without a record"))?)
}

/// Runs [`EraseDebtor`].
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn erase_debtor(eraser: &Eraser, ctx: &TenantCtx, job: EraseDebtor) -> Result<(), JobError> {
    let ended = run(eraser, ctx, job.id)
        .await
        .map_err(|error| JobError::Retry(format!("{error:#}")))?;
    eraser.identity.forget_sessions(&ended);
    Ok(())
}

/// Enqueues the erasures that should have been done an hour ago: the queue gives a job up after twelve tries, and nobody may
/// ask for the same erasure again while it is said to run.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn resume_erasures(db: &Db) -> Result<(), JobError> {
    let ctx = SystemCtx::for_reason("erasures that did not end", "job-resume-erasures");
    let mut tx = db.system(&ctx).await?;
    let before = tx.now() - OVERDUE;
    let rows = sqlx::query!(
        "SELECT business_id, id FROM privacy_requests
         WHERE kind = 'ERASURE' AND status = 'RUNNING' AND recorded_at <= $1 ORDER BY recorded_at LIMIT $2",
        before,
        AT_MOST,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    for row in rows {
        tx.enqueue(Some(row.business_id), &EraseDebtor { id: row.id })
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The debtors' sessions that it ended.
async fn run(eraser: &Eraser, ctx: &TenantCtx, id: Uuid) -> Result<Vec<Uuid>, OpError> {
    let (db, keyring) = (&eraser.identity.db, &eraser.identity.keyring);
    let keys = keyring.business(db, ctx.business_id()).await?;
    let mut tx = db.tenant(ctx).await?;
    let Some(asked) = privacy_request_by_id(&mut tx, id).await? else {
        return Ok(Vec::new());
    };
    lock_person(&mut tx, asked.debtor_id).await?;
    // Another run may have been at it while this one waited.
    let request = privacy_request_by_id(&mut tx, id).await?;
    let Some(request) = request.filter(|request| request.status == PrivacyRequestStatus::Running.as_str())
    else {
        return Ok(Vec::new());
    };
    let person = debtor_by_id(&mut tx, request.debtor_id)
        .await?
        .ok_or_else(|| anyhow::anyhow!("the person of a request is missing"))?
        .person_id;
    let clock = clock_of(&mut tx, person).await?;
    let regime = PrivacyRegime::parse(&request.regime).unwrap_or(PrivacyRegime::Other);
    let decided = decide_erasure(&mut tx, &clock, regime).await?;
    let record = keys.data_key(&request.key)?;
    let erasure = decided.sealed(&keys, record.as_ref(), id)?;
    if clock.on_legal_hold {
        store::end_erasure(&mut tx, id, PrivacyRequestStatus::Denied, &erasure).await?;
        let details = json!({ "status": "DENIED", "legal_hold": true });
        tx.audit(AuditEntry::plain("privacy.answered", id, &details).about(Some(person)));
        tx.commit().await?;
        return Ok(Vec::new());
    }
    let wall = eraser.identity.wall.now();
    let ended = destroy(&mut tx, &keys, &clock.members, decided.erases_all(), wall).await?;
    store::end_erasure(&mut tx, id, PrivacyRequestStatus::Completed, &erasure).await?;
    let details = json!({
        "request": id, "regime": request.regime, "effect": decided.decision.effect, "kept_until": decided.kept_until,
        "records": clock.members.len(),
    });
    for member in &clock.members {
        tx.audit(AuditEntry::plain("debtor.erased", *member, &details).about(Some(*member)));
        tell(&mut tx, *member);
    }
    tx.commit().await?;
    Ok(ended)
}

/// Destroys the keys of a person's records: the profile's, and where `records_too` the records' own. What the keys do not
/// reach goes with them (`app.forget_person`), and their sessions end: their ids.
pub(super) async fn destroy(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    members: &[Uuid],
    records_too: bool,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, OpError> {
    end_threads_of_nobody(tx, keys, members).await?;
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE data_keys SET wrapped = NULL, destroyed_at = $3
         WHERE business_id = $1 AND debtor_id = ANY($2) AND destroyed_at IS NULL AND (purpose = 'PROFILE' OR $4)",
        business,
        members,
        now,
        records_too,
    )
    .execute(tx.conn())
    .await
    .map_err(DbError::from)?;
    Ok(end_debtor_sessions(tx, members, None, wall).await?)
}

/// Threads of nobody with an address that is nobody else's hold the person's own words, and go with their keys
/// (`app.forget_thread`). Whose an address is, the stored indexes alone do not tell (`accounts::addresses_of_nobody_else`).
async fn end_threads_of_nobody(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    members: &[Uuid],
) -> Result<(), OpError> {
    let addresses = addresses_of_nobody_else(tx, keys, members).await?;
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE data_keys k SET wrapped = NULL, destroyed_at = $3
         FROM conversations v
         WHERE v.business_id = $1 AND v.debtor_id IS NULL AND v.peer_blind = ANY($2) AND k.business_id = $1
           AND k.id = v.record_key_id AND k.debtor_id IS NULL AND k.destroyed_at IS NULL",
        business,
        &addresses,
        now,
    )
    .execute(tx.conn())
    .await
    .map_err(DbError::from)?;
    Ok(())
}

pub(super) fn tell(tx: &mut TenantTx, debtor: Uuid) {
    tx.emit(LiveEvent {
        kind: "DEBTOR_UPDATED",
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
}
