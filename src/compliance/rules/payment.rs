//! Taking, retrying and announcing payments.

use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::calendar::{Holidays, business_days_between};
use crate::compliance::local_time::{shift_date, start_of_day};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: REVOCATION,
        check: payment_revocation,
    },
    Rule {
        id: "payment-disputed-debt",
        check: payment_disputed_debt,
    },
    Rule {
        id: "reg-e-written-authorization",
        check: reg_e_written_authorization,
    },
    Rule {
        id: VARYING,
        check: reg_e_varying_amount_10_days,
    },
    Rule {
        id: POSTDATED,
        check: reg_f_postdated_3_10,
    },
    Rule {
        id: NO_RETRY,
        check: nacha_no_retry_codes,
    },
    Rule {
        id: REINITIATION,
        check: nacha_reinitiation_2_in_180,
    },
    Rule {
        id: VISA_NEVER,
        check: visa_category_1_never,
    },
    Rule {
        id: VISA,
        check: visa_15_in_30,
    },
    Rule {
        id: MASTERCARD,
        check: mastercard_retry,
    },
    Rule {
        id: "fdcpa-unauthorized-fees",
        check: fdcpa_unauthorized_fees,
    },
];

const REVOCATION: &str = "payment-revocation";
const VARYING: &str = "reg-e-varying-amount-10-days";
const POSTDATED: &str = "reg-f-postdated-3-10";
const NO_RETRY: &str = "nacha-no-retry-codes";
const REINITIATION: &str = "nacha-reinitiation-2-in-180";
const VISA_NEVER: &str = "visa-category-1-never";
const VISA: &str = "visa-15-in-30";
const MASTERCARD: &str = "mastercard-retry";

fn op<'a>(context: &Context<'a>) -> Option<&'a str> {
    context.action.op.as_deref()
}

/// A debit that was agreed on beforehand, alone or in a row.
fn is_preauthorized(context: &Context<'_>) -> bool {
    matches!(
        op(context),
        Some("preauthorized_debit" | "recurring_debit" | "autopay")
    )
}

/// A payment that failed, tried again.
fn is_retry(context: &Context<'_>) -> bool {
    matches!(op(context), Some("reinitiate" | "retry"))
}

fn is_ach(context: &Context<'_>) -> bool {
    context.action.rail.as_deref() == Some("ach")
}

fn is_of_network(context: &Context<'_>, network: &str) -> bool {
    context.action.rail.as_deref() == Some("card") && context.action.network.as_deref() == Some(network)
}

/// 12 CFR 1005.10(c); Nacha: payments that the debtor asked to stop stop, at once and by whatever means they asked.
fn payment_revocation(context: &Context<'_>) -> Checked {
    let asked_at = context.action.stop_requested_at.filter(|at| *at <= context.at);
    let is_standing =
        is_preauthorized(context) || op(context) == Some("postdated_deposit") || is_retry(context);
    if !is_standing {
        return Ok(Verdict::NotApplicable);
    }
    Ok(Verdict::deny_if(asked_at.is_some(), Weight::Routine))
}

/// 15 USC 1692h; 12 CFR 1006.30(c): no payment goes to a disputed debt, unless the debtor says that it does.
fn payment_disputed_debt(context: &Context<'_>) -> Checked {
    let dispute = context.facts.dispute.as_ref();
    let Some(dispute) = dispute.filter(|dispute| dispute.received_at.is_some_and(|at| at <= context.at))
    else {
        return Ok(Verdict::NotApplicable);
    };
    let is_of_these = match (&dispute.debts, &context.action.debts) {
        (Some(disputed), Some(debts)) => debts.iter().any(|debt| disputed.contains(debt)),
        _ => true,
    };
    let is_settled = dispute.verification_sent_at.flatten().is_some();
    let is_directed = context.action.directed_by_consumer == Some(true);
    Ok(Verdict::deny_if(
        is_of_these && !is_settled && !is_directed,
        Weight::Engaged,
    ))
}

