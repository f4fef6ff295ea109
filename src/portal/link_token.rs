//! The last part of a debtor's link: which row of which business, until when (business time), signed. Nothing in it tells
//! of a person, a debt or a name.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Portal;
use crate::platform::crypto::Signer;

const VERSION: u8 = 1;
const SIGNED: usize = 1 + 16 + 16 + 8;

/// What a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkToken {
    pub(super) business_id: Uuid,
    pub(super) link_id: Uuid,
    pub(super) expires_at: DateTime<Utc>,
}

impl LinkToken {
    pub(super) fn signed_by(&self, signer: &Signer) -> String {
        let mut bytes = Vec::with_capacity(SIGNED + Signer::LENGTH);
        bytes.push(VERSION);
        bytes.extend(self.business_id.as_bytes());
        bytes.extend(self.link_id.as_bytes());
        bytes.extend(self.expires_at.timestamp().to_be_bytes());
        bytes.extend(signer.sign(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None` for what is forged or garbled. Whether it has expired is for the caller to see.
    pub(super) fn read(signer: &Signer, token: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, signature) = bytes.split_at_checked(SIGNED)?;
        if signature.len() != Signer::LENGTH || !signer.verifies(signed, signature) {
            return None;
        }
        let [VERSION, fields @ ..] = signed else {
            return None;
        };
        let seconds = i64::from_be_bytes(fields.get(32..40)?.try_into().ok()?);
        Some(Self {
            business_id: Uuid::from_slice(fields.get(..16)?).ok()?,
            link_id: Uuid::from_slice(fields.get(16..32)?).ok()?,
            expires_at: DateTime::from_timestamp(seconds, 0)?,
        })
    }
}

impl Portal {
    /// The address of a link.
    pub(super) fn url(&self, token: &LinkToken) -> String {
        let base = &self.identity.settings.public_base_url;
        format!("{base}/d/{}", token.signed_by(&self.links))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_altered_is_refused_and_older_keys_still_verify() {
        let signer =
            |sources: &[&'static [u8]]| Signer::derived_from("debtor links", sources.iter().copied());
        let token = LinkToken {
            business_id: Uuid::from_u128(1),
            link_id: Uuid::from_u128(2),
            expires_at: "2026-06-10T17:00:00Z".parse().unwrap(),
        };
        let text = token.signed_by(&signer(&[b"old"]));
        assert_eq!(LinkToken::read(&signer(&[b"new", b"old"]), &text), Some(token));
        assert_eq!(LinkToken::read(&signer(&[b"new"]), &text), None);
        let files = Signer::derived_from("file links", [b"old".as_slice()].into_iter());
        assert_eq!(LinkToken::read(&files, &text), None, "another use has other keys");
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let altered = URL_SAFE_NO_PAD.encode(altered);
            assert_eq!(LinkToken::read(&signer(&[b"old"]), &altered), None, "byte {at}");
        }
        for garbled in ["", "x", &text[1..], &format!("{text}AA")] {
            assert_eq!(LinkToken::read(&signer(&[b"old"]), garbled), None);
        }
    }
}
