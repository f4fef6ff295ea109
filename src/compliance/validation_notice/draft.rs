//! What a notice needs, gathered from where each part is entered. What is missing is told all at once, with where to enter it.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{
    conflict,
    facts::{Addressee, Collector, Itemization, lines, truncated},
};
use crate::{
    accounts::{DebtorRow, ItemizationEvent, PostalAddress, debtor_by_id},
    compliance::{holds::HoldKind, ports::Letterhead},
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::TenantKeys,
        letter::is_printable,
        money::Currency,
    },
};

/// Everything but dates and reference.
pub(super) struct Draft {
    pub(super) person: DebtorRow,
    pub(super) collector: Collector,
    pub(super) consumer: Addressee,
    pub(super) creditor_then: String,
    pub(super) account_number: String,
    pub(super) creditor_now: String,
    pub(super) itemization_date: NaiveDate,
    pub(super) event: ItemizationEvent,
    pub(super) itemization: Itemization,
}

/// What is on record of the debt.
struct Debt {
    debtor_id: Uuid,
    account_number: String,
    original_creditor: Option<String>,
    creditor: Option<String>,
    currency: String,
    balance_minor: i64,
    itemization_date: Option<NaiveDate>,
    itemization_event: Option<String>,
    itemized_minor: Option<i64>,
    business_name: String,
    business_role: String,
    /// What was paid since it was placed, less what went back.
    paid_minor: i64,
    /// Kinds of entries in its ledger besides the opening one and those of payments.
    moved_by: Vec<String>,
    /// Holds that say to whom the notice goes instead.
    holds: Vec<String>,
}

/// Collects what is missing.
#[derive(Default)]
struct Missing(Vec<UserError>);

impl Missing {
    /// Says what is not on record, which paragraph of 12 CFR 1006.34 asks for it, and where it is entered.
    fn add(&mut self, what: &str, paragraph: &str, where_to_enter: &str) {
        let message = format!("Missing: {what} (12 CFR 1006.34{paragraph}). Enter it with {where_to_enter}.");
        self.0
            .push(UserError::at(UserErrorCode::Conflict, "accountId", message));
    }

    /// The text without blanks around it, if there is one that can be printed.
    fn text(&mut self, text: Option<&str>, what: &str, paragraph: &str, where_to_enter: &str) -> String {
        let text = text.map(str::trim).unwrap_or_default();
        if text.is_empty() {
            self.add(what, paragraph, where_to_enter);
        } else if !is_printable(text) {
            let message = format!(
                "A letter cannot print {what} as it is written: it takes the letters of Western European languages. Correct \
                 it with {where_to_enter}."
            );
            self.0
                .push(UserError::at(UserErrorCode::Conflict, "accountId", message));
        }
        text.to_owned()
    }

    /// An address to which a letter can be sent.
    fn address(
        &mut self,
        address: Option<&PostalAddress>,
        (whose, paragraph, where_to_enter): (&str, &str, &str),
    ) -> Vec<String> {
        let Some(address) = address else {
            self.add(&format!("{whose} postal address"), paragraph, where_to_enter);
            return Vec::new();
        };
        let is_here = address.country.as_deref().is_none_or(|country| country == "US");
        for (name, part, is_needed) in [
            ("street (line1)", &address.line1, true),
            ("city", &address.city, true),
            ("state", &address.state, is_here),
            ("postal code (postalCode)", &address.postal_code, is_here),
        ] {
            let is_there = part.as_deref().is_some_and(|text| !text.trim().is_empty());
            if is_needed && !is_there {
                self.add(
                    &format!("the {name} of {whose} address"),
                    paragraph,
                    where_to_enter,
                );
            }
        }
        let lines = lines(address);
        if lines.iter().any(|line| !is_printable(line)) {
            self.text(
                Some(&lines.join(" ")),
                &format!("{whose} address"),
                paragraph,
                where_to_enter,
            );
        }
        lines
    }
}

