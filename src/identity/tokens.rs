//! Tokens: short-lived signed access and challenge tokens (JWT, HS256), and random refresh tokens of which only a
//! hash is stored. Times are wall time and injected: the library's own clock checks are off.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::platform::crypto::NamedKeys;

/// How long an access token is good.
pub(super) const ACCESS_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// How long a refresh token is good.
pub(super) const REFRESH_LIFETIME: TimeDelta = TimeDelta::days(7);
/// How debtors' refresh tokens begin.
pub(super) const DEBTOR_REFRESH: &str = "fcd_";
/// How long a log-in may wait for its second factor.
const CHALLENGE_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// What a token is good for; one kind never passes for another.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Purpose {
    Access,
    /// Password was right; the second factor is missing.
    MfaChallenge,
    /// Password was right; a second factor must be enrolled first.
    MfaEnrollment,
    /// A debtor has followed their link; the check that it is they is missing.
    DebtorChallenge,
}

/// What an access token says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Claims {
    #[serde(rename = "typ")]
    pub(super) purpose: Purpose,
    /// Identity; of a debtor's tokens the debtor, or of a challenge the link.
    pub(super) sub: Uuid,
    /// Unix seconds.
    pub(super) exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) biz: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usr: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<String>,
    /// Of a debtor: the account that the session is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) acc: Option<Uuid>,
    /// And the link by which they came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lnk: Option<Uuid>,
    /// Of a challenge: which password it was that was right. With another one the challenge is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pwd: Option<String>,
    /// Fewer permissions than the role's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prm: Option<Vec<String>>,
}

impl Claims {
    /// Says nothing else yet.
    pub(super) fn of(purpose: Purpose, sub: Uuid, expires_at: DateTime<Utc>) -> Self {
        Self {
            purpose,
            sub,
            exp: expires_at.timestamp(),
            sid: None,
            biz: None,
            usr: None,
            role: None,
            acc: None,
            lnk: None,
            pwd: None,
            prm: None,
        }
    }
}

/// Why a token was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenProblem {
    /// Forged, garbled, or of another purpose.
    Invalid,
    /// It was good once.
    Expired,
}

/// The signing keys: the first signs, all verify, so that a key can be replaced without signing anybody out.
pub struct TokenKeys {
    signing: (String, EncodingKey),
    verifying: Vec<(String, DecodingKey)>,
    validation: Validation,
}

impl TokenKeys {
    /// Takes the setting's keys, newest first.
    pub fn new(keys: &NamedKeys) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Expiry is checked against the injected clock below.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let signing = keys.signing();
        Self {
            signing: (
                signing.kid().to_owned(),
                EncodingKey::from_secret(signing.expose_secret()),
            ),
            verifying: keys
                .all()
                .map(|key| {
                    (
                        key.kid().to_owned(),
                        DecodingKey::from_secret(key.expose_secret()),
                    )
                })
                .collect(),
            validation,
        }
    }

    pub(super) fn sign(&self, claims: &Claims) -> anyhow::Result<String> {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(self.signing.0.clone());
        Ok(jsonwebtoken::encode(&header, claims, &self.signing.1)?)
    }

    /// A token of a log-in that waits for its second factor; the session will be in `business`, if one is named.
    pub(super) fn challenge(
        &self,
        purpose: Purpose,
        identity: Uuid,
        business: Option<Uuid>,
        password_hash: &str,
        now: DateTime<Utc>,
    ) -> anyhow::Result<String> {
        self.sign(&Claims {
            biz: business,
            pwd: Some(password_mark(password_hash)),
            ..Claims::of(purpose, identity, now + CHALLENGE_LIFETIME)
        })
    }

    /// A token of a debtor's sign-in that waits for its check.
    pub(super) fn debtor_challenge(
        &self,
        business: Uuid,
        link: Uuid,
        now: DateTime<Utc>,
    ) -> anyhow::Result<String> {
        self.sign(&Claims {
            biz: Some(business),
            ..Claims::of(Purpose::DebtorChallenge, link, now + CHALLENGE_LIFETIME)
        })
    }

    pub(super) fn read(
        &self,
        purpose: Purpose,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Claims, TokenProblem> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenProblem::Invalid)?;
        let kid = header.kid.ok_or(TokenProblem::Invalid)?;
        let key = self
            .verifying
            .iter()
            .find(|(id, _)| *id == kid)
            .ok_or(TokenProblem::Invalid)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.1, &self.validation)
            .map_err(|_| TokenProblem::Invalid)?
            .claims;
        match claims.purpose == purpose {
            false => Err(TokenProblem::Invalid),
            true if claims.exp <= now.timestamp() => Err(TokenProblem::Expired),
            true => Ok(claims),
        }
    }
}

/// Tells one stored password from the next, and nothing else of it.
pub(super) fn password_mark(password_hash: &str) -> String {
    URL_SAFE_NO_PAD.encode(&hash_secret(password_hash)[..12])
}

/// A fresh random secret to hand out: `prefix` and 256 bits.
pub(super) fn new_secret(prefix: &str) -> String {
    let bytes: [u8; 32] = rand::random();
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a secret of 256 random bits: a plain hash is enough, nobody can guess them.
pub(super) fn hash_secret(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
