//! What is to be said of a row.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};

macro_rules! finding_codes {
    ($($(#[$doc:meta])* $code:ident = $word:literal,)+) => {
        /// What is to be said of a row of an imported file.
        #[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq, Serialize)]
        pub enum ImportFindingCode { $($(#[$doc])* $code,)+ }

        impl ImportFindingCode {
            /// As the database spells it.
            pub(in crate::accounts) fn as_str(self) -> &'static str {
                match self { $(Self::$code => $word,)+ }
            }

            /// The reverse; the column's CHECK allows nothing else.
            pub(in crate::accounts) fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$code),)+ _ => None }
            }
        }
    };
}

finding_codes! {
    /// A required cell is empty.
    MissingValue = "MISSING_VALUE",
    /// The cell is longer than the field holds.
    TooLong = "TOO_LONG",
    /// A control character, such as NUL.
    InvalidCharacter = "INVALID_CHARACTER",
    /// The cell begins like a formula of a spreadsheet.
    Formula = "FORMULA",
    /// The row has more cells than the file has columns: a separator within a cell is not quoted.
    TooManyCells = "TOO_MANY_CELLS",
    /// Not a telephone number of the row's country.
    InvalidPhone = "INVALID_PHONE",
    /// Not an e-mail address.
    InvalidEmail = "INVALID_EMAIL",
    /// Not an amount of money.
    InvalidAmount = "INVALID_AMOUNT",
    /// Not a date.
    InvalidDate = "INVALID_DATE",
    /// Not a social security number or ITIN, or one that is never issued.
    InvalidNationalId = "INVALID_NATIONAL_ID",
    /// Not a country code.
    InvalidCountry = "INVALID_COUNTRY",
    /// Not one of the words that the field takes, or no number where it takes numbers.
    InvalidChoice = "INVALID_CHOICE",
    /// An earlier row of the file has the same account number; for a lead, the same phone number.
    DuplicateInFile = "DUPLICATE_IN_FILE",
    /// Your business has this account number already; for a lead, this phone number.
    DuplicateInBusiness = "DUPLICATE_IN_BUSINESS",
    /// A phone number or address of the row is on the suppression list: the row is imported, the person is not contacted there.
    Suppressed = "SUPPRESSED",
    /// The row says that its phone numbers are not to be contacted: it is imported, and they are suppressed.
    DoNotCall = "DO_NOT_CALL",
    /// No creditor or placement of this name is there, and none is made of the row.
    UnknownCreditor = "UNKNOWN_CREDITOR",
    /// The person with this reference was erased: give the row another reference.
    PersonErased = "PERSON_ERASED",
    /// The person with this reference has twenty phone numbers or addresses already.
    TooManyContacts = "TOO_MANY_CONTACTS",
}

impl ImportFindingCode {
    /// Whether a row with it is not imported.
    pub(in crate::accounts) fn blocks(self) -> bool {
        !matches!(self, Self::Suppressed | Self::DoNotCall)
    }
}

/// Something to be said of a row. The sentence never repeats what the row holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) row: u32,
    /// Which column, from 0; none where it is about the row.
    pub(super) column: Option<usize>,
    pub(super) code: ImportFindingCode,
    pub(super) message: String,
}
