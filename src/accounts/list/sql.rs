//! The text of a statement with its values, and the words that indexes and conditions share.

use chrono::NaiveDate;
use sqlx::{Arguments as _, Encode, Postgres, QueryBuilder, Type, postgres::PgArguments};
use uuid::Uuid;

use crate::platform::db::{DbError, TenantTx};

/// A due date that sorts behind all others stands for "none". Word for word as in the indexes `accounts_…due`.
pub(super) const DUE: &str = "(CASE WHEN a.due_date IS NULL THEN date '9999-12-31' ELSE a.due_date END)";
/// The last day on which something can be due.
pub(super) const LAST_DUE: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 30) {
    Some(day) => day,
    None => NaiveDate::MAX,
};
/// Who works on it, [`NOBODY`] for nobody. Word for word as in the indexes `accounts_worker_…`.
pub(super) const WORKER: &str = "(CASE WHEN a.assigned_agent_id IS NULL \
     THEN uuid '00000000-0000-0000-0000-000000000000' ELSE a.assigned_agent_id END)";
/// Is no one's id.
pub(super) const NOBODY: Uuid = Uuid::nil();

/// What is read of an account, in this order (`super::read_row`).
pub(super) const COLUMNS: &str = "a.id, a.debtor_id, a.account_number, a.original_creditor, a.status, a.currency, \
     a.balance_minor, a.original_balance_minor, a.due_date, a.assigned_agent_id, a.creditor_id, a.placement_id, \
     a.custom_fields_cipher, a.created_at, a.updated_at, a.debt_type";

/// The person (`super::read_row`) behind each of few accounts `a`, as `d`; looked up one by one (see `criteria`). A row that only says that
/// there are too many has none.
pub(super) const PERSON: &str = " LEFT JOIN LATERAL (SELECT d.first_name, d.last_name, d.preferred_language, \
     d.preferred_channel FROM debtors d WHERE d.business_id = $1 AND d.id = a.debtor_id OFFSET 0) d ON true";

/// A statement in the making. Its text is fixed fragments; `$1` is the business, all other values are bound.
pub(super) struct Sql(QueryBuilder<Postgres>);

impl Sql {
    pub(super) fn new(tx: &TenantTx, start: &str) -> Result<Self, DbError> {
        let mut values = PgArguments::default();
        values
            .add(tx.business_id())
            .map_err(|error| DbError::from(sqlx::Error::Encode(error)))?;
        Ok(Self(QueryBuilder::with_arguments(start, values)))
    }

    /// The same, whose `$2` is a number of rows.
    pub(super) fn limited(tx: &TenantTx, rows: i64, start: &str) -> Result<Self, DbError> {
        let mut values = PgArguments::default();
        values
            .add(tx.business_id())
            .and_then(|()| values.add(rows))
            .map_err(|error| DbError::from(sqlx::Error::Encode(error)))?;
        Ok(Self(QueryBuilder::with_arguments(start, values)))
    }

    pub(super) fn push(&mut self, text: impl std::fmt::Display) -> &mut Self {
        self.0.push(text);
        self
    }

    pub(super) fn bind<T>(&mut self, value: T) -> &mut Self
    where
        T: for<'q> Encode<'q, Postgres> + Type<Postgres> + Send + 'static,
    {
        self.0.push_bind(value);
        self
    }

    /// The statement.
    pub(super) fn builder(&mut self) -> &mut QueryBuilder<Postgres> {
        &mut self.0
    }
}
