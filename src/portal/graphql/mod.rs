//! The slice's face in the API.

mod links;
mod own_contact;
mod sign_in;

use async_graphql::MergedObject;

pub(crate) use sign_in::complete_debtor_challenge;

/// Queries about debtors' links.
#[derive(Default, MergedObject)]
pub struct PortalQueries(links::LinkQueries);

/// Mutations of debtors' links, and the debtors' own.
#[derive(Default, MergedObject)]
pub struct PortalMutations(
    links::LinkMutations,
    sign_in::DebtorSignInMutations,
    own_contact::OwnContactMutations,
);
