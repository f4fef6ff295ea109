//! Which code runs which job, and when.

use std::sync::Arc;

use crate::{
    accounts::{
        self, Exporter,
        import::{self, AccountImports},
    },
    assistant::{self, Assistant},
    audit::{self, Bundler, Checkpoints, SignCheckpoint},
    compliance::{self, LoadReassigned, NoticeWriter, ReassignedNumbers, privacy},
    conversations::{self, Conversations},
    files::Files,
    identity::{self, Identity, ports::StaffMailer},
    payments::{self, Payments},
    platform::{
        db::{Db, ensure_partitions},
        jobs::{JobError, JobRegistry},
        keys::Keyring,
        outbox,
    },
    portal::{self, Portal},
};

/// Whose jobs there are.
pub(super) struct Owners<'a> {
    pub(super) db: &'a Db,
    pub(super) keyring: &'a Keyring,
    pub(super) identity: &'a Identity,
    pub(super) mailer: Option<Arc<dyn StaffMailer>>,
    pub(super) conversations: &'a Conversations,
    pub(super) payments: &'a Payments,
    pub(super) assistant: &'a Assistant,
    pub(super) files: &'a Files,
    pub(super) exporter: Exporter,
    pub(super) imports: &'a AccountImports,
    pub(super) portal: &'a Portal,
    pub(super) checkpoints: &'a Checkpoints,
    pub(super) archivist: privacy::Archivist,
    pub(super) notices: NoticeWriter,
}

/// All jobs, with what runs them.
pub(super) fn registry(owners: Owners<'_>) -> JobRegistry {
    let mut registry = JobRegistry::default();
    register_identity_jobs(&mut registry, owners.identity, owners.mailer);
    register_conversation_jobs(&mut registry, owners.conversations);
    register_payment_jobs(&mut registry, owners.payments);
    let owner = owners.assistant.clone();
    registry.tenant(move |ctx, job: assistant::AnswerText| {
        let assistant = owner.clone();
        async move { assistant::answer_text(&assistant, &ctx, job).await }
    });
    register_file_jobs(&mut registry, owners.files, owners.exporter);
    register_import_jobs(&mut registry, owners.imports);
    register_people_jobs(&mut registry, owners.db, owners.keyring);
    register_number_list_jobs(&mut registry, owners.db, owners.keyring, owners.files);
    register_portal_jobs(&mut registry, owners.portal);
    register_audit_jobs(&mut registry, owners.checkpoints, owners.files);
    register_compliance_jobs(&mut registry, owners.db, owners.notices);
    register_privacy_jobs(&mut registry, owners.identity, owners.archivist);
    let owner = owners.db.clone();
    registry.reconciler("outbox.forget_old", "43 3 * * *", move || {
        let db = owner.clone();
        async move { outbox::forget_old(&db).await }
    });
    let owner = owners.db.clone();
    registry.reconciler("platform.ensure_partitions", "9 2 * * *", move || {
        let db = owner.clone();
        async move { ensure_partitions(&db).await }
    });
    registry
}

fn register_conversation_jobs(registry: &mut JobRegistry, slice: &Conversations) {
    let owner = slice.clone();
    registry.tenant(move |ctx, job: conversations::deliver::DeliverMessage| {
        let slice = owner.clone();
        async move { conversations::deliver::deliver(&slice, &ctx, job).await }
    });
    let owner = slice.clone();
    registry.tenant(move |ctx, job: conversations::process_inbound::ProcessInbound| {
        let slice = owner.clone();
        async move { conversations::process_inbound::process_inbound(&slice, &ctx, job).await }
    });
    let owner = slice.clone();
    registry.tenant(move |ctx, job: conversations::look_up::LookUpAttempt| {
        let slice = owner.clone();
        async move { conversations::look_up::look_up_attempt(&slice, &ctx, job).await }
    });
    let owner = slice.clone();
    registry.tenant(move |ctx, _: conversations::routing::RouteWaiting| {
        let slice = owner.clone();
        async move { conversations::routing::route_waiting(&slice, &ctx).await }
    });
    let owner = slice.clone();
    registry.reconciler("conversations.find_waiting", "* * * * *", move || {
        let slice = owner.clone();
        async move { conversations::routing::find_waiting(&slice).await }
    });
    let owner = slice.clone();
    registry.reconciler("conversations.reconcile", "* * * * *", move || {
        let slice = owner.clone();
        async move { conversations::reconcile::reconcile(&slice).await }
    });
    let owner = slice.clone();
    registry.reconciler("conversations.prune_live_events", "*/15 * * * *", move || {
        let slice = owner.clone();
        async move { conversations::reconcile::prune_live_events(&slice).await }
    });
}

