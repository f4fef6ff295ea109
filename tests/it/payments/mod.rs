//! Money moves once: what a debtor pays stands at Stripe and in the ledger, each once, whatever gets lost between them.

mod lost;
mod paying;
mod refunds;
mod reports;
mod schedules;

use funnelchat::{
    payments::{NewPayment, create_payment},
    platform::{
        context::TenantCtx,
        ids::{self, IdKind},
        money::{Currency, Money},
    },
};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};
use uuid::Uuid;

use crate::support::{Client, Tenant, TestApp, data};

/// `createPayment` with everything that a story asks about.
const PAY: &str = "mutation($i: CreatePaymentInput!) { createPayment(input: $i) {
  payment { id status failureCode failureReason amount { amount } refundedAmount { amount } }
  clientSecret stripeAccount userErrors { code field message } } }";

/// The same, of what a debtor sees.
const PAY_OWN: &str = "mutation($i: CreatePaymentInput!) { createPayment(input: $i) {
  payment { id status failureReason amount { amount } }
  clientSecret stripeAccount userErrors { code field message } } }";

fn order(account: &str, amount: &str, method: Option<&str>) -> Value {
    let mut input = json!({ "accountId": account, "amount": { "amount": amount } });
    if let Some(method) = method {
        input["stripePaymentMethod"] = json!(method);
    }
    json!({ "i": input })
}

/// Pays; the payload.
async fn pay(client: &Client, account: &str, amount: &str, method: Option<&str>) -> Value {
    let document = if client.email.is_some() { PAY } else { PAY_OWN };
    let paid = client.gql(document, order(account, amount, method)).await;
    data(&paid)["createPayment"].clone()
}

/// Pays, and it must be taken on; the payment.
async fn paid(client: &Client, account: &str, amount: &str, method: Option<&str>) -> Value {
    let payload = pay(client, account, amount, method).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["payment"].clone()
}

impl TestApp {
    /// An account of its own with this balance.
    async fn owing(&self, tenant: &Tenant, balance: &str, number: &str) -> String {
        let admin = tenant.sign_in("admin").await;
        let made = admin
            .gql(
                "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id } userErrors { message } } }",
                json!({ "i": { "firstName": "Paying", "lastName": format!("Person{number}"), "accountNumber": number,
                    "currentBalance": { "amount": balance } } }),
            )
            .await;
        data(&made)["createAccount"]["account"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// What is owed, as the account says, which is what the ledger sums up; and its status.
    async fn balance(&self, account: &str) -> (i64, String) {
        let id = ids::decode(IdKind::Account, account).unwrap();
        let row = self
            .superuser()
            .await
            .fetch_one(
                sqlx::query(
                    "SELECT balance_minor, status, (SELECT sum(amount_minor)::bigint FROM ledger_entries e WHERE e.account_id = a.id)
                     FROM accounts a WHERE id = $1",
                )
                .bind(id),
            )
            .await
            .unwrap();
        let (balance, sum): (i64, i64) = (row.get(0), row.get(2));
        assert_eq!(balance, sum, "a balance is the sum of its entries");
        (balance, row.get(1))
    }

    /// Where a payment stands, and with what code it failed.
    async fn payment_state(&self, payment: &str) -> (String, Option<String>) {
        let id = ids::decode(IdKind::Payment, payment).unwrap();
        let row = self
            .superuser()
            .await
            .fetch_one(sqlx::query("SELECT state, failure_code FROM payments WHERE id = $1").bind(id))
            .await
            .unwrap();
        (row.get(0), row.get(1))
    }

    /// Writes an intent and commits it, as createPayment does; Stripe is not asked.
    async fn intent(&self, ctx: &TenantCtx, account: Uuid, minor: i64, by_payer: bool) -> Uuid {
        let through = self.app.payments.account_of(ctx.business_id()).await.unwrap();
        let mut tx = self.app.db.tenant(ctx).await.unwrap();
        let new = NewPayment {
            account,
            amount: Money::from_minor(minor, Currency::USD),
            is_confirmed_by_payer: by_payer,
            through: through.as_ref(),
        };
        let payment = create_payment(&mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
        payment
    }
}
