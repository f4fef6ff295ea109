//! The settings in the API.

mod logo;

use async_graphql::{Context, InputObject, MaybeUndefined, MergedObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::{
    logo::logo,
    model::{
        AssistantSettings, AutoResponse, BillingContact, Branding, BusinessLocale, CompanyProfile,
        PaymentTerms, StoredMoney,
    },
    store::{self, Stored},
    update_settings::{SettingsPatch, update_settings},
};
use crate::{
    access::{Cell, authorize},
    compliance::{
        answer_days,
        graphql::{ContactPolicy, ContactPolicyChange, ContactPolicyInput, loosest_policy, standing_policy},
    },
    files::{Files, document_limit},
    identity::{agents_set_own_availability, graphql::Business, session_idle_minutes},
    platform::{
        error::OpError,
        gql::{Done, MoneyInput, MoneyValue, OpScope, ScopeExt as _, UserError, mutate, op_error},
    },
};

/// What your business has chosen for itself.
pub struct BusinessSettings {
    stored: Stored,
}

impl BusinessSettings {
    /// Of the caller's business.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>) -> async_graphql::Result<Self> {
        let stored = store::settings(&mut *ctx.snapshot().await?)
            .await
            .map_err(op_error)?;
        Ok(Self { stored })
    }
}

