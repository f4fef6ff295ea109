//! Payments of debts: by Stripe on the business's own connected account, or taken down by hand; refunds; what banks take back.
//! Money moves once: the payment's id is the key of the request to Stripe and of the posting, so that the answer, the webhook
//! and the look-up end in the same row, whichever comes first and however often.
//!
//! Owns `payment_accounts`, `payments`, `refunds`, `payment_disputes`, `stripe_events`. May import `platform`, `identity`,
//! `access`, `audit`, `ledger`, `accounts`.
//!
//! - out: [`create_payment`] (intent row, committed) -> `carry_out` (Stripe, no transaction open) -> `settle` (outcome, posting)
//! - in: [`receive_event`] (stored before it is answered) -> `process_event`
//! - `look_up` and `reconcile` for answers and webhooks that never came; `refund`, `disputes`, `manual`

mod accounts;
mod carry_out;
mod create;
mod disputes;
pub mod graphql;
mod loaders;
mod look_up;
mod manual;
mod model;
pub mod ports;
mod process_event;
mod receive_event;
mod reconcile;
mod refund;
mod refund_look_up;
mod settle;
mod store;

use std::sync::Arc;

pub use accounts::{PaymentAccount, connect_stripe};
pub use carry_out::Handed;
pub use create::{NewPayment, create_payment};
pub use loaders::PaymentLoaders;
pub use look_up::{LookUpPayment, look_up_payment};
pub use manual::{ManualPayment, record_manual_payment};
pub use model::{PaymentMethodKind, PaymentState, RefundReason, RefundState};
pub use process_event::{ProcessStripeEvent, process_event};
pub use receive_event::receive_event;
pub use reconcile::reconcile;
pub use refund::request_refund;
pub use refund_look_up::{LookUpRefund, look_up_refund};

use crate::platform::{db::Db, error::OpError, jobs::JobError};

/// What the slice works with; made once in `app.rs`.
#[derive(Clone)]
pub struct Payments {
    pub(crate) db: Db,
    /// None where the platform has no account at Stripe: then nobody pays through it.
    pub(crate) gateway: Option<Arc<dyn ports::PaymentGateway>>,
}

impl Payments {
    /// Wires the slice.
    pub fn new(db: Db, gateway: Option<Arc<dyn ports::PaymentGateway>>) -> Self {
        Self { db, gateway }
    }

    fn gateway(&self) -> Result<&dyn ports::PaymentGateway, OpError> {
        let gateway = self.gateway.as_deref();
        gateway.ok_or_else(|| OpError::Unavailable("Stripe is not configured (STRIPE_SECRET_KEY)".to_owned()))
    }
}

fn job_error(error: OpError) -> JobError {
    match error {
        OpError::Unavailable(cause) => JobError::Retry(cause),
        other => JobError::Fatal(format!("{other:#}")),
    }
}
