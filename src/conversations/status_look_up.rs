//! Asks the vendor what became of a text that it took, when its callbacks did not come: three times, a quarter of an
//! hour apart. What is not final by then stays as it was last reported.

use uuid::Uuid;

use super::{
    Conversations,
    deliver::job_error,
    model::DeliveryStatus,
    ports::{SmsRoute, VendorMessage},
    route,
    send_message::open_peer,
    settle::ASK_FOR_STATUS_AFTER,
    status::{News, apply},
    store,
};
use crate::{
    accounts::debtor_keys,
    platform::{context::TenantCtx, error::OpError, jobs::JobError, phone::PhoneNumber},
};

/// How often the vendor is asked about one text.
const MOST_LOOK_UPS: i32 = 3;

/// Asks about one accepted attempt, if that is due.
pub(super) async fn look_up_status(
    slice: &Conversations,
    ctx: &TenantCtx,
    attempt: Uuid,
) -> Result<(), JobError> {
    let Some(question) = begin(slice, ctx, attempt).await.map_err(job_error)? else {
        return Ok(());
    };
    let answer = match &question.route {
        Some(route) => slice
            .sms
            .fetch(route, &question.provider_message_id)
            .await
            .map_err(|error| JobError::Retry(format!("the vendor does not answer: {error}")))?,
        // The number was disconnected since: nobody to ask.
        None => None,
    };
    conclude(slice, ctx, attempt, &question, answer)
        .await
        .map_err(job_error)
}

struct Question {
    message: Uuid,
    provider_message_id: String,
    route: Option<SmsRoute>,
    to: PhoneNumber,
}

async fn begin(slice: &Conversations, ctx: &TenantCtx, attempt: Uuid) -> Result<Option<Question>, OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    let row = sqlx::query!(
        r#"SELECT a.message_id, a.provider_message_id AS "provider_message_id!", m.conversation_id
         FROM delivery_attempts a JOIN messages m ON m.business_id = a.business_id AND m.id = a.message_id
         WHERE a.business_id = $1 AND a.id = $2 AND a.state = 'ACCEPTED' AND a.provider_message_id IS NOT NULL
           AND a.lookup_due_at <= $3"#,
        business,
        attempt,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(thread) = store::conversations_by_ids(&mut tx, &[row.conversation_id])
        .await?
        .pop()
    else {
        return Ok(None);
    };
    let record = debtor_keys::unwrapped(&mut tx, &keys, thread.record_key_id).await?;
    let peer = open_peer(&keys, &record, &thread)?;
    tx.finish_read().await?;
    Ok(Some(Question {
        message: row.message_id,
        provider_message_id: row.provider_message_id,
        route: route::sms_route(&slice.db, &slice.keyring, business, &thread.our_address).await?,
        to: PhoneNumber::parse_e164(&peer).map_err(|error| OpError::Internal(error.into()))?,
    }))
}

async fn conclude(
    slice: &Conversations,
    ctx: &TenantCtx,
    attempt: Uuid,
    question: &Question,
    answer: Option<VendorMessage>,
) -> Result<(), OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    // A callback that came meanwhile has taken the due instant away: then nothing is counted. The next instant is
    // written first, so that a final status, which ends the asking, has the last word.
    let counted = sqlx::query!(
        "UPDATE delivery_attempts SET status_lookups = status_lookups + 1,
             lookup_due_at = CASE WHEN status_lookups + 1 < $3 THEN $4::timestamptz END
         WHERE business_id = $1 AND id = $2 AND lookup_due_at <= $5",
        business,
        attempt,
        MOST_LOOK_UPS,
        now + ASK_FOR_STATUS_AFTER,
        now,
    )
    .execute(tx.conn())
    .await?;
    if counted.rows_affected() == 0 {
        return Ok(());
    }
    let status = answer.as_ref().and_then(|message| message.status);
    if let Some(status) = status {
        let news = News {
            message: question.message,
            attempt,
            to: &question.to,
            status,
            failure: answer.as_ref().and_then(|message| message.failure.as_ref()),
        };
        apply(&mut tx, &keys, news).await?;
    }
    let found = status.is_some_and(|status| status != DeliveryStatus::Sent);
    let outcome = if found { "found" } else { "open" };
    metrics::counter!("delivery_status_look_ups_total", "outcome" => outcome).increment(1);
    tx.commit().await?;
    Ok(())
}
