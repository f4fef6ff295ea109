//! Writes an archive. Run again after a death, it starts with a new file: what the first one left goes by itself, and of two
//! that run at once the first to finish wins.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    KEPT, documents, evidence, own,
    pack::Pack,
    rows,
    sections::{Opener, Section, Selection},
    summary::{Gist, Head, MOST_TOLD, page},
};
use crate::{
    accounts::debtor_by_id,
    audit::{AccessEntry, AccessLog},
    files::{self, Files, NewFile, Purpose, Stored},
    platform::{
        context::{Actor, GrantSet, TenantCtx},
        db::{AuditEntry, Db},
        error::OpError,
        ids::{self, IdKind},
        jobs::{Job, JobError, Lane},
        keys::{Keyring, TenantKeys},
    },
};

/// Writes one archive.
#[derive(Debug, Deserialize, Serialize)]
pub struct RunArchive {
    pub(super) id: Uuid,
}

impl Job for RunArchive {
    const NAME: &'static str = "privacy.run_archive";
    const LANE: Lane = Lane::Long;
}

/// What the job works with.
#[derive(Clone)]
pub struct Archivist {
    pub db: Db,
    pub keyring: Keyring,
    pub files: Files,
    pub access_log: AccessLog,
}

/// What an archive holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Evidence,
    /// What a debtor takes a copy of themselves.
    Own,
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "DATA" => Some(Self::Data),
            "EVIDENCE" => Some(Self::Evidence),
            "OWN" => Some(Self::Own),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Evidence => "evidence",
            Self::Own => "own",
        }
    }
}

/// What there is to do.
struct Task {
    id: Uuid,
    kind: Kind,
    debtor: Uuid,
    requester: Uuid,
    of: Selection,
    /// In whose name the lists are read: row-level security then shows what is theirs.
    reader: TenantCtx,
    language: String,
    business: String,
    /// The day (UTC).
    made_on: NaiveDate,
}

/// Runs [`RunArchive`].
///
/// # Errors
/// [`JobError::Retry`] while database or object store are away.
pub async fn run_archive(archivist: &Archivist, ctx: &TenantCtx, job: RunArchive) -> Result<(), JobError> {
    run(archivist, ctx, &job)
        .await
        .map_err(|error| JobError::Retry(format!("{error:#}")))
}

async fn run(archivist: &Archivist, ctx: &TenantCtx, job: &RunArchive) -> Result<(), OpError> {
    let Some(task) = begin(archivist, ctx, job.id).await? else {
        return Ok(());
    };
    log_read(archivist, ctx, &task).await?;
    let name = format!(
        "{}-{}-{}.zip",
        task.kind.word(),
        ids::encode(IdKind::Debtor, task.debtor),
        archivist.db.clock().now().format("%Y-%m-%d-%H%M"),
    );
    let file = NewFile {
        purpose: Purpose::Export,
        name,
        media_type: "application/zip",
    };
    let mut out = archivist.files.begin(ctx, file).await?;
    // Whoever is erased from now on takes the file along.
    let mut tx = archivist.db.tenant(ctx).await?;
    files::tells_of(&mut tx, out.id(), &task.of.members).await?;
    tx.commit().await?;
    if let Err(error) = write(archivist, ctx, &task, Pack::into_file(&mut out)).await {
        out.abandon().await;
        return Err(error);
    }
    let stored = out.finish().await?;
    finish(archivist, ctx, &task, &stored).await
}

