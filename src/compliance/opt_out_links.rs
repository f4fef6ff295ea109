//! Links by which whoever reads a message takes back the permission to write to that address, without signing in: rule
//! `reg-f-electronic-opt-out-notice` (12 CFR 1006.6(e)) wants a simple way in every electronic message, and mail programs
//! show a button of their own for one in the header (RFC 2369, RFC 8058).
//!
//! A link is signed, and names the business, the contact point, and the print of its address. Nobody reads a person, a debt
//! or an address out of it. It has no end: 15 USC 7704(a)(3)(A)(ii) wants it to work for thirty days after the message, and
//! nothing is gained by refusing somebody who asks to be left alone. It works on after the contact point was removed or the
//! person erased, which is what the print is for. A signing key that is taken out of `TOKEN_SIGNING_KEYS` takes its links
//! along.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::platform::crypto::Signer;

const VERSION: u8 = 1;
const PRINT: usize = 32;
const SIGNED: usize = 1 + 16 + 16 + PRINT;

/// What a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptOutLink {
    pub business_id: Uuid,
    pub contact_point_id: Uuid,
    /// The address as it is indexed.
    pub address: [u8; PRINT],
}

/// Makes links and reads them; cheap to clone.
#[derive(Clone)]
pub struct OptOutLinks {
    signer: Signer,
    /// Where links lead, without a trailing slash.
    public_base_url: String,
}

impl OptOutLinks {
    /// Derives keys of its own from these, the first of which signs.
    pub fn derived_from(sources: &[&[u8]], public_base_url: String) -> Self {
        Self {
            signer: Signer::derived_from("opt-out links", sources.iter().copied()),
            public_base_url,
        }
    }

    /// The link's address, to be put into the text of a message.
    pub fn url(&self, link: &OptOutLink) -> String {
        format!("{}/unsubscribe/{}", self.public_base_url, self.token(link))
    }

    fn token(&self, link: &OptOutLink) -> String {
        let mut bytes = Vec::with_capacity(SIGNED + Signer::LENGTH);
        bytes.push(VERSION);
        bytes.extend(link.business_id.as_bytes());
        bytes.extend(link.contact_point_id.as_bytes());
        bytes.extend(link.address);
        bytes.extend(self.signer.sign(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads the last part of a link; `None` for what is forged or garbled.
    pub fn read(&self, token: &str) -> Option<OptOutLink> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, signature) = bytes.split_at_checked(SIGNED)?;
        if signature.len() != Signer::LENGTH || !self.signer.verifies(signed, signature) {
            return None;
        }
        let [VERSION, fields @ ..] = signed else {
            return None;
        };
        Some(OptOutLink {
            business_id: Uuid::from_slice(fields.get(..16)?).ok()?,
            contact_point_id: Uuid::from_slice(fields.get(16..32)?).ok()?,
            address: fields.get(32..)?.try_into().ok()?,
        })
    }
}

/// The headers that a mail carries with a link, name and value. Both must be among those that the mail's DKIM signature
/// covers (RFC 8058, section 4).
pub fn mail_headers(url: &str) -> [(&'static str, String); 2] {
    [
        ("List-Unsubscribe", format!("<{url}>")),
        ("List-Unsubscribe-Post", format!("{ONE_CLICK_FIELD}={ONE_CLICK}")),
    ]
}

/// The field by which a mail program, or our own page, says that the request is meant (RFC 8058, section 3.1).
pub const ONE_CLICK_FIELD: &str = "List-Unsubscribe";
/// Its value.
pub const ONE_CLICK: &str = "One-Click";

#[cfg(test)]
mod tests {
    use super::*;

    fn links(sources: &[&[u8]]) -> OptOutLinks {
        OptOutLinks::derived_from(sources, "https://pay.example".to_owned())
    }

    fn link() -> OptOutLink {
        OptOutLink {
            business_id: Uuid::from_u128(1),
            contact_point_id: Uuid::from_u128(2),
            address: [7; PRINT],
        }
    }

    #[test]
    fn whatever_is_altered_is_refused_and_older_keys_still_verify() {
        let token = links(&[b"old"]).token(&link());
        assert_eq!(links(&[b"new", b"old"]).read(&token), Some(link()));
        assert_eq!(links(&[b"new"]).read(&token), None);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let altered = URL_SAFE_NO_PAD.encode(altered);
            assert_eq!(links(&[b"old"]).read(&altered), None, "byte {at}");
        }
        for garbled in ["", "x", &token[1..], &format!("{token}AA")] {
            assert_eq!(links(&[b"old"]).read(garbled), None);
        }
        // Signed by the same key for another use.
        let signer = Signer::derived_from("debtor links", [b"old".as_slice()].into_iter());
        let mut other = bytes[..SIGNED].to_vec();
        other.extend(signer.sign(&bytes[..SIGNED]));
        assert_eq!(links(&[b"old"]).read(&URL_SAFE_NO_PAD.encode(other)), None);
    }

    #[test]
    fn a_mail_carries_the_two_headers_in_the_form_that_mail_programs_look_for() {
        let url = links(&[b"key"]).url(&link());
        assert!(url.starts_with("https://pay.example/unsubscribe/"));
        let [(first, target), (second, how)] = mail_headers(&url);
        assert_eq!((first, target), ("List-Unsubscribe", format!("<{url}>")));
        assert_eq!(
            (second, how.as_str()),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
        );
        // RFC 5322, section 2.1.1: a line has at most 998 characters.
        assert!(format!("List-Unsubscribe: <{url}>").len() < 998);
    }
}
