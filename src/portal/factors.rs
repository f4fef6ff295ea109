//! Things that the person knows, and a stranger with the link hardly: date of birth, ZIP code, account number (rule
//! `right-party-verification`: two of them must match). Which was wrong is not told.

use chrono::NaiveDate;
use subtle::ConstantTimeEq as _;

use super::{
    Portal,
    challenge::{Challenged, FAILED, PASSED, audit_try},
    store,
};
use crate::{
    accounts::{PostalAddress, debtor_by_id},
    identity::{DebtorOrigin, DebtorPlace, IssuedSession},
    platform::{
        db::TenantTx,
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::TenantKeys,
    },
};

/// So many must be given, and all that are given must be right.
const NEEDED: usize = 2;

/// What somebody says of themselves.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) birth_date: Option<NaiveDate>,
    pub(super) postal_code: Option<String>,
    pub(super) account_number: Option<String>,
}

/// What is on record of the person, each in the form in which it is compared.
pub(super) struct Known {
    birth_date: Option<String>,
    postal_code: Option<String>,
    account_number: Option<String>,
}

impl Known {
    pub(super) async fn of(
        tx: &mut TenantTx,
        keys: &TenantKeys,
        place: &DebtorPlace,
    ) -> Result<Self, OpError> {
        let number = store::account_number(tx, place.account_id).await?;
        let mut known = Self {
            birth_date: None,
            postal_code: None,
            account_number: number.as_deref().map(plain).filter(|text| !text.is_empty()),
        };
        let Some(debtor) = debtor_by_id(tx, place.debtor_id).await? else {
            return Ok(known);
        };
        let Some(profile) = keys.data_key(&debtor.keys.profile)? else {
            return Ok(known);
        };
        let open = |column, cipher: Option<&[u8]>| {
            cipher
                .map(|cipher| keys.open_text(&profile, "debtors", column, debtor.id, cipher))
                .transpose()
        };
        if let Some(text) = open("birth_date_cipher", debtor.birth_date_cipher.as_deref())? {
            known.birth_date = Some(text.expose().clone());
        }
        if let Some(text) = open("address_cipher", debtor.address_cipher.as_deref())? {
            let address: Option<PostalAddress> = serde_json::from_str(text.expose()).ok();
            let code = address.and_then(|address| address.postal_code);
            known.postal_code = code.as_deref().and_then(zip);
        }
        Ok(known)
    }

    /// Whether the person can be recognised by them.
    pub(super) fn are_enough(&self) -> bool {
        [&self.birth_date, &self.postal_code, &self.account_number]
            .into_iter()
            .flatten()
            .count()
            >= NEEDED
    }

    /// Whether enough is given, and all of it right. Each is compared whatever the others are.
    fn fit(&self, given: &Given) -> bool {
        let typed = [
            (given.birth_date.map(|date| date.to_string()), &self.birth_date),
            (
                given
                    .postal_code
                    .as_deref()
                    .map(|code| zip(code).unwrap_or_default()),
                &self.postal_code,
            ),
            (given.account_number.as_deref().map(plain), &self.account_number),
        ];
        let (mut right, mut wrong) = (0, 0);
        for (typed, known) in typed
            .iter()
            .filter_map(|(typed, known)| Some((typed.as_ref()?, known)))
        {
            let known = known.as_deref().unwrap_or_default().as_bytes();
            let same = bool::from(known.ct_eq(typed.as_bytes())) && !known.is_empty();
            right += usize::from(same);
            wrong += usize::from(!same);
        }
        right >= NEEDED && wrong == 0
    }
}

/// Letters and digits, small: how a number is broken up does not matter.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The first five digits of a ZIP code; of a foreign code all of it.
fn zip(code: &str) -> Option<String> {
    let code = plain(code);
    let is_zip = code.len() == 9 && code.bytes().all(|byte| byte.is_ascii_digit());
    let kept = if is_zip { code.get(..5)?.to_owned() } else { code };
    (!kept.is_empty()).then_some(kept)
}

impl Portal {
    /// Compares what somebody says of themselves with the record and opens the session.
    ///
    /// # Errors
    /// INVALID_INPUT for fewer than two, BAD_CREDENTIALS, LOCKED after too many failures.
    pub(super) async fn verify_factors(
        &self,
        request_id: &str,
        origin: DebtorOrigin<'_>,
        token: &str,
        given: &Given,
    ) -> Result<IssuedSession, OpError> {
        let count = usize::from(given.birth_date.is_some())
            + usize::from(given.postal_code.is_some())
            + usize::from(given.account_number.is_some());
        if count < NEEDED {
            let message = "Give two of these: date of birth, ZIP code, account number.";
            return Err(UserError::invalid("birthDate", message).into());
        }
        let Challenged { place, ctx } = self.read_challenge(request_id, token).await?;
        let identity = &self.identity;
        let turn = identity.take_turn(request_id, place.link_id, origin.peer).await?;
        let keys = identity.keyring.business(&identity.db, place.business_id).await?;
        let mut tx = identity.db.tenant(&ctx).await?;
        let known = Known::of(&mut tx, &keys, &place).await?;
        if !known.fit(given) {
            audit_try(&mut tx, &place, FAILED, "IDENTITY_FACTORS");
            tx.commit().await?;
            return Err(UserError::new(
                UserErrorCode::BadCredentials,
                "This does not match what is on record. Check each of them.",
            )
            .into());
        }
        store::count_use(&mut tx, place.link_id).await?;
        audit_try(&mut tx, &place, PASSED, "IDENTITY_FACTORS");
        tx.commit().await?;
        identity
            .open_debtor_session(request_id, place, origin, turn)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        Known {
            birth_date: Some("1980-01-31".to_owned()),
            postal_code: zip("10027-1234"),
            account_number: Some(plain("ACME-0001")),
        }
    }

    fn given(birth: Option<&str>, code: Option<&str>, number: Option<&str>) -> Given {
        Given {
            birth_date: birth.map(|date| date.parse().unwrap()),
            postal_code: code.map(str::to_owned),
            account_number: number.map(str::to_owned),
        }
    }

    #[test]
    fn two_that_are_right_are_enough_and_one_that_is_wrong_is_too_many() {
        assert!(known().fit(&given(Some("1980-01-31"), Some("10027"), None)));
        assert!(known().fit(&given(None, Some("10027 1234"), Some("acme 0001"))));
        assert!(!known().fit(&given(Some("1980-01-31"), None, None)));
        assert!(!known().fit(&given(Some("1980-01-31"), Some("10028"), None)));
        assert!(!known().fit(&given(Some("1980-01-31"), Some("10027"), Some("0002"))));
    }

    #[test]
    fn what_is_not_on_record_matches_nothing() {
        let bare = Known {
            birth_date: None,
            postal_code: None,
            account_number: Some(plain("ACME-0001")),
        };
        assert!(!bare.are_enough());
        assert!(!bare.fit(&given(None, Some(""), Some("ACME-0001"))));
        assert!(!bare.fit(&given(Some("1980-01-31"), Some("-"), None)));
    }
}