fn register_payment_jobs(registry: &mut JobRegistry, slice: &Payments) {
    let owner = slice.clone();
    registry.tenant(move |ctx, job: payments::ProcessStripeEvent| {
        let slice = owner.clone();
        async move { payments::process_event(&slice, &ctx, job).await }
    });
    let owner = slice.clone();
    registry.tenant(move |ctx, job: payments::LookUpPayment| {
        let slice = owner.clone();
        async move { payments::look_up_payment(&slice, &ctx, job).await }
    });
    let owner = slice.clone();
    registry.tenant(move |ctx, job: payments::LookUpRefund| {
        let slice = owner.clone();
        async move { payments::look_up_refund(&slice, &ctx, job).await }
    });
    let owner = slice.clone();
    registry.reconciler("payments.reconcile", "* * * * *", move || {
        let slice = owner.clone();
        async move { payments::reconcile(&slice).await }
    });
}

fn register_people_jobs(registry: &mut JobRegistry, db: &Db, keyring: &Keyring) {
    let parts = (db.clone(), keyring.clone());
    registry.reconciler("accounts.match_stored_people", "7 * * * *", move || {
        let (db, keyring) = parts.clone();
        async move { accounts::match_stored_people(&db, &keyring).await }
    });
    let parts = (db.clone(), keyring.clone());
    registry.reconciler("accounts.find_duplicates", "*/2 * * * *", move || {
        let (db, keyring) = parts.clone();
        async move { accounts::find_duplicates(&db, &keyring).await }
    });
}

fn register_portal_jobs(registry: &mut JobRegistry, portal: &Portal) {
    let owner = portal.clone();
    registry.platform::<portal::SendDebtorLink, _, _>(move |job| {
        let portal = owner.clone();
        async move { portal::send_debtor_link(&portal, job).await }
    });
    let owner = portal.clone();
    registry.reconciler("portal.forget_old", "53 3 * * *", move || {
        let portal = owner.clone();
        async move { portal::forget_old_entrances(&portal).await }
    });
}

fn register_audit_jobs(registry: &mut JobRegistry, checkpoints: &Checkpoints, files: &Files) {
    let bundler = Bundler {
        db: checkpoints.db.clone(),
        files: files.clone(),
        signer: checkpoints.signer.clone(),
    };
    registry.tenant(move |ctx, job: audit::RunBundle| {
        let bundler = bundler.clone();
        async move { audit::run_bundle(&bundler, &ctx, job).await }
    });
    let owner = checkpoints.clone();
    registry.reconciler("audit.sign_checkpoints", "7 * * * *", move || {
        let checkpoints = owner.clone();
        async move { checkpoints.find_grown().await }
    });
    let owner = checkpoints.clone();
    registry.tenant(move |ctx, _: SignCheckpoint| {
        let checkpoints = owner.clone();
        async move { checkpoints.sign_business(&ctx).await }
    });
}

fn register_compliance_jobs(registry: &mut JobRegistry, db: &Db, notices: NoticeWriter) {
    registry.tenant(move |ctx, job: compliance::WriteValidationNotice| {
        let notices = notices.clone();
        async move { compliance::write_validation_notice(&notices, &ctx, job).await }
    });
    let owner = db.clone();
    registry.tenant(move |ctx, job: compliance::MarkDispute| {
        let db = owner.clone();
        async move { compliance::mark_dispute(&db, &ctx, job).await }
    });
    let owner = db.clone();
    registry.tenant(move |ctx, job: compliance::TellDue| {
        let db = owner.clone();
        async move { compliance::tell_due(&db, &ctx, job).await }
    });
    let owner = db.clone();
    registry.reconciler("compliance.find_due_answers", "*/15 * * * *", move || {
        let db = owner.clone();
        async move { compliance::find_due_answers(&db).await }
    });
}

