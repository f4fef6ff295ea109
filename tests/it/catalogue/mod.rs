//! What the database's own catalogue says of tenancy, grants and ciphertext. Each list below may only shrink, or
//! grow by a line with its reason: a table, column or index that is not listed has to obey the rule.

mod ciphers;
mod lists;
mod written_once;

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _};

use self::lists::{
    ANYONE, APPEND_ONLY, GLOBAL_INDEXES, GLOBAL_UNIQUES, OF_ONE_ACCOUNT, OPEN_TO_SYSTEM, PLATFORM_TABLES,
    RUNTIME_ROLES, STAFF, TENANT,
};
use crate::support::{TestDatabase, fresh_database};

struct Catalogue {
    superuser: PgConnection,
    database: TestDatabase,
}

impl Catalogue {
    async fn open() -> Self {
        let database = fresh_database().await;
        Self {
            superuser: PgConnection::connect(&database.superuser_url).await.unwrap(),
            database,
        }
    }

    async fn names(&mut self, sql: &str) -> Vec<String> {
        let rows = self.superuser.fetch_all(AssertSqlSafe(sql)).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Tables of the public schema, partitions left out.
    async fn tables(&mut self) -> BTreeSet<String> {
        self.names(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
               AND relkind IN ('r', 'p') AND NOT relispartition",
        )
        .await
        .into_iter()
        .collect()
    }

    /// Tables whose rows each belong to one business and are protected.
    async fn tenant_tables(&mut self) -> BTreeSet<String> {
        let platform: BTreeSet<&str> = PLATFORM_TABLES.iter().map(|(table, _)| *table).collect();
        let mut tables = self.tables().await;
        tables.retain(|table| !platform.contains(table.as_str()));
        tables
    }

    /// What `role` may do on `table` or any of its columns, by whatever way it came to it.
    async fn privileges(&mut self, role: &str, table: &str) -> BTreeSet<String> {
        let sql = format!(
            "SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS p
             WHERE has_any_column_privilege('{role}', 'public.{table}', p)
             UNION ALL
             SELECT p FROM unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) AS p
             WHERE has_table_privilege('{role}', 'public.{table}', p)"
        );
        self.names(&sql).await.into_iter().collect()
    }
}

/// Who sees rows of a table that a debtor may see.
fn anyone_of(table: &str) -> String {
    let own = "(debtor_id = (NULLIF(current_setting('app.debtor_id'::text, true), ''::text))::uuid)";
    match OF_ONE_ACCOUNT.iter().find(|(listed, _)| *listed == table) {
        None => ANYONE.to_owned(),
        Some((_, column)) => ANYONE.replace(
            own,
            &format!(
                "({own} AND ({column} = (NULLIF(current_setting('app.account_id'::text, true), ''::text))::uuid))"
            ),
        ),
    }
}

