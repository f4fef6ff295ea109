//! What the sandbox remembers, shared by its servers and open to tests.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::bounded::BoundedList;
use super::faults::{Fault, FaultError, FaultQueue, Provider};
use super::in_flight::{InFlight, InFlightGuard};
use super::mail::Mail;
use super::recorder::RecordedRequest;
use super::stripe::{StripeMemory, StripePlatform};
use super::twilio::inbound::{self, InboundError, InboundResult};
use super::twilio::is_e164;
use super::twilio::message::{MessageStatus, SmsMessage};
use super::twilio::opt_out::OptOuts;
use super::twilio::webhook::{WebhookClient, WebhookDelivery};
use super::{SandboxClock, StatusDelays, TwilioAccount, TwilioNumber};

/// The sandbox's memory. Clones share it.
#[derive(Clone)]
pub struct SandboxState {
    inner: Arc<Inner>,
}

struct Inner {
    stripe: StripePlatform,
    debtor_numbers: Vec<(String, String)>,
    clock: Arc<dyn SandboxClock>,
    delays: StatusDelays,
    webhooks: WebhookClient,
    in_flight: InFlight,
    stopping: CancellationToken,
    memory: Mutex<Memory>,
}

struct Memory {
    accounts: BoundedList<TwilioAccount>,
    messages: BoundedList<SmsMessage>,
    mails: BoundedList<Mail>,
    requests: BoundedList<RecordedRequest>,
    deliveries: BoundedList<WebhookDelivery>,
    delivery_count: u64,
    opt_outs: OptOuts,
    faults: FaultQueue,
    /// Auth tokens beside those that the accounts began with: account, token.
    tokens: BoundedList<(String, String)>,
    stripe: StripeMemory,
}

/// What a state is made of.
pub(super) struct StateParts {
    pub(super) accounts: Vec<TwilioAccount>,
    pub(super) stripe: StripePlatform,
    pub(super) debtor_numbers: Vec<(String, String)>,
    pub(super) clock: Arc<dyn SandboxClock>,
    pub(super) delays: StatusDelays,
    pub(super) webhooks: WebhookClient,
    pub(super) stopping: CancellationToken,
}

/// Access for tests and the control API.
impl SandboxState {
    /// Every text, oldest first: those that the service sent, those that phones sent, and Twilio's own replies.
    pub fn messages(&self) -> Vec<SmsMessage> {
        self.memory().messages.iter().cloned().collect()
    }

    /// The texts from and to one telephone number, oldest first.
    pub fn thread(&self, e164: &str) -> Vec<SmsMessage> {
        let memory = self.memory();
        memory
            .messages
            .iter()
            .filter(|msg| msg.from == e164 || msg.to == e164)
            .cloned()
            .collect()
    }

    /// Every mail, oldest first, one per recipient.
    pub fn mails(&self) -> Vec<Mail> {
        self.memory().mails.iter().cloned().collect()
    }