fn register_privacy_jobs(registry: &mut JobRegistry, identity: &Identity, archivist: privacy::Archivist) {
    registry.tenant(move |ctx, job: privacy::RunArchive| {
        let archivist = archivist.clone();
        async move { privacy::run_archive(&archivist, &ctx, job).await }
    });
    let owner = privacy::Eraser {
        identity: identity.clone(),
    };
    registry.tenant(move |ctx, job: privacy::EraseDebtor| {
        let eraser = owner.clone();
        async move { privacy::erase_debtor(&eraser, &ctx, job).await }
    });
    let owner = privacy::Retention {
        identity: identity.clone(),
    };
    let nightly = owner.clone();
    registry.reconciler("privacy.destroy_expired", "13 4 * * *", move || {
        let retention = nightly.clone();
        async move { retention.begin().await }
    });
    registry.tenant(move |ctx, job: privacy::DestroyExpired| {
        let retention = owner.clone();
        async move { retention.go_on(&ctx, job).await }
    });
    let owner = identity.db.clone();
    registry.reconciler("privacy.resume_erasures", "37 * * * *", move || {
        let db = owner.clone();
        async move { privacy::resume_erasures(&db).await }
    });
    let owner = identity.db.clone();
    registry.tenant(move |ctx, _: privacy::ForgetUnmatched| {
        let db = owner.clone();
        async move { privacy::forget_unmatched(&db, &ctx).await }
    });
    let owner = identity.db.clone();
    registry.reconciler("privacy.find_unmatched", "3 5 * * *", move || {
        let db = owner.clone();
        async move { privacy::find_unmatched(&db).await }
    });
}

fn register_file_jobs(registry: &mut JobRegistry, files: &Files, exporter: Exporter) {
    registry.tenant(move |ctx, job: accounts::RunExport| {
        let exporter = exporter.clone();
        async move { accounts::run_export(&exporter, &ctx, job).await }
    });
    let owner = files.clone();
    registry.reconciler("files.remove_expired", "33 * * * *", move || {
        let files = owner.clone();
        async move { files.remove_expired().await }
    });
}

fn register_import_jobs(registry: &mut JobRegistry, imports: &AccountImports) {
    let owner = imports.clone();
    registry.tenant(move |ctx, job: import::AnalyzeImport| {
        let imports = owner.clone();
        async move { imports.analyze(&ctx, job).await }
    });
    let owner = imports.clone();
    registry.tenant(move |ctx, job: import::CommitImport| {
        let imports = owner.clone();
        async move { imports.commit(&ctx, job).await }
    });
    let owner = imports.clone();
    registry.tenant(move |ctx, job: import::PlaceWholeImport| {
        let imports = owner.clone();
        async move { imports.place_whole(&ctx, job).await }
    });
    let owner = imports.clone();
    registry.reconciler("accounts.expire_imports", "27 * * * *", move || {
        let imports = owner.clone();
        async move { imports.expire().await }
    });
}

fn register_number_list_jobs(registry: &mut JobRegistry, db: &Db, keyring: &Keyring, files: &Files) {
    let lists = ReassignedNumbers {
        db: db.clone(),
        keyring: keyring.clone(),
        files: files.clone(),
    };
    let owner = lists.clone();
    registry.tenant(move |ctx, job: LoadReassigned| {
        let lists = owner.clone();
        async move { lists.load(&ctx, job).await }
    });
    registry.reconciler("compliance.expire_reassigned_imports", "57 * * * *", move || {
        let lists = lists.clone();
        async move { lists.expire().await }
    });
    let owner = db.clone();
    registry.reconciler("compliance.warn_of_ending_licenses", "23 * * * *", move || {
        let db = owner.clone();
        async move { compliance::warn_of_ending_licenses(&db).await }
    });
    let owner = db.clone();
    registry.reconciler("compliance.look_for_patterns", "43 * * * *", move || {
        let db = owner.clone();
        async move { compliance::look_for_patterns(&db).await }
    });
    let owner = db.clone();
    registry.tenant(move |ctx, _: compliance::FindPatterns| {
        let db = owner.clone();
        async move { compliance::find_patterns(&db, &ctx).await }
    });
    let owner = db.clone();
    registry.reconciler("compliance.look_for_silent_attorneys", "53 * * * *", move || {
        let db = owner.clone();
        async move { compliance::look_for_silent_attorneys(&db).await }
    });
    let owner = db.clone();
    registry.tenant(move |ctx, _: compliance::FindSilentAttorneys| {
        let db = owner.clone();
        async move { compliance::find_silent_attorneys(&db, &ctx).await }
    });
}

