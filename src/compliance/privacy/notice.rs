//! What is collected of people, what for, and who else sees it: the notice at collection (Cal. Civ. 1798.100(a)) and the list of
//! processors, as data in `policies/privacy/notice.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

static NOTICE: LazyLock<Notice> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../policies/privacy/notice.toml"))
        .expect("the notice is read by a test, so it cannot be broken in a build that passed")
});

/// The notice, in English and Spanish.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compliance) struct Notice {
    pub(in crate::compliance) version: String,
    /// Cal. Civ. 1798.140(ad), (ah).
    pub(in crate::compliance) sold_or_shared: bool,
    pub(in crate::compliance) category: Vec<Category>,
    pub(in crate::compliance) processor: Vec<Processor>,
}

/// Data of one sort.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compliance) struct Category {
    pub(in crate::compliance) id: String,
    pub(in crate::compliance) collected_en: String,
    pub(in crate::compliance) collected_es: String,
    pub(in crate::compliance) purpose_en: String,
    pub(in crate::compliance) purpose_es: String,
    /// Cal. Civ. 1798.140(ae).
    pub(in crate::compliance) sensitive: bool,
}

/// Who else handles data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compliance) struct Processor {
    pub(in crate::compliance) name: String,
    pub(in crate::compliance) purpose_en: String,
    pub(in crate::compliance) purpose_es: String,
    pub(in crate::compliance) receives_en: String,
    pub(in crate::compliance) receives_es: String,
}

/// The notice of this build.
pub(in crate::compliance) fn notice() -> &'static Notice {
    &NOTICE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_says_all_of_it_in_both_languages() {
        let notice = notice();
        assert!(!notice.version.is_empty() && !notice.sold_or_shared);
        let categories = notice.category.iter();
        let texts = categories.flat_map(|of| {
            [
                &of.id,
                &of.collected_en,
                &of.collected_es,
                &of.purpose_en,
                &of.purpose_es,
            ]
        });
        let processors = notice.processor.iter();
        let of_processors = processors.flat_map(|of| {
            [
                &of.name,
                &of.purpose_en,
                &of.purpose_es,
                &of.receives_en,
                &of.receives_es,
            ]
        });
        assert!(texts.chain(of_processors).all(|text| !text.trim().is_empty()));
        let mut ids: Vec<&str> = notice.category.iter().map(|of| of.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), notice.category.len());
    }
}
