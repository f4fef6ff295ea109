//! What is told of a person is ciphertext under the listed key, or listed as plain with its reason.

use std::collections::BTreeSet;

use funnelchat::platform::keys::WrappedKey;
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor as _, Row as _};
use uuid::Uuid;

use super::Catalogue;
use crate::support::{TestApp, data, debtors, recipes::Ids};

/// Every ciphertext column and whose key guards it: the debtor's profile or record key, the business's, the platform's.
const CIPHERS: &[(&str, &str)] = &[
    ("account_documents.description_cipher", "profile"),
    ("account_import_chunks.identities_cipher", "business"),
    ("account_import_chunks.rows_cipher", "business"),
    ("account_imports.columns_cipher", "business"),
    ("account_notes.body_cipher", "profile"),
    ("account_views.search_cipher", "business"),
    ("accounts.custom_fields_cipher", "profile"),
    ("audit_events.origin_cipher", "platform"),
    ("break_glass_sessions.operator_cipher", "business"),
    ("break_glass_sessions.reason_cipher", "business"),
    ("business_settings.billing_contact_cipher", "business"),
    ("complaints.reference_cipher", "record"),
    ("complaints.resolution_cipher", "record"),
    ("complaints.words_cipher", "record"),
    ("consents.evidence_cipher", "record"),
    ("contact_points.label_cipher", "profile"),
    ("contact_points.original_cipher", "profile"),
    ("contact_points.value_cipher", "profile"),
    ("conversations.escalation_reason_cipher", "record"),
    ("conversations.peer_cipher", "record"),
    ("conversations.resolution_cipher", "record"),
    ("debtor_link_requests.request_cipher", "platform"),
    ("debtor_merges.reason_cipher", "record"),
    ("debtor_merges.unmerge_reason_cipher", "record"),
    ("debtors.address_cipher", "profile"),
    ("debtors.birth_date_cipher", "profile"),
    ("debtors.confirmed_zone_cipher", "profile"),
    ("debtors.national_id_cipher", "profile"),
    ("debtors.stated_zone_cipher", "profile"),
    ("debtors.stated_zone_statement_cipher", "record"),
    ("decisions.facts_cipher", "record"),
    ("dispute_steps.note_cipher", "record"),
    ("disputes.resolution_cipher", "record"),
    ("disputes.words_cipher", "record"),
    ("email_changes.email_cipher", "platform"),
    ("exports.request_cipher", "business"),
    ("files.name_cipher", "business"),
    ("files.person_name_cipher", "profile"),
    ("holds.confirmation_cipher", "record"),
    ("holds.reason_cipher", "record"),
    ("identities.email_cipher", "platform"),
    ("identities.totp_pending_cipher", "platform"),
    ("identities.totp_secret_cipher", "platform"),
    ("contact_places.statement_cipher", "record"),
    ("contact_places.withdrawal_cipher", "record"),
    ("inconvenient_times.statement_cipher", "record"),
    ("invitations.email_cipher", "platform"),
    ("limitations.basis_cipher", "record"),
    ("messages.body_cipher", "record"),
    ("messages.secret_cipher", "record"),
    ("payments.note_cipher", "record"),
    ("platform_audit_events.origin_cipher", "platform"),
    ("privacy_acceptances.evidence_cipher", "record"),
    ("privacy_acceptances.origin_cipher", "platform"),
    ("privacy_requests.answer_cipher", "record"),
    ("privacy_requests.facts_cipher", "record"),
    ("privacy_requests.reason_cipher", "record"),
    ("provider_accounts.previous_secret_cipher", "platform"),
    ("provider_accounts.secret_cipher", "platform"),
    ("provider_events.payload_cipher", "business"),
    ("sessions.address_cipher", "platform"),
    ("sessions.user_agent_cipher", "platform"),
    ("suit_authorities.authority_cipher", "record"),
    ("suit_authorities.limitation_basis_cipher", "record"),
    ("suit_authorities.withdrawal_cipher", "record"),
    ("suppressions.note_cipher", "business"),
    ("suppressions.release_note_cipher", "business"),
    ("users.phone_cipher", "business"),
    ("validation_notices.content_cipher", "record"),
];

