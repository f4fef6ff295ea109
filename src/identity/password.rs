//! Passwords: Argon2id with the library's defaults (OWASP: 19 MiB, two passes). Hashes by bcrypt, of people who were brought
//! over from another system, are still verified, and made anew at their next log-in. Hashing takes tens of milliseconds of a
//! core, so it runs beside the async threads and at most two at once; who waits does so in a bounded line, for a bounded
//! time. Whoever tries passwords is counted before (`lockout`, and the limits of public operations).

use std::time::Duration;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::password_policy::normalise;
use crate::platform::error::OpError;

/// Who may hash, and who may wait for it.
struct Line {
    hashing: Semaphore,
    in_line: Semaphore,
    longest_wait: Duration,
}

/// Two at once; a hundred wait two to three seconds for the last of them.
static LINE: Line = Line::new(2, 100, Duration::from_secs(5));

/// A place among those who hash. It is given back when the hash is made, and not when nobody waits for it any more: work
/// that was begun goes on.
struct Turn {
    _hashing: SemaphorePermit<'static>,
    _in_line: SemaphorePermit<'static>,
}

impl Line {
    const fn new(at_once: usize, waiting: usize, longest_wait: Duration) -> Self {
        Self {
            hashing: Semaphore::const_new(at_once),
            in_line: Semaphore::const_new(at_once + waiting),
            longest_wait,
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`OpError::Unavailable`] where too many wait already, or it took too long.
    async fn turn(&'static self) -> Result<Turn, OpError> {
        let busy = |why: &str| OpError::Unavailable(format!("passwords cannot be checked now: {why}"));
        let in_line = self
            .in_line
            .try_acquire()
            .map_err(|_| busy("too many wait for it"))?;
        let hashing = timeout(self.longest_wait, self.hashing.acquire())
            .await
            .map_err(|_| busy("it took too long"))?
            .map_err(|_| busy("the service is stopping"))?;
        Ok(Turn {
            _hashing: hashing,
            _in_line: in_line,
        })
    }
}

/// A hash of nothing that anybody knows: verifying against it costs an unknown address as much as a known one.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$8bSLZhVfVdtc1AkTFB63vQ$Pd9xgFTfO8YYZ6lGCEAQyXVP1Di6FlYAkLcRVYgr9b4";

/// Hashes a password for storage, as a PHC string.
///
/// # Errors
/// [`OpError::Unavailable`] when too many wait for it; INTERNAL when the operating system gives no randomness.
pub async fn hash_password(password: &SecretString) -> Result<String, OpError> {
    let password = password.clone();
    let turn = LINE.turn().await?;
    let hash = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        Argon2::default()
            .hash_password(normalise(password.expose_secret()).as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| anyhow::anyhow!("argon2: {error}"))
    });
    Ok(hash.await.map_err(anyhow::Error::from)??)
}

/// Whether `password` fits `stored`; with no stored hash it costs the same and is never right.
///
/// # Errors
/// [`OpError::Unavailable`] when too many wait for it.
pub(super) async fn verify_password(password: &SecretString, stored: Option<&str>) -> Result<bool, OpError> {
    let known = stored.is_some();
    let stored = stored.unwrap_or(DECOY).to_owned();
    let password = password.clone();
    let turn = LINE.turn().await?;
    let fits = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        if is_outdated(&stored) {
            // As it was typed, and only the first 72 bytes of it: so it was hashed.
            return bcrypt::verify(password.expose_secret(), &stored).unwrap_or(false);
        }
        PasswordHash::new(&stored).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(normalise(password.expose_secret()).as_bytes(), &hash)
                .is_ok()
        })
    });
    Ok(known && fits.await.map_err(anyhow::Error::from)?)
}

/// Whether a stored hash is by bcrypt: to be made anew as soon as its password is known.
pub(super) fn is_outdated(stored: &str) -> bool {
    stored.starts_with("$2")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_is_full_and_a_wait_that_is_long_are_refused_in_words() {
        static SHORT: Line = Line::new(1, 1, Duration::ZERO);
        let why = |refused: Result<Turn, OpError>| match refused {
            Err(OpError::Unavailable(why)) => why,
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("there was no room"),
        };
        let first = SHORT.turn().await.unwrap();
        assert!(why(SHORT.turn().await).contains("took too long"));
        let _waiting = SHORT.in_line.try_acquire().unwrap();
        assert!(why(SHORT.turn().await).contains("too many wait"));
        drop(first);
        assert!(SHORT.turn().await.is_ok(), "the place was given back");
    }

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
        // A hash of "abc", of cost 12, that another implementation made (pyca/bcrypt).
        let by_bcrypt = "$2a$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q";
        assert!(is_outdated(by_bcrypt) && !is_outdated(&stored));
        for (typed, fits) in [("abc", true), ("abd", false)] {
            let typed = SecretString::from(typed);
            assert_eq!(verify_password(&typed, Some(by_bcrypt)).await.unwrap(), fits);
        }
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
