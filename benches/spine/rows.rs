//! Rows of a table, column by column, as they are read from one business and written into another.

use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row as _, postgres::PgArguments, query::Query};
use uuid::Uuid;

/// Values of one column.
enum Values {
    Uuids(Vec<Option<Uuid>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Small(Vec<Option<i16>>),
    Ints(Vec<Option<i32>>),
    Bigs(Vec<Option<i64>>),
    Dates(Vec<Option<NaiveDate>>),
    Instants(Vec<Option<DateTime<Utc>>>),
}

/// Some rows of a table.
pub struct Columns {
    /// One statement for all of them.
    insert: String,
    values: Vec<Values>,
}

impl Columns {
    /// Reads these people's rows of a table of `business`.
    pub async fn read(
        connection: &mut PgConnection,
        table: &str,
        names: &[&str],
        business: Uuid,
        debtors: &[Uuid],
    ) -> anyhow::Result<Self> {
        let of_debtors = match table {
            "debtors" => "id = ANY($2)",
            // Both sides of an opening, by the transaction that holds them together.
            "ledger_entries" => {
                "transaction_id IN (SELECT transaction_id FROM ledger_entries WHERE business_id = $1 AND debtor_id = ANY($2))"
            }
            "ledger_transactions" => {
                "id IN (SELECT transaction_id FROM ledger_entries WHERE business_id = $1 AND debtor_id = ANY($2))"
            }
            _ => "debtor_id = ANY($2)",
        };
        let list = names.join(", ");
        let text = format!("SELECT {list} FROM {table} WHERE business_id = $1 AND {of_debtors} ORDER BY id");
        let rows = sqlx::query(AssertSqlSafe(text))
            .bind(business)
            .bind(debtors)
            .fetch_all(&mut *connection)
            .await?;
        let (mut values, mut types) = (Vec::with_capacity(names.len()), Vec::with_capacity(names.len()));
        for name in names {
            let kind: String = sqlx::query_scalar(
                "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = $1::regclass AND attname = $2",
            )
            .bind(table)
            .bind(name)
            .fetch_optional(&mut *connection)
            .await?
            .with_context(|| format!("{table}.{name}"))?;
            macro_rules! column {
                ($variant:ident) => {
                    Values::$variant(
                        rows.iter()
                            .map(|row| row.try_get(*name))
                            .collect::<Result<_, _>>()?,
                    )
                };
            }
            values.push(match kind.as_str() {
                "uuid" => column!(Uuids),
                "text" => column!(Texts),
                "bytea" => column!(Bytes),
                "smallint" => column!(Small),
                "integer" => column!(Ints),
                "bigint" => column!(Bigs),
                "date" => column!(Dates),
                "timestamp with time zone" => column!(Instants),
                other => bail!("{table}.{name} is {other}"),
            });
            types.push(kind);
        }
        let arrays: Vec<String> = (2..)
            .zip(&types)
            .map(|(place, kind)| format!("${place}::{kind}[]"))
            .collect();
        let insert = format!(
            "INSERT INTO {table} (business_id, {list}) SELECT $1, u.* FROM unnest({}) AS u({list})",
            arrays.join(", ")
        );
        Ok(Self { insert, values })
    }

    /// Writes them into another business.
    pub async fn insert(&self, connection: &mut PgConnection, business: Uuid) -> anyhow::Result<()> {
        let mut query = sqlx::query(AssertSqlSafe(self.insert.as_str())).bind(business);
        for values in &self.values {
            query = bind(query, values);
        }
        query.execute(connection).await?;
        Ok(())
    }
}

fn bind<'q>(query: Query<'q, Postgres, PgArguments>, values: &'q Values) -> Query<'q, Postgres, PgArguments> {
    match values {
        Values::Uuids(values) => query.bind(values),
        Values::Texts(values) => query.bind(values),
        Values::Bytes(values) => query.bind(values),
        Values::Small(values) => query.bind(values),
        Values::Ints(values) => query.bind(values),
        Values::Bigs(values) => query.bind(values),
        Values::Dates(values) => query.bind(values),
        Values::Instants(values) => query.bind(values),
    }
}
