//! Which cookies a visitor of a business's portal allows: asked before anybody signs in, hence of whoever has the browser. Recorded
//! by the version of the question; of the visitor nothing is kept but the print of a random word that their browser keeps.

use std::sync::LazyLock;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Portal, store};
use crate::platform::{
    context::{Actor, SystemCtx},
    db::{AuditEntry, DbError, SystemTx},
    error::OpError,
    gql::{UserError, UserErrorCode},
    ids,
};

static NOTICE: LazyLock<CookieQuestion> = LazyLock::new(|| {
    toml::from_str(include_str!("../../policies/privacy/cookies.toml"))
        .expect("the question is read by a test, so it cannot be broken in a build that passed")
});

/// Choices that are kept of one visitor in one version's time; nobody changes their mind more often.
const MOST: i64 = 50;
/// The longest name of a business in addresses.
const LONGEST_SLUG: usize = 60;

/// What visitors are asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CookieQuestion {
    pub(super) version: String,
    pub(super) purpose: Vec<Purpose>,
}

/// One thing that they may allow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Purpose {
    pub(super) id: CookiePurpose,
    pub(super) means_en: String,
    pub(super) means_es: String,
}

/// What cookies may be for that the portal does not need.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CookiePurpose {
    /// To remember how the visitor likes the portal.
    Preferences,
    /// To count how the portal is used.
    Statistics,
    /// Advertising.
    Marketing,
}

impl CookiePurpose {
    const ALL: [Self; 3] = [Self::Preferences, Self::Statistics, Self::Marketing];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Preferences => "PREFERENCES",
            Self::Statistics => "STATISTICS",
            Self::Marketing => "MARKETING",
        }
    }

    /// The reverse.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// The question of this build.
pub(super) fn question() -> &'static CookieQuestion {
    &NOTICE
}

/// A visitor's browser, at a business's portal.
pub(super) struct Visitor<'a> {
    pub(super) slug: &'a str,
    /// The random word that their browser keeps.
    pub(super) word: &'a str,
}

/// What a visitor allowed.
#[derive(Clone, Debug)]
pub(super) struct CookieChoiceRow {
    pub(super) version: String,
    pub(super) allowed: Vec<String>,
    pub(super) chosen_at: DateTime<Utc>,
}

impl Portal {
    /// Records what a visitor allows, of everything else that they do not.
    ///
    /// # Errors
    /// User errors: NOT_FOUND for a business that is not there, INVALID_INPUT for a word that is none, CONFLICT for a version that
    /// is not in force, QUOTA_EXCEEDED for a visitor who chose too often.
    pub(super) async fn record_cookie_choice(
        &self,
        request_id: &str,
        visitor: &Visitor<'_>,
        (version, allowed): (&str, &[CookiePurpose]),
    ) -> Result<CookieChoiceRow, OpError> {
        let print = self.print_of(visitor)?;
        if version != question().version {
            let message = "This version is not in force: show cookieNotice as it is now, and ask anew.";
            return Err(UserError::at(UserErrorCode::Conflict, "version", message).into());
        }
        // Each once, in the order of the question.
        let allowed: Vec<String> = CookiePurpose::ALL
            .into_iter()
            .filter(|purpose| allowed.contains(purpose))
            .map(|purpose| purpose.as_str().to_owned())
            .collect();
        let ctx = SystemCtx::for_reason("a visitor's choice of cookies", request_id);
        let mut tx = self.identity.db.system(&ctx).await?;
        let business = business_of(&mut tx, visitor).await?;
        if count_of(&mut tx, business, &print).await? >= MOST {
            let message = "This browser has chosen often enough: the last choice counts.";
            return Err(UserError::new(UserErrorCode::QuotaExceeded, message).into());
        }
        let (now, id) = (tx.now(), ids::next());
        sqlx::query!(
            "INSERT INTO cookie_choices (business_id, id, visitor_blind, version, allowed, chosen_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            business,
            id,
            print.as_slice(),
            version,
            &allowed,
            now,
        )
        .execute(tx.conn())
        .await
        .map_err(DbError::from)?;
        let details = json!({ "version": version, "allowed": allowed });
        let entry = AuditEntry::plain("cookie_choice.recorded", id, &details);
        tx.audit_in(business, Actor::System, entry);
        tx.commit().await?;
        Ok(CookieChoiceRow {
            version: version.to_owned(),
            allowed,
            chosen_at: now,
        })
    }

