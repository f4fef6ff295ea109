//! Twilio's webhooks made by hand: to send what the sandbox would not.

use funnelchat::sandbox::twilio::signature;
use reqwest::StatusCode;

use super::{Tenant, TestApp};

/// A webhook about to be posted.
#[derive(Clone)]
pub struct Webhook {
    pub path: String,
    pub params: Vec<(String, String)>,
    /// Signs it; `None` leaves the signature out.
    pub token: Option<String>,
    /// What the signature covers instead of the form, for a forged one.
    pub signed: Option<Vec<(String, String)>>,
}

impl Webhook {
    /// A text to a business's number, rightly signed.
    pub fn text(tenant: &Tenant, from: &str, body: &str, sid: &str) -> Self {
        let params = [
            ("MessageSid", sid),
            ("AccountSid", &tenant.demo.twilio_sid()),
            ("From", from),
            ("To", tenant.demo.number),
            ("Body", body),
            ("NumMedia", "0"),
        ];
        Self {
            path: "/webhooks/twilio/sms".to_owned(),
            params: params
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            token: Some(tenant.demo.twilio_token()),
            signed: None,
        }
    }

    /// The same with another value of one parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.params.retain(|(known, _)| known != name);
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same at another path.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Posts it; the status and the body of the answer.
    pub async fn post(&self, app: &TestApp) -> (StatusCode, String) {
        let url = format!("http://{}{}", app.addr, self.path);
        let client = app.anonymous();
        let mut request = client.http().post(&url).form(&self.params);
        if let Some(token) = &self.token {
            let signed = self.signed.as_ref().unwrap_or(&self.params);
            request = request.header("x-twilio-signature", signature::sign(token, &url, signed));
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}
