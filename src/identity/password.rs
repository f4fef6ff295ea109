//! Passwords: Argon2id with the library's defaults (OWASP: 19 MiB, two passes). Hashing takes tens of
//! milliseconds of a core, so it runs beside the async threads and at most two at once.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use super::password_policy::normalise;

static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// A hash of nothing that anybody knows: verifying against it costs an unknown address as much as a known one.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$8bSLZhVfVdtc1AkTFB63vQ$Pd9xgFTfO8YYZ6lGCEAQyXVP1Di6FlYAkLcRVYgr9b4";

/// Hashes a password for storage, as a PHC string.
///
/// # Errors
/// When the operating system gives no randomness.
pub async fn hash_password(password: &SecretString) -> anyhow::Result<String> {
    let password = password.clone();
    let _turn = AT_ONCE.acquire().await?;
    tokio::task::spawn_blocking(move || {
        Argon2::default()
            .hash_password(normalise(password.expose_secret()).as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| anyhow::anyhow!("argon2: {error}"))
    })
    .await?
}

/// Whether `password` fits `stored`; with no stored hash it costs the same and is never right.
///
/// # Errors
/// When the service is shutting down.
pub(super) async fn verify_password(password: &SecretString, stored: Option<&str>) -> anyhow::Result<bool> {
    let known = stored.is_some();
    let stored = stored.unwrap_or(DECOY).to_owned();
    let password = password.clone();
    let _turn = AT_ONCE.acquire().await?;
    let fits = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&stored).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(normalise(password.expose_secret()).as_bytes(), &hash)
                .is_ok()
        })
    })
    .await?;
    Ok(known && fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only_and_the_decoy_fits_nobody() {
        let password = SecretString::from("correct horse battery staple");
        let stored = hash_password(&password).await.unwrap();
        assert!(verify_password(&password, Some(&stored)).await.unwrap());
        assert!(
            !verify_password(&SecretString::from("wrong horse battery staple"), Some(&stored))
                .await
                .unwrap()
        );
        assert!(!verify_password(&password, None).await.unwrap());
        let typed = SecretString::from("u\u{308}ber den wolken");
        let stored = hash_password(&SecretString::from("\u{fc}ber den wolken"))
            .await
            .unwrap();
        assert!(
            verify_password(&typed, Some(&stored)).await.unwrap(),
            "however the keyboard spells it"
        );
        assert!(
            PasswordHash::new(DECOY).is_ok(),
            "the decoy must cost a real verification"
        );
    }
}
