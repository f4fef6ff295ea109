//! Statuses of the person and the debt that hold or shape collection.

use super::{facts_object, nullable};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

facts_object! {
    /// Representation by an attorney.
    Attorney {
        /// It is known that an attorney represents the person.
        known: bool,
        /// Since when it is known; of several the latest.
        known_since: DateTime<Utc>,
        /// For which debts; all of them when absent.
        for_debts: Vec<String>,
        /// The attorney's name and address are known or readily ascertainable.
        contact_known: bool,
        /// The attorney consents to direct contact.
        consents_to_direct_contact: bool,
    }
}

facts_object! {
    /// A notice to cease communication or a refusal to pay. Without `received_at` there is none.
    Cease {
        /// When it was received.
        received_at: DateTime<Utc>,
        /// In writing; text, chat, e-mail and portal count.
        written: bool,
    }
}

facts_object! {
    /// A dispute. Without `received_at` there is none.
    Dispute {
        /// When it was received.
        received_at: DateTime<Utc>,
        /// In writing.
        written: bool,
        /// Within the validation period.
        within_validation_period: bool,
        /// When verification was sent; null when it was not.
        #[serde(deserialize_with = "nullable")]
        verification_sent_at: Option<DateTime<Utc>>,
        /// Which debts it is of; those of the action when absent.
        debts: Vec<String>,
        /// It says nothing that an earlier, answered dispute did not (12 CFR 1006.38(a)(1)).
        duplicative: bool,
        /// When the notice was sent that it is duplicative, with the reasons; null when it was not.
        #[serde(deserialize_with = "nullable")]
        duplicative_notice_sent_at: Option<DateTime<Utc>>,
    }
}

facts_object! {
    /// A request for the original creditor's name and address. Without `received_at` there is none.
    OriginalCreditorRequest {
        /// When it was received.
        received_at: DateTime<Utc>,
        /// In writing.
        written: bool,
        /// Within the validation period.
        within_validation_period: bool,
        /// When it was answered; null when it was not.
        #[serde(deserialize_with = "nullable")]
        answered_at: Option<DateTime<Utc>>,
    }
}

facts_object! {
    /// The person.
    Consumer {
        /// Date of birth, where known.
        date_of_birth: NaiveDate,
        /// It is said that they are under 18, whatever date of birth is on file.
        said_to_be_minor: bool,
        /// Their data were erased on request: what is still kept is restricted.
        erased: bool,
        /// In this conversation, two factors have shown that it is the person.
        right_party_verified: bool,
    }
}

facts_object! {
    /// Protection of service members (50 USC 3937).
    ServiceMember {
        /// On active duty.
        active_duty: bool,
        /// The debt is older than the service.
        pre_service_debt: bool,
        /// Written notice with orders was received.
        notice_received: bool,
    }
}

facts_object! {
    /// What is known of the employer.
    Workplace {
        /// The employer prohibits such contact, or there is reason to know that it does.
        employer_prohibits: bool,
        /// The person does not want to be contacted there.
        consumer_objects: bool,
    }
}

facts_object! {
    /// The reassigned numbers database's answer (47 CFR 64.1200(m)).
    ReassignedNumberCheck {
        /// `yes` (reassigned), `no`, `no_data`.
        status: String,
        /// Last permanent disconnection known to the database.
        disconnect_after: NaiveDate,
    }
}

facts_object! {
    /// Whether the person has died.
    Deceased {
        /// They have.
        flag: bool,
        /// The personal representative on file; null when there is none.
        #[serde(deserialize_with = "nullable")]
        representative: Option<String>,
    }
}

facts_object! {
    /// A bankruptcy of the person. Without `status` there is none.
    Bankruptcy {
        /// `filed`, `discharged`, `dismissed`.
        status: String,
        /// Chapter of 11 USC.
        chapter: i64,
    }
}

facts_object! {
    /// A report of identity theft (15 USC 1681m(f)-(g)). Without `reported_at` there is none.
    IdentityTheft {
        /// When it was received.
        reported_at: DateTime<Utc>,
        /// When the investigation found that there was none; null while it runs.
        #[serde(deserialize_with = "nullable")]
        resolved_at: Option<DateTime<Utc>>,
    }
}

facts_object! {
    /// Do-not-call lists (47 CFR 64.1200(c), (d)).
    DoNotCall {
        /// The number stands on the business's own list.
        internal: bool,
        /// The number stands on the national list.
        national: bool,
        /// Day of the copy of the national list that was looked into.
        national_list_of: NaiveDate,
    }
}
