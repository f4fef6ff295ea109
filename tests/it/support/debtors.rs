//! Debtors who sign in: by a link that staff made, and two things that they know.

use serde_json::{Value, json};

use super::{Client, Tenant, TestApp, data};

const OPEN: &str = "mutation($t: String!) { openDebtorLink(input: { token: $t }) {
  mfaChallenge { token methods } session { accessToken } userErrors { code field message } } }";

const VERIFY: &str = "mutation($i: VerifyDebtorIdentityInput!) { verifyDebtorIdentity(input: $i) {
  session { accessToken refreshToken } mfaChallenge { token } userErrors { code field message } } }";

/// A link to an account: its id, and what stands behind `/d/`.
pub async fn link_to(staff: &Client, account: &str) -> (String, String) {
    let made = staff
        .gql(
            "mutation($a: ID!) { createDebtorLink(input: { accountId: $a }) { link { id } url userErrors { code message } } }",
            json!({ "a": account }),
        )
        .await;
    let made = &data(&made)["createDebtorLink"];
    let url = made["url"].as_str().unwrap_or_else(|| panic!("no link: {made}"));
    let (_, token) = url.split_once("/d/").expect("a link");
    (
        made["link"]["id"].as_str().expect("an id").to_owned(),
        token.to_owned(),
    )
}

/// What openDebtorLink answers.
pub async fn open(client: &Client, token: &str) -> Value {
    data(&client.gql(OPEN, json!({ "t": token })).await)["openDebtorLink"].clone()
}

/// The token of a link's challenge.
pub async fn challenge(client: &Client, token: &str) -> String {
    let opened = open(client, token).await;
    opened["mfaChallenge"]["token"]
        .as_str()
        .unwrap_or_else(|| panic!("no challenge: {opened}"))
        .to_owned()
}

/// What verifyDebtorIdentity answers; `factors` are its input beside the token.
pub async fn verify(client: &Client, challenge: &str, factors: &Value) -> Value {
    let mut input = factors.clone();
    input["token"] = json!(challenge);
    data(&client.gql(VERIFY, json!({ "i": input })).await)["verifyDebtorIdentity"].clone()
}

/// The client with the tokens of a payload's session.
pub fn with_session(mut client: Client, payload: &Value) -> Client {
    let token = |name: &str| payload["session"][name].as_str().map(str::to_owned);
    client.access_token = Some(token("accessToken").unwrap_or_else(|| panic!("no session: {payload}")));
    client.refresh_token = token("refreshToken");
    client
}

impl TestApp {
    /// The debtor of an account, signed in by a new link.
    pub async fn debtor_of(&self, staff: &Client, account: &str, factors: &Value) -> Client {
        let (_, token) = link_to(staff, account).await;
        let nobody = self.anonymous();
        let challenge = challenge(&nobody, &token).await;
        let verified = verify(&nobody, &challenge, factors).await;
        with_session(nobody, &verified)
    }

    /// The n-th demo debtor, signed in.
    pub async fn debtor(&self, tenant: &Tenant, nth: usize) -> Client {
        let staff = tenant.sign_in("admin").await;
        let account = self.account_id(tenant, nth).await;
        self.debtor_of(&staff, &account, &self.factors(tenant, nth)).await
    }

    /// What the n-th demo debtor knows of themselves.
    pub fn factors(&self, tenant: &Tenant, nth: usize) -> Value {
        let number = format!("{}-{:05}", tenant.demo.slug.to_uppercase(), 10_001 + nth);
        json!({ "postalCode": tenant.demo.zip(nth), "accountNumber": number })
    }
}