/// Plain text and bytes in tenant tables, and why they tell nothing of a person, or may stand open. Columns whose
/// CHECK lists their words, and ciphertext, need no line.
const PLAIN: &[(&str, &str)] = &[
    ("payment_disputes.currency", "an ISO 4217 code"),
    ("payment_disputes.provider_dispute_id", "Stripe's id of it"),
    ("payment_disputes.reason", "one of Stripe's words"),
    ("payments.currency", "an ISO 4217 code"),
    ("payments.failure_code", "one of Stripe's words, or our own"),
    ("payments.failure_reason", "our own sentences"),
    ("payments.provider_payment_id", "Stripe's id of it"),
    ("refunds.currency", "an ISO 4217 code"),
    ("refunds.failure_code", "one of Stripe's words, or our own"),
    ("refunds.failure_reason", "our own sentences"),
    ("refunds.provider_refund_id", "Stripe's id of it"),
    ("stripe_events.currency", "an ISO 4217 code"),
    ("stripe_events.kind", "one of Stripe's words"),
    ("stripe_events.object_id", "Stripe's id of it"),
    ("stripe_events.provider_event_id", "Stripe's id of it"),
    ("stripe_events.provider_payment_id", "Stripe's id of it"),
    ("stripe_events.reason", "one of Stripe's words"),
    ("stripe_events.status", "one of Stripe's words"),
    ("access_log.operation", "names of fields of the API"),
    ("access_log.request_id", "ours"),
    ("account_import_findings.code", "our own words"),
    (
        "account_import_findings.message",
        "our own sentences, which never repeat what a row holds",
    ),
    ("account_imports.failure_code", "our own words"),
    ("account_imports.failure_message", "our own sentences"),
    (
        "account_documents.tags",
        "labels, which the form says are no notes",
    ),
    (
        "account_tags.tag",
        "searchable: leakproof operators need it plain; the form says that labels are no notes",
    ),
    (
        "account_views.filter",
        "labels, amounts, dates and ids; who is searched for is sealed",
    ),
    ("account_views.name", "a member of staff's word for a list"),
    (
        "accounts.account_number",
        "searchable: the business's own number of the debt, not of the person",
    ),
    ("accounts.currency", "an ISO 4217 code"),
    (
        "accounts.debtor_name_key",
        "as debtors.name_key, which is followed by trigger",
    ),
    ("accounts.original_creditor", "a company"),
    ("api_keys.name", "what an integration is for"),
    ("api_keys.prefix", "the beginning of a random text"),
    ("api_keys.scopes", "names of permission cells"),
    ("api_keys.secret_hash", "a hash"),
    ("audit_bundles.head_hash", "a hash"),
    ("audit_checkpoints.hash", "a hash"),
    ("audit_checkpoints.key_name", "a setting's word"),
    ("audit_checkpoints.signature", "a signature over a hash"),
    ("audit_events.action", "our own words"),
    ("audit_events.actor_role", "our own words"),
    (
        "audit_events.details",
        "ids and words of ours; ciphertext under key_id where it tells something of a debtor",
    ),
    ("audit_events.hash", "a hash"),
    ("audit_events.request_id", "ours"),
    ("business_head.audit_hash", "a hash"),
    ("business_keys.wrapped", "a key under the master key"),
    ("assistant_turns.wording", "a word of ours"),
    ("business_settings.assistant", "switches and numbers"),
    (
        "business_settings.auto_response",
        "the business's own words to everybody",
    ),
    ("business_settings.branding", "a company"),
    ("business_settings.company", "a company"),
    ("business_settings.locale", "a time zone and languages"),
    ("business_settings.payment_terms", "numbers"),
    (
        "businesses.contact_profile_reason",
        "the platform's words about a company",
    ),
    (
        "businesses.deletion_reason",
        "the platform's words about a company",
    ),
    ("businesses.name", "a company"),
    (
        "businesses.suspension_reason",
        "the platform's words about a company",
    ),
    ("businesses.slug", "a company"),
    ("contact_policies.policy", "numbers and times of day"),
    ("contact_policy_changes.note", "staff's words about a policy"),
    ("contact_policy_changes.policy", "numbers and times of day"),
    ("custom_roles.name", "a business's word for a role"),
    ("custom_roles.permissions", "words of ours"),
    ("contact_points.blind_index", "an HMAC, emptied at erasure"),
    ("contact_points.removed_blind", "an HMAC, emptied at erasure"),
    ("contact_points.unreachable_code", "a vendor's error code"),
    ("contact_slots.channel", "a word of ours"),
    ("conversations.our_address", "our own number"),
    ("conversations.peer_blind", "an HMAC"),
    ("creditors.name", "a company"),
    ("creditors.name_key", "a company"),
    (
        "data_keys.wrapped",
        "a key under the business's key; its destruction is the erasure",
    ),
    (
        "debtors.external_reference",
        "searchable: the business's own number of the person",
    ),
    (
        "debtor_codes.code_hash",
        "an HMAC under a key that is not in the database",
    ),
    ("debtor_refresh_tokens.token_hash", "a hash"),
    (
        "debtor_sessions.device",
        "a browser's name in our own words, so that its owner knows the session again",
    ),
    ("debtors.first_name", "searchable; overwritten at erasure"),
    ("debtors.last_name", "searchable; overwritten at erasure"),
    (
        "debtors.match_blind",
        "an HMAC, emptied with the destruction of the profile key",
    ),
    ("debtors.name_key", "searchable; overwritten at erasure"),
    (
        "debtors.national_id_blind",
        "an HMAC, emptied with the destruction of the profile key",
    ),
    ("debtors.company_key", "searchable; overwritten at erasure"),
    ("debtors.company_name", "searchable; overwritten at erasure"),
    ("debtors.preferred_language", "a language tag"),
    ("debtors.primary_language", "the language of the tag"),
    ("decisions.channel", "a word of ours"),
    ("decisions.content_hash", "a hash"),
    (
        "decisions.decision",
        "rule ids, outcomes and our own explanations",
    ),
    ("decisions.rule_set_version", "ours"),
    ("decisions.tzdb_version", "ours"),
    ("delivery_attempts.error_code", "a vendor's error code"),
    ("delivery_attempts.provider_message_id", "a vendor's id"),
    ("duplicate_suggestions.reasons", "our own words"),
    ("files.media_type", "a kind of file"),
    ("files.sha256", "a hash"),
    (
        "files.wrapped_key",
        "a key under the business's key, or the person's; its destruction is the erasure",
    ),
    ("idempotency_keys.key", "chosen by the caller"),
    ("idempotency_keys.request_hash", "a hash"),
    ("idempotency_keys.user_errors", "our own sentences"),
    ("compliance_alerts.pattern", "words of ours, and ids"),
    ("compliance_alerts.rule", "a rule's id"),
    ("contact_places.channels", "words of ours"),
    ("cookie_choices.allowed", "words of ours"),
    ("cookie_choices.version", "ours"),
    (
        "cookie_choices.visitor_blind",
        "an HMAC of a random word under the platform key",
    ),
    ("privacy_acceptances.version", "ours"),
    ("inconvenient_times.channels", "words of ours"),
    ("inconvenient_times.days", "words of ours"),
    (
        "invitations.email_blind",
        "an HMAC under the platform key: it is compared with that of identities",
    ),
    (
        "invitations.name",
        "somebody who is to join the staff, not a debtor",
    ),
    ("invitations.token_hash", "a hash"),
    ("ledger_entries.currency", "an ISO 4217 code"),
    ("ledger_transactions.intent_key", "ids of ours"),
    ("limitations.governing_law", "a state's code"),
    ("live_events.kind", "a word of ours"),
    ("messages.failure_code", "a vendor's or rule's code"),
    ("messages.failure_reason", "our own sentence for the code"),
    ("messages.provider_message_id", "a vendor's id"),
    (
        "placements.name",
        "the business's word for what was handed over together",
    ),
    ("placements.name_key", "the same"),
    (
        "privacy_requests.decision",
        "rule ids, outcomes and our own explanations",
    ),
    ("provider_approvals.reference", "of the business, not of a person"),
    (
        "provider_approvals.withdrawal_reason",
        "of the business, not of a person",
    ),
    ("provider_events.event_id", "a vendor's id"),
    ("provider_events.peer_blind", "an HMAC"),
    ("business_licenses.number", "of the business, not of a person"),
    ("business_licenses.state", "a state's code"),
    ("decisions.rule", "our own words"),
    ("template_versions.body", "words of the business for anybody"),
    ("template_versions.name", "words of the business for anybody"),
    ("template_versions.subject", "words of the business for anybody"),
    ("templates.body", "words of the business for anybody"),
    ("templates.description", "words of the business"),
    ("templates.name", "words of the business for anybody"),
    ("templates.name_key", "words of the business for anybody"),
    ("templates.subject", "words of the business for anybody"),
    (
        "do_not_call_access.account_number",
        "of the business, not of a person",
    ),
    ("reassigned_imports.failure", "our own sentence"),
    ("routing_rules.channels", "words of ours"),
    ("routing_rules.languages", "codes of languages"),
    ("routing_rules.name", "a member of staff's word for a rule"),
    (
        "routing_rules.required_skills",
        "the business's words for what its staff can do",
    ),
    ("routing_rules.tags", "labels, which the form says are no notes"),
    (
        "reassigned_checks.number_blind",
        "an HMAC; evidence of the safe harbour of 47 CFR 64.1200(m)",
    ),
    (
        "suppressions.address_blind",
        "an HMAC; outlives erasure, so that nobody is written to again",
    ),
    (
        "users.bar_number",
        "a public register's number of a member of staff",
    ),
    ("users.bar_state", "a member of staff, not a debtor"),
    ("users.language", "a member of staff, not a debtor"),
    ("users.name", "a member of staff, not a debtor"),
    ("users.permissions", "words of ours"),
    ("users.time_zone", "a member of staff, not a debtor"),
    (
        "user_skills.skill",
        "a business's word for what a member of staff can do",
    ),
    ("webhook_events.request_id", "ours"),
    ("work_schedules.time_zone", "a member of staff, not a debtor"),
    ("validation_notices.currency", "an ISO 4217 code"),
    ("validation_notices.page_sha256", "a hash"),
    ("validation_notices.pdf_sha256", "a hash"),
    ("validation_notices.rule_set_version", "ours"),
];