#[tokio::test]
async fn every_table_of_a_business_is_behind_forced_row_security() {
    let mut catalogue = Catalogue::open().await;
    let open: BTreeSet<String> = catalogue
        .names(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
               AND relkind IN ('r', 'p') AND NOT relispartition AND NOT (relrowsecurity AND relforcerowsecurity)",
        )
        .await
        .into_iter()
        .collect();
    let listed: BTreeSet<String> = PLATFORM_TABLES
        .iter()
        .map(|(table, _)| (*table).to_owned())
        .collect();
    assert_eq!(
        open, listed,
        "unprotected tables (left) are exactly the listed ones (right)"
    );

    let tables = catalogue.tenant_tables().await;
    assert!(
        tables.contains("messages") && tables.contains("accounts"),
        "{tables:?}"
    );
    let rows = catalogue
        .superuser
        .fetch_all(
            "SELECT p.tablename::text, p.policyname::text, p.permissive, p.roles::text[], p.cmd, p.qual, p.with_check,
                    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = ('public.' || quote_ident(p.tablename))::regclass
                            AND a.attname = 'debtor_id' AND NOT a.attisdropped) AS knows_debtor
             FROM pg_policies p WHERE p.schemaname = 'public'",
        )
        .await
        .unwrap();
    let mut guarded = BTreeSet::new();
    for row in &rows {
        let (table, policy): (String, String) = (row.get(0), row.get(1));
        let (permissive, roles): (String, Vec<String>) = (row.get(2), row.get(3));
        let (cmd, using, check): (String, Option<String>, Option<String>) =
            (row.get(4), row.get(5), row.get(6));
        let name = format!("{table}/{policy}");
        assert_eq!(permissive, "PERMISSIVE", "{name}");
        match roles.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["funnelchat_app"] => {
                assert_eq!(cmd, "ALL", "{name}");
                assert!(
                    guarded.insert(table.clone()),
                    "two policies open {table} to the app: they would be OR-ed"
                );
                let on_one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
                let (using, check) = (on_one_line(using.unwrap()), on_one_line(check.unwrap()));
                if table == "businesses" {
                    let tenant = TENANT.replace("business_id =", "id =");
                    assert_eq!(check, format!("({tenant} AND {STAFF})"));
                    assert_eq!(
                        using,
                        format!(
                            "({tenant} AND (current_setting('app.audience'::text, true) = ANY (ARRAY['staff'::text, 'debtor'::text])))"
                        )
                    );
                    continue;
                }
                let staff_only = format!("({TENANT} AND {STAFF})");
                let both = format!("({TENANT} AND {})", anyone_of(&table));
                assert!(using == staff_only || using == both, "{name}: {using}");
                assert_eq!(using, check, "{name}: what can be written can be read back");
                assert!(
                    using == staff_only || row.get::<bool, _>(7),
                    "{name}: a debtor's table carries debtor_id"
                );
            }
            ["funnelchat_owner"] => assert_eq!(policy, "migrations", "{name}"),
            ["funnelchat_system"] => assert!(
                OPEN_TO_SYSTEM.iter().any(|(open, ..)| *open == table),
                "{name}: not listed as open to background processes"
            ),
            ["funnelchat_search"] => {
                assert_eq!((table.as_str(), cmd.as_str()), ("debtors", "SELECT"), "{name}");
            }
            other => panic!("{name}: nobody else has policies, not {other:?}"),
        }
    }
    assert_eq!(
        guarded, tables,
        "every tenant table (right) has its policy for the app (left)"
    );
}

#[tokio::test]
async fn nobody_holds_more_than_is_listed() {
    let mut catalogue = Catalogue::open().await;
    for (table, _) in PLATFORM_TABLES {
        let held = catalogue.privileges("funnelchat_app", table).await;
        let allowed: BTreeSet<String> = (*table == "clock")
            .then(|| "SELECT".to_owned())
            .into_iter()
            .collect();
        assert_eq!(held, allowed, "funnelchat_app on {table}");
    }
    for table in catalogue.tenant_tables().await {
        let held = catalogue.privileges("funnelchat_system", &table).await;
        let listed: BTreeSet<String> = OPEN_TO_SYSTEM
            .iter()
            .filter(|(open, ..)| *open == table)
            .flat_map(|(_, grants, _)| grants.split(' ').map(str::to_owned))
            .collect();
        assert_eq!(held, listed, "funnelchat_system on {table}");
    }
    for table in catalogue.tables().await {
        assert_eq!(
            catalogue.privileges("funnelchat_worker", &table).await,
            BTreeSet::new(),
            "the queue's role on {table}"
        );
        let searched: BTreeSet<String> = (table == "debtors")
            .then(|| "SELECT".to_owned())
            .into_iter()
            .collect();
        assert_eq!(
            catalogue.privileges("funnelchat_search", &table).await,
            searched,
            "the search's role on {table}"
        );
        for role in RUNTIME_ROLES {
            let held = catalogue.privileges(role, &table).await;
            for never in ["TRUNCATE", "REFERENCES", "TRIGGER"] {
                assert!(
                    !held.contains(never),
                    "{role} holds {never} on {table}: row security does not cover it"
                );
            }
        }
    }
    let searched = catalogue
        .names(
            "SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = 'debtors'::regclass AND a.attnum > 0
               AND has_column_privilege('funnelchat_search', 'debtors', a.attname, 'SELECT') ORDER BY 1",
        )
        .await;
    assert_eq!(searched, ["business_id", "company_key", "id", "name_key"]);
    let granted_partitions = catalogue
        .names(
            "SELECT c.relname || ' to ' || coalesce(r.rolname, 'PUBLIC') FROM pg_class c, aclexplode(c.relacl) acl
             LEFT JOIN pg_roles r ON r.oid = acl.grantee
             WHERE c.relispartition AND acl.grantee <> c.relowner",
        )
        .await;
    assert_eq!(
        granted_partitions,
        Vec::<String>::new(),
        "partitions do not inherit row security"
    );
}

