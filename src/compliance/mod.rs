//! The compliance gate: rules as data, facts, decisions, permits, content checks. Nobody is contacted without it.
//!
//! Owns `consents`, `suppressions`, `holds`, `inconvenient_times`, `contact_places`, `decisions`, `contact_slots`,
//! `contact_policies`,
//! `contact_policy_changes`, `disputes`, `dispute_steps`, `dispute_documents`, `complaints`, `privacy_requests`,
//! `debtor_archives`, `do_not_call_access`, `do_not_call_areas`, `do_not_call_numbers`, `reassigned_imports`,
//! `reassigned_checks`, `business_licenses`, `suit_authorities`, `limitations`, `rule_set_activations`,
//! `pattern_looks`, `compliance_alerts`. May import `platform`, `identity`, `access`, `audit`, `files`, `accounts`.
//!
//! [`language`] reads texts as words, [`prohibited`] finds in them what may not be said; both are pure.
//!
//! The heart is pure too: a [`facts::Facts`] document and a [`rule_set::RuleSet`] go in, a [`decision::Decision`] comes
//! out. No clock, no database, no network: the same two inputs give the same answer for ever, which is what lets a
//! stored decision be replayed. Around it: `gather` reads the facts, `gate` stores the decision and reserves,
//! `permit` is what the vendors' ports take.

mod activation;
mod address_consents;
mod answer_days;
mod approved_wordings;
mod author;
mod awaiting_holds;
mod calendar;
mod cease_notice;
mod check_content;
mod complaints;
mod consent_facts;
mod consent_pages;
mod consents;
mod contact_action;
mod contact_bans;
mod contact_facts;
mod contact_places;
mod contact_policy;
mod contact_profile;
pub mod content;
mod content_facts;
mod dashboard;
mod debt_facts;
pub mod decide;
pub mod decision;
mod decision_pages;
mod decision_print;
mod demand;
mod disputes;
mod documents;
mod due;
mod ending_licenses;
pub mod facts;
mod gate;
mod gather;
pub mod graphql;
mod hold_facts;
mod holds;
mod imported_limitations;
mod inbound;
mod inconvenient;
mod intake;
mod intake_channel;
mod kept_words;
pub mod language;
mod licenses;
mod limitations;
mod local_time;
mod number_lists;
mod opt_out;
mod opt_out_by_link;
mod opt_out_confirmation;
mod opt_out_links;
mod pattern_alerts;
mod permit;
mod person_facts;
mod place_facts;
mod place_hold;
pub mod ports;
pub mod privacy;
pub mod prohibited;
pub mod reading;
mod record_of;
mod replay;
mod required_text;
pub mod rule_set;
mod rules;
mod said_times;
mod sealed_record;
mod silent_attorneys;
mod suits;
mod suppressions;
mod validation_notice;
mod zone_evidence;
mod zone_set;
pub mod zones;

pub use activation::{Activation, Shown, activate_rules, active_rules, use_active_rules};
pub use answer_days::{AnswerDays, answer_days, set_answer_days};
pub use author::Author;
pub use cease_notice::CeaseNotice;
pub use check_content::{ContentFinding, ContentToCheck, check_content};
pub use consents::{
    ConsentEvidence, ConsentPurpose, ConsentSource, ConsentStatus, ConsentTerms, NewConsent, record_consent,
    revoke_consent, revoke_own_consents,
};
pub use contact_bans::Suppressions;
pub use contact_places::{NewContactPlace, record_contact_place, withdraw_contact_place};
pub use contact_policy::{change_contact_policy, contact_policy};
pub use contact_profile::set_contact_profile;
pub use decision::Outcome;
pub use decision_print::{NamedDecision, changed_decisions};
pub use disputes::{DisputeAnswer, MarkDispute, awaits_answer, mark_dispute};
pub use documents::{Answers, WrongDocuments, decide_documents};
pub use due::{TellDue, find_due_answers, tell_due};
pub use ending_licenses::{SendLicenseWarning, send_license_warning, warn_of_ending_licenses};
pub use gate::{Contact, Decided, decide_to_dispatch, decide_to_queue, explain, release_slot, retake_slot};
pub use holds::{HoldKind, HoldSource};
pub use imported_limitations::ImportedLimitations;
pub use inconvenient::{NewInconvenientTime, record_inconvenient_time, withdraw_inconvenient_time};
pub use intake::{Acted, ReadText, ReceivedText, Silenced, act_on_text, attribute_stated, read_text};
pub use kept_words::{JudgedWords, KeptWords, WrittenMedium, judge_words, scan_visible_words};
pub use licenses::{LicenseKind, NewLicense, remove_license, set_license};
pub use limitations::{NewLimitation, record_limitation};
pub use local_time::earliest_date_anywhere;
pub use number_lists::{
    DoNotCallFile, LoadProblem, LoadReassigned, Loaded, NewAccess, NewReassignedImport, ReassignedNumbers,
    import_reassigned, load_do_not_call, set_do_not_call_access, stale_registry,
};
pub use opt_out::{Asked, record_opt_out};
pub use opt_out_by_link::{LinkAnswer, LinkPlace, opt_out_by_link, place_of_link};
pub use opt_out_confirmation::{may_be_confirmed, opt_out_confirmation};
pub use opt_out_links::{ONE_CLICK, ONE_CLICK_FIELD, OptOutLink, OptOutLinks, mail_headers};
pub use pattern_alerts::{
    FindPatterns, SendPatternMail, find_patterns, look_for_patterns, send_pattern_mail,
};
pub use permit::{Permit, PermitError, Reservation};
pub use place_hold::{NewHold, Placement, confirm_hold, place_hold, release_hold, set_hold};
pub use prohibited::{Period, Writer};
pub use replay::{Replayed, StoredDecision, count_decisions, each_decision};
pub use required_text::{cease_notice_text, required_text, unsigned_text};
pub use silent_attorneys::{
    FindSilentAttorneys, SendSilentAttorneyMail, find_silent_attorneys, look_for_silent_attorneys,
    send_silent_attorney_mail,
};
pub use suits::{NewSuitAuthority, record_suit_authority, withdraw_suit_authority};
pub use suppressions::{
    AddressKind, ContactToSuppress, SuppressionReason, release_suppression, suppress_contact,
};
pub use validation_notice::{NoticeWriter, WriteValidationNotice, write_validation_notice};

#[cfg(test)]
mod audited_tests;
#[cfg(test)]
mod brute_tests;
#[cfg(test)]
mod decide_tests;
#[cfg(test)]
mod exception_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod known_facts_tests;
#[cfg(test)]
mod mutation_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod test_facts;
#[cfg(test)]
mod vector_tests;