/// Gathers a notice about this debt. `creditor_then` is whom it was owed to on the itemization date, where the caller says so.
///
/// # Errors
/// User errors: NOT_FOUND for a debt that is not the caller's; CONFLICT for each thing that is missing or cannot be printed, for
/// an erased person, for one to whom no notice goes, a debt that is paid, and a business that is no debt collector.
pub(super) async fn draft(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    letterhead: &Letterhead,
    account: Uuid,
    creditor_then: Option<&str>,
) -> Result<Draft, OpError> {
    let no_account = || UserError::not_found("accountId", "account");
    let debt = debt(tx, account).await?.ok_or_else(no_account)?;
    let person = debtor_by_id(tx, debt.debtor_id).await?.ok_or_else(no_account)?;
    check_addressee(&debt)?;
    let address = address_of(keys, &person)?;
    let mut missing = Missing::default();
    let collector = collector(&mut missing, letterhead, &debt.business_name);
    let name = [person.first_name.as_deref(), person.last_name.as_deref()];
    let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let consumer = Addressee {
        name: missing.text(Some(&name), "the consumer's name", "(c)(2)(ii)", "updateDebtor"),
        address: missing.address(
            address.as_ref(),
            ("the consumer's", "(c)(2)(ii)", "updateDebtor(address)"),
        ),
    };
    let number = missing.text(
        Some(&debt.account_number),
        "the account number",
        "(c)(2)(iv)",
        "updateAccount(accountNumber)",
    );
    let creditor_now = missing.text(
        debt.creditor.as_deref(),
        "the creditor to whom the debt is owed now",
        "(c)(2)(v)",
        "updateAccount(creditorId), after createCreditor",
    );
    let event = debt
        .itemization_event
        .as_deref()
        .and_then(ItemizationEvent::parse);
    let creditor_then = missing.text(
        creditor_then.or_else(|| debt.creditor_then(event)),
        "the creditor to whom the debt was owed on the itemization date",
        "(c)(2)(iii)",
        "updateAccount(originalCreditor), or say it here as creditorOnItemizationDate",
    );
    let itemized = (debt.itemization_date, event, debt.itemized_minor);
    let (Some(itemization_date), Some(event), Some(then)) = itemized else {
        missing.add(
            "the itemization date with the amount of the debt on it",
            "(c)(2)(vi)-(viii)",
            "updateAccount(balanceComponents)",
        );
        return Err(OpError::User(missing.0));
    };
    if !missing.0.is_empty() {
        return Err(OpError::User(missing.0));
    }
    Ok(Draft {
        person,
        collector,
        consumer,
        creditor_then,
        account_number: truncated(&number),
        creditor_now,
        itemization_date,
        event,
        itemization: itemize(&debt, then)?,
    })
}

impl Debt {
    /// Who was owed on the itemization date, as far as the account tells. The debt arose with the original creditor, who also
    /// charged it off; statements, payments and judgments may be a later one's, so that they tell it only where there is none.
    fn creditor_then(&self, event: Option<ItemizationEvent>) -> Option<&str> {
        let original = self.original_creditor.as_deref().map(str::trim)?;
        let is_of_original = matches!(
            event?,
            ItemizationEvent::Transaction | ItemizationEvent::ChargeOff
        );
        let is_same = self
            .creditor
            .as_deref()
            .is_some_and(|creditor| creditor.trim().to_lowercase() == original.to_lowercase());
        (is_of_original || is_same).then_some(original)
    }
}

/// Some debts need no notice, and some people are not written to.
fn check_addressee(debt: &Debt) -> Result<(), OpError> {
    if debt.business_role != "THIRD_PARTY_COLLECTOR" {
        let message = "Your business collects its own debts: the notice is a debt collector's, and would call you one (12 CFR \
                       1006.2(i), 1006.34(a)(1)).";
        return Err(conflict("accountId", message));
    }
    if debt.balance_minor <= 0 {
        let message = "Nothing is owed on this account any more: no notice is needed (12 CFR 1006.34(a)(2)).";
        return Err(conflict("accountId", message));
    }
    let is_held = |kind: HoldKind| debt.holds.iter().any(|hold| hold == kind.as_str());
    if is_held(HoldKind::Deceased) {
        let message = "This person has died: the notice goes to the person who acts for the estate (12 CFR 1006.34(a)(1)). \
                       Write it outside, or release the hold if it is wrong.";
        return Err(conflict("accountId", message));
    }
    if is_held(HoldKind::AttorneyRepresented) {
        let message = "An attorney represents this person: what is sent goes to the attorney (12 CFR 1006.6(b)(2)). Write it \
                       outside, or release the hold if it is wrong.";
        return Err(conflict("accountId", message));
    }
    Ok(())
}

fn collector(missing: &mut Missing, letterhead: &Letterhead, business_name: &str) -> Collector {
    const SETTINGS: &str = "updateBusinessSettings(company)";
    let name = letterhead.legal_name.as_deref().unwrap_or(business_name);
    let optional = |text: &Option<String>| text.clone().filter(|text| is_printable(text));
    Collector {
        name: missing.text(
            Some(name),
            "the business's legal name (legalName)",
            "(c)(2)(i)",
            SETTINGS,
        ),
        address: missing.address(
            letterhead.address.as_ref(),
            ("the business's", "(c)(2)(i)", SETTINGS),
        ),
        phone: optional(&letterhead.phone),
        email: optional(&letterhead.email),
        website: optional(&letterhead.website),
    }
}

