//! A business registers itself: its founder becomes its administrator once the e-mail address is verified.
//! Staff otherwise join by invitation only, so no role and no business id is ever taken from the caller.

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Identity, NewBusiness, NewMember, business_store,
    login::push_audit,
    mail_reader::reader_of,
    password::hash_password,
    password_policy::{self, About},
    ports::{StaffMail, StaffMailer},
    registration_store,
    store::{self, NewIdentity},
    tokens::{hash_secret, new_secret},
};
use crate::{
    access::Role,
    platform::{
        context::{Actor, RequestMark, SystemCtx},
        db::{PlatformAudit, SystemTx},
        email::EmailAddress,
        error::OpError,
        gql::UserError,
        ids,
        jobs::{Job, JobError},
        rate_limit::Rule,
    },
};

/// How long a link is good.
pub(super) const LINK_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// So many registrations of one address wait for their links; one more takes the place of the oldest.
const OPEN_AT_ONCE: usize = 5;

/// What a founder tells us.
pub(super) struct Registration {
    pub(super) business_name: String,
    pub(super) business_role: &'static str,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) password: SecretString,
}

/// Sends (or sends again) the verification link; the token is made when the mail is.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendVerificationMail {
    identity_id: Uuid,
    /// Whose link it is; `None` for somebody who is registered already.
    #[serde(default)]
    registration_id: Option<Uuid>,
}

impl Job for SendVerificationMail {
    const NAME: &'static str = "identity.send_verification_mail";
}

/// Registers. The answer is the same whether or not the address is known: a mail tells its owner which it was. Of several
/// who register with an address that nobody has verified, each has a link, a password and a business of their own: the link
/// that is followed first, with the password of its registration, says whose count.
pub(super) async fn register_business(
    identity: &Identity,
    request_id: &RequestMark,
    registration: Registration,
) -> Result<(), OpError> {
    let mut errors = Vec::new();
    let email = EmailAddress::parse(&registration.email)
        .map_err(|error| errors.push(UserError::invalid("email", error.to_string())))
        .ok();
    for (field, value) in [
        ("businessName", &registration.business_name),
        ("name", &registration.name),
    ] {
        if !(1..=200).contains(&value.trim().chars().count()) || value.chars().any(char::is_control) {
            errors.push(UserError::invalid(
                field,
                "Fill this in with 1 to 200 characters.",
            ));
        }
    }
    let about = About {
        email: &registration.email,
        names: &[&registration.name, &registration.business_name],
        second_factor: false,
        classes_required: identity.settings.password_classes_required,
    };
    if let Err(broken) = password_policy::check(registration.password.expose_secret(), &about) {
        errors.push(broken.at("password"));
    }
    let Some(email) = email.filter(|_| errors.is_empty()) else {
        return Err(OpError::User(errors));
    };
    let password_hash = hash_password(&registration.password).await?;
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason("registration", request_id))
        .await?;
    let blind = identity.keyring.platform_blind(&email.normalised());
    store::lock_address(&mut tx, &blind).await?;
    let known = match store::identity_by_email(&mut tx, &blind).await? {
        // Locked: one who is forgotten at this moment is nobody.
        Some(known) => store::lock_identity(&mut tx, known.id).await?,
        None => None,
    };
    if known.is_some() && !may_mail(identity, &email.normalised()).await {
        // The answer stays the same: nobody learns whether mails are on their way.
        return Ok(());
    }
    if let Some(known) = known.as_ref().filter(|known| known.email_verified_at.is_some()) {
        let mail = SendVerificationMail {
            identity_id: known.id,
            registration_id: None,
        };
        tx.enqueue(None, &mail).await?;
        push_audit(&mut tx, "registration.repeated", Some(known.id));
        return Ok(tx.commit().await?);
    }
    let identity_id = match known {
        Some(known) => {
            push_audit(&mut tx, "registration.repeated", Some(known.id));
            make_room(&mut tx, known.id).await?;
            known.id
        }
        None => insert_founder(identity, &mut tx, &email, &password_hash).await?,
    };
    let (business_id, user_id) = (ids::next(), ids::next());
    let slug = free_slug(&mut tx, &registration.business_name, business_id).await?;
    business_store::insert_business(
        &mut tx,
        &NewBusiness {
            id: business_id,
            slug,
            name: registration.business_name.trim().to_owned(),
            role: registration.business_role,
            status: "PENDING",
            wrapped_key: identity.keyring.new_business_key(business_id, 1)?,
        },
    )
    .await?;
    let name = registration.name.trim().to_owned();
    business_store::insert_member(
        &mut tx,
        &NewMember {
            business_id,
            user_id,
            identity_id,
            name,
            role: Role::BusinessAdmin,
            custom_role_id: None,
        },
    )
    .await?;
    let registration_id =
        registration_store::insert_registration(&mut tx, identity_id, business_id, &password_hash).await?;
    let mail = SendVerificationMail {
        identity_id,
        registration_id: Some(registration_id),
    };
    tx.enqueue(None, &mail).await?;
    tx.audit(PlatformAudit {
        actor: Actor::User(user_id),
        action: "business.registered",
        object_id: Some(business_id),
        details: serde_json::json!({ "role": registration.business_role }),
    });
    Ok(tx.commit().await?)
}

/// Forgets the oldest registrations of a person whose row is locked, so that one more has a place.
async fn make_room(tx: &mut SystemTx, person: Uuid) -> Result<(), OpError> {
    let open = registration_store::registrations_of(tx, person).await?;
    let too_many = (open.len() + 1).saturating_sub(OPEN_AT_ONCE);
    Ok(registration_store::forget(tx, &open[..too_many]).await?)
}

