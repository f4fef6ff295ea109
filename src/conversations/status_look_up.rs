//! Asks the vendor what became of a text that it took, when its callbacks did not come: three times, a quarter of an
//! hour apart. What is not final by then stays as it was last reported.

use super::{
    Conversations,
    look_up::{Claimed, note_silence},
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
    platform::{context::TenantCtx, error::OpError, phone::PhoneNumber},
};

/// How often the vendor is asked about one text.
const MOST_LOOK_UPS: i32 = 3;

/// Asks about one accepted attempt.
pub(super) async fn look_up_status(
    slice: &Conversations,
    ctx: &TenantCtx,
    claimed: &Claimed,
) -> Result<(), OpError> {
    let question = begin(slice, ctx, claimed).await?;
    let answer = match (&question.route, &claimed.accepted_as) {
        (Some(route), Some(id)) => match slice.sms.fetch(route, id).await {
            Ok(answer) => answer,
            Err(_) => {
                note_silence("the vendor does not answer");
                return Ok(());
            }
        },
        // Nobody knows which account it went through: nobody to ask.
        _ => None,
    };
    conclude(slice, ctx, claimed, &question, answer).await
}

struct Question {
    route: Option<SmsRoute>,
    to: PhoneNumber,
}

async fn begin(slice: &Conversations, ctx: &TenantCtx, claimed: &Claimed) -> Result<Question, OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    let business = tx.business_id();
    let thread = store::conversations_by_ids(&mut tx, &[claimed.thread])
        .await?
        .pop()
        .ok_or_else(|| anyhow::anyhow!("an attempt without its thread"))?;
    let record = debtor_keys::unwrapped(&mut tx, &keys, thread.record_key_id).await?;
    let peer = open_peer(&keys, &record, &thread)?;
    tx.finish_read().await?;
    let account = claimed.provider_account;
    Ok(Question {
        route: route::look_up_route(&slice.db, &slice.keyring, business, account, &thread.our_address)
            .await?,
        to: PhoneNumber::parse_e164(&peer).map_err(|error| OpError::Internal(error.into()))?,
    })
}

async fn conclude(
    slice: &Conversations,
    ctx: &TenantCtx,
    claimed: &Claimed,
    question: &Question,
    answer: Option<VendorMessage>,
) -> Result<(), OpError> {
    let keys = slice.keyring.business(&slice.db, ctx.business_id()).await?;
    let mut tx = slice.db.tenant(ctx).await?;
    let (business, now) = (tx.business_id(), tx.now());
    // A callback that came meanwhile has taken the due instant away, another look-up has moved it: then nothing is
    // counted. The next instant is written first, so that a final status, which ends the asking, has the last word.
    let counted = sqlx::query!(
        "UPDATE delivery_attempts SET status_lookups = status_lookups + 1, failed_lookups = 0,
             lookup_due_at = CASE WHEN status_lookups + 1 < $3 THEN $4::timestamptz END
         WHERE business_id = $1 AND id = $2 AND lookup_due_at = $5",
        business,
        claimed.attempt,
        MOST_LOOK_UPS,
        now + ASK_FOR_STATUS_AFTER,
        claimed.due,
    )
    .execute(tx.conn())
    .await?;
    if counted.rows_affected() == 0 {
        return Ok(());
    }
    let status = answer.as_ref().and_then(|message| message.status);
    if let Some(status) = status {
        let news = News {
            message: claimed.message,
            attempt: claimed.attempt,
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
