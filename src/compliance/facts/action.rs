//! What is to be done: the `action` object of the facts document.

use super::values::{ActionKind, ActionType, CallMode, Channel, Direction, LineType, Recipient};
use super::{facts_object, nullable};
use crate::compliance::prohibited::Writer;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

facts_object! {
    /// The act that is decided.
    Action {
        /// What sort of act; a contact when absent.
        #[serde(rename = "type")]
        action_type: ActionType,
        /// The medium.
        channel: Channel,
        /// Always outbound for a contact.
        direction: Direction,
        /// What it is for.
        kind: ActionKind,
        /// To whom.
        recipient: Recipient,
        /// Telephone number or address.
        number: String,
        /// Kind of that number, e.g. `work`.
        number_type: String,
        /// Wireless or landline.
        line_type: LineType,
        /// Kind of e-mail address, e.g. `employer`, `personal_verified`.
        address_type: String,
        /// Ids of the debts it is about.
        debts: Vec<String>,
        /// Who or what speaks on a call.
        mode: CallMode,
        /// Language of the text (BCP 47).
        language: String,
        /// This is the first communication with the debtor.
        is_initial: bool,
        /// The debtor's message that it answers; null when it answers none.
        #[serde(deserialize_with = "nullable")]
        in_reply_to: Option<InReplyTo>,
        /// What the final text contains.
        content: Content,
        /// Inbound texts to classify.
        texts: Vec<String>,
        /// Recording: notice was given.
        notice_given: bool,
        /// Recording: a transcript is made.
        transcription: bool,
        /// Validation period: the day the notice was provided.
        provided_on: NaiveDate,
        /// Payment rail, e.g. `ach`, `card`.
        rail: String,
        /// Payment operation, e.g. `charge`, `retry`.
        op: String,
        /// ACH return code.
        return_code: String,
        /// Settlement date of the first presentment.
        original_settled_on: NaiveDate,
        /// Re-presentments so far.
        reinitiations: i64,
        /// Card network.
        network: String,
        /// Card decline code.
        decline_code: String,
        /// Card reattempts in the last 30 days.
        retries_in_30d: i64,
        /// A signed or similarly authenticated authorisation is on file.
        authorization_signed: bool,
        /// The debtor was given a copy of it.
        copy_given: bool,
        /// The amount differs from the previous one.
        amount_varies: bool,
        /// When notice of the amount was sent.
        notice_sent_on: NaiveDate,
        /// Days by which an instrument is postdated.
        postdated_days: i64,
        /// When the payment is due to be taken.
        scheduled_on: NaiveDate,
        /// When written notice of a postdated deposit was sent.
        written_notice_on: NaiveDate,
        /// A fee that is added.
        fee: Fee,
        /// Privacy regime of an erasure request.
        regime: String,
        /// What is to be deleted.
        object: String,
        /// When that was recorded.
        recorded_on: NaiveDate,
        /// Who wrote the text, where that is known: what an attorney alone may say rests on it.
        writer: Writer,
        /// The text is a template's of the business, which an administrator or compliance officer approved.
        approved_template: bool,
        /// A program wrote the text, or speaks.
        automated: bool,
        /// Recording: card data are being spoken or typed.
        card_data_exchanged: bool,
        /// ACH: the debtor has authorised the payment anew, or what caused the return is corrected.
        authorization_renewed: bool,
        /// The debtor authorised a range of amounts, and notices for what is outside it only.
        within_authorised_range: bool,
        /// When the debtor asked that the payments stop.
        stop_requested_at: DateTime<Utc>,
        /// Merchant advice code of a card decline.
        merchant_advice_code: String,
        /// Card reattempts in the last 24 hours.
        retries_in_24h: i64,
        /// The debtor said to which debt the payment goes.
        directed_by_consumer: bool,
    }
}

facts_object! {
    /// The debtor's message that is answered.
    InReplyTo {
        /// When it was received.
        at: DateTime<Utc>,
        /// On which channel.
        channel: Channel,
    }
}

facts_object! {
    /// What the final text contains. For text channels [`crate::compliance::content::detect_content`] fills
    /// the first four from the text itself.
    Content {
        /// Both statements of 12 CFR 1006.18(e)(1).
        initial_mini_miranda: bool,
        /// "From a debt collector" or equivalent, 12 CFR 1006.18(e)(2).
        subsequent_mini_miranda: bool,
        /// A clear and simple way to opt out, 12 CFR 1006.6(e).
        opt_out_notice: bool,
        /// Language in which the disclosure was found.
        disclosure_language: String,
        /// An opt-out confirmation says nothing else.
        confirms_only: bool,
        /// It demands payment.
        payment_demand: bool,
        /// The notice of 12 CFR 1006.6(c)(2) of which it is the approved wording, with nothing beside it but what every message
        /// says.
        approved_notice: ActionKind,
        /// It reveals that there is a debt.
        reveals_debt: bool,
        /// It sets a deadline before the end of the validation period.
        deadline_inside_validation_period: bool,
        /// It threatens suit.
        threatens_suit: bool,
        /// Interest rate contained in the amount, 0.06 for six percent.
        amount_includes_interest_rate: serde_json::Number,
        /// Voicemail: the business name that is spoken.
        business_name: String,
        /// Voicemail: asks for a call back.
        reply_request: bool,
        /// Voicemail: the natural person to contact.
        natural_person: String,
        /// Voicemail: a number to call.
        callback_number: bool,
        /// Call: the responsible entity is named at the start.
        entity_identified_at_start: bool,
        /// It says that a program writes or speaks.
        automation_disclosed: bool,
        /// Validation notice: what it contains, by the names of the rule's fields.
        validation_fields: Vec<String>,
        /// Anything else that was found in the text, as labels.
        extra: Vec<String>,
    }
}

facts_object! {
    /// A fee that is added to a payment.
    Fee {
        /// E.g. `convenience`.
        #[serde(rename = "type")]
        fee_type: String,
        /// Decimal amount as text.
        amount: String,
        /// The agreement that created the debt authorises it expressly.
        authorised_by_agreement: bool,
        /// Law permits it.
        authorised_by_law: bool,
    }
}
