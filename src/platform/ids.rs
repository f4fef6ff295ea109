//! Public ids: a prefix that says what the thing is, and a UUIDv7 in base32.
//!
//! The text form is a TypeID, specification 0.3 (<https://github.com/jetify-com/typeid/tree/main/spec>):
//! `prefix_suffix`, where the suffix is the UUID's 128 bits as 26 characters of Crockford's base32
//! alphabet in lower case, the first of them between 0 and 7. The database stores the plain UUID.
//!
//! New ids come from an [`IdSource`].

mod source;

use uuid::Uuid;

pub use source::{IdSource, SeededIds, SystemIds};

/// Crockford's base32 alphabet in lower case, without i, l, o and u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Length of the part after the underscore.
const SUFFIX_LENGTH: usize = 26;

/// How much of a foreign prefix an error repeats; TypeID allows no longer prefixes.
const LONGEST_PREFIX: usize = 63;

macro_rules! id_kinds {
    ($($(#[$doc:meta])* $variant:ident = $prefix:literal,)+) => {
        /// What an id names, told by its prefix.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum IdKind {
            $($(#[$doc])* $variant,)+
        }

        impl IdKind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [IdKind] = &[$(IdKind::$variant,)+];

            /// The text before the underscore.
            pub const fn prefix(self) -> &'static str {
                match self {
                    $(IdKind::$variant => $prefix,)+
                }
            }

            /// The kind that a prefix names, or `None` for a foreign prefix.
            pub fn from_prefix(prefix: &str) -> Option<IdKind> {
                match prefix {
                    $($prefix => Some(IdKind::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

id_kinds! {
    /// A business, the tenant.
    Business = "biz",
    /// A person who logs in.
    User = "usr",
    /// A login session.
    Session = "sess",
    /// A debtor, the person.
    Debtor = "dbtr",
    /// One debt of one debtor at one business.
    Account = "acct",
    /// A thread on one channel with one address.
    Conversation = "conv",
    /// A message of a conversation.
    Message = "msg",
    /// A compliance decision.
    Decision = "dec",
    /// A delivery attempt.
    DeliveryAttempt = "att",
    /// An entry of the audit trail.
    AuditEntry = "aud",
    /// A payment.
    Payment = "pay",
    /// What was given back of a payment.
    Refund = "rfnd",
    /// A payment plan.
    PaymentPlan = "plan",
    /// A campaign.
    Campaign = "cmp",
    /// A telephone call.
    Call = "call",
    /// A contact point: an address of a debtor on one channel.
    ContactPoint = "cp",
    /// A merge of two records of one person.
    Merge = "mrg",
    /// A time that a person called inconvenient.
    InconvenientTime = "itm",
    /// What is known of contacting a person at a place.
    ContactPlace = "ctp",
    /// A creditor.
    Creditor = "cred",
    /// Accounts that were handed over together.
    Placement = "plc",
    /// An internal note on an account.
    Note = "note",
    /// A saved view of accounts.
    AccountView = "view",
    /// A rule that says who gets a thread.
    RoutingRule = "rout",
    /// A hold on a person or a debt.
    Hold = "hold",
    /// A dispute of a debt.
    Dispute = "dsp",
    /// A validation notice.
    ValidationNotice = "vnot",
    /// A complaint about the business.
    Complaint = "cpl",
    /// A word of the consent ledger.
    Consent = "cns",
    /// An address that is not to be contacted.
    Suppression = "sup",
    /// An import of a file.
    Import = "imp",
    /// An import of answers of the reassigned numbers database.
    ReassignedImport = "rni",
    /// A licence to collect in a state.
    License = "lic",
    /// A record that suit for a debt is intended and authorised.
    SuitAuthority = "suit",
    /// When the limitation period of a debt ends or ended.
    Limitation = "lim",
    /// A file: uploaded, kept, or made for download.
    File = "file",
    /// A document of an account.
    Document = "doc",
    /// An export of accounts.
    Export = "exp",
    /// An API key.
    ApiKey = "key",
    /// A link with which a debtor signs in.
    DebtorLink = "dlnk",
    /// An invitation to join a business.
    Invitation = "inv",
    /// A change of a business's contact policy.
    ContactPolicyChange = "cpc",
    /// A business's account at a vendor.
    ProviderAccount = "pacc",
    /// A number that debtors text to.
    ConnectedNumber = "num",
    /// What a provider has approved for a business.
    ProviderApproval = "appr",
    /// A business's own role.
    CustomRole = "role",
    /// A stay of the platform's staff inside a business.
    BreakGlassSession = "bgs",
    /// A person with a log-in, whatever businesses they belong to.
    Identity = "idn",
    /// What a person asked about their own data.
    PrivacyRequest = "prq",
    /// An archive about a person: a copy of their data, or evidence.
    DebtorArchive = "arc",
    /// Words that are kept for reuse.
    Template = "tmpl",
    /// A business's audit trail as a file.
    AuditBundle = "abn",
}

/// Why a text is not the id that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// An id of another kind.
    #[error("this id should start with `{expected}_`, but it starts with `{found}_`")]
    WrongPrefix {
        /// The prefix that was asked for.
        expected: &'static str,
        /// The prefix of the text, cut to 63 characters.
        found: String,
    },
    /// No kind of id has this prefix.
    #[error("no id starts with `{found}_`")]
    UnknownPrefix {
        /// The prefix of the text, cut to 63 characters.
        found: String,
    },
    /// There is no underscore, hence no prefix.
    #[error(
        "this is not an id: an id has a prefix and an underscore, such as `{example}_01h455vb4pex5vsknk084sn02q`"
    )]
    MissingPrefix {
        /// A prefix that would do.
        example: &'static str,
    },
    /// The part after the prefix is not 26 characters long.
    #[error("the part of an id after its prefix has 26 characters, this one has {found}")]
    WrongLength {
        /// The number of characters found.
        found: usize,
    },
    /// The part after the prefix has a character outside the alphabet.
    #[error(
        "an id is written with 0-9 and a-z without i, l, o and u, in lower case; `{found}` does not belong there"
    )]
    WrongCharacter {
        /// The first offending character.
        found: char,
    },
    /// The part after the prefix stands for more than 128 bits.
    #[error("the part of an id after its prefix starts with 0 to 7, this one starts with `{found}`")]
    Overflow {
        /// The first character found.
        found: char,
    },
}

/// Writes an id, for example `conv_01h455vb4pex5vsknk084sn02q`.
pub fn encode(kind: IdKind, id: Uuid) -> String {
    let prefix = kind.prefix();
    let mut text = String::with_capacity(prefix.len() + 1 + SUFFIX_LENGTH);
    text.push_str(prefix);
    text.push('_');
    push_suffix(&mut text, id);
    text
}

/// Reads an id of one kind.
///
/// # Errors
/// Says which prefix was expected and which was found, or what is wrong with the rest.
pub fn decode(kind: IdKind, text: &str) -> Result<Uuid, IdError> {
    let (prefix, suffix) = split(text).ok_or(IdError::MissingPrefix {
        example: kind.prefix(),
    })?;
    if prefix != kind.prefix() {
        return Err(IdError::WrongPrefix {
            expected: kind.prefix(),
            found: shortened(prefix),
        });
    }
    decode_suffix(suffix)
}

/// Reads an id of any kind, as `node(id:)` does.
///
/// # Errors
/// When no kind has its prefix, or when the rest is malformed.
pub fn decode_any(text: &str) -> Result<(IdKind, Uuid), IdError> {
    let (prefix, suffix) = split(text).ok_or(IdError::MissingPrefix {
        example: IdKind::Account.prefix(),
    })?;
    let kind = IdKind::from_prefix(prefix).ok_or_else(|| IdError::UnknownPrefix {
        found: shortened(prefix),
    })?;
    Ok((kind, decode_suffix(suffix)?))
}

/// Prefixes may hold underscores, suffixes may not: the last underscore separates.
fn split(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once('_').filter(|(prefix, _)| !prefix.is_empty())
}

fn shortened(prefix: &str) -> String {
    prefix.chars().take(LONGEST_PREFIX).collect()
}

fn push_suffix(text: &mut String, id: Uuid) {
    let bits = id.as_u128();
    for position in (0..SUFFIX_LENGTH).rev() {
        let [.., low_byte] = (bits >> (5 * position)).to_be_bytes();
        text.push(char::from(ALPHABET[usize::from(low_byte & 0b1_1111)]));
    }
}

fn decode_suffix(suffix: &str) -> Result<Uuid, IdError> {
    let length = suffix.chars().count();
    if length != SUFFIX_LENGTH {
        return Err(IdError::WrongLength { found: length });
    }
    let mut bits: u128 = 0;
    for (position, found) in suffix.chars().enumerate() {
        let value = digit_value(found).ok_or(IdError::WrongCharacter { found })?;
        if position == 0 && value > 7 {
            return Err(IdError::Overflow { found });
        }
        bits = (bits << 5) | value;
    }
    Ok(Uuid::from_u128(bits))
}

fn digit_value(character: char) -> Option<u128> {
    let position = ALPHABET
        .iter()
        .position(|&digit| char::from(digit) == character)?;
    u128::try_from(position).ok()
}

/// The process's own source, for rows whose id no test needs to foresee: UUIDv7 on wall time.
///
/// Not on business time, which one process of tests has several of, one for each service in it, while this function is
/// asked from places that hold none. Nothing rests on the difference: rules read instants that are columns, written on
/// business time. What an id's own time decides is order (one that goes on also where business time was moved ahead,
/// since the wall clock does) and the partition that the row lies in.
pub fn next() -> Uuid {
    static IDS: std::sync::LazyLock<SystemIds> = std::sync::LazyLock::new(|| {
        SystemIds::new(crate::platform::clock::BusinessClock::new(std::sync::Arc::new(
            crate::platform::clock::SystemWallClock,
        )))
    });
    IDS.next()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// From `valid.json` of the TypeID specification 0.3, with our prefixes.
    const SPECIFICATION: &[(&str, &str)] = &[
        (
            "00000000-0000-0000-0000-000000000000",
            "00000000000000000000000000",
        ),
        (
            "00000000-0000-0000-0000-000000000001",
            "00000000000000000000000001",
        ),
        (
            "00000000-0000-0000-0000-00000000000a",
            "0000000000000000000000000a",
        ),
        (
            "00000000-0000-0000-0000-000000000010",
            "0000000000000000000000000g",
        ),
        (
            "00000000-0000-0000-0000-000000000020",
            "00000000000000000000000010",
        ),
        (
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "7zzzzzzzzzzzzzzzzzzzzzzzzz",
        ),
        (
            "0110c853-1d09-52d8-d73e-1194e95b5f19",
            "0123456789abcdefghjkmnpqrs",
        ),
        (
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "01h455vb4pex5vsknk084sn02q",
        ),
    ];

    #[test]
    fn the_specifications_examples_are_written_and_read() {
        for (uuid, suffix) in SPECIFICATION {
            let uuid: Uuid = uuid.parse().unwrap();
            let text = format!("conv_{suffix}");
            assert_eq!(encode(IdKind::Conversation, uuid), text);
            assert_eq!(decode(IdKind::Conversation, &text), Ok(uuid));
            assert_eq!(decode_any(&text), Ok((IdKind::Conversation, uuid)));
        }
    }

    #[test]
    fn an_id_of_another_kind_is_told_apart() {
        let message = encode(IdKind::Message, Uuid::nil());
        let error = decode(IdKind::Conversation, &message).unwrap_err();
        assert_eq!(
            error,
            IdError::WrongPrefix {
                expected: "conv",
                found: "msg".into()
            }
        );
        assert_eq!(
            error.to_string(),
            "this id should start with `conv_`, but it starts with `msg_`"
        );
        assert_eq!(
            decode_any("ghost_00000000000000000000000000"),
            Err(IdError::UnknownPrefix {
                found: "ghost".into()
            })
        );
    }

    #[test]
    fn malformed_ids_are_refused_with_the_reason() {
        let read = |text: &str| decode(IdKind::Call, text).unwrap_err();
        assert_eq!(
            read("01h455vb4pex5vsknk084sn02q"),
            IdError::MissingPrefix { example: "call" }
        );
        assert_eq!(
            read("_01h455vb4pex5vsknk084sn02q"),
            IdError::MissingPrefix { example: "call" }
        );
        assert_eq!(read("call_"), IdError::WrongLength { found: 0 });
        assert_eq!(
            read("call_01h455vb4pex5vsknk084sn02q0"),
            IdError::WrongLength { found: 27 }
        );
        assert_eq!(
            read("call_80000000000000000000000000"),
            IdError::Overflow { found: '8' }
        );
        for wrong in ['U', 'i', 'l', 'o', 'u', '-', 'é', ' '] {
            let text = format!("call_0{wrong}000000000000000000000000");
            assert_eq!(read(&text), IdError::WrongCharacter { found: wrong });
        }
        let IdError::WrongPrefix { found, .. } = read(&format!("{}_x", "é".repeat(500))) else {
            panic!("a foreign prefix is a wrong prefix");
        };
        assert_eq!(
            found.chars().count(),
            LONGEST_PREFIX,
            "a long foreign text is not echoed"
        );
    }

    #[test]
    fn every_kind_has_its_own_prefix() {
        let prefixes: HashSet<_> = IdKind::ALL.iter().map(|kind| kind.prefix()).collect();
        assert_eq!(prefixes.len(), IdKind::ALL.len());
        for kind in IdKind::ALL {
            assert_eq!(IdKind::from_prefix(kind.prefix()), Some(*kind));
            assert!(kind.prefix().chars().all(|c| c.is_ascii_lowercase()));
        }
    }

    proptest! {
        #[test]
        fn every_uuid_survives_the_round_trip_and_keeps_its_order(a: u128, b: u128) {
            let (a, b) = (Uuid::from_u128(a), Uuid::from_u128(b));
            let (text_a, text_b) = (encode(IdKind::Payment, a), encode(IdKind::Payment, b));
            prop_assert_eq!(decode(IdKind::Payment, &text_a), Ok(a));
            prop_assert_eq!(text_a.cmp(&text_b), a.cmp(&b));
        }

        #[test]
        fn reading_any_text_never_panics_and_accepts_only_its_own_writing(text in ".{0,40}") {
            if let Ok((kind, id)) = decode_any(&text) {
                prop_assert_eq!(encode(kind, id), text);
            }
        }
    }
}
