//! Whose the debts of a file are: creditors and placements by name, made where they are new and whoever imports may make
//! them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;
use uuid::Uuid;

use super::{finding::ImportFindingCode, place::Refusal, row::ParsedRow};
use crate::{
    accounts::Origin,
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        ids,
    },
};

/// At most so many creditors, and as many placements, are made of the rows of one chunk: a column with as many names is
/// not one of creditors.
const MOST_NEW: usize = 100;

pub(super) const UNKNOWN: Refusal = (
    ImportFindingCode::UnknownCreditor,
    "Your business has no creditor or placement of this name, and whoever imports the file may not make one.",
);
pub(super) const TOO_MANY: Refusal = (
    ImportFindingCode::UnknownCreditor,
    "More than 100 creditors or placements in a few hundred rows are new: is this the right column? Make them first if it is.",
);

/// A creditor's name and that of one of its placements, as they are compared.
type Names = (String, Option<String>);

/// What of a chunk's creditors and placements the business has.
#[derive(Default)]
pub(super) struct Origins {
    creditors: HashMap<String, Uuid>,
    placements: HashMap<(Uuid, String), Uuid>,
    /// By comparable name, as it stands in the file.
    written: BTreeMap<String, String>,
    named: BTreeSet<Names>,
}

fn names(row: &ParsedRow) -> Option<Names> {
    let key = |name: &String| name.to_lowercase();
    Some((row.creditor.as_ref().map(key)?, row.placement.as_ref().map(key)))
}

impl Origins {
    /// Looks up what the rows name; nothing is asked where they name nobody.
    pub(super) async fn find<'a>(
        tx: &mut TenantTx,
        rows: impl Iterator<Item = &'a ParsedRow>,
    ) -> Result<Self, DbError> {
        let mut origins = Self::default();
        for row in rows {
            let Some(named) = names(row) else { continue };
            for name in row.creditor.iter().chain(&row.placement) {
                origins
                    .written
                    .entry(name.to_lowercase())
                    .or_insert_with(|| name.clone());
            }
            origins.named.insert(named);
        }
        origins.look(tx).await?;
        Ok(origins)
    }

    async fn look(&mut self, tx: &mut TenantTx) -> Result<(), DbError> {
        if self.named.is_empty() {
            return Ok(());
        }
        let business = tx.business_id();
        let creditors: BTreeSet<String> = self.named.iter().map(|(creditor, _)| creditor.clone()).collect();
        let creditors: Vec<String> = creditors.into_iter().collect();
        let found = sqlx::query!(
            "SELECT id, name_key FROM creditors WHERE business_id = $1 AND name_key = ANY($2)",
            business,
            &creditors,
        )
        .fetch_all(tx.conn())
        .await?;
        self.creditors = found.into_iter().map(|row| (row.name_key, row.id)).collect();
        let placements = self.placements_named(|_, _| true);
        if placements.0.is_empty() {
            return Ok(());
        }
        let found = sqlx::query!(
            "SELECT p.id, p.creditor_id, p.name_key FROM unnest($2::uuid[], $3::text[]) AS n(creditor_id, name_key)
             JOIN placements p ON p.business_id = $1 AND p.creditor_id = n.creditor_id AND p.name_key = n.name_key",
            business,
            &placements.0,
            &placements.1,
        )
        .fetch_all(tx.conn())
        .await?;
        self.placements = found
            .into_iter()
            .map(|row| ((row.creditor_id, row.name_key), row.id))
            .collect();
        Ok(())
    }

    /// The placements that rows name of creditors that are there: creditor and comparable name.
    fn placements_named(&self, wanted: impl Fn(Uuid, &str) -> bool) -> (Vec<Uuid>, Vec<String>) {
        let named = self.named.iter().filter_map(|(creditor, placement)| {
            let (creditor, placement) = (*self.creditors.get(creditor)?, placement.as_ref()?);
            wanted(creditor, placement).then(|| (creditor, placement.clone()))
        });
        named.unzip()
    }

    /// Whose the row is; `None` where it names somebody who is not there.
    pub(super) fn of(&self, row: &ParsedRow) -> Option<Origin> {
        let Some((creditor, placement)) = names(row) else {
            return Some(Origin::default());
        };
        let creditor = *self.creditors.get(&creditor)?;
        let placement_id = match placement {
            Some(name) => Some(*self.placements.get(&(creditor, name))?),
            None => None,
        };
        Some(Origin {
            creditor_id: Some(creditor),
            placement_id,
        })
    }

    /// Whether more are new than may be made.
    pub(super) fn are_too_many(&self) -> bool {
        let is_new = |(creditor, placement): &&Names| match (self.creditors.get(creditor), placement) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(creditor), Some(name)) => !self.placements.contains_key(&(*creditor, name.clone())),
        };
        self.named.iter().filter(is_new).count() > MOST_NEW
    }

    /// Makes what is not there, each with its line in the trail, in the order of the names: two who make the same ones
    /// wait for each other, and the second finds them.
    pub(super) async fn make(&mut self, tx: &mut TenantTx, import: Uuid) -> Result<(), DbError> {
        if self.are_too_many() {
            return Ok(());
        }
        let (business, now) = (tx.business_id(), tx.now());
        let details = json!({ "import": import });
        let new: BTreeSet<&String> = self
            .named
            .iter()
            .map(|(creditor, _)| creditor)
            .filter(|creditor| !self.creditors.contains_key(*creditor))
            .collect();
        if !new.is_empty() {
            let keys: Vec<String> = new.into_iter().cloned().collect();
            let made = sqlx::query_scalar!(
                "INSERT INTO creditors (business_id, id, name, name_key, created_at)
                 SELECT $1, c.id, c.name, c.name_key, $2 FROM unnest($3::uuid[], $4::text[], $5::text[]) AS c(id, name, name_key)
                 ORDER BY c.name_key ON CONFLICT (business_id, name_key) DO NOTHING RETURNING id",
                business,
                now,
                &new_ids(keys.len()),
                &self.as_written(&keys),
                &keys,
            )
            .fetch_all(tx.conn())
            .await?;
            for id in made {
                tx.audit(AuditEntry::plain("creditor.created", id, &details));
            }
            self.look(tx).await?;
        }
        let has = |creditor: Uuid, name: &str| self.placements.contains_key(&(creditor, name.to_owned()));
        let (creditors, keys) = self.placements_named(|creditor, name| !has(creditor, name));
        if keys.is_empty() {
            return Ok(());
        }
        let made = sqlx::query!(
            "INSERT INTO placements (business_id, id, creditor_id, name, name_key, placed_on, created_at)
             SELECT $1, p.id, p.creditor_id, p.name, p.name_key, $2, $3
             FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[]) AS p(id, creditor_id, name, name_key)
             ORDER BY p.creditor_id, p.name_key ON CONFLICT (business_id, creditor_id, name_key) DO NOTHING
             RETURNING id, creditor_id",
            business,
            now.date_naive(),
            now,
            &new_ids(keys.len()),
            &creditors,
            &self.as_written(&keys),
            &keys,
        )
        .fetch_all(tx.conn())
        .await?;
        for row in made {
            let details = json!({ "import": import, "creditor": row.creditor_id });
            tx.audit(AuditEntry::plain("placement.created", row.id, &details));
        }
        self.look(tx).await
    }

    fn as_written(&self, keys: &[String]) -> Vec<String> {
        let written = |key: &String| self.written.get(key).unwrap_or(key).clone();
        keys.iter().map(written).collect()
    }
}

fn new_ids(many: usize) -> Vec<Uuid> {
    (0..many).map(|_| ids::next()).collect()
}
