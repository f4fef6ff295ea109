//! Signed links: who holds one may send one content, or read one file, for a short time. A link names the business, the
//! file, what it is for, and in whose name it acts; whoever alters any of that lacks the signature. Wall time.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Files;
use crate::platform::{
    context::{Actor, GrantSet, TenantCtx},
    crypto::Signer,
};

/// How long a download link is good.
const DOWNLOAD_LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// How long an upload link is good; what began in time may take longer.
pub(super) const UPLOAD_LIFETIME: TimeDelta = TimeDelta::minutes(15);

const VERSION: u8 = 1;
const SIGNED: usize = 2 + 16 + 16 + 17 + 8;
const SIGNATURE: usize = Signer::LENGTH;

/// What a link is good for; one kind never passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkUse {
    Upload,
    Download,
}

impl LinkUse {
    fn tag(self) -> u8 {
        match self {
            Self::Upload => 1,
            Self::Download => 2,
        }
    }
}

/// Why a link is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkProblem {
    /// Forged, garbled, or for another use.
    Invalid,
    /// It was good once.
    Expired,
}

/// What a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub business_id: Uuid,
    pub file: Uuid,
    /// In whose name it acts.
    pub actor: Actor,
}

impl Link {
    /// The context of a request that came by this link: in its business, as its actor, with no other permission.
    pub fn ctx(&self, request_id: &str) -> TenantCtx {
        TenantCtx::authenticated(
            self.business_id,
            self.actor,
            GrantSet::default(),
            None,
            request_id.into(),
        )
    }
}

/// The keys of links.
pub struct LinkKeys(Signer);

impl LinkKeys {
    /// Derives keys of its own from these.
    pub fn derived_from<'a>(sources: impl Iterator<Item = &'a [u8]>) -> Self {
        Self(Signer::derived_from("file links", sources))
    }

    fn sign(&self, link_use: LinkUse, link: &Link, expires_at: DateTime<Utc>) -> String {
        let mut bytes = Vec::with_capacity(SIGNED + SIGNATURE);
        bytes.extend([VERSION, link_use.tag()]);
        bytes.extend(link.business_id.as_bytes());
        bytes.extend(link.file.as_bytes());
        bytes.push(actor_tag(link.actor));
        bytes.extend(link.actor.id().unwrap_or_default().as_bytes());
        bytes.extend(expires_at.timestamp().to_be_bytes());
        bytes.extend(self.0.sign(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(&self, link_use: LinkUse, token: &str, now: DateTime<Utc>) -> Result<Link, LinkProblem> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| LinkProblem::Invalid)?;
        if bytes.len() != SIGNED + SIGNATURE {
            return Err(LinkProblem::Invalid);
        }
        let (signed, signature) = bytes.split_at(SIGNED);
        if !self.0.verifies(signed, signature) {
            return Err(LinkProblem::Invalid);
        }
        let (head, expires) = signed.split_at(SIGNED - 8);
        let [VERSION, found_use, fields @ ..] = head else {
            return Err(LinkProblem::Invalid);
        };
        if *found_use != link_use.tag() {
            return Err(LinkProblem::Invalid);
        }
        let uuid = |at: usize| {
            let bytes = fields.get(at..at + 16).unwrap_or_default();
            Uuid::from_slice(bytes).map_err(|_| LinkProblem::Invalid)
        };
        let link = Link {
            business_id: uuid(0)?,
            file: uuid(16)?,
            actor: actor(fields[32], uuid(33)?).ok_or(LinkProblem::Invalid)?,
        };
        let expires = i64::from_be_bytes(expires.try_into().map_err(|_| LinkProblem::Invalid)?);
        if expires <= now.timestamp() {
            return Err(LinkProblem::Expired);
        }
        Ok(link)
    }
}

