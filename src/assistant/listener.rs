//! Hears of the texts that come in.

use async_trait::async_trait;
use uuid::Uuid;

use super::answer::AnswerText;
use crate::{
    conversations::ports::TextListener,
    platform::{db::TenantTx, error::OpError},
    settings::assistant_is_on,
};

/// Has every text answered, of businesses that want it.
pub struct Listener;

#[async_trait]
impl TextListener for Listener {
    async fn text_added(&self, tx: &mut TenantTx, message: Uuid) -> Result<(), OpError> {
        if assistant_is_on(tx).await? {
            tx.enqueue(&AnswerText { message_id: message });
        }
        Ok(())
    }
}
