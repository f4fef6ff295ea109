//! Twilio's error codes and what they mean for us (Twilio error and warning dictionary).

use crate::conversations::ports::RefusalKind;

/// What kind of refusal a code is, and what to tell a person.
pub fn classify(code: &str) -> (RefusalKind, &'static str) {
    match code {
        "21610" => (
            RefusalKind::OptedOut,
            "The number has opted out of texts at the carrier's side.",
        ),
        "30004" => (
            RefusalKind::OptedOut,
            "The carrier or the recipient blocks texts from you.",
        ),
        "21211" | "21217" | "21614" | "21635" | "30005" | "30006" => (
            RefusalKind::Unreachable,
            "The number cannot receive texts. Ask the debtor for another one.",
        ),
        "30003" => (
            RefusalKind::Other,
            "The phone could not be reached. Try again later.",
        ),
        "20003" | "21408" | "21606" | "21608" | "21612" | "30002" => (
            RefusalKind::Configuration,
            "The texting account is not set up for this. Ask your administrator.",
        ),
        "30007" | "30034" | "30450" | "30460" | "30863" => (
            RefusalKind::Configuration,
            "The carrier filters or refuses this traffic. Ask your administrator.",
        ),
        "30036" => (RefusalKind::Other, "It could not be delivered in time."),
        "30610" => (RefusalKind::Other, "The carrier's quiet hours forbid it now."),
        _ => (RefusalKind::Other, "The carrier could not deliver it."),
    }
}
