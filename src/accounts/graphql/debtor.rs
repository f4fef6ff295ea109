//! Debtor and what hangs on it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{AccountConnection, ContactPoint, DebtorMerge, DoNotContact, MatchSuggestion};
use crate::{
    access::{Cell, authorize},
    accounts::{
        AccountLoaders, Channel, NationalId, PostalAddress, RiskLevel, StatedZones, loaders::OpenContact,
        store::DebtorRow,
    },
    compliance::graphql::{
        ComplianceDecision, ComplianceDecisionConnection, Consent, ConsentConnection, ContactPlace, Hold,
        InconvenientTime, PrivacyAcceptance, TimeZoneEvidence,
    },
    platform::{
        gql::{Date, OpScope, PageArgs, ScopeExt as _, op_error},
        ids::{self, IdKind},
    },
};

crate::relay_connection!(Debtor, DebtorConnection, DebtorEdge);

/// A person who owes, with all that belongs to the person rather than to one debt.
#[derive(Clone)]
pub struct Debtor {
    row: Arc<DebtorRow>,
}

impl Debtor {
    /// Wraps a row, and notes whose personal data goes into the answer.
    pub(crate) fn new(scope: &OpScope, row: Arc<DebtorRow>) -> Self {
        scope.saw_debtor(row.id);
        Self { row }
    }