/// Nothing when it has ended already.
async fn begin(archivist: &Archivist, ctx: &TenantCtx, id: Uuid) -> Result<Option<Task>, OpError> {
    let mut tx = archivist.db.tenant(ctx).await?;
    let business = tx.business_id();
    let row = sqlx::query!(
        "UPDATE debtor_archives SET state = 'RUNNING'
         WHERE business_id = $1 AND id = $2 AND state IN ('QUEUED', 'RUNNING')
         RETURNING kind, debtor_id, account_id, from_at, until_at, requested_by, own_account_id",
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else {
        tx.commit().await?;
        return Ok(None);
    };
    let made_on = tx.now().date_naive();
    let name = sqlx::query_scalar!("SELECT name FROM businesses WHERE id = $1", business)
        .fetch_one(tx.conn())
        .await?;
    let debtor = debtor_by_id(&mut tx, row.debtor_id)
        .await?
        .ok_or_else(|| anyhow::anyhow!("the person of an archive is missing"))?;
    tx.commit().await?;
    let kind = Kind::parse(&row.kind).ok_or_else(|| anyhow::anyhow!("an archive of unknown kind"))?;
    let (reader, members) = match row.own_account_id {
        None => (ctx.clone(), debtor.members),
        Some(account) => {
            let request = ctx.request_id().clone();
            let own = TenantCtx::for_debtor(business, row.debtor_id, account, GrantSet::default(), request);
            (own, vec![row.debtor_id])
        }
    };
    Ok(Some(Task {
        id,
        kind,
        debtor: row.debtor_id,
        requester: row.requested_by,
        reader,
        of: Selection {
            members,
            account: row.account_id.or(row.own_account_id),
            from: row.from_at,
            until: row.until_at,
        },
        language: debtor.preferred_language,
        business: name,
        made_on,
    }))
}

/// Whose data leaves is on record before it does.
async fn log_read(archivist: &Archivist, ctx: &TenantCtx, task: &Task) -> Result<(), OpError> {
    let operation = match task.kind {
        Kind::Evidence => "requestEvidencePack",
        Kind::Data => "exportDebtorData",
        // People who read their own are not on record there.
        Kind::Own => return Ok(()),
    };
    let reader = TenantCtx::authenticated(
        ctx.business_id(),
        Actor::User(task.requester),
        GrantSet::default(),
        None,
        ctx.request_id().clone(),
    );
    if let Some(entry) = AccessEntry::of(&reader, operation, task.of.members.clone())
        && !archivist.access_log.record(entry).await
    {
        return Err(OpError::Unavailable(
            "the access log cannot be written".to_owned(),
        ));
    }
    Ok(())
}

/// Writes all lists, each page read in a transaction of its own, so that none is open while the object store works.
async fn write(
    archivist: &Archivist,
    ctx: &TenantCtx,
    task: &Task,
    mut pack: Pack<'_>,
) -> Result<(), OpError> {
    let keys = archivist
        .keyring
        .business(&archivist.db, ctx.business_id())
        .await?;
    let mut writing = Writing {
        archivist,
        ctx,
        reader: &task.reader,
        keys: &keys,
        opener: Opener::new(&keys),
        of: &task.of,
        gist: Gist::default(),
        packed: HashSet::new(),
    };
    match task.kind {
        Kind::Own => {
            for (section, fields) in own::LISTS {
                writing.list(*section, Some(*fields), &mut pack).await?;
            }
        }
        Kind::Data => {
            for section in Section::DATA {
                writing.list(*section, None, &mut pack).await?;
            }
        }
        Kind::Evidence => {
            for section in Section::EVIDENCE {
                writing.list(*section, None, &mut pack).await?;
            }
        }
    }
    let now = archivist.db.clock().now();
    let mut about = json!({
        "kind": task.kind.word(), "business": task.business, "made_at": now,
        "debtor_ids": evidence::ids(&task.of.members), "account_id": task.of.account, "from": task.of.from,
        "until": task.of.until,
    });
    match task.kind {
        Kind::Evidence => about["audit_checkpoint"] = writing.trail(&mut pack).await?,
        Kind::Data => {
            writing.reads(&mut pack).await?;
            summarise(task, &writing.gist, &mut pack).await?;
        }
        Kind::Own => summarise(task, &writing.gist, &mut pack).await?,
    }
    pack.finish(&about).await
}

/// The page that a person can read.
async fn summarise(task: &Task, gist: &Gist, pack: &mut Pack<'_>) -> Result<(), OpError> {
    let head = Head {
        language: &task.language,
        business: &task.business,
        made_on: task.made_on,
        is_of_one_account: task.kind == Kind::Own,
    };
    let text = page(&head, gist, pack.entries());
    pack.file("summary.html", text.as_bytes()).await
}

struct Writing<'a> {
    archivist: &'a Archivist,
    ctx: &'a TenantCtx,
    reader: &'a TenantCtx,
    keys: &'a TenantKeys,
    opener: Opener<'a>,
    of: &'a Selection,
    gist: Gist,
    /// The files whose contents are in it already.
    packed: HashSet<Uuid>,
}