/// A person who has not shown yet that the address is theirs.
async fn insert_founder(
    identity: &Identity,
    tx: &mut SystemTx,
    email: &EmailAddress,
    password_hash: &str,
) -> Result<Uuid, OpError> {
    let (id, keyring) = (ids::next(), &identity.keyring);
    let new = NewIdentity {
        id,
        email_blind: keyring.platform_blind(&email.normalised()).to_vec(),
        email_cipher: keyring.platform_seal("identities", "email_cipher", id, email.as_str().as_bytes())?,
        password_hash: password_hash.to_owned(),
        platform_role: None,
    };
    store::insert_identity(tx, &new).await.map_err(|error| {
        // Somebody accepted an invitation to the address at this very moment.
        if error.is_constraint("identities_email_blind_key") {
            return OpError::Unavailable(
                "the address is being taken into use: try again in a moment".to_owned(),
            );
        }
        OpError::from(error)
    })?;
    Ok(id)
}

/// Mails that a stranger can make us send to one address.
const MAILS_PER_HOUR: Rule = Rule::new("verification_mails_hour", 3, std::time::Duration::from_secs(3600));

async fn may_mail(identity: &Identity, email: &str) -> bool {
    identity
        .limiter
        .check(&[(MAILS_PER_HOUR, email)], identity.wall.now())
        .await
        .allowed
}

/// Lower-case letters, digits and dashes of the name; with a tail of the id when that is taken.
pub(super) async fn free_slug(tx: &mut SystemTx, name: &str, id: Uuid) -> Result<String, OpError> {
    let mut slug: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect::<String>()
        .split('-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    slug.truncate(40);
    let slug = slug.trim_end_matches('-').to_owned();
    let tail: String = id.simple().to_string().chars().rev().take(8).collect();
    if slug.is_empty() {
        return Ok(format!("business-{tail}"));
    }
    Ok(if business_store::slug_is_taken(tx, &slug).await? {
        format!("{slug}-{tail}")
    } else {
        slug
    })
}

/// Runs [`SendVerificationMail`]. Sent twice when the worker dies between mail and commit; both links work.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_verification_mail(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    job: SendVerificationMail,
) -> Result<(), JobError> {
    let mut tx = identity
        .db
        .system(&SystemCtx::for_reason(
            "verification mail",
            "job-verification-mail",
        ))
        .await?;
    let Some(row) = store::lock_identity(&mut tx, job.identity_id).await? else {
        return Ok(());
    };
    let email = identity
        .keyring
        .platform_open("identities", "email_cipher", row.id, &row.email_cipher)
        .map_err(|error| JobError::Fatal(error.to_string()))?;
    let email = std::str::from_utf8(&email)
        .ok()
        .and_then(|text| EmailAddress::parse(text).ok());
    let Some(email) = email else {
        return Err(JobError::Fatal("an identity's address is unreadable".to_owned()));
    };
    let mail = match job.registration_id {
        None if row.email_verified_at.is_some() => StaffMail::AlreadyRegistered,
        None => return Ok(()),
        Some(registration) => {
            // One that was forgotten meanwhile needs no link.
            let Some(registrant) = registration_store::registrant(&mut tx, registration).await? else {
                return Ok(());
            };
            let token = new_secret("fcv_");
            let expires_at = tx.now() + LINK_LIFETIME;
            let hash = hash_secret(&token);
            registration_store::insert_link(&mut tx, row.id, registration, &hash, expires_at).await?;
            StaffMail::VerifyEmail {
                name: registrant.name,
                business: registrant.business,
                link: format!("{}/verify-email?token={token}", identity.settings.public_base_url),
            }
        }
    };
    let reader = reader_of(&mut tx, row.id, None).await?;
    // The link must be good before anybody can follow it; the call itself happens outside the transaction.
    tx.commit().await?;
    mailer
        .send(&email, reader, mail)
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}

/// A member of staff whose address and second factor are known to be right: demo data.
pub struct KnownMember<'a> {
    pub business_id: Uuid,
    pub email: &'a EmailAddress,
    pub name: &'a str,
    pub role: Role,
    /// Argon2id PHC string.
    pub password_hash: &'a str,
    /// The TOTP secret's bytes.
    pub totp_secret: &'a [u8],
}

/// Adds a verified, enrolled member and returns the user's id.
///
/// # Errors
/// `identities_email_blind_key` when the address has an identity.
pub async fn add_known_member(
    tx: &mut SystemTx,
    keyring: &crate::platform::keys::Keyring,
    member: KnownMember<'_>,
) -> Result<Uuid, OpError> {
    let (identity_id, user_id) = (ids::next(), ids::next());
    let address = member.email.as_str().as_bytes();
    store::insert_identity(
        tx,
        &NewIdentity {
            id: identity_id,
            email_blind: keyring.platform_blind(&member.email.normalised()).to_vec(),
            email_cipher: keyring.platform_seal("identities", "email_cipher", identity_id, address)?,
            password_hash: member.password_hash.to_owned(),
            platform_role: None,
        },
    )
    .await?;
    let secret = keyring.platform_seal(
        "identities",
        "totp_secret_cipher",
        identity_id,
        member.totp_secret,
    )?;
    store::set_known(tx, identity_id, &secret).await?;
    let new = NewMember {
        business_id: member.business_id,
        user_id,
        identity_id,
        name: member.name.to_owned(),
        role: member.role,
        custom_role_id: None,
    };
    business_store::insert_member(tx, &new).await?;
    Ok(user_id)
}
