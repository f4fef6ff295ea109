//! The notice at collection in the API.

use async_graphql::{Object, SimpleObject};

use crate::compliance::{
    content::disclosure_language,
    privacy::{LEAST_YEARS, notice},
};

/// What this service collects of people who are said to owe a debt, what for, and who else handles it (Cal. Civ. 1798.100(a)). It
/// tells of the service; what a business does beside it, its own policy says.
#[derive(Debug, SimpleObject)]
pub struct PrivacyNotice {
    /// Its version: a date.
    version: String,
    /// The language of its texts: `en` or `es`.
    language: String,
    /// What is collected.
    categories: Vec<CollectedData>,
    /// Whether anything is sold, or shared for advertising (Cal. Civ. 1798.120). Where nothing is, there is no sale to opt out of.
    sold_or_shared: bool,
    /// For at least so many years after the last collection activity the records are kept; a business may set more, and an erasure
    /// takes at once what no law keeps.
    kept_years: i32,
    /// Who else handles data.
    processors: Vec<DataProcessor>,
    /// What people can ask, how, and that nobody is treated worse for it (Cal. Civ. 1798.125).
    rights: String,
}

/// Data of one sort.
#[derive(Debug, SimpleObject)]
pub struct CollectedData {
    /// Which sort, such as IDENTIFIERS.
    id: String,
    /// What it is.
    collected: String,
    /// What for.
    purpose: String,
    /// Whether it is, or may tell, sensitive personal information (Cal. Civ. 1798.140(ae)).
    sensitive: bool,
}

/// Somebody else who handles data for the service.
#[derive(Debug, SimpleObject)]
pub struct DataProcessor {
    /// Who.
    name: String,
    /// What for.
    purpose: String,
    /// What of the data.
    receives: String,
}

const RIGHTS_EN: &str = "You can ask what is kept of you, take a copy, have it put right, and have it erased where no law keeps it: in \
                         the portal, or of the business that writes to you. Nobody is treated worse for it.";
const RIGHTS_ES: &str = "Puede preguntar qué se guarda de usted, llevarse una copia, pedir que se corrija y que se borre lo que \
                         ninguna ley obliga a conservar: en el portal o a la empresa que le escribe. A nadie se le trata peor por ello.";

/// Queries of the notice at collection.
#[derive(Default)]
pub struct PrivacyNoticeQueries;

#[Object]
impl PrivacyNoticeQueries {
    /// What is collected of people, what for, and who else handles it: to be shown where somebody is asked for data, before
    /// they sign in.
    async fn privacy_notice(
        &self,
        #[graphql(
            desc = "A BCP 47 tag; Spanish for `es` and its regions, English for every other.",
            default_with = "\"en\".to_owned()"
        )]
        language: String,
    ) -> PrivacyNotice {
        let own = notice();
        let spoken = disclosure_language(&language);
        let say = |english: &str, spanish: &str| match spoken {
            "es" => spanish.to_owned(),
            _ => english.to_owned(),
        };
        PrivacyNotice {
            version: own.version.clone(),
            language: spoken.to_owned(),
            categories: own
                .category
                .iter()
                .map(|of| CollectedData {
                    id: of.id.clone(),
                    collected: say(&of.collected_en, &of.collected_es),
                    purpose: say(&of.purpose_en, &of.purpose_es),
                    sensitive: of.sensitive,
                })
                .collect(),
            sold_or_shared: own.sold_or_shared,
            kept_years: i32::from(LEAST_YEARS),
            processors: own
                .processor
                .iter()
                .map(|of| DataProcessor {
                    name: of.name.clone(),
                    purpose: say(&of.purpose_en, &of.purpose_es),
                    receives: say(&of.receives_en, &of.receives_es),
                })
                .collect(),
            rights: say(RIGHTS_EN, RIGHTS_ES),
        }
    }
}
