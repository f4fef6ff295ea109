//! Reading the patterns: versioned data under `policies/language`, checked before anything is scanned.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::lexicon::Words;
use super::pattern::Pattern;

/// Why a set of patterns cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not the expected TOML.
    #[error("`{file}` cannot be read: {error}")]
    Unreadable {
        /// Which file.
        file: &'static str,
        /// What the reader says.
        error: Box<toml::de::Error>,
    },
    /// Two files that do not belong together.
    #[error(
        "`{file}` is of version `{version}`, the others of `{expected}`; all files of one version change together"
    )]
    Version {
        /// Which file.
        file: &'static str,
        /// Its version.
        version: String,
        /// That of the first file.
        expected: String,
    },
    /// Something about one entry.
    #[error("`{file}`, `{entry}`: {fault}")]
    Invalid {
        /// Which file.
        file: &'static str,
        /// Category, list or pattern.
        entry: String,
        /// What is wrong, and what would be right.
        fault: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    version: String,
    #[serde(default)]
    lists: BTreeMap<String, String>,
    #[serde(default)]
    category: Vec<CategoryData>,
}

/// A category as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CategoryData {
    name: String,
    label: Option<String>,
    rule: String,
    citation: String,
    severity: String,
    #[serde(default)]
    active: Active,
    change_en: String,
    change_es: String,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    pattern: Vec<GroupData>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupData {
    #[serde(rename = "match")]
    matches: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    negation: Negation,
    #[serde(default)]
    names: bool,
    #[serde(default)]
    when: When,
}

/// When a category is looked for.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Active {
    /// Always.
    #[default]
    Always,
    /// Until the validation period has ended (12 CFR 1006.38(b)); also where nobody knows of it.
    ValidationPeriod,
    /// Unless every debt is known not to be medical (45 CFR 164.502(b)).
    MedicalDebt,
    /// In what others can see: subject, sender, preview.
    VisibleField,
}

/// Of which texts a group of patterns speaks; a fact that is missing never excuses.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Of every text.
    #[default]
    Always,
    /// A suit is spoken of: excused where it is authorised for every debt.
    Suit,
    /// Excused where an attorney writes.
    NotByAttorney,
    /// Excused where a person writes.
    NotByPerson,
    /// Only where it is known that a program writes.
    ByAssistant,
    /// A fee: excused where the ledger has it.
    FeeUnbacked,
    /// A balance: excused where the ledger has it.
    AmountUnbacked,
}

/// Which negations excuse a match.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Negation {
    /// One that reaches the phrase through words that say nothing by themselves.
    #[default]
    Near,
    /// One anywhere before it in its clause: for mere words, such as "lawsuit".
    Clause,
    /// None.
    None,
}

/// One sort of language that is prohibited.
#[derive(Debug)]
pub struct Category {
    /// Its name, as in the table of prohibited language.
    pub name: String,
    /// What is put into `action.content.extra` of the facts document.
    pub label: String,
    /// The rule that it breaks.
    pub rule: String,
    /// Where the rule stands in the law.
    pub citation: String,
    /// `S1` to `S4`.
    pub severity: String,
    /// When it is looked for.
    pub active: Active,
    /// What to change, in English.
    pub change_en: String,
    /// The same in Spanish.
    pub change_es: String,
    pub(super) except: Vec<Pattern>,
    pub(super) groups: Vec<Group>,
}

/// Patterns that are judged alike.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) patterns: Vec<Pattern>,
    /// What excuses a match in the same sentence.
    pub(super) unless: Vec<Pattern>,
    pub(super) negation: Negation,
    /// Whether it is a mere word, which may be somebody's name.
    pub(super) names: bool,
    pub(super) when: When,
}

/// All categories of a version.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) version: String,
    pub(super) categories: Vec<Category>,
    pub(super) words: Words,
}

pub(super) fn read(files: &[(&'static str, &str)]) -> Result<Pack, PackError> {
    let mut parsed = Vec::with_capacity(files.len());
    for (file, text) in files {
        let data: PackFile = toml::from_str(text).map_err(|error| PackError::Unreadable {
            file,
            error: Box::new(error),
        })?;
        parsed.push((*file, data));
    }
    let version = parsed
        .first()
        .map_or_else(String::new, |(_, data)| data.version.clone());
    let mut lists = BTreeMap::new();
    for (file, data) in &mut parsed {
        if data.version != version {
            return Err(PackError::Version {
                file,
                version: data.version.clone(),
                expected: version,
            });
        }
        for (name, words) in std::mem::take(&mut data.lists) {
            if lists.insert(name.clone(), words).is_some() {
                return Err(invalid(file, &name, "the list stands twice; remove one of them"));
            }
        }
    }
    let mut words = Words::default();
    let mut categories = Vec::new();
    let mut names = BTreeSet::new();
    for (file, data) in parsed {
        for category in data.category {
            if !names.insert(category.name.clone()) {
                return Err(invalid(
                    file,
                    &category.name,
                    "the category stands twice; remove one of them",
                ));
            }
            categories.push(build(file, category, &lists, &mut words)?);
        }
    }
    Ok(Pack {
        version,
        categories,
        words,
    })
}

fn build(
    file: &'static str,
    data: CategoryData,
    lists: &BTreeMap<String, String>,
    words: &mut Words,
) -> Result<Category, PackError> {
    for (field, text) in [
        ("name", &data.name),
        ("rule", &data.rule),
        ("citation", &data.citation),
        ("change_en", &data.change_en),
        ("change_es", &data.change_es),
    ] {
        if text.trim().is_empty() {
            return Err(invalid(file, &data.name, &format!("`{field}` is empty")));
        }
    }
    if !matches!(data.severity.as_str(), "S1" | "S2" | "S3" | "S4") {
        return Err(invalid(
            file,
            &data.name,
            "`severity` is one of S1, S2, S3 and S4",
        ));
    }
    let mut parse = |sources: &[String]| -> Result<Vec<Pattern>, PackError> {
        sources
            .iter()
            .map(|source| {
                Pattern::parse(source, lists, words)
                    .map_err(|fault| invalid(file, &format!("{}: {source}", data.name), &fault))
            })
            .collect()
    };
    let except = parse(&data.except)?;
    let mut groups = Vec::with_capacity(data.pattern.len());
    for group in &data.pattern {
        if group.matches.is_empty() {
            return Err(invalid(
                file,
                &data.name,
                "a `match` without patterns; remove the group",
            ));
        }
        groups.push(Group {
            patterns: parse(&group.matches)?,
            unless: parse(&group.unless)?,
            negation: group.negation,
            names: group.names,
            when: group.when,
        });
    }
    Ok(Category {
        label: data.label.unwrap_or_else(|| data.name.clone()),
        name: data.name,
        rule: data.rule,
        citation: data.citation,
        severity: data.severity,
        active: data.active,
        change_en: data.change_en,
        change_es: data.change_es,
        except,
        groups,
    })
}

fn invalid(file: &'static str, entry: &str, fault: &str) -> PackError {
    PackError::Invalid {
        file,
        entry: entry.to_owned(),
        fault: fault.to_owned(),
    }
}
