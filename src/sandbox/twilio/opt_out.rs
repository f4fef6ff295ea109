//! Twilio's handling of the keywords STOP, START and HELP, by the recipient's phone and one of our numbers. Only a text that
//! is nothing but the keyword counts. By default Twilio answers in its own words and says nothing of it to the webhook; with
//! Advanced Opt-Out the words are the account's, and the webhook names the keyword.

use super::super::bounded::BoundedList;

/// What a keyword asks for; the value of `OptOutType` in the inbound webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    /// No more texts from this number.
    Stop,
    /// Texts again, please.
    Start,
    /// Who is this?
    Help,
}

impl Keyword {
    /// Reads a text as a keyword.
    pub fn from_body(body: &str) -> Option<Self> {
        match body.trim().to_ascii_uppercase().as_str() {
            "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "REVOKE" | "OPTOUT" => {
                Some(Keyword::Stop)
            }
            "START" | "YES" | "UNSTOP" => Some(Keyword::Start),
            "HELP" | "INFO" => Some(Keyword::Help),
            _ => None,
        }
    }

    /// The value of `OptOutType`.
    pub fn name(self) -> &'static str {
        match self {
            Keyword::Stop => "STOP",
            Keyword::Start => "START",
            Keyword::Help => "HELP",
        }
    }
}

/// Who opted out of what.
pub(in crate::sandbox) struct OptOuts {
    pairs: BoundedList<OptOut>,
    /// Our numbers that have Advanced Opt-Out.
    advanced: BoundedList<String>,
}

#[derive(PartialEq, Eq)]
struct OptOut {
    number: String,
    phone: String,
}

impl OptOuts {
    pub(in crate::sandbox) fn new() -> Self {
        Self {
            pairs: BoundedList::new(),
            advanced: BoundedList::new(),
        }
    }

    pub(in crate::sandbox) fn set_advanced(&mut self, number: &str, is_advanced: bool) {
        self.advanced.retain(|known| known != number);
        if is_advanced {
            self.advanced.push(number.to_owned());
        }
    }

    pub(in crate::sandbox) fn is_advanced(&self, number: &str) -> bool {
        self.advanced.iter().any(|known| known == number)
    }

    pub(in crate::sandbox) fn is_opted_out(&self, number: &str, phone: &str) -> bool {
        self.pairs
            .iter()
            .any(|pair| pair.number == number && pair.phone == phone)
    }

    /// Applies a keyword and answers the text that Twilio sends to the phone, if any. STOP and START are
    /// confirmed only when they change something, so that a plain "yes" to a question gets no reply.
    pub(in crate::sandbox) fn apply(
        &mut self,
        keyword: Keyword,
        number: &str,
        phone: &str,
    ) -> Option<&'static str> {
        let opted_out = self.is_opted_out(number, phone);
        match keyword {
            Keyword::Stop if !opted_out => {
                self.pairs.push(OptOut {
                    number: number.to_owned(),
                    phone: phone.to_owned(),
                });
                Some(match self.is_advanced(number) {
                    true => "You are unsubscribed and get no more texts from this number.",
                    false => {
                        "You are unsubscribed and get no more texts from this number. Reply START to resubscribe."
                    }
                })
            }
            Keyword::Start if opted_out => {
                self.pairs
                    .retain(|pair| pair.number != number || pair.phone != phone);
                Some("You are subscribed again to texts from this number. Reply HELP for help, STOP to end.")
            }
            Keyword::Help => {
                Some("Reply STOP to get no more texts from this number. Message rates may apply.")
            }
            Keyword::Stop | Keyword::Start => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_that_is_nothing_but_the_keyword_counts() {
        assert_eq!(Keyword::from_body(" stop\n"), Some(Keyword::Stop));
        assert_eq!(Keyword::from_body("OptOut"), Some(Keyword::Stop));
        assert_eq!(Keyword::from_body("yes"), Some(Keyword::Start));
        assert_eq!(Keyword::from_body("info"), Some(Keyword::Help));
        assert_eq!(Keyword::from_body("please stop"), None);
        assert_eq!(Keyword::from_body(""), None);
    }

    #[test]
    fn a_yes_from_someone_who_never_opted_out_gets_no_reply() {
        let mut opt_outs = OptOuts::new();
        assert_eq!(opt_outs.apply(Keyword::Start, "+1", "+2"), None);
        assert!(opt_outs.apply(Keyword::Stop, "+1", "+2").is_some());
        assert_eq!(
            opt_outs.apply(Keyword::Stop, "+1", "+2"),
            None,
            "a repeated STOP is not confirmed again"
        );
        assert!(
            !opt_outs.is_opted_out("+9", "+2"),
            "another number may still text"
        );
        opt_outs.apply(Keyword::Stop, "+9", "+2");
        opt_outs.apply(Keyword::Stop, "+1", "+8");
        assert!(opt_outs.apply(Keyword::Start, "+1", "+2").is_some());
        assert!(!opt_outs.is_opted_out("+1", "+2"));
        assert!(
            opt_outs.is_opted_out("+9", "+2") && opt_outs.is_opted_out("+1", "+8"),
            "others stay out"
        );
    }
}
