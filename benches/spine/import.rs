//! A file of accounts from its preview to the last account, against a bare insert of the same encrypted rows, and what
//! the worker's memory grows by meanwhile.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::{
    Plan,
    caller::{operation, sign_in},
    figures::{Bar, listed, median},
    http::Connection,
    memory::resident_kib,
    rows::Columns,
    servers::{Bench, Process},
};

const ROUNDS: usize = 3;
/// Rows in one transaction, as the service does it.
const CHUNK: usize = 500;
/// What an imported row becomes, but for what the service reads and writes beside it.
const TABLES: &[(&str, &[&str])] = &[
    (
        "debtors",
        &[
            "id",
            "external_reference",
            "first_name",
            "last_name",
            "name_key",
            "preferred_language",
            "profile_key_id",
            "record_key_id",
            "address_cipher",
            "created_at",
            "updated_at",
        ],
    ),
    (
        "data_keys",
        &["id", "debtor_id", "purpose", "business_key_version", "wrapped"],
    ),
    (
        "contact_points",
        &[
            "id",
            "debtor_id",
            "kind",
            "ordinal",
            "value_cipher",
            "original_cipher",
            "blind_index",
            "blind_version",
            "provenance",
            "created_at",
        ],
    ),
    (
        "accounts",
        &[
            "id",
            "debtor_id",
            "account_number",
            "original_creditor",
            "status",
            "currency",
            "balance_minor",
            "original_balance_minor",
            "due_date",
            "custom_fields_cipher",
            "created_at",
            "updated_at",
        ],
    ),
    ("ledger_transactions", &["id", "kind", "intent_key", "at"]),
    (
        "ledger_entries",
        &[
            "id",
            "transaction_id",
            "ledger_account",
            "account_id",
            "debtor_id",
            "amount_minor",
            "currency",
            "at",
        ],
    ),
];

/// Imports into one business, then inserts what it became into another, in turns.
pub async fn measure(bench: &Bench, plan: &Plan) -> anyhow::Result<()> {
    ensure!(bench.tenants.len() >= 2 * ROUNDS, "two businesses for each round");
    let service = bench.serve().await?;
    let mut worker = bench.work()?;
    let (mut floors, mut wholes, mut commits, mut grown) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut bar = Bar::new("import", 2 * ROUNDS);
    for round in 0..ROUNDS {
        let (source, target) = (&bench.tenants[2 * round], &bench.tenants[2 * round + 1]);
        let before = newest(bench, source.id).await?;
        let token = sign_in(service.address, &source.manager).await?;
        let client = Client {
            address: service.address,
            token,
        };
        if round == 0 {
            // Idle is a worker that has done its first work: code and caches are there.
            client.import(&file(200, "warm"), &mut worker).await?;
        }
        let imported = client.import(&file(plan.rows, "bench"), &mut worker).await?;
        grown = grown.max(imported.grown_kib);
        let rate = |took: Duration| plan.rows as f64 / took.as_secs_f64();
        commits.push(rate(imported.commit));
        wholes.push(rate(imported.analysis + imported.commit));
        bar.advance(1);
        let took = bare(bench, source.id, target.id, before, plan.rows).await?;
        floors.push(rate(took));
        bar.advance(1);
    }
    println!(
        "rounds, bare: {}; commit: {}; preview and commit: {}",
        listed(&floors),
        listed(&commits),
        listed(&wholes)
    );
    let (floor, commit, whole) = (median(floors), median(commits), median(wholes));
    println!(
        "import of {} rows: commit {commit:.0}/s, {:.0} % of a bare UNNEST insert of the same encrypted rows ({floor:.0}/s); \
         with the preview {whole:.0}/s, {:.0} %; the worker's memory grows by {:.1} MiB",
        plan.rows,
        commit / floor * 100.0,
        whole / floor * 100.0,
        grown as f64 / 1024.0
    );
    Ok(())
}

/// A debt a row, as the template has it.
fn file(rows: usize, mark: &str) -> String {
    let mut text = "firstName,lastName,email,phone,accountNumber,currentBalance,dueDate\r\n".to_owned();
    for nth in 0..rows {
        let (area, line) = (201 + nth / 10_000 % 700, nth % 10_000);
        let _ = write!(
            text,
            "First{nth},Last{nth},{mark}{nth}@debtor.example,({area}) 555-{line:04},{mark}-{nth},\"$1,{:03}.50\",2026-11-30\r\n",
            nth % 1000
        );
    }
    text
}

/// Whatever is younger than this account was imported.
async fn newest(bench: &Bench, business: Uuid) -> anyhow::Result<Uuid> {
    Ok(
        sqlx::query_scalar("SELECT coalesce(max(id::text)::uuid, $1) FROM debtors WHERE business_id = $1")
            .bind(business)
            .fetch_one(&mut bench.superuser().await?)
            .await?,
    )
}

/// How long an import took, and what the worker's memory grew by.
struct Imported {
    analysis: Duration,
    commit: Duration,
    grown_kib: u64,
}

struct Client {
    address: SocketAddr,
    token: String,
}