fn address_of(keys: &TenantKeys, person: &DebtorRow) -> Result<Option<PostalAddress>, OpError> {
    let Some(profile) = keys.data_key(&person.keys.profile)? else {
        let message = "This person's data was erased: nobody can be written to any more.";
        return Err(conflict("accountId", message));
    };
    let Some(cipher) = person.address_cipher.as_deref() else {
        return Ok(None);
    };
    let text = keys.open_text(&profile, "debtors", "address_cipher", person.id, cipher)?;
    let address = serde_json::from_str(text.expose()).map_err(anyhow::Error::from)?;
    Ok(Some(address))
}

/// Entries of payments, and of what takes them back.
const OF_PAYMENTS: [&str; 5] = ["PAYMENT", "REFUND", "REFUND_FAILED", "DISPUTE", "DISPUTE_WON"];

/// What the ledger says has happened since the itemization date. An account is placed with what was owed on that date, so that
/// this is every entry but the opening one.
fn itemize(debt: &Debt, then: i64) -> Result<Itemization, OpError> {
    if let Some(kind) = debt.moved_by.first() {
        let message = format!(
            "The ledger has entries of kind {kind}, which the notice cannot itemize yet as interest, fees, payments or credits \
             (12 CFR 1006.34(c)(2)(viii))."
        );
        return Err(conflict("accountId", message));
    }
    let currency: Currency = debt
        .currency
        .parse()
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let itemization = Itemization {
        currency,
        then,
        interest: 0,
        fees: 0,
        payments: debt.paid_minor,
        credits: 0,
        now: debt.balance_minor,
    };
    if !itemization.adds_up() {
        let message = "What was owed on the itemization date and what has happened since do not come to the balance: correct \
                       the account's balanceComponents with updateAccount.";
        return Err(conflict("accountId", message));
    }
    Ok(itemization)
}

async fn debt(tx: &mut TenantTx, account: Uuid) -> Result<Option<Debt>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let kinds = [HoldKind::AttorneyRepresented, HoldKind::Deceased].map(|kind| kind.as_str().to_owned());
    let of_payments = OF_PAYMENTS.map(str::to_owned);
    Ok(sqlx::query_as!(
        Debt,
        r#"SELECT a.debtor_id, a.account_number, a.original_creditor, c.name AS "creditor?", a.currency, a.balance_minor,
                k.itemization_date AS "itemization_date?", k.itemization_event AS "itemization_event?",
                k.principal_minor + k.interest_minor + k.fees_minor + k.costs_minor AS itemized_minor,
                b.name AS business_name, b.role AS business_role,
                ARRAY(SELECT DISTINCT t.kind FROM ledger_entries e
                      JOIN ledger_transactions t ON t.business_id = e.business_id AND t.id = e.transaction_id
                      WHERE e.business_id = $1 AND e.account_id = a.id AND t.kind <> 'OPENING' AND t.kind <> ALL($5)
                      ORDER BY t.kind) AS "moved_by!",
                (SELECT coalesce(-sum(e.amount_minor), 0)::bigint FROM ledger_entries e
                 JOIN ledger_transactions t ON t.business_id = e.business_id AND t.id = e.transaction_id
                 WHERE e.business_id = $1 AND e.account_id = a.id AND t.kind = ANY($5)) AS "paid_minor!",
                ARRAY(SELECT DISTINCT h.kind FROM debtors d
                      JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
                      JOIN holds h ON h.business_id = g.business_id AND h.debtor_id = g.id
                      WHERE d.business_id = $1 AND d.id = a.debtor_id AND h.lifted_at IS NULL AND h.kind = ANY($4)
                        AND (h.account_id IS NULL OR h.account_id = a.id)) AS "holds!"
         FROM accounts a
         JOIN businesses b ON b.id = a.business_id
         LEFT JOIN creditors c ON c.business_id = a.business_id AND c.id = a.creditor_id
         LEFT JOIN balance_components k ON k.business_id = a.business_id AND k.account_id = a.id
         WHERE a.business_id = $1 AND a.id = $2 AND a.deleted_at IS NULL
           AND ($3::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3)"#,
        business,
        account,
        scope,
        &kinds,
        &of_payments,
    )
    .fetch_optional(tx.conn())
    .await?)
}
