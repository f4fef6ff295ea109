//! Who wrote a text.

use uuid::Uuid;

use super::prohibited::Writer;

/// Who wrote a text, as far as its sender knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Author {
    /// The service itself.
    Service,
    /// The service itself, to a debtor who has shown a link of theirs and waits for it: a sign-in code. Not what anybody may ask
    /// for who knows a number.
    Notice,
    /// The assistant, which answers what somebody has written.
    Assistant,
    /// A member of the business, who is signed in.
    Member(Uuid),
    /// It came by an API key, and nobody knows, which excuses nothing.
    Unknown,
}

impl Author {
    /// The member who is signed in, if one is.
    pub fn of(user: Option<Uuid>) -> Self {
        user.map_or(Self::Unknown, Self::Member)
    }

    pub(super) fn member(self) -> Option<Uuid> {
        match self {
            Self::Member(user) => Some(user),
            Self::Service | Self::Notice | Self::Assistant | Self::Unknown => None,
        }
    }

    /// What the rules tell apart. A member is an attorney where an administrator recorded their admission (15 USC 1692e(3)):
    /// being signed in, they write it themselves, which is what makes it an attorney's.
    pub(super) fn writer(self, is_attorney: bool) -> Option<Writer> {
        match self {
            Self::Service | Self::Notice | Self::Assistant => Some(Writer::Assistant),
            Self::Member(_) if is_attorney => Some(Writer::Attorney),
            Self::Member(_) => Some(Writer::Person),
            Self::Unknown => None,
        }
    }
}
