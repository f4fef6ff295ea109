//! The question of cookies in the API.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use crate::{
    identity::graphql::{RequestFacts, outcome},
    platform::gql::{UserError, bad_input},
    portal::{
        Portal,
        cookies::{CookieChoiceRow, CookiePurpose, Visitor, question},
    },
};

/// What a visitor of a portal is asked before anything but what the portal needs is kept in their browser. The banner is the front
/// end's.
#[derive(SimpleObject)]
pub struct CookieNotice {
    /// Its version: a date.
    version: String,
    /// The language of its texts: `en` or `es`.
    language: String,
    /// What may be allowed, each by itself. What the portal needs (the session of who signed in, and that this question was
    /// answered) is not asked for.
    purposes: Vec<CookieUse>,
}

/// Something that a visitor may allow.
#[derive(SimpleObject)]
pub struct CookieUse {
    /// Which.
    purpose: CookiePurpose,
    /// What it means, for the visitor.
    means: String,
}

/// What a visitor chose.
#[derive(SimpleObject)]
pub struct CookieChoice {
    /// The version of the notice that they were asked with.
    version: String,
    /// Whether that is the version in force: where it is not, ask anew, and until then allow nothing.
    is_current: bool,
    /// What they allowed; nothing else is.
    allowed: Vec<CookiePurpose>,
    /// When they chose.
    chosen_at: DateTime<Utc>,
}

impl From<CookieChoiceRow> for CookieChoice {
    fn from(row: CookieChoiceRow) -> Self {
        Self {
            is_current: row.version == question().version,
            version: row.version,
            allowed: row
                .allowed
                .iter()
                .filter_map(|word| CookiePurpose::parse(word))
                .collect(),
            chosen_at: row.chosen_at,
        }
    }
}

/// A visitor's choice.
#[derive(Debug, InputObject)]
pub struct RecordCookieChoiceInput {
    /// The business whose portal it is: its name in addresses.
    business_slug: String,
    /// 16 to 64 random letters, digits, `-` and `_`, made by the browser for this purpose alone and kept there (it is needed, and
    /// is not asked for). Of it only a print is stored.
    visitor: String,
    /// The version that was shown, as `cookieNotice { version }` told it.
    version: String,
    /// What they allow; none of the others. Empty where they refuse all.
    allowed: Vec<CookiePurpose>,
}

/// What recordCookieChoice answers.
#[derive(SimpleObject)]
pub struct RecordCookieChoicePayload {
    /// The choice; null when there are user errors.
    cookie_choice: Option<CookieChoice>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries about cookies.
#[derive(Default)]
pub struct CookieQueries;

#[Object]
impl CookieQueries {
    /// What a visitor of a portal is asked about cookies. Public.
    async fn cookie_notice(
        &self,
        #[graphql(
            desc = "A BCP 47 tag; Spanish for `es` and its regions, English for every other.",
            default_with = "\"en\".to_owned()"
        )]
        language: String,
    ) -> CookieNotice {
        let own = question();
        let is_spanish = crate::compliance::content::disclosure_language(&language) == "es";
        CookieNotice {
            version: own.version.clone(),
            language: if is_spanish { "es" } else { "en" }.to_owned(),
            purposes: own
                .purpose
                .iter()
                .map(|purpose| CookieUse {
                    purpose: purpose.id,
                    means: match is_spanish {
                        true => purpose.means_es.clone(),
                        false => purpose.means_en.clone(),
                    },
                })
                .collect(),
        }
    }

    /// What a visitor chose last at a business's portal; null who was not asked there yet. Public.
    async fn cookie_choice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The business whose portal it is: its name in addresses.")] business_slug: String,
        #[graphql(desc = "The random word that the browser keeps, as in recordCookieChoice.")]
        visitor: String,
    ) -> async_graphql::Result<Option<CookieChoice>> {
        let (portal, facts) = (ctx.data::<Portal>()?, ctx.data::<RequestFacts>()?);
        let visitor = Visitor {
            slug: &business_slug,
            word: &visitor,
        };
        let found = portal.cookie_choice(&facts.request_id, &visitor).await;
        match outcome(found)? {
            Ok(row) => Ok(row.map(CookieChoice::from)),
            Err(errors) => Err(bad_input(
                errors.first().map_or("visitor", |error| error.message.as_str()),
            )),
        }
    }
}

/// Mutations of cookies.
#[derive(Default)]
pub struct CookieMutations;

#[Object]
impl CookieMutations {
    /// Records which cookies a visitor allows at a business's portal. Public. The last choice counts; a version that is not in force
    /// any more is CONFLICT: show the present one, and ask anew. Kept for two years.
    async fn record_cookie_choice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who, and what they allow.")] input: RecordCookieChoiceInput,
    ) -> async_graphql::Result<RecordCookieChoicePayload> {
        let (portal, facts) = (ctx.data::<Portal>()?, ctx.data::<RequestFacts>()?);
        let visitor = Visitor {
            slug: &input.business_slug,
            word: &input.visitor,
        };
        let choice = (input.version.as_str(), input.allowed.as_slice());
        let recorded = portal
            .record_cookie_choice(&facts.request_id, &visitor, choice)
            .await;
        Ok(match outcome(recorded)? {
            Ok(row) => RecordCookieChoicePayload {
                cookie_choice: Some(row.into()),
                user_errors: Vec::new(),
            },
            Err(user_errors) => RecordCookieChoicePayload {
                cookie_choice: None,
                user_errors,
            },
        })
    }
}
