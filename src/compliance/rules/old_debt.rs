//! Debts that are paid, closed, time-barred or extinguished, and the rule that binds creditors in California.

use super::context::ROSENTHAL;
use super::{Checked, Context, Rule, Verdict, Weight};
use crate::compliance::facts::{ActionKind, Debt};
use crate::compliance::rule_set::TimeBarred;

const PAID: Rule = Rule {
    id: "paid-debt-no-collect",
    check: paid_debt_no_collect,
};
const EXTINGUISHED: Rule = Rule {
    id: "time-barred-extinguished",
    check: time_barred_extinguished,
};

/// What stops payments too.
pub(super) const OF_THE_DEBT: &[Rule] = &[PAID, EXTINGUISHED];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: ROSENTHAL,
        check: ca_rosenthal_scope,
    },
    PAID,
    Rule {
        id: "business-account-closed",
        check: business_account_closed,
    },
    EXTINGUISHED,
    Rule {
        id: "time-barred-no-suit-threat",
        check: time_barred_no_suit_threat,
    },
];

/// Cal. Civ. 1788.2, 1788.17; SB 1286: the rules of conduct, hours and notices bind the creditor of a Californian's debt,
/// and of covered commercial debt. It forbids nothing itself: the rules that it brings in do (`reg_f_applies`: hours, places, holds,
/// disputes, calls, conduct). The creditor itself, its staff and its affiliates owe no warning of 15 USC 1692e(11) and no validation
/// notice of 1692g: 1788.17 takes both out for them, so that these rules, and overshadowing with them, stay with third parties.
fn ca_rosenthal_scope(context: &Context<'_>) -> Checked {
    Ok(if context.rosenthal_applies() {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::NotApplicable
    })
}

/// 12 CFR 1006.30(b); 15 USC 1692e(2): what is paid is not collected. Receipts, letters that say so, and answers to the
/// person may go out.
fn paid_debt_no_collect(context: &Context<'_>) -> Checked {
    if context.debts().all(|debt| debt.paid.is_none()) {
        return Ok(Verdict::NotApplicable);
    }
    let is_paid = context.debts().any(|debt| debt.paid == Some(true));
    let collects_nothing = answers_only(context) || context.kind == ActionKind::SatisfactionLetter;
    Ok(Verdict::deny_if(is_paid && !collects_nothing, Weight::Routine))
}

/// Product rule: an account that the business has closed is collected no more, whatever its balance says. The person is
/// answered, without a demand; receipts and letters that say so may go out.
fn business_account_closed(context: &Context<'_>) -> Checked {
    if context.debts().all(|debt| debt.closed != Some(true)) {
        return Ok(Verdict::NotApplicable);
    }
    let answers = context.is_response() && !context.demands_payment();
    let collects_nothing = answers || context.kind == ActionKind::SatisfactionLetter;
    Ok(Verdict::deny_if(!collects_nothing, Weight::Routine))
}

/// Wis. Stat. 893.05; Miss. Code 15-1-3: when the period has run, there is no debt any more. Where the governing law is
/// not known, that of the debtor's state is taken.
fn time_barred_extinguished(context: &Context<'_>) -> Checked {
    let mut barred = context
        .debts()
        .filter(|debt| debt.time_barred == Some(true))
        .peekable();
    if barred.peek().is_none() {
        return Ok(Verdict::NotApplicable);
    }
    let is_extinguished = |debt: &Debt| {
        let law = debt.governing_law.as_deref().or(context.state());
        let row = law.and_then(|code| context.row_of(code));
        row.is_some_and(|row| row.time_barred == Some(TimeBarred::Extinguished))
    };
    let is_answer = answers_only(context) || context.kind == ActionKind::SatisfactionLetter;
    Ok(Verdict::deny_if(
        barred.any(is_extinguished) && !is_answer,
        Weight::Routine,
    ))
}

/// It answers the debtor, or is what they asked for, and asks for no money: what may not be collected is not collected in an answer
/// either (15 USC 1692e(2)). Versions of before let answers pass, whatever they said.
fn answers_only(context: &Context<'_>) -> bool {
    context.is_response() && !(context.reads_closely() && context.demands_payment())
}

/// 12 CFR 1006.26(b): nobody sues, or threatens to sue, on a time-barred debt, whatever they knew.
fn time_barred_no_suit_threat(context: &Context<'_>) -> Checked {
    let content = context.action.content.as_ref();
    let threatens = content.is_some_and(|content| content.threatens_suit == Some(true));
    let is_barred = context.debts().any(|debt| debt.time_barred == Some(true));
    if !is_barred || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    Ok(Verdict::deny_if(threatens, Weight::Routine))
}