impl Client {
    async fn ask(&self, query: &str, variables: &Value) -> anyhow::Result<Value> {
        let mut connection = Connection::open(self.address).await?;
        let request = operation(Some(&self.token), query, variables);
        let answer: Value = serde_json::from_slice(connection.send(&request).await?.body)?;
        ensure!(answer.get("errors").is_none(), "{answer}");
        Ok(answer["data"].clone())
    }

    async fn upload(&self, file: &str) -> anyhow::Result<Value> {
        let announced = self
            .ask(
                "mutation($s: Int!) { createUpload(input: { purpose: ACCOUNT_IMPORT, fileName: \"accounts.csv\", size: $s }) {
                   upload { id url } userErrors { message } } }",
                &json!({ "s": file.len() }),
            )
            .await?;
        let upload = &announced["createUpload"]["upload"];
        let url = upload["url"].as_str().with_context(|| announced.to_string())?;
        let path = &url[url.find("/uploads/").context("a path")?..];
        let mut request = format!(
            "PUT {path} HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n\r\n",
            file.len()
        );
        request.push_str(file);
        let mut connection = Connection::open(self.address).await?;
        let answer = connection.send(request.as_bytes()).await?;
        ensure!(answer.status == 201, "the upload: {}", answer.status);
        Ok(upload["id"].clone())
    }

    /// From the upload to the last account; the worker's memory is looked at all the time.
    async fn import(&self, file: &str, worker: &mut Process) -> anyhow::Result<Imported> {
        let upload = self.upload(file).await?;
        let idle = resident_kib(worker.id())?;
        let mut grown_kib = 0;
        let started = Instant::now();
        let begun = self
            .ask(
                "mutation($f: ID!) { previewAccountImport(input: { uploadId: $f }) { import { id } userErrors { message } } }",
                &json!({ "f": upload }),
            )
            .await?;
        let id = begun["previewAccountImport"]["import"]["id"].clone();
        ensure!(id.is_string(), "{begun}");
        self.wait(&id, "READY", worker, idle, &mut grown_kib).await?;
        let analysis = started.elapsed();
        let started = Instant::now();
        let committed = self
            .ask(
                "mutation($i: ID!) { commitAccountImport(input: { importId: $i, mode: VALID_ROWS_ONLY }) { userErrors { message } } }",
                &json!({ "i": id }),
            )
            .await?;
        ensure!(
            committed["commitAccountImport"]["userErrors"] == json!([]),
            "{committed}"
        );
        self.wait(&id, "COMPLETED", worker, idle, &mut grown_kib).await?;
        Ok(Imported {
            analysis,
            commit: started.elapsed(),
            grown_kib,
        })
    }

    async fn wait(
        &self,
        id: &Value,
        status: &str,
        worker: &mut Process,
        idle: u64,
        grown_kib: &mut u64,
    ) -> anyhow::Result<()> {
        let query = "query($i: ID!) { accountImport(id: $i) { status result { imported } counts { valid } failure { message } } }";
        let deadline = Instant::now() + Duration::from_secs(1800);
        while Instant::now() < deadline {
            worker.still_runs()?;
            let found = self.ask(query, &json!({ "i": id })).await?["accountImport"].clone();
            *grown_kib = (*grown_kib).max(resident_kib(worker.id())?.saturating_sub(idle));
            match found["status"].as_str() {
                Some(reached) if reached == status => {
                    ensure!(
                        status == "READY" || found["result"]["imported"] == found["counts"]["valid"],
                        "{found}"
                    );
                    return Ok(());
                }
                Some("ANALYZING" | "COMMITTING" | "READY") => {}
                _ => bail!("the import ended: {found}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the import does not come to {status}")
    }
}

/// Inserts what the import became into another business: the same values, tables and sizes of transactions, nothing else.
async fn bare(bench: &Bench, from: Uuid, to: Uuid, past: Uuid, rows: usize) -> anyhow::Result<Duration> {
    let mut chunks = Vec::with_capacity(rows.div_ceil(CHUNK));
    let mut superuser = bench.superuser().await?;
    sqlx::query("ANALYZE").execute(&mut superuser).await?;
    let debtors: Vec<Uuid> = sqlx::query_scalar(
        "SELECT debtor_id FROM accounts WHERE business_id = $1 AND debtor_id > $2 AND account_number LIKE 'bench-%' ORDER BY id",
    )
    .bind(from)
    .bind(past)
    .fetch_all(&mut superuser)
    .await?;
    ensure!(debtors.len() == rows, "{} of {rows} rows", debtors.len());
    for chunk in debtors.chunks(CHUNK) {
        let mut tables = Vec::with_capacity(TABLES.len());
        for (table, columns) in TABLES {
            tables.push(Columns::read(&mut superuser, table, columns, from, chunk).await?);
        }
        chunks.push(tables);
    }
    let started = Instant::now();
    for tables in &chunks {
        insert(&bench.app_pool, to, tables).await?;
    }
    Ok(started.elapsed())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the floor is what the service does not do"
)]
async fn insert(pool: &PgPool, business: Uuid, tables: &[Columns]) -> anyhow::Result<()> {
    let begin = format!("BEGIN; SET LOCAL app.business_id = '{business}'; SET LOCAL app.audience = 'staff'");
    let mut tx = pool.begin_with(AssertSqlSafe(begin)).await?;
    for table in tables {
        table.insert(&mut tx, business).await?;
    }
    tx.commit().await?;
    Ok(())
}