/// 15 USC 1693e; 12 CFR 1005.10(b): a preauthorized debit rests on a writing that the debtor signed, or authenticated
/// alike, and had a copy of.
fn reg_e_written_authorization(context: &Context<'_>) -> Checked {
    if !is_preauthorized(context) {
        return Ok(Verdict::NotApplicable);
    }
    let is_signed = need(context.action.authorization_signed, "action.authorization_signed")?;
    let has_no_copy = context.action.copy_given == Some(false);
    Ok(Verdict::deny_if(!is_signed || has_no_copy, Weight::Baseline))
}

/// 12 CFR 1005.10(d): when the amount varies, written notice of amount and date ten days before; or the debtor chose
/// notices for what is outside a range alone, and it is inside.
fn reg_e_varying_amount_10_days(context: &Context<'_>) -> Checked {
    if !is_preauthorized(context) || context.action.amount_varies != Some(true) {
        return Ok(Verdict::NotApplicable);
    }
    if context.action.within_authorised_range == Some(true) {
        return Ok(Verdict::Pass(Weight::Exception));
    }
    let Some(notice_on) = context.action.notice_sent_on else {
        return Ok(Verdict::Deny(vec![]));
    };
    let possible_on = shift_date(notice_on, context.days(VARYING)?);
    let today = context.earliest_date();
    let taken_on = context.action.scheduled_on.map_or(today, |date| date.max(today));
    Ok(if taken_on < possible_on {
        Verdict::Defer(
            begin_of(possible_on, context),
            vec![("possible_on", possible_on.to_string())],
        )
    } else {
        Verdict::Pass(Weight::Engaged)
    })
}

/// The first instant at which it is that date wherever the debtor may be.
fn begin_of(date: NaiveDate, context: &Context<'_>) -> DateTime<Utc> {
    let everywhere = context.zones.iter().map(|zone| start_of_day(zone, date)).max();
    everywhere.unwrap_or_else(|| date.and_time(NaiveTime::MIN).and_utc())
}

/// 15 USC 1692f(2)-(4); 12 CFR 1006.22(c): of an instrument dated more than five days ahead, written notice ten to three
/// business days before the deposit. Whether a scheduled card or ACH payment is one is unsettled: the rule is applied.
fn reg_f_postdated_3_10(context: &Context<'_>) -> Checked {
    let parameters = context.parameters(POSTDATED)?;
    let missing = Missing::Parameter(POSTDATED);
    let is_near = context
        .action
        .postdated_days
        .is_some_and(|days| days <= parameters.days.unwrap_or_default());
    if op(context) != Some("postdated_deposit") || is_near {
        return Ok(Verdict::NotApplicable);
    }
    let scheduled_on = need(context.action.scheduled_on, "action.scheduled_on")?;
    let Some(notice_on) = context.action.written_notice_on else {
        return Ok(Verdict::Deny(vec![]));
    };
    let (most, least) = (
        i64::try_from(parameters.limit.ok_or(missing)?).unwrap_or(i64::MAX),
        parameters.business_days.ok_or(missing)?,
    );
    // Days that only some take for holidays count for neither side.
    let at_least = business_days_between(notice_on, scheduled_on, Holidays::NamedAndObserved);
    let at_most = business_days_between(notice_on, scheduled_on, Holidays::Named);
    let is_in_time = at_least >= least && at_most <= most;
    Ok(Verdict::deny_if(!is_in_time, Weight::Engaged))
}

/// Nacha: what came back for these reasons is not presented again. An authorisation that was revoked, or advised as
/// unauthorised, may be given anew.
fn nacha_no_retry_codes(context: &Context<'_>) -> Checked {
    if !is_ach(context) || !is_retry(context) {
        return Ok(Verdict::NotApplicable);
    }
    let code = need(context.action.return_code.as_deref(), "action.return_code")?;
    let is_listed = lists(context, NO_RETRY, code)?;
    let is_renewed = code == "R08" && context.action.authorization_renewed == Some(true);
    Ok(Verdict::deny_if(is_listed && !is_renewed, Weight::Routine))
}

