//! The slice's face in the API.

mod mutations;
mod payment;
mod queries;
mod refund;

use async_graphql::MergedObject;

pub use payment::{Payment, PaymentConnection};
pub use refund::Refund;

/// Queries about payments.
#[derive(Default, MergedObject)]
pub struct PaymentQueries(queries::PaymentListQueries);

/// Mutations of payments.
#[derive(Default, MergedObject)]
pub struct PaymentMutations(mutations::PayMutations, refund::RefundMutations);
