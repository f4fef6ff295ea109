//! SQL of templates and their versions.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::model::{Owner, TemplateLanguage, TemplatePurpose, TemplateType, Use, Words};
use crate::platform::{
    db::{DbError, TenantTx},
    error::OpError,
    gql::PageRequest,
};

/// A template as it is stored, with what the rules ask of its business.
#[derive(Clone, Debug)]
pub(super) struct TemplateRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) name_key: String,
    pub(super) description: Option<String>,
    pub(super) kind: String,
    pub(super) purpose: String,
    pub(super) language: String,
    pub(super) version: i32,
    pub(super) subject: Option<String>,
    pub(super) body: String,
    pub(super) is_active: bool,
    pub(super) is_default: bool,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) updated_by: Option<Uuid>,
    pub(super) archived_at: Option<DateTime<Utc>>,
    pub(super) business_name: String,
    pub(super) business_role: String,
}

impl TemplateRow {
    pub(super) fn of(&self) -> Result<Use, OpError> {
        let unknown = || anyhow::anyhow!("a template of unknown use");
        Ok(Use {
            kind: TemplateType::parse(&self.kind).ok_or_else(unknown)?,
            purpose: TemplatePurpose::parse(&self.purpose).ok_or_else(unknown)?,
            language: TemplateLanguage::parse(&self.language).ok_or_else(unknown)?,
        })
    }

    pub(super) fn words(&self) -> Words {
        Words {
            subject: self.subject.clone(),
            body: self.body.clone(),
        }
    }

    pub(super) fn owner(&self) -> Owner {
        owner_of(&self.business_name, &self.business_role)
    }
}

/// Whatever else stands there is held to the stricter rules.
pub(super) fn owner_of(name: &str, role: &str) -> Owner {
    Owner {
        name: name.to_owned(),
        is_collector: role != "FIRST_PARTY_CREDITOR",
    }
}

/// What the rules ask of the caller's business.
pub(super) async fn owner(tx: &mut TenantTx) -> Result<Owner, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!("SELECT name, role FROM businesses WHERE id = $1", business)
        .fetch_one(tx.conn())
        .await?;
    Ok(owner_of(&row.name, &row.role))
}

/// Makes those who add templates, or choose a default one, take turns. Gives what [`owner`] does.
pub(super) async fn lock_business(tx: &mut TenantTx) -> Result<Owner, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT name, role FROM businesses WHERE id = $1 FOR NO KEY UPDATE",
        business
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(owner_of(&row.name, &row.role))
}

/// Templates by id; those that are not there are missing in the answer.
pub(super) async fn templates_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<TemplateRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        TemplateRow,
        r#"SELECT t.id, t.name, t.name_key, t.description, t.type AS kind, t.purpose, t.language, t.version, t.subject,
                t.body, t.is_active, t.is_default, t.created_at, t.updated_at, t.updated_by, t.archived_at,
                b.name AS business_name, b.role AS business_role
         FROM templates t JOIN businesses b ON b.id = t.business_id
         WHERE t.business_id = $1 AND t.id = ANY($2)"#,
        business,
        ids,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A template, locked.
pub(super) async fn lock_template(tx: &mut TenantTx, id: Uuid) -> Result<Option<TemplateRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        TemplateRow,
        r#"SELECT t.id, t.name, t.name_key, t.description, t.type AS kind, t.purpose, t.language, t.version, t.subject,
                t.body, t.is_active, t.is_default, t.created_at, t.updated_at, t.updated_by, t.archived_at,
                b.name AS business_name, b.role AS business_role
         FROM templates t JOIN businesses b ON b.id = t.business_id
         WHERE t.business_id = $1 AND t.id = $2 FOR NO KEY UPDATE OF t"#,
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Which templates a list shows.
#[derive(Clone, Debug, Default)]
pub(super) struct TemplateCriteria {
    pub(super) kind: Option<TemplateType>,
    pub(super) purpose: Option<TemplatePurpose>,
    pub(super) language: Option<TemplateLanguage>,
    pub(super) is_active: Option<bool>,
    pub(super) with_archived: bool,
}

