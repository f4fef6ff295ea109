//! Look-ups of sibling fields in one statement each; made per operation.

use std::sync::Arc;

use uuid::Uuid;

use super::store::{TemplateRow, templates_by_ids};
use crate::platform::{
    error::OpError,
    gql::{Batch, OpScope},
};

/// The slice's look-ups of one operation.
#[derive(Default)]
pub struct TemplateLoaders {
    templates: Batch<Uuid, Arc<TemplateRow>>,
}

impl TemplateLoaders {
    pub(super) async fn template(
        &self,
        scope: &OpScope,
        id: Uuid,
    ) -> Result<Option<Arc<TemplateRow>>, OpError> {
        self.templates
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = templates_by_ids(&mut tx, &ids).await?;
                Ok::<_, OpError>(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
            })
            .await
    }
}
