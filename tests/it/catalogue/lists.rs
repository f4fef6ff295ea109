//! What may differ from the rule, each with its reason; and the policies' exact words.

/// Tables without forced row security, and why. The app's role reaches none of them.
pub const PLATFORM_TABLES: &[(&str, &str)] = &[
    ("_sqlx_migrations", "the migrator's own; nobody's data"),
    ("clock", "one row, an offset; every process reads it"),
    (
        "identities",
        "a person may belong to several businesses; sealed under the platform key",
    ),
    (
        "inbound_numbers",
        "says which business a received text is for, before a business is known",
    ),
    (
        "do_not_call_areas",
        "of which day the copies of the national registry are, one for all businesses",
    ),
    (
        "do_not_call_numbers",
        "the national registry, one for all businesses; prints under the platform's key",
    ),
    ("one_time_tokens", "of an identity; hashes only"),
    (
        "platform_audit_checkpoints",
        "signatures over the platform's own chain",
    ),
    ("platform_audit_events", "acts that belong to no business"),
    ("platform_head", "the head of the platform's own chain"),
    (
        "login_failures",
        "of an account that somebody tries to enter, whether or not there is one; an HMAC and instants",
    ),
    ("password_resets", "of an identity; hashes only"),
    (
        "email_changes",
        "of an identity: the address that it wants; sealed under the platform key",
    ),
    (
        "platform_keys",
        "wrapped keys for what lies outside any one business",
    ),
    (
        "provider_accounts",
        "a webhook names it before a business is known; secrets under the platform key",
    ),
    (
        "payment_accounts",
        "a webhook names it before a business is known; it holds no secret",
    ),
    ("recovery_codes", "of an identity; hashes only"),
    (
        "debtor_link_requests",
        "what somebody typed in who may be nobody's debtor; sealed under the platform key until the job has run",
    ),
    ("refresh_tokens", "of a session; hashes only"),
    (
        "registrations",
        "of an identity that nobody has verified; a hash until then",
    ),
    (
        "rule_set_activations",
        "which version of the rules decides, for all businesses",
    ),
    ("sessions", "of an identity; read before a business is known"),
];

/// Tenant tables that background processes reach for every business, with what they may do there, and why.
pub const OPEN_TO_SYSTEM: &[(&str, &str, &str)] = &[
    ("account_imports", "SELECT", "a reconciler finds what has expired"),
    (
        "api_keys",
        "SELECT UPDATE",
        "a key is found, and its use written down, before its business is known; its end is announced",
    ),
    (
        "access_log",
        "INSERT",
        "one writer batches the rows of all businesses' operations",
    ),
    (
        "audit_checkpoints",
        "SELECT",
        "a reconciler finds the trails that no checkpoint covers",
    ),
    (
        "audit_events",
        "INSERT",
        "who accepts an invitation is not inside the business yet",
    ),
    (
        "cookie_choices",
        "DELETE INSERT SELECT",
        "a visitor of a portal is inside no business; what is old goes",
    ),
    (
        "pattern_looks",
        "INSERT SELECT UPDATE",
        "a reconciler finds the businesses whose patterns were not looked for, and marks them",
    ),
    (
        "business_licenses",
        "SELECT UPDATE",
        "a reconciler finds those whose end comes near, and marks them as announced",
    ),
    (
        "break_glass_sessions",
        "INSERT SELECT UPDATE",
        "the platform's staff opens one from outside; every process looks for those that ended",
    ),
    (
        "business_head",
        "INSERT SELECT UPDATE",
        "made at registration; the clock reads the newest instant; pruning moves the floor",
    ),
    (
        "business_keys",
        "INSERT SELECT UPDATE",
        "made at registration; rewrapped when the master key rotates",
    ),
    (
        "businesses",
        "INSERT SELECT UPDATE",
        "made at registration; looked up at log-in",
    ),
    (
        "complaints",
        "SELECT",
        "a reconciler finds the answers that are about to be due",
    ),
    ("debtor_codes", "DELETE SELECT", "forgotten after a day"),
    (
        "debtor_links",
        "DELETE SELECT",
        "forgotten three months after their end",
    ),
    (
        "debtor_refresh_tokens",
        "DELETE INSERT SELECT UPDATE",
        "a session is refreshed before its business is known; forgotten a day after its end",
    ),
    (
        "debtor_sessions",
        "DELETE INSERT SELECT UPDATE",
        "opened from outside, as those of staff; every process looks for those that ended; forgotten after a month",
    ),
    (
        "custom_roles",
        "SELECT",
        "what a member may do is read at log-in, before a business is known",
    ),
    (
        "duplicate_checks",
        "SELECT",
        "a job finds the businesses whose people were not looked through",
    ),
    (
        "delivery_attempts",
        "SELECT",
        "the reconciler finds what is overdue",
    ),
    (
        "disputes",
        "SELECT",
        "a reconciler finds the answers that are about to be due",
    ),
    (
        "do_not_call_access",
        "SELECT",
        "the doctor asks whether anybody relies on the registry's copy",
    ),
    ("files", "SELECT", "a reconciler finds what has expired"),
    (
        "holds",
        "SELECT",
        "a reconciler finds the holds because of an attorney that may be reviewed",
    ),
    (
        "invitations",
        "INSERT SELECT UPDATE",
        "who holds a link names no business; accepted outside any. The platform's staff invites first administrators",
    ),
    ("live_events", "DELETE SELECT", "pruned after 72 hours"),
    ("messages", "SELECT", "the reconciler finds what is overdue"),
    (
        "notification_preferences",
        "SELECT",
        "whether somebody wants a mail that is sent outside any one business",
    ),
    ("payments", "SELECT", "the reconciler finds what is overdue"),
    (
        "privacy_requests",
        "SELECT",
        "a reconciler finds the erasures that the queue gave up",
    ),
    (
        "provider_approvals",
        "INSERT SELECT UPDATE",
        "the platform's staff records them, from outside every business",
    ),
    (
        "provider_events",
        "SELECT",
        "the reconciler finds what is overdue",
    ),
    (
        "reassigned_imports",
        "SELECT",
        "a reconciler finds those whose job was given up",
    ),
    ("refunds", "SELECT", "the reconciler finds what is overdue"),
    ("stripe_events", "SELECT", "the reconciler finds what is overdue"),
    (
        "users",
        "INSERT SELECT",
        "made at registration; memberships are read at log-in",
    ),
    ("webhook_events", "DELETE SELECT", "forgotten after a month"),
];

