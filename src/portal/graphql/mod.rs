//! The slice's face in the API.

mod cookies;
mod links;
mod own_contact;
mod sign_in;

use async_graphql::MergedObject;

pub(crate) use sign_in::complete_debtor_challenge;

/// Queries about debtors' links, and what their browsers keep.
#[derive(Default, MergedObject)]
pub struct PortalQueries(links::LinkQueries, cookies::CookieQueries);

/// Mutations of debtors' links, and the debtors' own.
#[derive(Default, MergedObject)]
pub struct PortalMutations(
    links::LinkMutations,
    sign_in::DebtorSignInMutations,
    own_contact::OwnContactMutations,
    cookies::CookieMutations,
);
