//! Whatever gets lost, doubled or put in another order, wherever a process is dropped: in the end the ledger says what Stripe
//! has, and nothing was charged twice.

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;
use funnelchat::{
    cli::seed::DEMO_STRIPE_KEY,
    payments::ports::PaymentGateway as _,
    platform::ids::{self, IdKind},
    providers::stripe::StripePayments,
    sandbox::{Fault, Provider},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::{Executor as _, Row as _};
use url::Url;

use crate::support::TestApp;

const SCHEDULES: usize = 300;

const FAULTS: [Option<Fault>; 9] = [
    None,
    None,
    Some(Fault::LostAnswer),
    Some(Fault::Silence),
    Some(Fault::DropCallback),
    Some(Fault::DuplicateCallback),
    Some(Fault::ReorderCallbacks),
    Some(Fault::Error500),
    Some(Fault::RateLimit),
];

const METHODS: [Option<&str>; 7] = [
    Some("pm_card_visa"),
    Some("pm_card_visa"),
    Some("pm_card_visa_chargeDeclinedInsufficientFunds"),
    Some("pm_card_threeDSecure2Required"),
    Some("pm_usBankAccount_success"),
    Some("pm_card_createDispute"),
    None,
];

/// Where a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dropped {
    Nowhere,
    /// The intent is committed, and Stripe was not asked.
    BeforeTheCall,
    /// Stripe has answered, and nobody has written it down.
    AfterTheCall,
}

const DROPPED: [Dropped; 4] = [
    Dropped::Nowhere,
    Dropped::Nowhere,
    Dropped::BeforeTheCall,
    Dropped::AfterTheCall,
];

#[tokio::test]
async fn the_ledger_ends_with_what_stripe_has_whatever_gets_lost() {
    let seed: u64 = std::env::var("SCHEDULE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_260_610);
    let mut random = StdRng::seed_from_u64(seed);
    let app = TestApp::start().await;
    let account = app.owing(&app.acme, "900000.00", "SCHEDULE-1").await;
    let account_id = ids::decode(IdKind::Account, &account).unwrap();
    let ctx = app.service_ctx(&app.acme).await;
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    let base = Url::parse(&format!("http://{}/stripe", app.sandbox.addr())).unwrap();
    let stripe = StripePayments::new(http, &base, DEMO_STRIPE_KEY.into());
    let state = app.sandbox.state().clone();
    for nth in 0..SCHEDULES {
        let method = METHODS[random.random_range(0..METHODS.len())];
        let minor = random.random_range(100..5000);
        let fault = FAULTS[random.random_range(0..FAULTS.len())];
        // That a bank takes a payment back is known from Stripe's report alone, which Stripe repeats for days.
        let is_told = !matches!(fault, Some(Fault::Silence | Fault::DropCallback));
        let method = method.filter(|method| is_told || *method != "pm_card_createDispute");
        let payment = app.intent(&ctx, account_id, minor, method.is_none()).await;
        let method = method.map(str::to_owned);
        let dropped = DROPPED[random.random_range(0..DROPPED.len())];
        if let Some(fault) = fault.filter(|_| dropped != Dropped::BeforeTheCall) {
            state.add_fault(Provider::Stripe, fault, 1).unwrap();
        }
        match dropped {
            Dropped::BeforeTheCall => {}
            Dropped::AfterTheCall => {
                let order = app
                    .app
                    .payments
                    .order(&ctx, payment, method)
                    .await
                    .unwrap()
                    .unwrap();
                drop(stripe.pay(&order).await);
            }
            Dropped::Nowhere => {
                app.app
                    .payments
                    .carry_out(ctx.business_id(), payment, method, "test")
                    .await
                    .unwrap();
            }
        }
        if nth % 40 == 0 {
            app.run_jobs().await;
        }
    }
    app.sandbox.idle().await;
    app.run_jobs().await;
    // Payers and banks do what they do; some never come back.
    for intent in state.stripe_intents() {
        match random.random_range(0..3) {
            0 => state.stripe_authenticate(&intent.id, true),
            1 => state.stripe_authenticate(&intent.id, false),
            _ => {}
        }
        if intent.status == "requires_payment_method" && random.random_range(0..2) == 0 {
            state.stripe_confirm(&intent.id, "pm_card_visa");
        }
        state.stripe_settle_debit(&intent.id, random.random_range(0..2) == 0);
    }
    app.sandbox.idle().await;
    for minutes in [2, 3, 5, 10, 30, 61, 90] {
        app.advance(TimeDelta::minutes(minutes)).await;
        app.run_jobs().await;
    }

    let mut per_payment: BTreeMap<String, usize> = BTreeMap::new();
    let mut at_stripe = 0;
    for intent in state.stripe_intents() {
        *per_payment
            .entry(intent.metadata["paymentId"].to_string())
            .or_default() += 1;
        if intent.status == "succeeded" {
            at_stripe += intent.amount;
        }
    }
    assert!(
        per_payment.values().all(|count| *count == 1),
        "nothing was charged twice"
    );
    at_stripe -= state
        .stripe_disputes()
        .iter()
        .map(|dispute| dispute.amount)
        .sum::<i64>();
    let (balance, _) = app.balance(&account).await;
    assert_eq!(
        90_000_000 - balance,
        at_stripe,
        "the ledger says what Stripe has (seed {seed})"
    );
    let open = app
        .superuser()
        .await
        .fetch_all("SELECT state, count(*) FROM payments WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED') GROUP BY state")
        .await
        .unwrap();
    let open: Vec<String> = open.iter().map(|row| row.get(0)).collect();
    assert_eq!(open, Vec::<String>::new(), "nothing is left open (seed {seed})");
    app.finish().await;
}
