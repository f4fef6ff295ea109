//! Whether the vendors still take what businesses have connected: `doctor` asks each account and number.

use futures_util::{StreamExt as _, stream};
use secrecy::SecretString;

use super::{
    ports::{AccountStanding, NumberLookUp, VendorAccounts, VendorNumber, inbound_webhook},
    route::open,
};
use crate::platform::{context::SystemCtx, db::Db, error::OpError, keys::Keyring, phone::PhoneNumber};

/// Accounts that are asked about at once.
const AT_ONCE: usize = 8;
/// Accounts that are asked about at all.
const MOST: i64 = 10_000;

/// An account at Twilio, with the numbers of it that are connected.
struct Connected {
    external_id: String,
    /// The name by which the business is found.
    slug: String,
    /// What the stored secret opens to; an error where no master key opens it any more.
    secret: Result<SecretString, OpError>,
    numbers: Vec<String>,
    /// Those of them where Twilio confirms opt-outs in its own words.
    by_default: Vec<String>,
}

/// Where a confirmation of Twilio's own says more than it may.
fn default_replies(account: &Connected) -> impl Iterator<Item = String> {
    let slug = &account.slug;
    account.by_default.iter().map(move |number| {
        format!(
            "Number {number} ({slug}) answers STOP in Twilio's default words, which tell how to resume (12 CFR 1006.14(h)(2)(i)): \
             in Twilio's console, put it into a Messaging Service with Advanced Opt-Out, whose reply says nothing but that the \
             request is received and honoured"
        )
    })
}

/// One line for each account whose secret Twilio does not take or that it has suspended, and for each connected number
/// that is not in its account, whose texts go elsewhere, or where Twilio confirms opt-outs in its own words. Ends at the first time that Twilio does not answer.
///
/// # Errors
/// [`OpError`] as met in the database.
pub async fn check_vendors(
    db: &Db,
    keyring: &Keyring,
    vendor: &dyn VendorAccounts,
    public_base_url: &str,
) -> Result<Vec<String>, OpError> {
    let webhook = inbound_webhook(public_base_url);
    let accounts = connected(db, keyring).await?;
    let mut answers = stream::iter(&accounts)
        .map(|account| check(account, vendor, &webhook))
        .buffer_unordered(AT_ONCE);
    let mut findings: Vec<String> = accounts.iter().flat_map(default_replies).collect();
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(found) => findings.extend(found),
            // What the client says of the failure may quote the address, which names the account.
            Err(_) => {
                findings.push(
                    "TWILIO_BASE_URL: Twilio does not answer there, so businesses' accounts are not checked"
                        .to_owned(),
                );
                break;
            }
        }
    }
    findings.sort();
    Ok(findings)
}

async fn connected(db: &Db, keyring: &Keyring) -> Result<Vec<Connected>, OpError> {
    let mut tx = db
        .system(&SystemCtx::for_reason("accounts at vendors", "doctor"))
        .await?;
    let rows = sqlx::query!(
        r#"SELECT a.id, a.external_id, a.secret_cipher, b.slug,
                ARRAY(SELECT e164 FROM inbound_numbers n
                      WHERE n.provider_account_id = a.id AND n.disconnected_at IS NULL) AS "numbers!",
                ARRAY(SELECT e164 FROM inbound_numbers n
                      WHERE n.provider_account_id = a.id AND n.disconnected_at IS NULL AND n.opt_out_reply = 'DEFAULT')
                    AS "by_default!"
         FROM provider_accounts a JOIN businesses b ON b.id = a.business_id
         WHERE a.provider = 'TWILIO' AND b.status = 'ACTIVE' ORDER BY a.id LIMIT $1"#,
        MOST
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    let accounts = rows.into_iter().map(|row| Connected {
        secret: open(keyring, "secret_cipher", row.id, &row.secret_cipher),
        external_id: row.external_id,
        slug: row.slug,
        numbers: row.numbers,
        by_default: row.by_default,
    });
    Ok(accounts.collect())
}

/// # Errors
/// When the vendor does not answer.
async fn check(
    account: &Connected,
    vendor: &dyn VendorAccounts,
    webhook: &str,
) -> anyhow::Result<Vec<String>> {
    let (sid, slug) = (&account.external_id, &account.slug);
    let Ok(secret) = &account.secret else {
        return Ok(vec![format!(
            "MASTER_KEYS: the auth token of Twilio account {sid} ({slug}) does not open: put back the key that sealed it"
        )]);
    };
    match vendor.standing(sid, secret).await? {
        AccountStanding::Active => {}
        AccountStanding::NotActive => {
            return Ok(vec![format!(
                "Twilio has suspended or closed account {sid} ({slug}): nothing leaves for that business"
            )]);
        }
        AccountStanding::Refused => {
            return Ok(vec![format!(
                "Twilio does not take the auth token of account {sid} ({slug}): its administrator sets it anew \
                 (setProviderCredentials)"
            )]);
        }
    }
    let mut findings = Vec::new();
    for number in &account.numbers {
        let Ok(parsed) = PhoneNumber::parse_e164(number) else {
            continue;
        };
        let problem = match vendor.number(sid, secret, &parsed).await? {
            NumberLookUp::Found(found) => misrouted(&found, webhook),
            NumberLookUp::NotThere | NumberLookUp::Refused => {
                Some(format!("is not in Twilio account {sid} any more"))
            }
        };
        findings.extend(problem.map(|problem| format!("Number {number} ({slug}) {problem}")));
    }
    Ok(findings)
}

/// What keeps texts to the number from us.
fn misrouted(number: &VendorNumber, webhook: &str) -> Option<String> {
    if !number.takes_texts {
        return Some("takes no texts, says Twilio".to_owned());
    }
    if number.has_application || number.texts_go_to.as_deref() != Some(webhook) {
        return Some(format!(
            "brings its texts elsewhere: in Twilio's console, set its webhook for incoming messages to {webhook}, with HTTP \
             POST"
        ));
    }
    None
}