fn actor_tag(actor: Actor) -> u8 {
    match actor {
        Actor::System => 0,
        Actor::User(_) => 1,
        Actor::Service(_) => 2,
        Actor::Debtor(_) => 3,
        Actor::Platform(_) => 4,
    }
}

fn actor(tag: u8, id: Uuid) -> Option<Actor> {
    Some(match tag {
        0 => Actor::System,
        1 => Actor::User(id),
        2 => Actor::Service(id),
        3 => Actor::Debtor(id),
        4 => Actor::Platform(id),
        _ => return None,
    })
}

impl Files {
    /// Where the caller can read this file in the next five minutes. That they may is for whoever asks to check.
    pub fn download_url(&self, ctx: &TenantCtx, file: Uuid) -> String {
        let token = self.token(LinkUse::Download, ctx, file, self.wall.now() + DOWNLOAD_LIFETIME);
        format!("{}/files/{token}", self.settings.public_base_url)
    }

    /// Where the caller can send the content of this upload, and until when.
    pub(super) fn upload_url(&self, ctx: &TenantCtx, file: Uuid) -> (String, DateTime<Utc>) {
        let expires_at = self.wall.now() + UPLOAD_LIFETIME;
        let token = self.token(LinkUse::Upload, ctx, file, expires_at);
        let url = format!("{}/uploads/{token}", self.settings.public_base_url);
        (url, expires_at)
    }

    fn token(&self, link_use: LinkUse, ctx: &TenantCtx, file: Uuid, expires_at: DateTime<Utc>) -> String {
        let link = Link {
            business_id: ctx.business_id(),
            file,
            actor: ctx.actor(),
        };
        self.links.sign(link_use, &link, expires_at)
    }

    /// Reads the last part of a link.
    ///
    /// # Errors
    /// [`LinkProblem`].
    pub fn read_link(&self, link_use: LinkUse, token: &str) -> Result<Link, LinkProblem> {
        self.links.read(link_use, token, self.wall.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-06-10T17:00:00Z".parse().unwrap()
    }

    fn link() -> Link {
        Link {
            business_id: Uuid::from_u128(1),
            file: Uuid::from_u128(2),
            actor: Actor::User(Uuid::from_u128(3)),
        }
    }

    fn keys(sources: &[&[u8]]) -> LinkKeys {
        LinkKeys::derived_from(sources.iter().copied())
    }

    #[test]
    fn a_link_says_what_was_signed_until_it_expires_and_for_its_use_only() {
        let keys = keys(&[b"first"]);
        let token = keys.sign(LinkUse::Upload, &link(), now() + TimeDelta::seconds(60));
        assert_eq!(keys.read(LinkUse::Upload, &token, now()), Ok(link()));
        assert_eq!(
            keys.read(LinkUse::Download, &token, now()),
            Err(LinkProblem::Invalid)
        );
        let later = now() + TimeDelta::seconds(60);
        assert_eq!(
            keys.read(LinkUse::Upload, &token, later),
            Err(LinkProblem::Expired)
        );
    }

    #[test]
    fn whatever_is_altered_is_refused_and_older_keys_still_verify() {
        let old = keys(&[b"old"]);
        let token = old.sign(LinkUse::Download, &link(), now() + TimeDelta::seconds(60));
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let altered = URL_SAFE_NO_PAD.encode(altered);
            assert_eq!(
                old.read(LinkUse::Download, &altered, now()),
                Err(LinkProblem::Invalid),
                "byte {at}"
            );
        }
        for garbled in ["", "x", &token[1..], &format!("{token}AA")] {
            assert_eq!(
                old.read(LinkUse::Download, garbled, now()),
                Err(LinkProblem::Invalid)
            );
        }
        let rotated = keys(&[b"new", b"old"]);
        assert_eq!(rotated.read(LinkUse::Download, &token, now()), Ok(link()));
        let without = keys(&[b"new"]);
        assert_eq!(
            without.read(LinkUse::Download, &token, now()),
            Err(LinkProblem::Invalid)
        );
    }
}
