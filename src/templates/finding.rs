//! What is said of a template.

use crate::platform::sms::SmsLength;

/// What a finding does.
#[derive(Clone, Copy, Debug, async_graphql::Enum, Eq, Ord, PartialEq, PartialOrd)]
#[graphql(name = "TemplateFindingSeverity")]
pub enum Severity {
    /// The template cannot be used until it is put right.
    Error,
    /// It can be used; look at it.
    Warning,
}

/// Which part of a template.
#[derive(Clone, Copy, Debug, async_graphql::Enum, Eq, Ord, PartialEq, PartialOrd)]
#[graphql(name = "TemplatePart")]
pub enum Part {
    /// The subject.
    Subject,
    /// The body.
    Body,
}

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The id of a rule of the gate, or one that begins with `template-`.
    pub rule: String,
    /// Where the rule stands in the law; none for what is no law.
    pub citation: Option<String>,
    pub severity: Severity,
    /// What it is and what to do, in English.
    pub message: String,
    pub part: Part,
    /// First character and the one after the last, counted from 0; none where it is of the whole.
    pub place: Option<(usize, usize)>,
}

/// What was found, in the order of the text, and how long a text message becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linted {
    pub findings: Vec<Finding>,
    /// With the catalogue's examples and what is appended; of SMS alone.
    pub length: Option<SmsLength>,
}

impl Linted {
    /// Whether nothing forbids its use.
    pub fn may_be_used(&self) -> bool {
        !self
            .findings
            .iter()
            .any(|found| found.severity == Severity::Error)
    }
}