impl Writing<'_> {
    /// One list, as a JSON array, of each row these fields or all; where it names files, their contents too.
    async fn list(
        &mut self,
        section: Section,
        fields: Option<&[&str]>,
        pack: &mut Pack<'_>,
    ) -> Result<(), OpError> {
        let mut contents = Vec::new();
        let mut list = List::begin(pack, section.file()).await?;
        let mut past = Uuid::nil();
        loop {
            let mut tx = self.archivist.db.snapshot(self.reader).await?;
            let rows = rows::page(&mut tx, section, self.of, past).await?;
            self.opener.learn(&mut tx, &rows).await?;
            tx.finish_read().await?;
            let Some(last) = rows.last() else { break };
            past = last.id;
            for row in rows {
                let value = self.opener.open(section, row)?;
                let value = match fields {
                    Some(fields) => own::shown(value, fields),
                    None => value,
                };
                self.keep(section, &value);
                list.add(pack, &value).await?;
                contents.extend(section.contents(&value));
            }
        }
        list.end(pack).await?;
        // A document of the account may have been sent in a dispute, or in several.
        for file in contents.into_iter().filter(|file| self.packed.insert(*file)) {
            documents::pack_content(self.archivist, self.ctx, self.keys, pack, file).await?;
        }
        Ok(())
    }

    /// What the page for people tells.
    fn keep(&mut self, section: Section, value: &Value) {
        let told = match section {
            Section::Profile => &mut self.gist.profile,
            Section::ContactPoints => &mut self.gist.contact_points,
            Section::Accounts => &mut self.gist.accounts,
            _ => return,
        };
        if told.len() < MOST_TOLD {
            told.push(value.clone());
        }
    }

    /// Who read the person's data.
    async fn reads(&mut self, pack: &mut Pack<'_>) -> Result<(), OpError> {
        let mut list = List::begin(pack, "access_log.json").await?;
        let mut past = Uuid::nil();
        loop {
            let mut tx = self.archivist.db.snapshot(self.ctx).await?;
            let (found, last) = documents::reads(&mut tx, self.of, past).await?;
            tx.finish_read().await?;
            for value in found {
                list.add(pack, &value).await?;
            }
            let Some(last) = last else { break };
            past = last;
        }
        list.end(pack).await
    }

    /// The person's part of the audit trail; the signed checkpoint behind it.
    async fn trail(&mut self, pack: &mut Pack<'_>) -> Result<Value, OpError> {
        let mut list = List::begin(pack, "audit_trail.json").await?;
        let mut past = 0;
        loop {
            let mut tx = self.archivist.db.snapshot(self.ctx).await?;
            let (found, last) = evidence::trail(&mut tx, self.of, past).await?;
            tx.finish_read().await?;
            for value in found {
                list.add(pack, &value).await?;
            }
            let Some(last) = last else { break };
            past = last;
        }
        list.end(pack).await?;
        let mut tx = self.archivist.db.snapshot(self.ctx).await?;
        let checkpoint = evidence::checkpoint(&mut tx, past).await?;
        tx.finish_read().await?;
        Ok(checkpoint.unwrap_or_default())
    }
}

/// A JSON array on its way.
struct List {
    records: u64,
}

impl List {
    async fn begin(pack: &mut Pack<'_>, name: &str) -> Result<Self, OpError> {
        pack.begin(name)?;
        pack.add(b"[").await?;
        Ok(Self { records: 0 })
    }

    async fn add(&mut self, pack: &mut Pack<'_>, value: &Value) -> Result<(), OpError> {
        let mut text = if self.records == 0 {
            b"\n".to_vec()
        } else {
            b",\n".to_vec()
        };
        serde_json::to_writer(&mut text, value).map_err(anyhow::Error::from)?;
        self.records += 1;
        pack.add(&text).await
    }

    async fn end(self, pack: &mut Pack<'_>) -> Result<(), OpError> {
        pack.add(b"\n]\n").await?;
        pack.end(Some(self.records));
        Ok(())
    }
}

async fn finish(archivist: &Archivist, ctx: &TenantCtx, task: &Task, stored: &Stored) -> Result<(), OpError> {
    let mut tx = archivist.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let won = sqlx::query!(
        "WITH won AS (
             UPDATE debtor_archives SET state = 'READY', file_id = $3, finished_at = $4
             WHERE business_id = $1 AND id = $2 AND state = 'RUNNING' RETURNING privacy_request_id),
         answered AS (
             UPDATE privacy_requests r SET status = 'COMPLETED', closed_at = $4 FROM won
             WHERE r.business_id = $1 AND r.id = won.privacy_request_id AND r.status = 'RUNNING')
         SELECT privacy_request_id FROM won",
        business,
        task.id,
        stored.id,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    match won {
        // Another run was faster: this one's file goes.
        None => files::discard(&mut tx, &[stored.id]).await?,
        Some(row) => {
            // Gone already where the person was erased meanwhile: then it is written anew, of what is left.
            files::keep(&mut tx, stored, Some(now + KEPT)).await?;
            let details = json!({ "bytes": stored.size, "file": stored.id });
            tx.audit(AuditEntry::plain("archive.finished", task.id, &details).about(Some(task.debtor)));
            if let Some(request) = row.privacy_request_id {
                let details = json!({ "status": "COMPLETED", "archive": task.id });
                tx.audit(AuditEntry::plain("privacy.answered", request, &details).about(Some(task.debtor)));
            }
        }
    }
    tx.commit().await?;
    Ok(())
}
