//! What a text must contain. For text channels the facts come from the final text itself
//! ([`crate::compliance::content::detect_content`]).

use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::content::primary_language;
use crate::compliance::facts::{ActionKind, Channel, Content};
use crate::compliance::language::fold_word;
use crate::compliance::rule_set::{StateRow, TimeBarred};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: LIMITED,
        check: reg_f_limited_content,
    },
    Rule {
        id: "reg-f-mini-miranda-initial",
        check: reg_f_mini_miranda_initial,
    },
    Rule {
        id: "reg-f-mini-miranda-subsequent",
        check: reg_f_mini_miranda_subsequent,
    },
    Rule {
        id: "reg-f-disclosure-language",
        check: reg_f_disclosure_language,
    },
    Rule {
        id: "reg-f-electronic-opt-out-notice",
        check: reg_f_electronic_opt_out_notice,
    },
    Rule {
        id: TIME_BARRED,
        check: time_barred_state_disclosure,
    },
];

const LIMITED: &str = "reg-f-limited-content";
const TIME_BARRED: &str = "time-barred-state-disclosure";

/// 12 CFR 1006.2(j): a limited-content voicemail has exactly a business name that does not speak of
/// collection, a request to reply, a natural person's name and a number. No other voicemail is left, whatever it is called: anybody
/// may hear it (rule table, live calls).
fn reg_f_limited_content(context: &Context<'_>) -> Checked {
    let is_such = context.kind == ActionKind::LimitedContent;
    let is_voicemail = context.channel == Channel::Voicemail && context.reads_closely();
    if !is_such && !is_voicemail {
        return Ok(Verdict::NotApplicable);
    }
    let content = need(context.action.content.as_ref(), "action.content")?;
    let telltales = context.parameters(LIMITED)?.labels.as_deref();
    let name = content.business_name.as_deref();
    let name_reveals = name.is_some_and(|name| speaks_of_collection(name, telltales));
    let discloses =
        content.initial_mini_miranda == Some(true) || content.subsequent_mini_miranda == Some(true);
    let says_more = content.extra.as_ref().is_some_and(|extra| !extra.is_empty())
        || content.reveals_debt == Some(true)
        || content.payment_demand == Some(true)
        || discloses && context.reads_closely();
    if context.channel != Channel::Voicemail || name_reveals || says_more {
        return Ok(Verdict::Deny(vec![]));
    }
    let missing: Vec<String> = [
        ("business_name", content.business_name.is_some()),
        ("reply_request", content.reply_request == Some(true)),
        ("natural_person", content.natural_person.is_some()),
        ("callback_number", content.callback_number == Some(true)),
    ]
    .into_iter()
    .filter(|(_, is_there)| !is_there)
    .map(|(name, _)| name.to_owned())
    .collect();
    Ok(if missing.is_empty() {
        Verdict::Pass(Weight::Engaged)
    } else if !is_such {
        Verdict::Deny(vec![])
    } else {
        Verdict::Require(missing)
    })
}

/// `telltales` are those of the pack, which are compared without accents; packs of before had these.
fn speaks_of_collection(business_name: &str, telltales: Option<&[String]>) -> bool {
    const TELLTALES: [&str; 6] = ["collect", "debt", "recover", "credit", "receivable", "arrears"];
    // A credit union lends, and collects no more than a bank does.
    const LENDER: &str = "credit union";
    match telltales {
        None => {
            let name = business_name.to_lowercase();
            TELLTALES.iter().any(|telltale| name.contains(telltale))
        }
        Some(telltales) => {
            let name = fold_word(business_name).replace(LENDER, "");
            telltales.iter().any(|telltale| name.contains(telltale.as_str()))
        }
    }
}

/// 15 USC 1692e(11); 12 CFR 1006.18(e)(1): the first communication says that a debt is being collected and
/// that information will be used for it.
fn reg_f_mini_miranda_initial(context: &Context<'_>) -> Checked {
    if !must_identify_collector(context) || !is_initial(context)? {
        return Ok(Verdict::NotApplicable);
    }
    let content = context.action.content.as_ref();
    let is_there = need(
        content.and_then(|content| content.initial_mini_miranda),
        "action.content.initial_mini_miranda",
    )?;
    Ok(required(is_there, "initial_mini_miranda"))
}

/// 12 CFR 1006.18(e)(2): every later communication says that it is from a debt collector.
fn reg_f_mini_miranda_subsequent(context: &Context<'_>) -> Checked {
    if !must_identify_collector(context) || is_initial(context)? {
        return Ok(Verdict::NotApplicable);
    }
    let content = context.action.content.as_ref();
    let subsequent = content.and_then(|content| content.subsequent_mini_miranda);
    let initial = content.and_then(|content| content.initial_mini_miranda);
    let is_there = need(subsequent.or(initial), "action.content.subsequent_mini_miranda")?;
    Ok(required(
        is_there || initial == Some(true),
        "subsequent_mini_miranda",
    ))
}