    /// The mails to one address (compared without regard to case), oldest first.
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        let memory = self.memory();
        memory
            .mails
            .iter()
            .filter(|mail| mail.to.eq_ignore_ascii_case(address))
            .cloned()
            .collect()
    }

    /// The API requests that the service made, oldest first, whatever the answer was.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.memory().requests.iter().cloned().collect()
    }

    /// The webhooks and callbacks that the sandbox made or refused to make, oldest first.
    pub fn deliveries(&self) -> Vec<WebhookDelivery> {
        self.memory().deliveries.iter().cloned().collect()
    }

    /// Makes the provider misbehave for its next `count` messages.
    pub fn add_fault(&self, provider: Provider, fault: Fault, count: usize) -> Result<(), FaultError> {
        self.memory().faults.add(provider, fault, count)
    }

    /// What Twilio's console does: gives an account a second auth token, which is good beside its first; or opens an
    /// account, which has no numbers yet.
    pub fn issue_token(&self, account_sid: &str, auth_token: &str) {
        let mut memory = self.memory();
        if memory.accounts.iter().any(|account| account.sid == account_sid) {
            memory
                .tokens
                .push((account_sid.to_owned(), auth_token.to_owned()));
        } else {
            memory.accounts.push(TwilioAccount {
                sid: account_sid.to_owned(),
                auth_token: auth_token.to_owned(),
                numbers: Vec::new(),
            });
        }
    }

    /// What Twilio's console does: buys a number for an account, whose texts go to `sms_webhook_url`; empty where they go
    /// nowhere. False where there is no such account, or the number is somebody's.
    pub fn buy_number(&self, account_sid: &str, e164: &str, sms_webhook_url: &str) -> bool {
        if !is_e164(e164) || self.owner_of(e164).is_some() {
            return false;
        }
        let mut memory = self.memory();
        let account = memory
            .accounts
            .iter_mut()
            .find(|account| account.sid == account_sid);
        let bought = TwilioNumber {
            e164: e164.to_owned(),
            sms_webhook_url: sms_webhook_url.to_owned(),
            label: e164.to_owned(),
        };
        account.map(|account| account.numbers.push(bought)).is_some()
    }

    /// What Twilio's console does: gives a number back, so that it is nobody's.
    pub fn release_number(&self, e164: &str) {
        let mut memory = self.memory();
        for account in memory.accounts.iter_mut() {
            account.numbers.retain(|number| number.e164 != e164);
        }
    }

    /// The faults that were not spent yet, in order.
    pub fn waiting_faults(&self) -> Vec<(Provider, Fault)> {
        self.memory().faults.waiting()
    }

    /// Sends a text from a phone to one of the accounts' numbers and returns when its webhook was answered.
    pub async fn receive_text(
        &self,
        from: &str,
        to: &str,
        body: &str,
    ) -> Result<InboundResult, InboundError> {
        inbound::receive(self, from, to, body).await
    }

    /// Gives a number Advanced Opt-Out, or takes it away.
    pub fn set_advanced_opt_out(&self, number: &str, is_advanced: bool) {
        self.memory().opt_outs.set_advanced(number, is_advanced);
    }

    /// Whether `phone` opted out of texts from `number`.
    pub fn is_opted_out(&self, number: &str, phone: &str) -> bool {
        self.memory().opt_outs.is_opted_out(number, phone)
    }
}

/// Access for the sandbox's own parts.
impl SandboxState {
    pub(super) fn new(parts: StateParts) -> Self {
        let mut accounts = BoundedList::new();
        parts
            .accounts
            .into_iter()
            .for_each(|account| accounts.push(account));
        let memory = Memory {
            accounts,
            messages: BoundedList::new(),
            mails: BoundedList::new(),
            requests: BoundedList::new(),
            deliveries: BoundedList::new(),
            delivery_count: 0,
            opt_outs: OptOuts::new(),
            faults: FaultQueue::default(),
            tokens: BoundedList::new(),
            stripe: StripeMemory::new(),
        };
        let inner = Inner {
            stripe: parts.stripe,
            debtor_numbers: parts.debtor_numbers,
            clock: parts.clock,
            delays: parts.delays,
            webhooks: parts.webhooks,
            in_flight: InFlight::new(),
            stopping: parts.stopping,
            memory: Mutex::new(memory),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A panic elsewhere cannot leave these lists half written, so a poisoned lock is taken all the same.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.inner.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now()
    }

    pub(super) fn clock(&self) -> &dyn SandboxClock {
        self.inner.clock.as_ref()
    }

    pub(super) fn delays(&self) -> StatusDelays {
        self.inner.delays
    }

    pub(super) fn webhooks(&self) -> &WebhookClient {
        &self.inner.webhooks
    }

    pub(super) fn stripe_platform(&self) -> &StripePlatform {
        &self.inner.stripe
    }

    /// Looks at what Stripe has, or changes it.
    pub(super) fn with_stripe<T>(&self, change: impl FnOnce(&mut StripeMemory) -> T) -> T {
        change(&mut self.memory().stripe)
    }

    pub(super) fn accounts(&self) -> Vec<TwilioAccount> {
        self.memory().accounts.iter().cloned().collect()
    }

    pub(super) fn debtor_numbers(&self) -> &[(String, String)] {
        &self.inner.debtor_numbers
    }

    pub(super) fn account(&self, sid: &str) -> Option<TwilioAccount> {
        let memory = self.memory();
        memory.accounts.iter().find(|account| account.sid == sid).cloned()
    }

    /// The tokens that are good for an account, if it exists.
    pub(super) fn tokens_of(&self, sid: &str) -> Vec<String> {
        let first = self.account(sid).map(|account| account.auth_token);
        let memory = self.memory();
        let issued = memory.tokens.iter().filter(|(account, _)| account == sid);
        first
            .into_iter()
            .chain(issued.map(|(_, token)| token.clone()))
            .collect()
    }

    /// The account that owns a number.
    pub(super) fn owner_of(&self, e164: &str) -> Option<(TwilioAccount, TwilioNumber)> {
        let memory = self.memory();
        memory
            .accounts
            .iter()
            .flat_map(|account| account.numbers.iter().map(move |number| (account, number)))
            .find(|(_, number)| number.e164 == e164)
            .map(|(account, number)| (account.clone(), number.clone()))
    }

    /// Has texts to a number posted to another address.
    pub(super) fn set_sms_webhook(&self, e164: &str, url: &str) {
        let mut memory = self.memory();
        let mut numbers = memory
            .accounts
            .iter_mut()
            .flat_map(|account| account.numbers.iter_mut());
        if let Some(number) = numbers.find(|number| number.e164 == e164) {
            url.clone_into(&mut number.sms_webhook_url);
        }
    }

    /// Runs work in the background until it ends or the sandbox stops; [`idle`](Self::idle) waits for it.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let guard = self.begin_work();
        let stopping = self.inner.stopping.clone();
        tokio::spawn(async move {
            let _guard = guard;
            stopping.run_until_cancelled(work).await;
        });
    }