fn register_identity_jobs(
    registry: &mut JobRegistry,
    identity: &Identity,
    mailer: Option<Arc<dyn StaffMailer>>,
) {
    fn configured(mailer: Option<&Arc<dyn StaffMailer>>) -> Result<&dyn StaffMailer, JobError> {
        mailer
            .map(AsRef::as_ref)
            .ok_or_else(|| JobError::Retry("SMTP_URL is not configured".to_owned()))
    }
    let parts = (identity.clone(), mailer.clone());
    registry.platform::<identity::SendVerificationMail, _, _>(move |job| {
        let (identity, mailer) = parts.clone();
        async move { identity::send_verification_mail(&identity, configured(mailer.as_ref())?, job).await }
    });
    let parts = (identity.clone(), mailer.clone());
    registry.platform::<identity::SendAccountMail, _, _>(move |job| {
        let (identity, mailer) = parts.clone();
        async move { identity::send_account_mail(&identity, configured(mailer.as_ref())?, job).await }
    });
    let parts = (identity.clone(), mailer.clone());
    registry.platform::<identity::SendEmailChangeLink, _, _>(move |job| {
        let (identity, mailer) = parts.clone();
        async move { identity::send_email_change_link(&identity, configured(mailer.as_ref())?, job).await }
    });
    let parts = (identity.clone(), mailer.clone());
    registry.tenant(move |ctx, job: identity::SendInvitationMail| {
        let (identity, mailer) = parts.clone();
        async move { identity::send_invitation_mail(&identity, configured(mailer.as_ref())?, &ctx, job).await }
    });
    let parts = (identity.clone(), mailer.clone());
    registry.tenant(move |ctx, job: identity::SendWelcomeMail| {
        let (identity, mailer) = parts.clone();
        async move { identity::send_welcome_mail(&identity, configured(mailer.as_ref())?, &ctx, job).await }
    });
    let parts = (identity.clone(), mailer.clone());
    registry.tenant(move |ctx, job: identity::SendNotice| {
        let (identity, mailer) = parts.clone();
        async move { identity::send_notice(&identity, configured(mailer.as_ref())?, &ctx, job).await }
    });
    let parts = (identity.clone(), mailer.clone());
    registry.tenant(move |ctx, job: compliance::SendLicenseWarning| {
        let (identity, mailer) = parts.clone();
        async move {
            compliance::send_license_warning(&identity, configured(mailer.as_ref())?, &ctx, job).await
        }
    });
    let parts = (identity.clone(), mailer.clone());
    registry.tenant(move |ctx, job: compliance::SendPatternMail| {
        let (identity, mailer) = parts.clone();
        async move { compliance::send_pattern_mail(&identity, configured(mailer.as_ref())?, &ctx, job).await }
    });
    let parts = (identity.clone(), mailer.clone());
    registry.tenant(move |ctx, job: compliance::SendSilentAttorneyMail| {
        let (identity, mailer) = parts.clone();
        async move {
            compliance::send_silent_attorney_mail(&identity, configured(mailer.as_ref())?, &ctx, job).await
        }
    });
    let parts = (identity.clone(), mailer.clone());
    registry.platform::<identity::SendBreakGlassMail, _, _>(move |job| {
        let (identity, mailer) = parts.clone();
        async move { identity::send_break_glass_mail(&identity, configured(mailer.as_ref())?, job).await }
    });
    let kept = (identity.clone(), mailer.clone());
    let parts = (identity.clone(), mailer);
    registry.platform::<identity::SendKeyWarning, _, _>(move |job| {
        let (identity, mailer) = parts.clone();
        async move { identity::send_key_warning(&identity, configured(mailer.as_ref())?, job).await }
    });
    registry.tenant(move |ctx, job: identity::SendKeptKeys| {
        let (identity, mailer) = kept.clone();
        async move { identity::send_kept_keys(&identity, configured(mailer.as_ref())?, &ctx, job).await }
    });
    let owner = identity.clone();
    registry.reconciler("identity.warn_of_ending_keys", "17 * * * *", move || {
        let identity = owner.clone();
        async move { identity::warn_of_ending_keys(&identity).await }
    });
    let owner = identity.clone();
    registry.reconciler("identity.forget_login_failures", "47 * * * *", move || {
        let identity = owner.clone();
        async move { identity::forget_login_failures(&identity).await }
    });
    let owner = identity.clone();
    registry.platform::<identity::TellOfLoginFailure, _, _>(move |job| {
        let identity = owner.clone();
        async move { identity::tell_of_login_failure(&identity, job).await }
    });
    let owner = identity.db.clone();
    registry.reconciler("identity.count_usage", "39 * * * *", move || {
        let db = owner.clone();
        async move { identity::count_usage(&db).await }
    });
    let owner = identity.clone();
    registry.reconciler("identity.forget_expired_registrations", "29 * * * *", move || {
        let identity = owner.clone();
        async move { identity::forget_expired_registrations(&identity).await }
    });
}