/// Unique constraints that do not begin with the business, and why.
pub const GLOBAL_UNIQUES: &[(&str, &str)] = &[
    ("businesses_pkey", "its id is the business"),
    ("businesses_slug_key", "a slug is an address on the platform"),
];

/// Other indexes that do not begin with the business, and why.
pub const GLOBAL_INDEXES: &[(&str, &str)] = &[
    (
        "access_log_at",
        "block ranges of instants: bounds a search in time, and costs a writer next to nothing",
    ),
    ("audit_events_at", "the same"),
    (
        "break_glass_sessions_ended",
        "every process looks for stays that ended just now",
    ),
    (
        "account_imports_due",
        "a reconciler looks through all businesses for what has expired",
    ),
    (
        "api_keys_expiry",
        "a reconciler looks through all businesses for keys about to end",
    ),
    (
        "api_keys_revoked",
        "every process looks for keys that were revoked just now",
    ),
    (
        "api_keys_secret",
        "a key is found by its hash before its business is known",
    ),
    (
        "cookie_choices_old",
        "a nightly job looks through all businesses for what is old",
    ),
    (
        "complaints_due",
        "a reconciler looks through all businesses for answers that are about to be due",
    ),
    (
        "business_licenses_ending",
        "a reconciler looks through all businesses for licences about to end",
    ),
    (
        "debtor_codes_age",
        "a reconciler looks through all businesses for what is over",
    ),
    ("debtor_links_expiry", "the same"),
    ("debtor_refresh_tokens_expiry", "the same"),
    ("debtor_sessions_expiry", "the same"),
    (
        "debtor_refresh_tokens_hash",
        "a token of 256 random bits is found by its hash before its business is known",
    ),
    (
        "debtor_sessions_id",
        "when sessions were used last is written down for all businesses at once",
    ),
    (
        "debtor_sessions_revoked",
        "every process looks for sessions that ended just now",
    ),
    (
        "delivery_attempts_due",
        "a reconciler looks through all businesses for what is overdue",
    ),
    (
        "disputes_due",
        "a reconciler looks through all businesses for answers that are about to be due",
    ),
    (
        "files_expiry",
        "a reconciler looks through all businesses for what has expired",
    ),
    (
        "holds_to_review",
        "a reconciler looks through all businesses for holds of which somebody is to be told",
    ),
    (
        "invitations_token",
        "a link names no business: its token of 256 random bits finds the invitation",
    ),
    (
        "messages_due",
        "a reconciler looks through all businesses for what is overdue",
    ),
    (
        "payments_due",
        "a reconciler looks through all businesses for what is overdue",
    ),
    ("refunds_due", "the same"),
    ("stripe_events_due", "the same"),
    (
        "provider_events_due",
        "a reconciler looks through all businesses for what is overdue",
    ),
    (
        "reassigned_imports_open",
        "a reconciler looks through all businesses for imports whose job was given up",
    ),
    (
        "users_identity",
        "log-in asks for a person's memberships before a business is known",
    ),
    (
        "webhook_events_age",
        "a reconciler looks through all businesses for what is a month old",
    ),
];

/// Tables whose rows nobody changes or removes.
pub const APPEND_ONLY: &[&str] = &[
    "access_log",
    "audit_checkpoints",
    "audit_events",
    "consents",
    "decisions",
    "dispute_documents",
    "dispute_steps",
    "ledger_entries",
    "ledger_transactions",
    "platform_audit_checkpoints",
    "platform_audit_events",
    "reassigned_checks",
    "template_versions",
];

pub const RUNTIME_ROLES: [&str; 4] = [
    "funnelchat_app",
    "funnelchat_system",
    "funnelchat_worker",
    "funnelchat_search",
];

pub const TENANT: &str =
    "(business_id = (NULLIF(current_setting('app.business_id'::text, true), ''::text))::uuid)";
pub const STAFF: &str = "(current_setting('app.audience'::text, true) = 'staff'::text)";
pub const ANYONE: &str = "CASE current_setting('app.audience'::text, true) WHEN 'staff'::text THEN true \
    WHEN 'debtor'::text THEN (debtor_id = (NULLIF(current_setting('app.debtor_id'::text, true), ''::text))::uuid) \
    ELSE false END";
/// Tables of which a debtor sees what is about the account of their session, and the column that names it.
pub const OF_ONE_ACCOUNT: &[(&str, &str)] = &[
    ("accounts", "id"),
    ("balance_components", "account_id"),
    ("conversations", "account_id"),
    ("debtor_archives", "own_account_id"),
    ("dispute_steps", "account_id"),
    ("disputes", "account_id"),
    ("ledger_entries", "account_id"),
    ("live_events", "account_id"),
    ("payment_disputes", "account_id"),
    ("payments", "account_id"),
    ("refunds", "account_id"),
    ("shown_documents", "account_id"),
    ("validation_notices", "account_id"),
    ("privacy_requests", "own_account_id"),
];