/// 12 CFR 1006.18(e)(4): the disclosure is in the language of the rest.
fn reg_f_disclosure_language(context: &Context<'_>) -> Checked {
    let Some(content) = context
        .action
        .content
        .as_ref()
        .filter(|_| must_identify_collector(context))
    else {
        return Ok(Verdict::NotApplicable);
    };
    let (Some(language), Some(found)) = (&context.action.language, &content.disclosure_language) else {
        return Ok(Verdict::NotApplicable);
    };
    let wanted = primary_language(language);
    let name = if is_initial(context)? {
        "initial_mini_miranda"
    } else {
        "subsequent_mini_miranda"
    };
    let is_right = primary_language(found) == wanted || !has_disclosure(content);
    Ok(required(is_right, &format!("{name}:{wanted}")))
}

/// Without any disclosure the mini-Miranda rules speak, not the language rule.
fn has_disclosure(content: &Content) -> bool {
    content.subsequent_mini_miranda == Some(true) || content.initial_mini_miranda == Some(true)
}

/// 12 CFR 1006.6(e): every message to an electronic address has a clear and simple way to opt out of it. Web
/// chat has no address to opt out of.
fn reg_f_electronic_opt_out_notice(context: &Context<'_>) -> Checked {
    let is_addressed = context.is_text() || context.channel == Channel::Email;
    let is_confirmation = context.kind == ActionKind::OptoutConfirmation;
    if !is_addressed || is_confirmation || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    let content = context.action.content.as_ref();
    let is_there = need(
        content.and_then(|content| content.opt_out_notice),
        "action.content.opt_out_notice",
    )?;
    Ok(required(is_there, "opt_out_notice"))
}

/// State texts for debts whose limitation period has run (NM 12.2.12 NMAC and others in the overlay rows).
fn time_barred_state_disclosure(context: &Context<'_>) -> Checked {
    let discusses_debt = !matches!(
        context.kind,
        ActionKind::OptoutConfirmation
            | ActionKind::LimitedContent
            | ActionKind::LocationInformation
            | ActionKind::RequestedNotice
    );
    if !discusses_debt || !context.debts().any(|debt| debt.time_barred == Some(true)) {
        return Ok(Verdict::NotApplicable);
    }
    if context.is_product_profile() && !is_left_to_the_writer(context)? {
        return Ok(Verdict::Deny(vec![]));
    }
    let prescribes = |row: &&StateRow| row.time_barred == Some(TimeBarred::Disclosure);
    let names = context.rows().filter(prescribes);
    let names: Vec<String> = names.map(time_barred_label).collect();
    if names.is_empty() {
        return Ok(Verdict::NotApplicable);
    }
    let found = context.labels().unwrap_or_default();
    let missing: Vec<String> = names.into_iter().filter(|name| !found.contains(name)).collect();
    Ok(if missing.is_empty() {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Require(missing)
    })
}

/// The product lets nobody find words of their own for collecting such a debt: the business approves a template. What answers the
/// debtor, or the law wants sent, a person writes. Versions of before kept programs from it alone.
fn is_left_to_the_writer(context: &Context<'_>) -> Result<bool, Missing> {
    let is_automated = context.action.automated == Some(true);
    if !context.parameters(TIME_BARRED)?.approved_words {
        return Ok(!is_automated);
    }
    let approved = context.action.approved_template;
    // Facts that say nothing of a template are neutral, unless a program wrote.
    let is_neutral = context.reads_closely() && context.is_neutral_on_omissions() && !is_automated;
    let is_approved = approved.unwrap_or(is_neutral);
    Ok(is_approved || (context.kind != ActionKind::Collection && !is_automated))
}

/// What a text is labelled with that carries a state's own words.
pub(in crate::compliance) fn time_barred_label(row: &StateRow) -> String {
    format!("time_barred_disclosure:{}", row.code)
}

fn required(is_there: bool, name: &str) -> Verdict {
    if is_there {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Require(vec![name.to_owned()])
    }
}

/// Marked as the first communication, or the facts say that there was none before. A validation notice that
/// was provided shows that there was one.
fn is_initial(context: &Context<'_>) -> Result<bool, Missing> {
    let validation = context.facts.validation.as_ref();
    let began_on = validation.and_then(|validation| validation.initial_communication_on);
    let is_provided = validation.is_some_and(|validation| validation.provided_on.flatten().is_some());
    let marked = context
        .action
        .is_initial
        .or(began_on.map(|began_on| began_on.is_none()));
    need(marked.or(is_provided.then_some(false)), "action.is_initial")
}

/// Written messages of a debt collector. On a call the disclosure is spoken; a limited-content message, an opt-out
/// confirmation and a question to another where the debtor is may not carry it.
fn must_identify_collector(context: &Context<'_>) -> bool {
    let is_bare = matches!(
        context.kind,
        ActionKind::LimitedContent | ActionKind::OptoutConfirmation | ActionKind::LocationInformation
    );
    context.is_third_party() && !context.is_call() && !is_bare
}
