//! Opt-out links in the API.

use async_graphql::{Context, SimpleObject};
use uuid::Uuid;

use crate::{
    compliance::{AddressKind, OptOutLink as Link, OptOutLinks, mail_headers, opt_out_by_link::normalised},
    platform::gql::{ScopeExt as _, op_error},
};

/// A link by which whoever reads a message takes back the permission to write to its address, without signing in. It works
/// for good: put it into what you send outside funnelchat, and what is answered there binds here at once.
#[derive(Clone, Debug, SimpleObject)]
pub struct OptOutLink {
    /// Where it leads: a page that asks, in English or Spanish, and changes nothing until a button is pressed.
    url: String,
    /// For a mail: the value of its header `List-Unsubscribe` (RFC 2369). The mail's DKIM signature must cover it.
    list_unsubscribe: String,
    /// For a mail: the value of its header `List-Unsubscribe-Post` (RFC 8058), by which mail programs show a button of their
    /// own. The mail's DKIM signature must cover it.
    list_unsubscribe_post: String,
}

impl OptOutLink {
    /// That of a contact point with this address, as it is stored.
    ///
    /// # Errors
    /// As the keys of the business are read.
    pub async fn of(
        ctx: &Context<'_>,
        kind: AddressKind,
        contact_point_id: Uuid,
        value: &str,
    ) -> async_graphql::Result<Self> {
        let scope = ctx.scope()?;
        let keys = scope.keys().await.map_err(op_error)?;
        let url = ctx.data::<OptOutLinks>()?.url(&Link {
            business_id: scope.ctx().business_id(),
            contact_point_id,
            address: keys.blind(&normalised(kind, value)),
        });
        let [(_, list_unsubscribe), (_, list_unsubscribe_post)] = mail_headers(&url);
        Ok(Self {
            url,
            list_unsubscribe,
            list_unsubscribe_post,
        })
    }
}