#[tokio::test]
async fn roles_that_run_the_service_own_nothing_and_bypass_nothing() {
    let mut catalogue = Catalogue::open().await;
    let roles = RUNTIME_ROLES.map(|role| format!("'{role}'")).join(", ");
    let mighty = catalogue
        .names(&format!(
            "SELECT rolname::text FROM pg_roles WHERE rolname IN ({roles}, 'funnelchat_owner')
               AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)"
        ))
        .await;
    assert_eq!(mighty, Vec::<String>::new());
    let found = catalogue
        .names(&format!(
            "SELECT rolname::text FROM pg_roles WHERE rolname IN ({roles})"
        ))
        .await;
    assert_eq!(found.len(), RUNTIME_ROLES.len(), "all of them exist: {found:?}");
    let owned = catalogue
        .names(&format!(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
             WHERE r.rolname IN ({roles}) AND c.relnamespace <> 'queue'::regnamespace
               AND c.relnamespace::regnamespace::text NOT LIKE 'pg\\_%'"
        ))
        .await;
    assert_eq!(owned, Vec::<String>::new(), "runtime roles own no table");
    let members = catalogue
        .names(&format!(
            "SELECT m.rolname || ' in ' || g.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member
             JOIN pg_roles g ON g.oid = a.roleid WHERE m.rolname IN ({roles})"
        ))
        .await;
    assert_eq!(members, Vec::<String>::new(), "no runtime role becomes another");
    let definers = catalogue
        .names(
            "SELECT p.oid::regproc || ' as ' || r.rolname FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
             WHERE p.prosecdef AND p.pronamespace IN ('public'::regnamespace, 'app'::regnamespace, 'queue'::regnamespace)
             ORDER BY 1",
        )
        .await;
    assert_eq!(
        definers,
        [
            "app.business_usage as funnelchat_owner",
            "app.business_with_unmatched_people as funnelchat_owner",
            "app.businesses_to_route as funnelchat_owner",
            "app.businesses_with_old_threads as funnelchat_owner",
            "app.check_balance as funnelchat_owner",
            "app.check_duplicates as funnelchat_owner",
            "app.commit_own_head as funnelchat_owner",
            "app.connect_number as funnelchat_owner",
            "app.count_usage as funnelchat_owner",
            "app.debtor_entrance as funnelchat_owner",
            "app.disconnect_number as funnelchat_owner",
            "app.end_member_sessions as funnelchat_owner",
            "app.end_role_sessions as funnelchat_owner",
            "app.ensure_partition as funnelchat_owner",
            "app.forget_national_id as funnelchat_owner",
            "app.forget_person as funnelchat_owner",
            "app.forget_records as funnelchat_owner",
            "app.forget_registrations as funnelchat_owner",
            "app.forget_thread as funnelchat_owner",
            "app.forget_unverified as funnelchat_owner",
            "app.is_in_trail as funnelchat_owner",
            "app.member_details as funnelchat_owner",
            "app.member_with_address as funnelchat_owner",
            "app.migrations_run as funnelchat_owner",
            "app.national_do_not_call as funnelchat_owner",
            "app.note_opt_out_reply as funnelchat_owner",
            "app.old_access_logs as funnelchat_owner",
            "app.own_creditor as funnelchat_owner",
            "app.own_do_not_call_areas as funnelchat_owner",
            "app.own_documents as funnelchat_owner",
            "app.own_files as funnelchat_owner",
            "app.own_inbound_numbers as funnelchat_owner",
            "app.own_live_head as funnelchat_owner",
            "app.own_provider_accounts as funnelchat_owner",
            "app.partitions_due as funnelchat_owner",
            "app.post_entries as funnelchat_owner",
            "app.put_provider_account as funnelchat_owner",
            "app.refresh_statistics as funnelchat_owner",
            "app.rename_accounts as funnelchat_owner",
            "app.search_debtors as funnelchat_search",
            "app.sends_from as funnelchat_owner",
            "queue.enqueue as funnelchat_worker",
            "queue.enqueue_for as funnelchat_worker",
            "queue.enqueue_in_for as funnelchat_worker",
            "queue.health as funnelchat_worker",
        ],
        "functions that run with another's rights"
    );
    let loose = catalogue
        .names(
            "SELECT p.oid::regproc::text FROM pg_proc p
             WHERE p.prosecdef AND p.pronamespace IN ('public'::regnamespace, 'app'::regnamespace, 'queue'::regnamespace)
               AND (NOT coalesce(p.proconfig::text, '') LIKE '%search_path=%'
                    OR (p.prorettype <> 'trigger'::regtype AND has_function_privilege('public', p.oid, 'EXECUTE')))",
        )
        .await;
    assert_eq!(
        loose,
        Vec::<String>::new(),
        "each pins its search_path and is granted by name"
    );
}

