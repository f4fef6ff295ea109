//! E-mail addresses: checked for what mail systems accept, masked in logs.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroize;

/// RFC 5321 section 4.5.3.1.3: a path holds 256 octets including its angle brackets.
const LONGEST_ADDRESS: usize = 254;
/// RFC 5321 section 4.5.3.1.1.
const LONGEST_LOCAL_PART: usize = 64;
/// RFC 1035 section 2.3.4.
const LONGEST_LABEL: usize = 63;

/// An e-mail address `local@domain` in ASCII: a dot-atom local part (RFC 5322 section 3.2.3) and a domain
/// name of at least two labels.
///
/// Personal data: `Debug` masks it and there is no `Display`; read it with [`as_str`](Self::as_str).
/// Two addresses are equal when their [`normalised`](Self::normalised) forms are.
#[derive(Clone)]
pub struct EmailAddress {
    /// As written, with the domain in lower case: some mail systems tell local parts apart by case.
    address: String,
}

/// Why a text is not an e-mail address. The texts never repeat the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Nothing, or only the part on one side of the @.
    #[error("an e-mail address needs text before and after its @, such as name@example.com")]
    Incomplete,
    /// Not exactly one @.
    #[error("an e-mail address has exactly one @")]
    NotOneAt,
    /// Longer than mail systems accept.
    #[error("an e-mail address has at most 254 characters, at most 64 of them before the @")]
    TooLong,
    /// Spaces, quotes, non-ASCII letters and the like, or misplaced dots before the @.
    #[error(
        "the part before the @ may hold letters a-z, digits, the characters !#$%&'*+/=?^_`{{|}}~- and single dots \
         between them"
    )]
    LocalPart,
    /// Not a domain name.
    #[error(
        "the part after the @ must be a domain name such as example.com: labels of letters, digits and hyphens, \
         separated by dots (write an international name in its xn-- form)"
    )]
    Domain,
}

impl EmailAddress {
    /// Reads an address; spaces around it are dropped, as they come from forms and files.
    ///
    /// # Errors
    /// Says what is wrong without repeating the address.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(EmailError::NotOneAt)?;
        if domain.contains('@') {
            return Err(EmailError::NotOneAt);
        }
        if local.is_empty() || domain.is_empty() {
            return Err(EmailError::Incomplete);
        }
        if text.len() > LONGEST_ADDRESS || local.len() > LONGEST_LOCAL_PART {
            return Err(EmailError::TooLong);
        }
        if !local.split('.').all(is_atom) {
            return Err(EmailError::LocalPart);
        }
        if !is_domain_name(domain) {
            return Err(EmailError::Domain);
        }
        Ok(Self {
            address: format!("{local}@{}", domain.to_ascii_lowercase()),
        })
    }

    /// The address to send to.
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The form to compare and to index blindly: all in lower case.
    pub fn normalised(&self) -> String {
        self.address.to_ascii_lowercase()
    }

    /// The domain, in lower case.
    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// RFC 5322 `atext`, without the non-ASCII letters of RFC 6532.
fn is_atom(atom: &str) -> bool {
    let is_atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c);
    !atom.is_empty() && atom.chars().all(is_atext)
}

fn is_domain_name(domain: &str) -> bool {
    let top_level_is_a_name = domain
        .rsplit('.')
        .next()
        .is_some_and(|top| !top.bytes().all(|b| b.is_ascii_digit()));
    domain.contains('.') && top_level_is_a_name && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let length_fits = (1..=LONGEST_LABEL).contains(&label.len());
    let hyphens_inside = !label.starts_with('-') && !label.ends_with('-');
    length_fits && hyphens_inside && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

impl FromStr for EmailAddress {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        Self::parse(text)
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.address.eq_ignore_ascii_case(&other.address)
    }
}

impl Eq for EmailAddress {}

impl std::hash::Hash for EmailAddress {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.normalised().hash(state);
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(***)")
    }
}

impl Drop for EmailAddress {
    fn drop(&mut self) {
        self.address.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_addresses_are_accepted() {
        for good in [
            "ada@example.com",
            "Ada.Lovelace+debts@mail.example.co.uk",
            "o'brien@example.org",
            "x@xn--bcher-kva.example",
            "a@1and1.com",
        ] {
            assert!(EmailAddress::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn the_local_part_keeps_its_case_for_sending_but_not_for_comparing() {
        let address = EmailAddress::parse("  Ada@Example.COM ").unwrap();
        assert_eq!(address.as_str(), "Ada@example.com");
        assert_eq!(address.normalised(), "ada@example.com");
        assert_eq!(address.domain(), "example.com");
        assert_eq!(address, EmailAddress::parse("ADA@example.com").unwrap());
    }

    #[test]
    fn broken_addresses_are_refused_with_the_reason() {
        let reason = |text: &str| EmailAddress::parse(text).unwrap_err();
        assert_eq!(reason(""), EmailError::NotOneAt);
        assert_eq!(reason("ada.example.com"), EmailError::NotOneAt);
        assert_eq!(reason("ada@home@example.com"), EmailError::NotOneAt);
        assert_eq!(reason("@example.com"), EmailError::Incomplete);
        assert_eq!(reason("ada@"), EmailError::Incomplete);
        assert_eq!(
            reason(&format!("{}@example.com", "a".repeat(65))),
            EmailError::TooLong
        );
        assert_eq!(
            reason(&format!("a@{}com", "abcdefgh.".repeat(28))),
            EmailError::TooLong
        );
        for local in [
            "a b",
            ".a",
            "a.",
            "a..b",
            "\"a\"",
            "ä",
            "a\r\nBcc: b",
            "a,b",
            "<a",
        ] {
            assert_eq!(
                reason(&format!("{local}@example.com")),
                EmailError::LocalPart,
                "{local}"
            );
        }
        for domain in [
            "localhost",
            "-a.com",
            "a-.com",
            "a..com",
            ".com",
            "a.com.",
            "1.2.3.4",
            "[::1]",
            "a_b.com",
        ] {
            assert_eq!(reason(&format!("a@{domain}")), EmailError::Domain, "{domain}");
        }
        assert_eq!(reason(&format!("a@{}.com", "b".repeat(64))), EmailError::Domain);
    }

    #[test]
    fn debug_output_masks_the_address() {
        assert_eq!(
            format!("{:?}", EmailAddress::parse("ada@example.com").unwrap()),
            "EmailAddress(***)"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_safe_in_a_mail_header(text in "[ -~\r\n]{0,20}@[ -~\r\n]{0,20}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert!(address.as_str().bytes().all(|b| b.is_ascii_graphic()));
                prop_assert!(!address.as_str().contains([',', ';', '<', '>', '"', '(', ')']));
                let again = EmailAddress::parse(address.as_str()).unwrap();
                prop_assert_eq!(again.as_str(), address.as_str());
            }
        }
    }
}