/// What your business has chosen for itself.
#[Object]
impl BusinessSettings {
    /// Counts changes, from 0: hand it to updateBusinessSettings as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.stored.version
    }

    /// When they were changed last (business time); null before the first time.
    async fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.stored.updated_at
    }

    /// The company behind the business.
    async fn company(&self) -> &CompanyProfile {
        &self.stored.sections.company
    }

    /// How it shows itself.
    async fn branding(&self) -> &Branding {
        &self.stored.sections.branding
    }

    /// Where its logo is, good for five minutes; null where there is none.
    async fn logo_url(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let scope = ctx.scope()?;
        let file = logo(&mut *ctx.snapshot().await?)
            .await
            .map_err(|error| op_error(error.into()))?;
        let files = ctx.data::<Files>()?;
        Ok(file.map(|file| files.download_url(scope.ctx(), file)))
    }

    /// The largest document that it takes, in bytes.
    async fn document_max_bytes(&self, ctx: &Context<'_>) -> async_graphql::Result<i64> {
        document_limit(&mut *ctx.snapshot().await?)
            .await
            .map_err(|error| op_error(error.into()))
    }

    /// Whether agents, and others who do not look after the staff, say themselves when they work.
    async fn agents_set_own_availability(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        agents_set_own_availability(&mut *ctx.snapshot().await?)
            .await
            .map_err(|error| op_error(error.into()))
    }

    /// Within how many days a dispute is to be answered, unless whoever files it says otherwise.
    async fn dispute_answer_days(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        let days = answer_days(&mut *ctx.snapshot().await?).await;
        Ok(days.map_err(|error| op_error(error.into()))?.disputes)
    }

    /// Within how many days a complaint is to be answered, unless whoever files it says otherwise.
    async fn complaint_answer_days(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        let days = answer_days(&mut *ctx.snapshot().await?).await;
        Ok(days.map_err(|error| op_error(error.into()))?.complaints)
    }

    /// Where and in which languages it works.
    async fn locale(&self) -> &BusinessLocale {
        &self.stored.sections.locale
    }

    /// What payment plans are offered on by default.
    async fn payment_terms(&self) -> PaymentTermsValue {
        PaymentTermsValue::from(&self.stored.sections.payment_terms)
    }

    /// What is answered when nobody is there.
    async fn auto_response(&self) -> &AutoResponse {
        &self.stored.sections.auto_response
    }

    /// What the assistant does.
    async fn assistant(&self) -> &AssistantSettings {
        &self.stored.sections.assistant
    }

    /// Who is asked about the bills; null where nobody is named, and for those who may not change settings.
    async fn billing_contact(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<BillingContact>> {
        let scope = ctx.scope()?;
        if authorize(scope.ctx(), Cell::BusinessUpdate).is_err() {
            return Ok(None);
        }
        open_billing_contact(scope, &self.stored).await.map_err(op_error)
    }

    /// After how many minutes without use a session of your staff ends; null: after those of the service's setting.
    async fn session_idle_minutes(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<i32>> {
        session_idle_minutes(&mut *ctx.snapshot().await?)
            .await
            .map_err(|error| op_error(error.into()))
    }

    /// How often, and when, a person is contacted at most: what stands.
    async fn contact_policy(&self, ctx: &Context<'_>) -> async_graphql::Result<ContactPolicy> {
        standing_policy(ctx).await
    }

    /// The loosest contact policy that the rules allow.
    async fn loosest_contact_policy(&self) -> ContactPolicy {
        loosest_policy()
    }

    /// The change of the contact policy that waits for a compliance officer, if one does.
    async fn pending_contact_policy_change(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Option<ContactPolicyChange>> {
        ContactPolicyChange::open(ctx).await
    }
}

async fn open_billing_contact(scope: &OpScope, stored: &Stored) -> Result<Option<BillingContact>, OpError> {
    let keys = scope.keys().await?;
    store::open_billing_contact(&keys, scope.ctx().business_id(), stored)
}

/// What payment plans are offered on by default.
#[derive(SimpleObject)]
#[graphql(name = "PaymentTerms")]
pub struct PaymentTermsValue {
    /// The most installments of a plan.
    max_installments: Option<i32>,
    /// The least amount of one installment.
    min_installment: Option<MoneyValue>,
    /// The least down payment, in hundredths of a percent of the balance: 1000 is 10 %.
    min_down_payment_basis_points: Option<i32>,
    /// For how many days a late installment is waited for.
    grace_days: Option<i32>,
}

impl From<&PaymentTerms> for PaymentTermsValue {
    fn from(terms: &PaymentTerms) -> Self {
        Self {
            max_installments: terms.max_installments,
            min_installment: terms
                .min_installment
                .as_ref()
                .and_then(StoredMoney::money)
                .map(MoneyValue::from),
            min_down_payment_basis_points: terms.min_down_payment_basis_points,
            grace_days: terms.grace_days,
        }
    }
}

/// What payment plans are offered on by default.
#[derive(Debug, InputObject)]
pub struct PaymentTermsInput {
    /// The most installments of a plan, 1 to 120.
    max_installments: Option<i32>,
    /// The least amount of one installment.
    min_installment: Option<MoneyInput>,
    /// The least down payment, in hundredths of a percent of the balance, 0 to 10,000.
    min_down_payment_basis_points: Option<i32>,
    /// For how many days a late installment is waited for, 0 to 60.
    grace_days: Option<i32>,
}

impl PaymentTermsInput {
    fn parse(&self) -> Result<PaymentTerms, UserError> {
        let min_installment = self
            .min_installment
            .as_ref()
            .map(|money| money.parse("paymentTerms.minInstallment"))
            .transpose()?;
        Ok(PaymentTerms {
            max_installments: self.max_installments,
            min_installment: min_installment.map(StoredMoney::from),
            min_down_payment_basis_points: self.min_down_payment_basis_points,
            grace_days: self.grace_days,
        })
    }
}

/// New settings. A section that is given takes the place of the whole one; what is left out stays.
#[derive(InputObject)]
pub struct UpdateBusinessSettingsInput {
    /// The `version` that you read. When somebody else has changed the settings since, nothing happens.
    expected_version: i32,
    /// The company behind the business.
    company: Option<CompanyProfile>,
    /// How it shows itself.
    branding: Option<Branding>,
    /// Where and in which languages it works.
    locale: Option<BusinessLocale>,
    /// What payment plans are offered on by default.
    payment_terms: Option<PaymentTermsInput>,
    /// What is answered when nobody is there.
    auto_response: Option<AutoResponse>,
    /// What the assistant does.
    assistant: Option<AssistantSettings>,
    /// Who is asked about the bills; null removes them.
    billing_contact: MaybeUndefined<BillingContact>,
    /// After how many minutes without use a session of your staff ends, 15 to 30; null leaves it to the service.
    session_idle_minutes: MaybeUndefined<i32>,
    /// The largest document that your business takes, in bytes, 1,048,576 (1 MiB) to 52,428,800 (50 MiB); null for the
    /// service's own 10 MiB. Documents that are there stay.
    document_max_bytes: MaybeUndefined<i32>,
    /// Whether agents say themselves when they work, with setMyAvailability.
    agents_set_own_availability: Option<bool>,
    /// Within how many days a dispute is to be answered, 1 to 60; null for the service's own 30. Those that are there keep
    /// their term.
    dispute_answer_days: MaybeUndefined<i32>,
    /// Within how many days a complaint is to be answered, 1 to 60; null for the service's own 15. Those that are there keep
    /// their term.
    complaint_answer_days: MaybeUndefined<i32>,
    /// Limits of contact. What is stricter than now counts at once; what is looser waits for a compliance officer.
    contact_policy: Option<ContactPolicyInput>,
}

impl UpdateBusinessSettingsInput {
    fn parse(self) -> Result<SettingsPatch, OpError> {
        let contact_policy = self
            .contact_policy
            .map(|policy| policy.parse("contactPolicy"))
            .transpose()
            .map_err(OpError::User)?;
        Ok(SettingsPatch {
            expected_version: self.expected_version,
            company: self.company,
            branding: self.branding,
            locale: self.locale,
            payment_terms: self.payment_terms.map(|terms| terms.parse()).transpose()?,
            auto_response: self.auto_response,
            assistant: self.assistant,
            billing_contact: self.billing_contact.into(),
            session_idle_minutes: self.session_idle_minutes.into(),
            document_max_bytes: Option::<Option<i32>>::from(self.document_max_bytes)
                .map(|bytes| bytes.map(i64::from)),
            agents_set_own_availability: self.agents_set_own_availability,
            dispute_answer_days: self.dispute_answer_days.into(),
            complaint_answer_days: self.complaint_answer_days.into(),
            contact_policy,
        })
    }
}

/// What updateBusinessSettings answers.
#[derive(SimpleObject)]
pub struct UpdateBusinessSettingsPayload {
    /// Your business with its settings as they are now; null when there are user errors.
    business: Option<Business>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of what a business chooses for itself.
#[derive(Default, MergedObject)]
pub struct SettingsMutations(SectionMutations, logo::LogoMutations);

/// Mutations of the settings.
#[derive(Default)]
pub struct SectionMutations;

#[Object]
impl SectionMutations {
    /// Changes your business's settings.
    async fn update_business_settings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateBusinessSettingsInput,
    ) -> async_graphql::Result<UpdateBusinessSettingsPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            update_settings(tx, scope.keyring(), scope.db(), input.parse()?).await?;
            Ok(Done::from(tx.business_id()))
        })
        .await?;
        Ok(UpdateBusinessSettingsPayload {
            business: match outcome.object {
                Some(_) => Some(Business::of_caller(ctx).await?),
                None => None,
            },
            user_errors: outcome.user_errors,
        })
    }
}