/// Templates in alphabetical order.
pub(super) async fn page_of_templates(
    tx: &mut TenantTx,
    criteria: &TemplateCriteria,
    page: &PageRequest,
    past: Option<(String, Uuid)>,
) -> Result<Vec<TemplateRow>, DbError> {
    let business = tx.business_id();
    let (name, id) = past.unzip();
    Ok(sqlx::query_as!(
        TemplateRow,
        r#"SELECT t.id, t.name, t.name_key, t.description, t.type AS kind, t.purpose, t.language, t.version, t.subject,
                t.body, t.is_active, t.is_default, t.created_at, t.updated_at, t.updated_by, t.archived_at,
                b.name AS business_name, b.role AS business_role
         FROM templates t JOIN businesses b ON b.id = t.business_id
         WHERE t.business_id = $1 AND ($2::text IS NULL OR t.type = $2) AND ($3::text IS NULL OR t.purpose = $3)
           AND ($4::text IS NULL OR t.language = $4) AND ($5::bool IS NULL OR t.is_active = $5)
           AND ($6 OR t.archived_at IS NULL)
           AND ($7::text IS NULL OR (t.name_key COLLATE "C", t.id) > ($7, $8))
         ORDER BY t.name_key COLLATE "C", t.id LIMIT $9"#,
        business,
        criteria.kind.map(TemplateType::as_str),
        criteria.purpose.map(TemplatePurpose::as_str),
        criteria.language.map(TemplateLanguage::tag),
        criteria.is_active,
        criteria.with_archived,
        name,
        id,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Templates that are not archived.
pub(super) async fn count_templates(tx: &mut TenantTx) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM templates WHERE business_id = $1 AND archived_at IS NULL"#,
        business,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// A template as it is about to stand.
pub(super) struct TemplateToStore<'a> {
    pub(super) id: Uuid,
    pub(super) name: &'a str,
    pub(super) description: Option<&'a str>,
    pub(super) version: i32,
    pub(super) words: &'a Words,
    pub(super) is_active: bool,
    pub(super) is_default: bool,
}

pub(super) async fn insert_template(
    tx: &mut TenantTx,
    new: &TemplateToStore<'_>,
    of: Use,
) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO templates (business_id, id, name, name_key, description, type, purpose, language, version, subject,
             body, is_active, is_default, created_at, updated_at, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15)",
        business,
        new.id,
        new.name,
        new.name.to_lowercase(),
        new.description,
        of.kind.as_str(),
        of.purpose.as_str(),
        of.language.tag(),
        new.version,
        new.words.subject,
        new.words.body,
        new.is_active,
        new.is_default,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    insert_version(tx, new).await
}

pub(super) async fn update_template(tx: &mut TenantTx, new: &TemplateToStore<'_>) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "UPDATE templates SET name = $3, name_key = $4, description = $5, version = $6, subject = $7, body = $8,
             is_active = $9, is_default = $10, updated_at = $11, updated_by = $12
         WHERE business_id = $1 AND id = $2",
        business,
        new.id,
        new.name,
        new.name.to_lowercase(),
        new.description,
        new.version,
        new.words.subject,
        new.words.body,
        new.is_active,
        new.is_default,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    insert_version(tx, new).await
}

async fn insert_version(tx: &mut TenantTx, new: &TemplateToStore<'_>) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO template_versions (business_id, template_id, version, name, subject, body, saved_at, saved_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        business,
        new.id,
        new.version,
        new.name,
        new.words.subject,
        new.words.body,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a template out of use for good.
pub(super) async fn archive(tx: &mut TenantTx, id: Uuid) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "UPDATE templates SET archived_at = $3, is_active = false, is_default = false, updated_at = $3, updated_by = $4
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes a template the one for its use, in the place of another. The caller holds the business's lock.
pub(super) async fn make_default(tx: &mut TenantTx, id: Uuid, of: Use) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE templates SET is_default = false
         WHERE business_id = $1 AND type = $2 AND purpose = $3 AND language = $4 AND is_default AND id <> $5",
        business,
        of.kind.as_str(),
        of.purpose.as_str(),
        of.language.tag(),
        id,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "UPDATE templates SET is_default = true WHERE business_id = $1 AND id = $2",
        business,
        id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One version of a template.
#[derive(Clone, Debug)]
pub(super) struct VersionRow {
    pub(super) version: i32,
    pub(super) name: String,
    pub(super) subject: Option<String>,
    pub(super) body: String,
    pub(super) saved_at: DateTime<Utc>,
    pub(super) saved_by: Option<Uuid>,
}

/// The versions of a template, newest first.
pub(super) async fn page_of_versions(
    tx: &mut TenantTx,
    template: Uuid,
    page: &PageRequest,
    past: Option<i32>,
) -> Result<Vec<VersionRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        VersionRow,
        "SELECT version, name, subject, body, saved_at, saved_by FROM template_versions
         WHERE business_id = $1 AND template_id = $2 AND ($3::int IS NULL OR version < $3)
         ORDER BY version DESC LIMIT $4",
        business,
        template,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}