#[tokio::test]
async fn what_is_told_of_a_person_is_ciphertext_or_listed() {
    let mut catalogue = Catalogue::open().await;
    let tenant = catalogue.tenant_tables().await;
    let rows = catalogue
        .superuser
        .fetch_all(
            "SELECT t.relname::text, a.attname::text, format_type(a.atttypid, NULL),
                    EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = t.oid AND c.contype = 'c'
                            AND c.conkey = ARRAY[a.attnum] AND pg_get_constraintdef(c.oid) ~ '= (ANY|''|ALL)')
             FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
             WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
               AND a.attnum > 0 AND NOT a.attisdropped",
        )
        .await
        .unwrap();
    let (mut ciphers, mut plain) = (BTreeSet::new(), BTreeSet::new());
    for row in &rows {
        let (table, column, kind): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let (name, is_of_listed_words): (String, bool) = (format!("{table}.{column}"), row.get(3));
        match kind.as_str() {
            "bytea" if column.ends_with("_cipher") => {
                ciphers.insert(name);
            }
            "text" | "text[]" | "bytea" | "jsonb" | "json" | "character varying" | "inet" | "xml"
            | "hstore"
                if tenant.contains(&table) && !is_of_listed_words =>
            {
                assert!(
                    !column.ends_with("_cipher"),
                    "{name} is named ciphertext but is {kind}"
                );
                plain.insert(name);
            }
            _ => {}
        }
    }
    let listed = |list: &[(&str, &str)]| {
        list.iter()
            .map(|(name, _)| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(ciphers, listed(CIPHERS), "ciphertext (left) and its list (right)");
    assert_eq!(
        plain,
        listed(PLAIN),
        "plain columns (left) and their list (right)"
    );
    for (column, guard) in CIPHERS {
        assert!(
            ["profile", "record", "business", "platform"].contains(guard),
            "{column}: {guard}"
        );
        // An invited person belongs to no business yet, and who acts may be outside of it: the last statement of a
        // transaction asks for no key. From where staff accept the notice is sealed as their sessions are.
        let outside = [
            "invitations.email_cipher",
            "audit_events.origin_cipher",
            "privacy_acceptances.origin_cipher",
        ];
        if outside.contains(column) {
            continue;
        }
        let of_tenant = tenant.contains(column.split('.').next().unwrap());
        assert_eq!(
            of_tenant,
            *guard != "platform",
            "{column} is guarded by a {guard} key"
        );
    }
}

/// How the key of a ciphertext is found: from the row, an alias `t`, to `data_keys`, an alias `k`.
const KEY_OF: &[(&str, &str)] = &[
    (
        "account_documents",
        "JOIN files f ON f.id = t.file_id JOIN data_keys k ON k.id = f.data_key_id",
    ),
    (
        "account_notes",
        "JOIN accounts a ON a.id = t.account_id JOIN debtors d ON d.id = a.debtor_id JOIN data_keys k ON k.id = d.profile_key_id",
    ),
    (
        "accounts",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.profile_key_id",
    ),
    (
        "contact_points",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.profile_key_id",
    ),
    ("conversations", "JOIN data_keys k ON k.id = t.record_key_id"),
    (
        "debtor_merges",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "debtors.stated_zone_statement_cipher",
        "JOIN data_keys k ON k.id = t.record_key_id",
    ),
    ("debtors", "JOIN data_keys k ON k.id = t.profile_key_id"),
    ("decisions", "JOIN data_keys k ON k.id = t.key_id"),
    ("files", "JOIN data_keys k ON k.id = t.data_key_id"),
    (
        "complaints",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "dispute_steps",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "disputes",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "consents",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "holds",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "privacy_acceptances",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "contact_places",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "inconvenient_times",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "validation_notices",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "privacy_requests",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "limitations",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "suit_authorities",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "payments",
        "JOIN debtors d ON d.id = t.debtor_id JOIN data_keys k ON k.id = d.record_key_id",
    ),
    (
        "messages",
        "JOIN conversations c ON c.id = t.conversation_id JOIN data_keys k ON k.id = c.record_key_id",
    ),
];

#[tokio::test]
async fn what_is_told_of_a_person_stands_nowhere_in_clear_and_opens_with_the_listed_key() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let ids = Ids::make(&app, &app.acme, &admin, "Sealed", 81).await;
    let confirmed = admin
        .gql(
            "mutation($i: ConfirmHoldInput!) { confirmHold(input: $i) { userErrors { message } } }",
            json!({ "i": { "holdId": ids.get("shold"), "note": "Orders of Sealed" } }),
        )
        .await;
    assert_eq!(data(&confirmed)["confirmHold"]["userErrors"], json!([]));
    let ended = admin
        .gql(
            "mutation($d: ID!, $c: ID!, $s: ID!, $w: ID!) {
               withdrawContactPlace(input: { id: $w, reason: \"Place of Sealed\" }) { userErrors { message } }
               withdrawSuitAuthority(input: { id: $s, reason: \"Suit of Sealed ends\" }) { userErrors { message } }
               resolveDispute(input: { disputeId: $d, outcome: VERIFIED, reason: \"End of the dispute of Sealed\" }) { userErrors { message } }
               resolveComplaint(input: { complaintId: $c, outcome: UPHELD, resolution: \"Answer to Sealed\" }) { userErrors { message } } }",
            json!({ "d": ids.get("dsp"), "c": ids.get("cpl"), "s": ids.get("suit"), "w": ids.get("ctp") }),
        )
        .await;
    assert_eq!(data(&ended)["withdrawContactPlace"]["userErrors"], json!([]));
    assert_eq!(data(&ended)["resolveDispute"]["userErrors"], json!([]));
    assert_eq!(data(&ended)["resolveComplaint"]["userErrors"], json!([]));
    assert_eq!(data(&ended)["withdrawSuitAuthority"]["userErrors"], json!([]));
    let factors =
        json!({ "postalCode": "10027", "accountNumber": "NUMBER-Sealed", "birthDate": "1980-01-31" });
    let debtor = app.debtor_of(&admin, ids.get("acct"), &factors).await;
    let accepted = debtor
        .gql(
            "mutation { acceptPrivacyNotice(input: { version: \"2026-11-30\" }) { userErrors { message } } }",
            json!({}),
        )
        .await;
    assert_eq!(data(&accepted)["acceptPrivacyNotice"]["userErrors"], json!([]));
    // A legal hold refuses the erasure: what was asked and decided is kept.
    let refused = admin
        .gql(
            "mutation($p: ID!, $d: ID!) {
               closePrivacyRequest(input: { id: $p, outcome: DENIED, answer: \"Answer to Sealed\" }) { userErrors { message } }
               setHold(input: { debtorId: $d, kind: LEGAL, reason: \"A reason on Sealed\" }) { userErrors { message } }
               eraseDebtor(input: { debtorId: $d, regime: GDPR, reason: \"Erasure of Sealed\" }) {
                 request { status } userErrors { code } } }",
            json!({ "p": ids.get("prq"), "d": ids.get("dbtr") }),
        )
        .await;
    assert_eq!(data(&refused)["eraseDebtor"]["request"]["status"], "DENIED");
    assert_eq!(data(&refused)["closePrivacyRequest"]["userErrors"], json!([]));
    // Looked at before it becomes accounts, and after.
    let import = json!({ "i": { "importId": ids.get("imp"), "mode": "ALL_OR_NOTHING" } });
    let mut superuser = app.superuser().await;
    let tables = superuser
        .fetch_all(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r'
               AND c.relnamespace::regnamespace::text IN ('public', 'queue', 'app')",
        )
        .await
        .unwrap();
    let private = [
        "16465550081",
        "Orders of Sealed",
        "Consent of Sealed",
        "Dispute of Sealed",
        "Complaint of Sealed",
        "Case of Sealed",
        "Enclosed for Sealed",
        "End of the dispute of Sealed",
        "Answer to Sealed",
        "Suit of Sealed ends",
        "Suit of Sealed begins",
        "Limitation of Sealed",
        "Period of Sealed",
        "Listed for Sealed",
        "192.0.2.7",
        "Sealed@person.example",
        "sealed@person.example",
        "81 Sealed Street",
        "A word from Sealed",
        "A note on Sealed",
        "A reason on Sealed",
        "Papers of Sealed",
        "Words on the papers of Sealed",
        "Seeking Sealed",
        "Label of Sealed",
        "Sameness of Sealed",
        "Never on a Sealed",
        "Sealed-second@person.example",
        "1980-01-31",
        "536-22-8714",
        "536228714",
        "Employer of Sealed",
        "Request of Sealed",
        "Answer to Sealed",
        "Erasure of Sealed",
        "Sample of Sealed",
    ];
    for table in tables.iter().map(|row| row.get::<String, _>(0)) {
        for text in private {
            // As text and, inside bytes, as hexadecimal.
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            let found: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
                "SELECT count(*) FROM {table} t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0"
            )))
            .bind(text)
            .bind(hex)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
            assert_eq!(found, 0, "{table} holds {text:?} in clear");
        }
    }

    let nobody = app.anonymous();
    let account = app.account_id(&app.acme, 0).await;
    let (_, link) = debtors::link_to(&admin, &account).await;
    let wish = "mutation($t: String!) { sendDebtorCode(input: { token: $t }) { sent } }";
    let challenge = debtors::challenge(&nobody, &link).await;
    let sent = nobody.gql(wish, json!({ "t": challenge })).await;
    assert_eq!(data(&sent)["sendDebtorCode"]["sent"], true);

    let document = "mutation($c: ID!) {
        escalateConversation(input: { conversationId: $c, reason: \"They ask for a manager.\" }) { userErrors { message } } }";
    let escalated = admin.gql(document, json!({ "c": ids.get("conv") })).await;
    assert_eq!(data(&escalated)["escalateConversation"]["userErrors"], json!([]));
    let document = "mutation($c: ID!) {
        updateConversation(input: { conversationId: $c, status: RESOLVED, resolution: \"Settled.\" }) { userErrors { message } } }";
    let resolved = admin.gql(document, json!({ "c": ids.get("conv") })).await;
    assert_eq!(data(&resolved)["updateConversation"]["userErrors"], json!([]));
    let document = "mutation($d: ID!) {
        confirmStatedTimeZone(input: { debtorId: $d, timeZone: \"America/New_York\" }) { userErrors { message } } }";
    let compliance = app.acme.sign_in("compliance").await;
    let confirmed = compliance.gql(document, json!({ "d": ids.get("dbtr") })).await;
    assert_eq!(data(&confirmed)["confirmStatedTimeZone"]["userErrors"], json!([]));

    let document = "mutation($i: CommitAccountImportInput!) { commitAccountImport(input: $i) { userErrors { message } } }";
    let committed = admin.gql(document, import).await;
    assert_eq!(data(&committed)["commitAccountImport"]["userErrors"], json!([]));
    app.run_jobs().await;
    let keys = app
        .app
        .keyring
        .business(&app.app.db, ids.uuid("biz"))
        .await
        .unwrap();
    let mut opened = BTreeSet::new();
    for (name, guard) in CIPHERS
        .iter()
        .filter(|(_, guard)| ["profile", "record"].contains(guard))
    {
        let (table, column) = name.split_once('.').unwrap();
        let join = KEY_OF
            .iter()
            .find(|(of, _)| *of == *name || *of == table)
            .unwrap_or_else(|| panic!("say where the key of {table} is"))
            .1;
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT t.id, t.{column}, k.id, k.business_key_version, k.wrapped, k.purpose FROM {table} t {join}
             WHERE t.business_id = $1 AND t.{column} IS NOT NULL ORDER BY t.id DESC LIMIT 5"
        )))
        .bind(ids.uuid("biz"))
        .fetch_all(&mut superuser)
        .await
        .unwrap();
        for row in rows {
            let wrapped = WrappedKey {
                id: row.get(2),
                business_key_version: row.get(3),
                wrapped: row.get(4),
            };
            assert_eq!(row.get::<String, _>(5), guard.to_uppercase(), "{name}");
            let key = keys.data_key(&wrapped).unwrap().expect("a live key");
            let (id, cipher): (Uuid, Vec<u8>) = (row.get(0), row.get(1));
            let text = keys
                .open_text(&key, table, column, id, &cipher)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!text.expose().is_empty(), "{name}");
            assert!(
                keys.open_text(&key, table, column, Uuid::max(), &cipher).is_err(),
                "{name} opens in its own row only"
            );
            opened.insert(*name);
        }
    }
    let guarded: BTreeSet<&str> = CIPHERS
        .iter()
        .filter(|(_, guard)| ["profile", "record"].contains(guard))
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(opened, guarded, "each was tried");
    app.finish().await;
}
