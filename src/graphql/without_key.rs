//! Mutations that take no `Idempotency-Key`: they are done outside any one business, where no key is kept, or hand out
//! secrets that nobody keeps. A key that would have no effect is refused, with what to do when an answer is lost.

/// The mutation, and what becomes of it when it is sent again. Sorted.
const WITHOUT_KEY: &[(&str, &str)] = &[
    ("acceptInvitation", LINK_USED),
    (
        "beginMfaEnrollment",
        "a newer secret takes the place of the one before",
    ),
    (
        "beginMfaReplacement",
        "a newer secret takes the place of the one before",
    ),
    (
        "breakGlass",
        "it opens a second stay, which ends by itself; revokeOtherSessions ends all of them",
    ),
    ("changeEmail", "a newer link takes the place of the one before"),
    (
        "changePassword",
        "where it was done, the password that you give as the present one is not right any more",
    ),
    ("completeMfa", "sign in again where its answer is lost"),
    (
        "confirmEmailChange",
        "where it was done, the link was used: sign in with the new address",
    ),
    (
        "confirmMfaEnrollment",
        "where its answer is lost, sign in with the new factor and call regenerateRecoveryCodes",
    ),
    (
        "confirmMfaReplacement",
        "where its answer is lost, call regenerateRecoveryCodes with the new factor",
    ),
    ("createBusiness", SAYS_SO),
    ("deleteBusiness", SAYS_SO),
    (
        "inviteFirstAdministrator",
        "another mail is sent, and the link before is good no more",
    ),
    ("login", "it is safe to send again"),
    ("logout", "it is safe to send again"),
    ("openDebtorLink", "it is safe to send again"),
    ("reactivateBusiness", SAYS_SO),
    (
        "recordCookieChoice",
        "it is safe to send again: the last choice counts",
    ),
    (
        "recordProviderApproval",
        "what stands on record already is answered with CONFLICT",
    ),
    (
        "refreshSession",
        "a refresh token is good once, and one that comes again ends the session: sign in where its answer is lost",
    ),
    (
        "regenerateRecoveryCodes",
        "newer codes take the place of those before",
    ),
    (
        "registerBusiness",
        "each registration has a link of its own, and the first that is followed ends the others",
    ),
    (
        "requestDebtorLink",
        "it is safe to send again, a few times an hour",
    ),
    (
        "requestPasswordReset",
        "a newer link takes the place of the one before",
    ),
    ("resetMemberMfa", SAYS_SO),
    ("resetPassword", LINK_USED),
    (
        "resetStaffMfa",
        "where it was done, nobody with this address has a second factor",
    ),
    ("restoreBusiness", SAYS_SO),
    ("revokeOtherSessions", "it is safe to send again"),
    (
        "revokeSession",
        "where it was done, there is no such session any more",
    ),
    ("sendDebtorCode", "another code is sent, a few times an hour"),
    ("suspendBusiness", SAYS_SO),
    (
        "switchBusiness",
        "where it was done, the session that you left has ended: sign in again",
    ),
    (
        "verifyDebtorIdentity",
        "it is safe to send again: one more session is opened",
    ),
    ("verifyEmail", LINK_USED),
    ("withdrawProviderApproval", SAYS_SO),
];

const LINK_USED: &str = "where it was done, the link was used: sign in";
const SAYS_SO: &str = "where it was done, the answer is a CONFLICT that says so";

/// Why a mutation takes no key; `None` for one that does.
pub(super) fn refusal_of_key(mutation: &str) -> Option<String> {
    let (_, again) = WITHOUT_KEY.iter().find(|(name, _)| *name == mutation)?;
    Some(format!(
        "{mutation} takes no Idempotency-Key: leave the header out. Sent again: {again}."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_names_each_once() {
        assert!(WITHOUT_KEY.is_sorted_by(|one, next| one.0 < next.0));
        assert_eq!(refusal_of_key("createAccount"), None);
        let refusal = refusal_of_key("login").unwrap();
        assert!(refusal.contains("Idempotency-Key"), "{refusal}");
    }
}