    /// Counts work that runs in the foreground.
    pub(super) fn begin_work(&self) -> InFlightGuard {
        self.inner.in_flight.begin()
    }

    pub(super) async fn idle(&self) {
        self.inner.in_flight.idle().await;
    }

    pub(super) fn stopping(&self) -> &CancellationToken {
        &self.inner.stopping
    }

    pub(super) fn add_message(&self, message: SmsMessage) {
        self.memory().messages.push(message);
    }

    pub(super) fn find_message(&self, account_sid: &str, sid: &str) -> Option<SmsMessage> {
        let memory = self.memory();
        memory
            .messages
            .iter()
            .find(|msg| msg.account_sid == account_sid && msg.sid == sid)
            .cloned()
    }

    /// Moves a message to its next status; a message that the list has forgotten stays forgotten.
    pub(super) fn set_message_status(&self, sid: &str, status: MessageStatus) {
        let now = self.now();
        if let Some(message) = self.memory().messages.iter_mut().rev().find(|msg| msg.sid == sid) {
            message.status = status;
            message.updated_at = now;
            message.sent_at.get_or_insert(now);
        }
    }

    pub(super) fn add_mail(&self, mail: Mail) {
        self.memory().mails.push(mail);
    }

    pub(super) fn record_request(&self, request: RecordedRequest) {
        self.memory().requests.push(request);
    }

    pub(super) fn take_fault(&self, provider: Provider) -> Option<Fault> {
        self.memory().faults.take(provider)
    }

    /// Stores a delivery under a new number, which it returns.
    pub(super) fn add_delivery(&self, mut delivery: WebhookDelivery) -> u64 {
        let mut memory = self.memory();
        memory.delivery_count += 1;
        delivery.id = memory.delivery_count;
        memory.deliveries.push(delivery);
        memory.delivery_count
    }

    pub(super) fn update_delivery(&self, id: u64, change: impl FnOnce(&mut WebhookDelivery)) {
        if let Some(delivery) = self
            .memory()
            .deliveries
            .iter_mut()
            .rev()
            .find(|known| known.id == id)
        {
            change(delivery);
        }
    }

    /// Applies `change` to the list of opt-outs.
    pub(super) fn with_opt_outs<T>(&self, change: impl FnOnce(&mut OptOuts) -> T) -> T {
        change(&mut self.memory().opt_outs)
    }
}
