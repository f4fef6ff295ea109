//! Mails to staff in English.

use super::{Rendered, escaped, moment, notice, plain, unlinked};
use crate::identity::ports::{MailReader, StaffMail};

const NOTICE: [&str; 2] = [
    "Sign in to see it",
    "You get this mail because you asked for it in your notification preferences.",
];

pub(super) fn render(reader: MailReader, mail: &StaffMail) -> Rendered {
    match mail {
        StaffMail::VerifyEmail { name, business, link } => verify_email(&unlinked(name), &unlinked(business), link),
        StaffMail::AlreadyRegistered => (
            "You are registered already",
            "Somebody, probably you, registered with this address at funnelchat. It is registered already: just sign in. \
             If it was not you, ignore this mail."
                .to_owned(),
            "<p>Somebody, probably you, registered with this address at funnelchat. It is registered already: just sign in. \
             If it was not you, ignore this mail.</p>"
                .to_owned(),
        ),
        StaffMail::Invitation { business, link } => (
            "You are invited to funnelchat",
            format!(
                "{business} invites you to join its team on funnelchat.\n\nOpen this link to accept. It is good once, for 7 \
                 days:\n\n{link}\n\nIf you do not know who this is, ignore this mail."
            ),
            format!(
                "<p>{business} invites you to join its team on funnelchat.</p><p><a href=\"{link}\">Accept the \
                 invitation</a> (the link is good once, for 7 days).</p><p>If you do not know who this is, ignore this \
                 mail.</p>",
                business = escaped(business)
            ),
        ),
        StaffMail::Welcome { business, link } => (
            "Welcome to funnelchat",
            format!("You are a member of {business} on funnelchat now.\n\nSign in here: {link}\n"),
            format!(
                "<p>You are a member of {business} on funnelchat now.</p><p><a href=\"{link}\">Sign in</a></p>",
                business = escaped(business)
            ),
        ),
        StaffMail::PasswordReset { link } => (
            "Choose a new password",
            format!(
                "Somebody, probably you, asked for a new password at funnelchat.\n\nOpen this link to choose one. It is good \
                 for one hour, and once:\n\n{link}\n\nIf it was not you, ignore this mail: your password stays as it is."
            ),
            format!(
                "<p>Somebody, probably you, asked for a new password at funnelchat.</p><p><a href=\"{link}\">Choose a new \
                 password</a> (the link is good for one hour, and once).</p><p>If it was not you, ignore this mail: your \
                 password stays as it is.</p>"
            ),
        ),
        StaffMail::PasswordChanged => plain(
            "Your password was changed",
            "Your password at funnelchat was changed, and every session of yours was ended. If it was not you, ask for a \
             new password at once and tell an administrator of your business.",
        ),
        StaffMail::LoginFailures => plain(
            "Somebody cannot sign in as you",
            "In the last hour somebody failed five times or more to sign in at funnelchat as you. If it was not you, your \
             account is still safe: choose a new password if yours is used anywhere else, and tell an administrator of \
             your business.",
        ),
        StaffMail::MfaReplaced => plain(
            "Your second factor was replaced",
            "Another authenticator app is your second factor at funnelchat now, your recovery codes are new, and every other \
             session of yours was ended. If it was not you, change your password at once and tell an administrator of your \
             business.",
        ),
        StaffMail::MfaReset => plain(
            "Your second factor was taken off",
            "Your second factor at funnelchat was taken off for you, and every session of yours was ended: at your next \
             log-in you choose another. If you did not ask for that, choose a new password at once and tell an administrator \
             of your business.",
        ),
        StaffMail::RecoveryCodesMade => plain(
            "You have new recovery codes",
            "New recovery codes were made for you at funnelchat, and those before are good no more. If it was not you, change \
             your password at once and tell an administrator of your business.",
        ),
        StaffMail::ConfirmEmail { link } => (
            "Confirm your new e-mail address",
            format!(
                "Somebody, probably you, wants to sign in at funnelchat with this address.\n\nOpen this link and give your \
                 password to confirm it. It is good for 24 hours, and once:\n\n{link}\n\nIf it was not you, ignore this mail: \
                 the link is good for nothing without the password."
            ),
            format!(
                "<p>Somebody, probably you, wants to sign in at funnelchat with this address.</p><p><a href=\"{link}\">Confirm \
                 the address</a> with your password (the link is good for 24 hours, and once).</p><p>If it was not you, ignore \
                 this mail: the link is good for nothing without the password.</p>"
            ),
        ),
        StaffMail::EmailTaken => plain(
            "You sign in with this address already",
            "Somebody, probably you, wanted to sign in at funnelchat with this address. It is the address of a log-in already, \
             and stays that. If it was not you, ignore this mail.",
        ),
        StaffMail::EmailChangeAsked => plain(
            "Your e-mail address is about to change",
            "Somebody who knows your password, probably you, wants to sign in at funnelchat with another address. Once the link \
             that was mailed there is followed, this address opens nothing any more. If it was not you, choose a new password \
             at once, which ends that link, and tell an administrator of your business.",
        ),
        StaffMail::BreakGlass { business, ends } => {
            let ends = moment(reader, *ends);
            let rest = format!(
                "has been opened to a member of funnelchat's own staff, to read, until {ends} at the latest. Who it is and why \
                 stands under breakGlassSessions; what they read, in your access log. An administrator can end it at once \
                 with endBreakGlass."
            );
            (
                "funnelchat's staff is inside your business",
                format!("{business} {rest}"),
                format!("<p>{} {rest}</p>", escaped(business)),
            )
        }
        StaffMail::ConversationAssigned { business, link } => notice(
            NOTICE,
            "A conversation was assigned to you",
            "Somebody assigned a conversation to you at",
            business,
            link,
        ),
        StaffMail::ConversationEscalated { business, link } => notice(
            NOTICE,
            "A conversation waits for you",
            "A conversation that you may take was escalated at",
            business,
            link,
        ),
        StaffMail::Mentioned { business, link } => notice(
            NOTICE,
            "A colleague mentioned you",
            "A colleague mentioned you in a note at",
            business,
            link,
        ),
        StaffMail::ImportFinished { business, link } => notice(
            NOTICE,
            "Your import is over",
            "An import of accounts that you began is over at",
            business,
            link,
        ),
        StaffMail::ApiKeyEnds { prefix, ends } => plain(
            "An API key of your business ends soon",
            &format!(
                "The API key that begins with {prefix} ends on {}. Make a new one, put it in the place of the old one, \
                 and revoke that: what uses it stops otherwise.",
                moment(reader, *ends)
            ),
        ),
        StaffMail::LicenseEnds { state, number, ends } => plain(
            "A licence of your business ends soon",
            &format!(
                "The licence {number} to collect in {state} is valid until {ends}. Renew it, and record its new end: from the \
                 day after nobody is contacted there whom the law asks it for."
            ),
        ),
        StaffMail::CompliancePatterns { patterns, link } => {
            let before = format!(
                "Over the last seven days, against the seven before: {}",
                patterns.join(" ")
            );
            let after = "and decide what to do: which texts, numbers or people are behind them. Each pattern is mailed once a day \
                         while it lasts; your notification preferences turn this off.";
            (
                "Patterns in your business's compliance decisions",
                format!("{before} Look at them at {link} {after}"),
                format!(
                    "<p>{} <a href=\"{}\">Look at them</a> {after}</p>",
                    escaped(&before),
                    escaped(link)
                ),
            )
        }
        StaffMail::AttorneysSilent { holds, days } => plain(
            "Holds because of an attorney may be reviewed",
            &format!(
                "{holds} of your business's holds because an attorney represents the debtor have stood for {days} days or more. \
                 They stay: nobody is contacted past an attorney by themselves. Where the attorney was written to and has not \
                 answered in a reasonable time, or no longer represents the debtor, somebody with that authority may release \
                 the hold and write down why (12 CFR 1006.6(b)(2)). The audit trail names each as hold.review_due. Each hold \
                 is mailed once; your notification preferences turn this off."
            ),
        ),
        StaffMail::KeysStay { prefixes } => plain(
            "API keys of your business stay good without who made them",
            &format!(
                "Somebody of your staff was suspended or has another role now, and API keys that they made are still good: \
                 {}. Whoever knows such a key can use it. Look whether each is needed, and revoke what is not.",
                prefixes.join(", ")
            ),
        ),
    }
}

/// Anybody can have this mail sent to anybody: it says first who registered, in their words, which are no link.
fn verify_email(name: &str, business: &str, link: &str) -> Rendered {
    let who = |name: &str, business: &str| {
        format!(
            "Somebody who calls themselves \u{201c}{name}\u{201d} registered the business \u{201c}{business}\u{201d} at \
             funnelchat with your e-mail address."
        )
    };
    let rest = "If that was not you, leave the link alone and ignore this mail: it is good for nothing without the password \
                that was chosen at the registration.";
    let (plain, html) = (who(name, business), who(&escaped(name), &escaped(business)));
    (
        "Verify your e-mail address",
        format!(
            "{plain}\n\nIf that was you, open this link and give the password that you chose. It is good for 24 \
             hours:\n\n{link}\n\n{rest}"
        ),
        format!(
            "<p>{html}</p><p>If that was you, <a href=\"{link}\">verify your e-mail address</a> and give the password that \
             you chose (the link is good for 24 hours).</p><p>{rest}</p>"
        ),
    )
}