    /// What a visitor chose last; none for who was not asked yet, nor for a business that is not there.
    ///
    /// # Errors
    /// INVALID_INPUT for a word that is none; [`OpError`] as met.
    pub(super) async fn cookie_choice(
        &self,
        request_id: &str,
        visitor: &Visitor<'_>,
    ) -> Result<Option<CookieChoiceRow>, OpError> {
        let print = self.print_of(visitor)?;
        let ctx = SystemCtx::for_reason("a visitor's choice of cookies", request_id);
        let mut tx = self.identity.db.system(&ctx).await?;
        let slug = slug_of(visitor);
        let found = sqlx::query_as!(
            CookieChoiceRow,
            "SELECT c.version, c.allowed, c.chosen_at FROM businesses b
             JOIN cookie_choices c ON c.business_id = b.id AND c.visitor_blind = $2
             WHERE b.slug = $1 AND b.status = 'ACTIVE' ORDER BY c.id DESC LIMIT 1",
            slug,
            print.as_slice(),
        )
        .fetch_optional(tx.conn())
        .await
        .map_err(DbError::from)?;
        tx.commit().await?;
        Ok(found)
    }

    /// Nobody can tell from it which browser it was, nor find it at another business.
    fn print_of(&self, visitor: &Visitor<'_>) -> Result<[u8; 32], OpError> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(16..=64).contains(&visitor.word.len()) || !visitor.word.bytes().all(is_word) {
            let message = "Give 16 to 64 random letters, digits, - and _ that the browser keeps for this purpose alone.";
            return Err(UserError::invalid("visitor", message).into());
        }
        let of_business = format!("cookies {} {}", slug_of(visitor), visitor.word);
        Ok(self.identity.keyring.platform_blind(&of_business))
    }
}

fn slug_of(visitor: &Visitor<'_>) -> String {
    let slug = visitor.slug.trim().to_lowercase();
    slug.chars()
        .filter(|letter| *letter != '\0')
        .take(LONGEST_SLUG)
        .collect()
}

async fn business_of(tx: &mut SystemTx, visitor: &Visitor<'_>) -> Result<Uuid, OpError> {
    let found = store::active_business(tx, &slug_of(visitor)).await?;
    Ok(found.ok_or_else(|| UserError::not_found("businessSlug", "business"))?)
}

async fn count_of(tx: &mut SystemTx, business: Uuid, print: &[u8]) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM cookie_choices WHERE business_id = $1 AND visitor_blind = $2"#,
        business,
        print,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Forgets choices from before an instant, at most so many; how many these were.
pub(super) async fn forget_choices(
    tx: &mut SystemTx,
    before: DateTime<Utc>,
    most: i64,
) -> Result<i64, DbError> {
    let gone = sqlx::query!(
        "DELETE FROM cookie_choices WHERE (business_id, id) IN (
             SELECT business_id, id FROM cookie_choices WHERE chosen_at < $1 LIMIT $2)",
        before,
        most,
    )
    .execute(tx.conn())
    .await?;
    Ok(i64::try_from(gone.rows_affected()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_each_purpose_once_in_both_languages() {
        let asked: Vec<CookiePurpose> = question().purpose.iter().map(|purpose| purpose.id).collect();
        assert_eq!(asked, CookiePurpose::ALL);
        let texts = question().purpose.iter();
        let mut texts = texts.flat_map(|purpose| [&purpose.means_en, &purpose.means_es]);
        assert!(texts.all(|text| !text.trim().is_empty()) && !question().version.is_empty());
    }
}
