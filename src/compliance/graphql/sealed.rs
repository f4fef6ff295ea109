//! Texts that are sealed under a person's record key.

use async_graphql::Context;
use uuid::Uuid;

use crate::platform::{
    gql::{ScopeExt as _, op_error},
    keys::WrappedKey,
};

/// What a column of a row says; null where it says nothing, and when the person's records were destroyed.
pub(super) async fn open_sealed(
    ctx: &Context<'_>,
    key: &WrappedKey,
    (table, column, row): (&'static str, &'static str, Uuid),
    cipher: Option<&[u8]>,
) -> async_graphql::Result<Option<String>> {
    let scope = ctx.scope()?;
    let keys = scope.keys().await.map_err(op_error)?;
    let (Some(cipher), Some(key)) = (cipher, scope.data_key(&keys, key).map_err(op_error)?) else {
        return Ok(None);
    };
    let text = keys
        .open_text(&key, table, column, row, cipher)
        .map_err(|error| op_error(error.into()))?;
    Ok(Some(text.expose().clone()))
}
