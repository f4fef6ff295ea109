//! A member of staff says how they are called and reached, and in which language and time zone they want to read.

use serde_json::json;

use super::profile_store;
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::UserError,
        keys::TenantKeys,
        phone::PhoneNumber,
    },
};

/// Each `Some` is a new value; `Some(None)` empties the field.
#[derive(Clone, Debug, Default)]
pub(super) struct ProfilePatch {
    pub(super) name: Option<String>,
    /// ISO 639 language, with or without an ISO 3166 country (RFC 5646 section 2.1): `en`, `es-MX`.
    pub(super) language: Option<Option<String>>,
    /// A name of the IANA time zone database.
    pub(super) time_zone: Option<Option<String>>,
    /// As typed; a number without a country is one of the United States.
    pub(super) phone: Option<Option<String>>,
}

impl ProfilePatch {
    fn check(&self) -> Result<(), Vec<UserError>> {
        let mut errors = Vec::new();
        if let Some(name) = &self.name
            && (!(1..=200).contains(&name.chars().count()) || name.chars().any(char::is_control))
        {
            errors.push(UserError::invalid(
                "name",
                "Fill this in with 1 to 200 characters.",
            ));
        }
        if let Some(Some(language)) = &self.language
            && !is_language(language)
        {
            errors.push(UserError::invalid(
                "language",
                "Give a language such as `en` or `es-MX`, or null.",
            ));
        }
        if let Some(Some(zone)) = &self.time_zone
            && zone.parse::<chrono_tz::Tz>().is_err()
        {
            errors.push(UserError::invalid(
                "timeZone",
                "Give a time zone such as `America/New_York`, or null.",
            ));
        }
        if let Err(error) = self.e164() {
            errors.push(error);
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The telephone number in E.164, where one is given; `Some(None)` empties it.
    fn e164(&self) -> Result<Option<Option<String>>, UserError> {
        let Some(given) = &self.phone else { return Ok(None) };
        let parse = |typed: &String| {
            PhoneNumber::parse_lenient(typed, "US")
                .map(|number| number.as_e164().to_owned())
                .map_err(|error| UserError::invalid("phone", error.to_string()))
        };
        given.as_ref().map(parse).transpose().map(Some)
    }
}

fn is_language(text: &str) -> bool {
    let (language, country) = match text.split_once('-') {
        Some((language, country)) => (language, Some(country)),
        None => (text, None),
    };
    matches!(language.len(), 2 | 3)
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && country.is_none_or(|text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// Changes the caller's own profile.
pub(super) async fn update_profile(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    mut patch: ProfilePatch,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ProfileUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let Some(user) = tx.ctx().user_id() else {
        return Err(OpError::Forbidden("only a person has a profile".to_owned()));
    };
    patch.name = patch.name.map(|name| name.trim().to_owned());
    patch.check().map_err(OpError::User)?;
    let changed: Vec<&str> = [
        ("name", patch.name.is_some()),
        ("language", patch.language.is_some()),
        ("time_zone", patch.time_zone.is_some()),
        ("phone", patch.phone.is_some()),
    ]
    .into_iter()
    .filter_map(|(field, is_given)| is_given.then_some(field))
    .collect();
    let before = profile_store::lock_profile(tx, user)
        .await?
        .ok_or_else(|| OpError::Forbidden("only a member has a profile".to_owned()))?;
    profile_store::update_profile(tx, user, &patch).await?;
    if let Some(phone) = patch.e164()? {
        profile_store::put_phone(tx, keys, user, phone.as_deref()).await?;
    }
    // That name and number changed, and not what they are: the trail outlives both.
    let mut details = json!({ "fields": changed });
    for (field, from, to) in [
        ("language", &before.language, &patch.language),
        ("time_zone", &before.time_zone, &patch.time_zone),
    ] {
        if let Some(to) = to {
            details[field] = json!({ "from": from, "to": to });
        }
    }
    tx.audit(AuditEntry::plain("user.profile_updated", user, &details));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named_field_by_field() {
        let patch = |name: &str, language: &str, zone: &str| ProfilePatch {
            name: Some(name.to_owned()),
            language: Some(Some(language.to_owned())),
            time_zone: Some(Some(zone.to_owned())),
            phone: None,
        };
        assert_eq!(patch("Ana", "es-MX", "America/Mexico_City").check(), Ok(()));
        assert_eq!(ProfilePatch::default().check(), Ok(()));
        let wrong = patch("", "english", "Mexico").check().unwrap_err();
        let fields: Vec<String> = wrong
            .into_iter()
            .map(|error| error.field.unwrap()[1].clone())
            .collect();
        assert_eq!(fields, ["name", "language", "timeZone"]);
        for language in ["", "e", "EN", "en-", "en-us", "en-USA", "en-US-x", "\u{e4}n"] {
            assert!(!is_language(language), "{language}");
        }
    }
}
