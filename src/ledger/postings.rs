//! What moves a balance after the opening: payments, refunds, and money that was taken back.

use uuid::Uuid;

use super::store;
use crate::platform::{
    db::{DbError, TenantTx},
    ids,
    money::Money,
};

/// Why a balance moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostingKind {
    /// The debtor has paid: they owe less.
    Payment,
    /// It was given back: they owe it again.
    Refund,
    /// It could not be given back after all.
    RefundFailed,
    /// Their bank took it back.
    Dispute,
    /// Their bank gave it back to us.
    DisputeWon,
}

impl PostingKind {
    /// As the database and the API spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "PAYMENT",
            Self::Refund => "REFUND",
            Self::RefundFailed => "REFUND_FAILED",
            Self::Dispute => "DISPUTE",
            Self::DisputeWon => "DISPUTE_WON",
        }
    }

    /// Whether the debtor owes less by it.
    fn is_in_favour(self) -> bool {
        matches!(self, Self::Payment | Self::RefundFailed | Self::DisputeWon)
    }
}

/// Where the money lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clearing {
    /// At the provider, until it is paid out.
    Provider,
    /// With the business itself: a check, cash.
    Hand,
}

impl Clearing {
    fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "PROVIDER_CLEARING",
            Self::Hand => "HAND_CLEARING",
        }
    }
}

/// A movement of money between a debt and where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Posting<'a> {
    pub kind: PostingKind,
    /// Posts once, whoever tells of it and however often.
    pub intent_key: &'a str,
    pub clearing: Clearing,
    pub debtor: Uuid,
    pub account: Uuid,
    /// Above zero, in the currency of the account.
    pub amount: Money,
}

/// Posts it, unless it was posted before; whether it was posted now. The caller holds the account's lock.
///
/// # Errors
/// [`DbError`] as met; a currency that is not the account's is refused by `ledger_entry_currency`.
pub async fn post(tx: &mut TenantTx, posting: &Posting<'_>) -> Result<bool, DbError> {
    if !posting.amount.is_positive() {
        return Err(DbError::Constraint("ledger_amount_range".to_owned()));
    }
    let opposite = posting
        .amount
        .checked_neg()
        .map_err(|_| DbError::Constraint("ledger_amount_range".to_owned()))?;
    let transaction = ids::next();
    let kind = posting.kind.as_str();
    if !store::insert_transaction_once(tx, transaction, kind, posting.intent_key).await? {
        return Ok(false);
    }
    let (receivable, clearing) = if posting.kind.is_in_favour() {
        (opposite, posting.amount)
    } else {
        (posting.amount, opposite)
    };
    let owner = Some((posting.debtor, posting.account));
    store::insert_entries(
        tx,
        transaction,
        posting.amount.currency().code(),
        &[
            ("RECEIVABLE", owner, receivable.minor()),
            (posting.clearing.as_str(), None, clearing.minor()),
        ],
    )
    .await?;
    Ok(true)
}
