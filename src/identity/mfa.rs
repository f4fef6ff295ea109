//! Second factors: TOTP (RFC 6238, SHA-1, six digits, 30 seconds, one step of skew) and recovery codes.

use totp_rs::{Algorithm, Builder, Secret, Totp};

/// What is shown once at enrolment.
pub(super) struct Enrollment {
    pub(super) secret_base32: String,
    pub(super) otpauth_url: String,
    pub(super) qr_data_url: String,
}

fn totp(secret: &[u8], account: &str) -> Totp {
    // Not the strict builder: it refuses secrets below 128 bits, which imported and demo users may have.
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30)
        .with_secret(secret.to_vec())
        .with_account_name(account.replace(':', " "))
        .with_issuer(Some("funnelchat"))
        .build_noncompliant()
}

/// A new secret of 160 bits, as RFC 4226 section 4 recommends.
pub(super) fn new_secret() -> [u8; 20] {
    rand::random()
}

/// How the secret is handed to an authenticator app.
pub(super) fn enrollment(secret: &[u8], account: &str) -> anyhow::Result<Enrollment> {
    let totp = totp(secret, account);
    Ok(Enrollment {
        secret_base32: Secret::from(secret.to_vec()).to_base32(),
        otpauth_url: totp.to_url()?,
        qr_data_url: format!("data:image/png;base64,{}", totp.to_qr_base64()?),
    })
}

/// The 30-second step whose code this is, if it is one of the three that count now.
pub(super) fn matching_step(secret: &[u8], code: &str, unix_seconds: i64) -> Option<i64> {
    let now = u64::try_from(unix_seconds).ok()?;
    let step = totp(secret, "").check(code, now)?;
    i64::try_from(step).ok()
}

/// Ten codes of 50 random bits, to be shown once.
pub(super) fn new_recovery_codes() -> Vec<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    (0..10)
        .map(|_| {
            let bytes: [u8; 10] = rand::random();
            let text: String = bytes
                .iter()
                .map(|b| char::from(ALPHABET[usize::from(b % 32)]))
                .collect();
            format!("{}-{}", &text[..5], &text[5..])
        })
        .collect()
}

/// As typed: case, spaces and dashes do not matter.
pub(super) fn normalise_recovery_code(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
