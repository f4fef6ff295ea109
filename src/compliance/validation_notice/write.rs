//! Makes a notice's files. Run again after a death, it begins with new files: what the first run left goes by itself, and of
//! two that run at once the first to finish wins.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    NoticeLanguage, NoticeStatus,
    facts::NoticeFacts,
    store::{self, NoticeRow, Written, notice_by_id},
    wording,
};
use crate::{
    accounts::lock_person,
    files::{self, Files, NewFile, Purpose, Stored, file_by_id},
    platform::{
        context::TenantCtx,
        crypto::DataKey,
        db::{AuditEntry, Db, LiveEvent, TenantTx},
        error::OpError,
        jobs::{Job, JobError},
        keys::{Keyring, TenantKeys},
        letter,
    },
};

/// Makes the files of one notice.
#[derive(Debug, Deserialize, Serialize)]
pub struct WriteValidationNotice {
    pub(super) id: Uuid,
}

impl Job for WriteValidationNotice {
    const NAME: &'static str = "compliance.write_validation_notice";
}

/// What the job works with.
#[derive(Clone)]
pub struct NoticeWriter {
    pub db: Db,
    pub keyring: Keyring,
    pub files: Files,
}

/// Runs [`WriteValidationNotice`].
///
/// # Errors
/// [`JobError::Retry`] while database or object store are away.
pub async fn write_validation_notice(
    writer: &NoticeWriter,
    ctx: &TenantCtx,
    job: WriteValidationNotice,
) -> Result<(), JobError> {
    run(writer, ctx, job.id)
        .await
        .map_err(|error| JobError::Retry(format!("{error:#}")))
}

async fn run(writer: &NoticeWriter, ctx: &TenantCtx, id: Uuid) -> Result<(), OpError> {
    let keys = writer.keyring.business(&writer.db, ctx.business_id()).await?;
    let mut tx = writer.db.snapshot(ctx).await?;
    let row = notice_by_id(&mut tx, id).await?;
    tx.finish_read().await?;
    // Of a deleted account it is not written: restored, the account gets a new one.
    let Some(row) = row.filter(|row| row.status() == Some(NoticeStatus::Queued)) else {
        return Ok(());
    };
    let Some(facts) = facts_of(&keys, &row)? else {
        return Ok(());
    };
    let letter = wording::letter(&facts, NoticeLanguage::parse(&row.language));
    let pdf = letter::pdf(&letter).map_err(anyhow::Error::from)?;
    let pdf = store_file(writer, ctx, ("validation-notice.pdf", "application/pdf"), &pdf).await?;
    let page = letter::page(&letter);
    let name = ("validation-notice.html", "text/html; charset=utf-8");
    let page = store_file(writer, ctx, name, page.as_bytes()).await?;
    let mut tx = writer.db.tenant(ctx).await?;
    finish(&mut tx, &keys, &row, [&pdf, &page]).await?;
    tx.commit().await?;
    Ok(())
}

/// What the notice says; none once the records were destroyed.
fn facts_of(keys: &TenantKeys, row: &NoticeRow) -> Result<Option<NoticeFacts>, OpError> {
    let (Some(cipher), Some(record)) = (row.content_cipher.as_deref(), keys.data_key(&row.key())?) else {
        return Ok(None);
    };
    let text = keys.open_text(&record, store::TABLE, store::CONTENT, row.id, cipher)?;
    let facts = serde_json::from_str(text.expose()).map_err(anyhow::Error::from)?;
    Ok(Some(facts))
}

async fn store_file(
    writer: &NoticeWriter,
    ctx: &TenantCtx,
    (name, media_type): (&str, &'static str),
    content: &[u8],
) -> Result<Stored, OpError> {
    let file = NewFile {
        purpose: Purpose::LegalNotice,
        name: name.to_owned(),
        media_type,
    };
    let mut out = writer.files.begin(ctx, file).await?;
    if let Err(error) = out.write(content).await {
        out.abandon().await;
        return Err(error);
    }
    out.finish().await
}

/// Takes the files into use, under the person's record key. Whoever destroys that key waits, or was first: then they go.
async fn finish(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    row: &NoticeRow,
    [pdf, page]: [&Stored; 2],
) -> Result<(), OpError> {
    lock_person(tx, row.debtor_id).await?;
    let written = Written {
        pdf: (pdf.id, pdf.sha256),
        page: (page.id, page.sha256),
    };
    let current = notice_by_id(tx, row.id).await?;
    let record = match &current {
        Some(current) => keys.data_key(&current.key())?,
        None => None,
    };
    let Some(record) = record else {
        return files::discard(tx, &[pdf.id, page.id]).await;
    };
    for stored in [pdf, page] {
        keep(tx, keys, stored, row, &record).await?;
    }
    if !store::settle_written(tx, row.id, &written).await? {
        // Another run was faster: these go.
        return files::discard(tx, &[pdf.id, page.id]).await;
    }
    let details = json!({
        "pdf_sha256": hex(&pdf.sha256), "page_sha256": hex(&page.sha256), "pdf_file": pdf.id, "page_file": page.id,
    });
    tx.audit(AuditEntry::plain("validation_notice.written", row.id, &details).about(Some(row.debtor_id)));
    tx.emit(LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(row.account_id),
        debtor_id: Some(row.debtor_id),
        ..LiveEvent::default()
    });
    Ok(())
}

async fn keep(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    stored: &Stored,
    row: &NoticeRow,
    record: &DataKey,
) -> Result<(), OpError> {
    files::keep(tx, stored, None).await?;
    let file = file_by_id(tx, stored.id)
        .await?
        .ok_or_else(|| anyhow::anyhow!("file {} is missing", stored.id))?;
    files::give_content_to_person(tx, keys, &file, row.debtor_id, row.key_id, record).await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