#[tokio::test]
async fn references_between_tenant_tables_carry_the_business() {
    let mut catalogue = Catalogue::open().await;
    let tenant = catalogue.tenant_tables().await;
    let rows = catalogue
        .superuser
        .fetch_all(
            "SELECT c.conname::text, c.conrelid::regclass::text, c.confrelid::regclass::text,
                    (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY AS k(num, n)
                     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num),
                    (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY AS k(num, n)
                     JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num)
             FROM pg_constraint c JOIN pg_class f ON f.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid
             WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
               AND NOT f.relispartition AND NOT t.relispartition",
        )
        .await
        .unwrap();
    let mut seen = 0;
    for row in &rows {
        let (name, from, to): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let (columns, targets): (Vec<String>, Vec<String>) = (row.get(3), row.get(4));
        // What a platform table points to is checked too: sessions name a member of one business.
        if !tenant.contains(&to) {
            continue;
        }
        seen += 1;
        let target = if to == "businesses" { "id" } else { "business_id" };
        assert!(
            columns
                .iter()
                .zip(&targets)
                .any(|(own, theirs)| own == "business_id" && theirs == target),
            "{name} on {from}: foreign keys are checked past row security, so {columns:?} -> {to}{targets:?} \
             lets one business point at another's row"
        );
        assert!(
            to == "businesses" || columns.len() > 1,
            "{name} on {from} is composite"
        );
    }
    assert!(seen > 30, "the catalogue was read: {seen}");
}

#[tokio::test]
async fn every_index_of_a_tenant_table_leads_with_the_business() {
    let mut catalogue = Catalogue::open().await;
    let tenant = catalogue.tenant_tables().await;
    let rows = catalogue
        .superuser
        .fetch_all(
            "SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text, i.indisunique, a.attname::text
             FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
             WHERE t.relnamespace = 'public'::regnamespace AND NOT t.relispartition",
        )
        .await
        .unwrap();
    let (mut uniques, mut others, mut seen) = (BTreeSet::new(), BTreeSet::new(), 0);
    for row in &rows {
        let (index, table): (String, String) = (row.get(0), row.get(1));
        if !tenant.contains(&table) {
            continue;
        }
        seen += 1;
        if row.get::<Option<String>, _>(3).as_deref() != Some("business_id") {
            let kind = if row.get(2) { &mut uniques } else { &mut others };
            kind.insert(index);
        }
    }
    let listed = |list: &[(&str, &str)]| {
        list.iter()
            .map(|(name, _)| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        uniques,
        listed(GLOBAL_UNIQUES),
        "a unique without the business tells of others' rows"
    );
    assert_eq!(others, listed(GLOBAL_INDEXES), "found (left), listed (right)");
    assert!(seen > 50, "the catalogue was read: {seen}");
}

#[tokio::test]
async fn instants_are_written_by_the_service_and_never_by_a_default() {
    let mut catalogue = Catalogue::open().await;
    let defaults = catalogue
        .names(
            "SELECT d.adrelid::regclass || '.' || a.attname FROM pg_attrdef d
             JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
             JOIN pg_class t ON t.oid = d.adrelid
             WHERE t.relnamespace = 'public'::regnamespace AND t.relname <> '_sqlx_migrations'
               -- What is computed from another column of the row is not an instant of its own.
               AND a.attgenerated = ''
               AND (a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
                    OR pg_get_expr(d.adbin, d.adrelid) ~* 'now\\(|current_|clock_timestamp|gen_random')",
        )
        .await;
    assert_eq!(defaults, Vec::<String>::new());
    let zoneless = catalogue
        .names(
            "SELECT a.attrelid::regclass || '.' || a.attname FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
             WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') AND a.attnum > 0
               AND a.atttypid IN ('timestamp'::regtype, 'time'::regtype, 'timetz'::regtype)",
        )
        .await;
    assert_eq!(zoneless, Vec::<String>::new(), "every instant has its zone");
}
