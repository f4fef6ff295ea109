//! Whether a person may be contacted at all, and what stops it.

use async_graphql::{Context, SimpleObject};

use super::{ContactPoint, Debtor};
use crate::compliance::graphql::{AddressSuppression, Hold};

/// What stops contact with a person, as the gate reads it.
#[derive(Clone, SimpleObject)]
pub struct DoNotContact {
    /// Nobody is contacted: a hold stops all contact with the person, or none of their numbers and addresses is left on
    /// which they may be contacted.
    is_stopped: bool,
    /// The holds on the person that stop all contact (at most 100), oldest first. A hold on one debt alone is not among them:
    /// see `holds`.
    holds: Vec<Hold>,
    /// The numbers and addresses (at most 40 of each of the person's records) that may be contacted on no channel.
    closed: Vec<ContactPoint>,
}

impl DoNotContact {
    pub(super) async fn of(ctx: &Context<'_>, debtor: &Debtor) -> async_graphql::Result<Self> {
        let mut holds = debtor.standing_holds(ctx).await?;
        holds.retain(Hold::stops_all_contact);
        let contacts = debtor.open_contact_points(ctx).await?;
        let points: Vec<ContactPoint> = contacts.iter().map(ContactPoint::from).collect();
        let standing = points.iter().map(|point| point.standing(ctx));
        let standing = futures_util::future::try_join_all(standing).await?;
        let all = points.len();
        let closed: Vec<ContactPoint> = points
            .into_iter()
            .zip(standing)
            .filter(|(point, standing)| AddressSuppression::leave_nothing(point.address_kind(), standing))
            .map(|(point, _)| point)
            .collect();
        Ok(Self {
            is_stopped: !holds.is_empty() || (all > 0 && closed.len() == all),
            holds,
            closed,
        })
    }
}
