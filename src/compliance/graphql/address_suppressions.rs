//! What is suppressed, beside the number or address that it is of.

use std::sync::Arc;

use async_graphql::{Context, SimpleObject};
use chrono::{DateTime, Utc};

use super::{ComplianceLoaders, suppressions::SuppressedChannel};
use crate::{
    compliance::{
        SuppressionReason,
        suppressions::{AddressKind, StandingSuppression, standing_on},
    },
    platform::{
        email::EmailAddress,
        error::OpError,
        gql::{ScopeExt as _, op_error},
    },
};

/// Why a number or address is not to be contacted on a channel.
#[derive(Clone, Debug, SimpleObject)]
pub struct AddressSuppression {
    /// What is stopped; ALL is every channel.
    channel: SuppressedChannel,
    /// Why.
    reason: SuppressionReason,
    /// Since when.
    since: DateTime<Utc>,
}

/// What stands on one address.
pub(super) type OfAddress = Arc<Vec<StandingSuppression>>;

impl AddressSuppression {
    /// What stands on a number or address, oldest first; one statement for all that are asked about together.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of(ctx: &Context<'_>, kind: AddressKind, value: &str) -> async_graphql::Result<Vec<Self>> {
        let address = match kind {
            AddressKind::Phone => value.to_owned(),
            AddressKind::Email => {
                EmailAddress::parse(value).map_or_else(|_| value.to_owned(), |email| email.normalised())
            }
        };
        let scope = ctx.scope()?;
        let found = ctx
            .data::<ComplianceLoaders>()?
            .suppressions
            .load(address, async |addresses: Vec<String>| {
                let keys = scope.keys().await?;
                let mut tx = scope.snapshot().await?;
                let found = standing_on(&mut tx, &keys, &addresses).await?;
                Ok::<_, OpError>(
                    found
                        .into_iter()
                        .map(|(address, rows)| (address, Arc::new(rows)))
                        .collect(),
                )
            })
            .await
            .map_err(op_error)?;
        let rows: OfAddress = found.unwrap_or_default();
        rows.iter().map(Self::new).collect()
    }

    fn new(row: &StandingSuppression) -> async_graphql::Result<Self> {
        let unknown = || {
            op_error(OpError::Internal(anyhow::anyhow!(
                "a suppression of an unknown kind"
            )))
        };
        Ok(Self {
            channel: SuppressedChannel::parse(&row.channel).ok_or_else(unknown)?,
            reason: SuppressionReason::parse(&row.reason).ok_or_else(unknown)?,
            since: row.created_at,
        })
    }

    /// Whether these together leave no channel on which the address can be contacted.
    pub fn leave_nothing(kind: AddressKind, standing: &[Self]) -> bool {
        let stops = |channel| standing.iter().any(|found| found.channel == channel);
        // A number of somebody else is theirs on every channel.
        let is_of_somebody_else = standing
            .iter()
            .any(|found| found.reason == SuppressionReason::WrongParty);
        is_of_somebody_else
            || stops(SuppressedChannel::All)
            || match kind {
                AddressKind::Phone => {
                    stops(SuppressedChannel::Sms)
                        && stops(SuppressedChannel::Whatsapp)
                        && stops(SuppressedChannel::Voice)
                }
                AddressKind::Email => stops(SuppressedChannel::Email),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(channel: SuppressedChannel, reason: SuppressionReason) -> AddressSuppression {
        AddressSuppression {
            channel,
            reason,
            since: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn an_address_is_closed_when_no_channel_is_left() {
        use SuppressedChannel::{All, Email, Sms, Voice, Whatsapp};
        let opted_out = |channels: &[SuppressedChannel]| {
            let standing = |channel: &SuppressedChannel| standing(*channel, SuppressionReason::OptOut);
            channels.iter().map(standing).collect::<Vec<_>>()
        };
        let phone = |channels| AddressSuppression::leave_nothing(AddressKind::Phone, &opted_out(channels));
        let email = |channels| AddressSuppression::leave_nothing(AddressKind::Email, &opted_out(channels));
        assert!(!phone(&[]) && !phone(&[Sms]) && !phone(&[Sms, Voice]));
        assert!(phone(&[All]) && phone(&[Sms, Voice, Whatsapp]));
        assert!(email(&[Email]) && email(&[All]) && !email(&[]));
        let wrong = [standing(Sms, SuppressionReason::WrongParty)];
        assert!(AddressSuppression::leave_nothing(AddressKind::Phone, &wrong));
    }
}