/// Nacha 2.12.4: for want of funds (or a stopped payment that was authorised anew, or a cause that was corrected), two
/// re-presentments within 180 days of the first settlement.
fn nacha_reinitiation_2_in_180(context: &Context<'_>) -> Checked {
    if !is_ach(context) || !is_retry(context) {
        return Ok(Verdict::NotApplicable);
    }
    let code = need(context.action.return_code.as_deref(), "action.return_code")?;
    let is_permitted =
        lists(context, REINITIATION, code)? || context.action.authorization_renewed == Some(true);
    let parameters = context.parameters(REINITIATION)?;
    let missing = Missing::Parameter(REINITIATION);
    let made = need(context.action.reinitiations, "action.reinitiations")?;
    let is_left = usize::try_from(made).is_ok_and(|made| parameters.limit.is_some_and(|limit| made < limit));
    let settled_on = need(context.action.original_settled_on, "action.original_settled_on")?;
    let last_on = shift_date(settled_on, parameters.days.ok_or(missing)?);
    let is_in_time = context.latest_date() <= last_on;
    Ok(Verdict::deny_if(
        !is_permitted || !is_left || !is_in_time,
        Weight::Engaged,
    ))
}

/// Visa AI10325, category 1: the issuer will never approve; the same credential is not tried again.
fn visa_category_1_never(context: &Context<'_>) -> Checked {
    if !is_of_network(context, "visa") || !is_retry(context) {
        return Ok(Verdict::NotApplicable);
    }
    let code = need(context.action.decline_code.as_deref(), "action.decline_code")?;
    Ok(Verdict::deny_if(
        lists(context, VISA_NEVER, code)?,
        Weight::Routine,
    ))
}

/// Visa AI10325, categories 2 and 3: fifteen reattempts in thirty days; the product makes four.
fn visa_15_in_30(context: &Context<'_>) -> Checked {
    if !is_of_network(context, "visa") || !is_retry(context) {
        return Ok(Verdict::NotApplicable);
    }
    let made = need(context.action.retries_in_30d, "action.retries_in_30d")?;
    let parameters = context.parameters(VISA)?;
    let floor = parameters.limit.ok_or(Missing::Parameter(VISA))?;
    let limit = match parameters.product_limit {
        Some(product) if context.is_product_profile() => product.min(floor),
        _ => floor,
    };
    let is_left = usize::try_from(made).is_ok_and(|made| made < limit);
    Ok(Verdict::deny_if(!is_left, Weight::Engaged))
}

/// Mastercard: advice codes that mean never, and ten attempts in a day, thirty-five in thirty days.
fn mastercard_retry(context: &Context<'_>) -> Checked {
    if !is_of_network(context, "mastercard") || !is_retry(context) {
        return Ok(Verdict::NotApplicable);
    }
    let advice = context.action.merchant_advice_code.as_deref();
    if let Some(code) = advice
        && lists(context, MASTERCARD, code)?
    {
        return Ok(Verdict::Deny(vec![]));
    }
    let parameters = context.parameters(MASTERCARD)?;
    let a_month = need(context.action.retries_in_30d, "action.retries_in_30d")?;
    let reaches = |made: Option<i64>, limit: Option<usize>| {
        made.zip(limit)
            .is_some_and(|(made, limit)| usize::try_from(made).is_ok_and(|made| made >= limit))
    };
    let is_spent = reaches(Some(a_month), parameters.limit)
        || reaches(context.action.retries_in_24h, parameters.limit_a_day);
    Ok(Verdict::deny_if(is_spent, Weight::Engaged))
}

/// 15 USC 1692f(1); 12 CFR 1006.22(b): no fee that neither the agreement behind the debt nor law allows.
fn fdcpa_unauthorized_fees(context: &Context<'_>) -> Checked {
    let Some(fee) = &context.action.fee else {
        return Ok(Verdict::Pass(Weight::Routine));
    };
    let is_allowed = fee.authorised_by_agreement == Some(true) || fee.authorised_by_law == Some(true);
    Ok(Verdict::deny_if(!is_allowed, Weight::Engaged))
}

fn lists(context: &Context<'_>, rule: &'static str, code: &str) -> Result<bool, Missing> {
    let codes = context.parameters(rule)?.codes.as_ref();
    let codes = codes.ok_or(Missing::Parameter(rule))?;
    Ok(codes.iter().any(|listed| listed == code))
}