    /// Looks a person up, by whichever of their records; `None` when not the caller's or they may not read accounts.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        match Self::load_record(ctx, id).await? {
            Some(record) if record.row.person_id != id => Self::load_record(ctx, record.row.person_id).await,
            found => Ok(found),
        }
    }

    /// Looks one record of a person up: its keys open what was written down on it.
    pub(super) async fn load_record(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        if authorize(scope.ctx(), Cell::AccountRead).is_err() {
            return Ok(None);
        }
        let row = ctx
            .data::<AccountLoaders>()?
            .debtor(scope, id)
            .await
            .map_err(op_error)?;
        Ok(row.map(|row| Self::new(scope, row)))
    }

    /// All records of the person, this one first.
    async fn records(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Self>> {
        let others = self.row.members.iter().filter(|id| **id != self.row.id);
        let others = others.map(|id| Self::load_record(ctx, *id));
        let mut records = vec![self.clone()];
        records.extend(
            futures_util::future::try_join_all(others)
                .await?
                .into_iter()
                .flatten(),
        );
        Ok(records)
    }

    pub(super) async fn open(
        &self,
        ctx: &Context<'_>,
        table: &'static str,
        column: &'static str,
        row: Uuid,
        cipher: &[u8],
    ) -> async_graphql::Result<Option<String>> {
        let keys = ctx.scope()?.keys().await.map_err(op_error)?;
        let Some(key) = keys
            .data_key(&self.row.keys.profile)
            .map_err(|e| op_error(e.into()))?
        else {
            return Ok(None);
        };
        let text = keys
            .open_text(&key, table, column, row, cipher)
            .map_err(|e| op_error(e.into()))?;
        Ok(Some(text.expose().clone()))
    }

    /// What another slice keeps about the person under their record key; `None` after erasure.
    ///
    /// # Errors
    /// Internal ones only.
    pub(crate) async fn open_of_record(
        ctx: &Context<'_>,
        debtor: Uuid,
        (table, column, row): (&'static str, &'static str, Uuid),
        cipher: &[u8],
    ) -> async_graphql::Result<Option<String>> {
        let Some(debtor) = Self::load_record(ctx, debtor).await? else {
            return Ok(None);
        };
        let scope = ctx.scope()?;
        let keys = scope.keys().await.map_err(op_error)?;
        let Some(key) = scope.data_key(&keys, &debtor.row.keys.record).map_err(op_error)? else {
            return Ok(None);
        };
        let text = keys
            .open_text(&key, table, column, row, cipher)
            .map_err(|error| op_error(error.into()))?;
        Ok(Some(text.expose().clone()))
    }

    pub(super) async fn open_contact_points(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Arc<Vec<OpenContact>>> {
        ctx.data::<AccountLoaders>()?
            .contacts(ctx.scope()?, self.row.id)
            .await
            .map_err(op_error)
    }

    /// The holds that stand on the person and their debts.
    pub(super) async fn standing_holds(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Hold>> {
        Hold::of_debtor(ctx, self.row.id).await
    }

    pub(super) async fn open_address(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Option<PostalAddress>> {
        let Some(cipher) = self.row.address_cipher.as_deref() else {
            return Ok(None);
        };
        let text = self
            .open(ctx, "debtors", "address_cipher", self.row.id, cipher)
            .await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

crate::fields_at_hand!(Debtor {
    "id" => id,
    "firstName" => first_name,
    "lastName" => last_name,
    "companyName" => company_name,
    "riskLevel" => risk_level,
    "externalDebtorReference" => external_debtor_reference,
    "preferredLanguage" => preferred_language,
    "preferredContactMethod" => preferred_contact_method,
    "createdAt" => created_at,
});

/// A person who owes, with all that belongs to the person rather than to one debt.
#[Object]
impl Debtor {
    /// The debtor's id (`dbtr_…`). Not the one that you asked for, where that was merged into this one: see `merges`.
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Debtor, self.row.id).into()
    }

    /// First name; null when unknown, and after erasure.
    async fn first_name(&self) -> Option<&str> {
        self.row.first_name.as_deref()
    }

    /// Last name; null when unknown, and after erasure.
    async fn last_name(&self) -> Option<&str> {
        self.row.last_name.as_deref()
    }

    /// The company's name, where the debtor is one: the names above are then those of the contact there. Null for anybody else,
    /// and after erasure. The gate protects a company as it does a person.
    async fn company_name(&self) -> Option<&str> {
        self.row.company_name.as_deref()
    }

    /// How likely it is, in the judgement of staff, that the debtor does not pay; null where nobody has said, and after
    /// erasure.
    async fn risk_level(&self) -> Option<RiskLevel> {
        self.row.risk_level.as_deref().and_then(RiskLevel::parse)
    }

    /// Your own number of the person, by which accounts of theirs are known to be theirs; null where there is none. Of people
    /// who were merged, each record keeps its own, and leads here: this is that of the record which stands for them.
    async fn external_debtor_reference(&self) -> Option<&str> {
        self.row.external_reference.as_deref()
    }

    /// Phone numbers and e-mail addresses (at most 40 of each of the person's records), phones first, each kind in order of preference.
    async fn contact_points(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<ContactPoint>> {
        let contacts = self.open_contact_points(ctx).await?;
        let mut points: Vec<&OpenContact> = contacts.iter().collect();
        points.sort_by_key(|point| point.kind == "EMAIL");
        Ok(points.into_iter().map(ContactPoint::from).collect())
    }

    /// Date of birth; null when unknown or erased.
    async fn birth_date(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Date>> {
        let Some(cipher) = self.row.birth_date_cipher.as_deref() else {
            return Ok(None);
        };
        let text = self
            .open(ctx, "debtors", "birth_date_cipher", self.row.id, cipher)
            .await?;
        Ok(text.and_then(|text| text.parse().ok()).map(Date))
    }

    /// The last four digits of the national id (`***-**-6789`); null when none is known, and after erasure. Nothing
    /// answers with the whole number.
    async fn national_id(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let Some(cipher) = self.row.national_id_cipher.as_deref() else {
            return Ok(None);
        };
        let text = self
            .open(ctx, "debtors", "national_id_cipher", self.row.id, cipher)
            .await?;
        Ok(text.map(|text| NationalId::stored(&text).masked()))
    }

    /// What the person last said of where they are, as it was written down; null when they said nothing, and when the
    /// records were destroyed.
    async fn stated_time_zone_statement(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let Some(cipher) = self.row.stated_zone_statement_cipher.as_deref() else {
            return Ok(None);
        };
        let scope = ctx.scope()?;
        let keys = scope.keys().await.map_err(op_error)?;
        let Some(key) = scope.data_key(&keys, &self.row.keys.record).map_err(op_error)? else {
            return Ok(None);
        };
        let text = keys
            .open_text(
                &key,
                "debtors",
                "stated_zone_statement_cipher",
                self.row.id,
                cipher,
            )
            .map_err(|error| op_error(error.into()))?;
        Ok(Some(text.expose().clone()))
    }

    /// The clues to where the person is, as the gate weighs them: what the person stated first.
    pub(super) async fn time_zone_evidence(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Vec<TimeZoneEvidence>> {
        let keys = ctx.scope()?.keys().await.map_err(op_error)?;
        let (mut stated, mut clues) = (StatedZones::default(), Vec::new());
        for record in self.records(ctx).await? {
            let row = &record.row;
            stated.add(&keys, row.sealed_zones()).map_err(op_error)?;
            if let Some(address) = record.open_address(ctx).await? {
                let since = row.address_at.unwrap_or(row.created_at);
                clues.extend(TimeZoneEvidence::of_address(&address, since));
            }
        }
        clues.splice(0..0, TimeZoneEvidence::of_statements(&stated));
        for contact in self.open_contact_points(ctx).await?.iter() {
            let number = contact.value.as_ref().filter(|_| contact.kind == "PHONE");
            clues.extend(
                number.and_then(|number| TimeZoneEvidence::of_phone(number.expose(), contact.created_at)),
            );
        }
        Ok(clues)
    }

    /// Postal address; null when unknown or erased.
    async fn address(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<PostalAddress>> {
        self.open_address(ctx).await
    }

    /// The language in which the person is written to, a BCP 47 tag such as `es` or `es-MX`. Whatever the region, texts that the
    /// law requires are in Spanish for Spanish and in English for all else.
    async fn preferred_language(&self) -> &str {
        &self.row.preferred_language
    }

    /// What stops or shapes collection from the person, on them or on one of their debts (at most 100), oldest first.
    async fn holds(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Hold>> {
        self.standing_holds(ctx).await
    }

    /// Whether anybody may be contacted here at all, and what stops it if not: as the gate reads holds and suppressions. What
    /// else it asks, above all the hour and how often, `complianceCheck` tells.
    async fn do_not_contact(&self, ctx: &Context<'_>) -> async_graphql::Result<DoNotContact> {
        DoNotContact::of(ctx, self).await
    }

    /// What the person said of the use of their numbers and addresses: consents and revocations, what was written down last
    /// first.
    async fn consents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<ConsentConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        Consent::of_debtor(ctx, self.row.id, page).await
    }

    /// What the gate answered to contacts with the person, whichever of their debts they were about, the last first.
    async fn decisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<ComplianceDecisionConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        ComplianceDecision::of_debtor(ctx, self.row.id, page).await
    }

    /// When the person does not want to be contacted, on their own clock (at most 20 on each of their records), oldest
    /// first.
    async fn inconvenient_times(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<InconvenientTime>> {
        InconvenientTime::of_debtor(ctx, self.row.id).await
    }

    /// Where the person is not to be contacted, or may be: what they called inconvenient, and what is known of their employer (at
    /// most 20 on each of their records), oldest first.
    async fn contact_places(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<ContactPlace>> {
        ContactPlace::of_debtor(ctx, self.row.id).await
    }

    /// Which versions of the privacy notice the person accepted in the portal, newest first (at most 20).
    async fn privacy_acceptances(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<PrivacyAcceptance>> {
        PrivacyAcceptance::of_debtor(ctx, self.row.id).await
    }

    /// How the person prefers to be contacted.
    async fn preferred_contact_method(&self) -> Option<Channel> {
        self.row.preferred_channel.as_deref().and_then(Channel::parse)
    }

    /// The person's debts at your business, newest first.
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<AccountConnection> {
        super::queries::accounts_of_debtor(
            ctx,
            self.row.members.clone(),
            PageArgs {
                first,
                after,
                ..PageArgs::default()
            },
        )
        .await
    }

    /// Who else may be the same person (at most 20): who has the same national id, then those with the most reasons. Nothing
    /// is merged by itself: households share telephones.
    async fn match_suggestions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<MatchSuggestion>> {
        MatchSuggestion::of_person(ctx, self.row.id).await
    }

    /// The records that were merged into this one (at most 19), oldest first: their ids lead here.
    async fn merges(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<DebtorMerge>> {
        DebtorMerge::of_person(ctx, self.row.id).await
    }

    /// When the person was first recorded.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }
}
