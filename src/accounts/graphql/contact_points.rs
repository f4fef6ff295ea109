//! Contact points in the API.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Debtor;
use crate::{
    accounts::{
        AccountLoaders, ContactPointPatch, ContactPointProvenance, ContactPointUse, ContactPointValidity,
        LineType, NewContactPoint, add_contact_point, contact_points::debtor_of_point,
        graphql::inputs::contacts, loaders::OpenContact, remove_contact_point, update_contact_point,
    },
    compliance::graphql::{AddressKind, AddressSuppression, OptOutLink},
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{
            Done, EmailAddressScalar, PhoneNumberScalar, ScopeExt as _, UserError, input_id, mutate, op_error,
        },
        ids::{self, IdKind},
    },
};

/// What kind of contact point it is.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ContactPointKind {
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
}

/// A phone number or e-mail address of a person.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct ContactPoint {
    /// The contact point's id (`cp_…`).
    id: ID,
    /// Phone or e-mail.
    kind: ContactPointKind,
    /// The number (E.164) or address; null after erasure.
    value: Option<String>,
    /// As it stood in the file that it was imported from; null for what came otherwise, and after erasure.
    original: Option<String>,
    /// What the number is connected to; null for an e-mail address.
    line_type: Option<LineType>,
    /// Where it reaches the person.
    #[graphql(name = "use")]
    contact_use: ContactPointUse,
    /// Your own word for it, such as `mother's phone`; null when there is none, and after erasure.
    label: Option<String>,
    /// How it became known.
    provenance: ContactPointProvenance,
    /// Whether it reaches the person.
    validity: ContactPointValidity,
    /// Since when that is known; null while nobody has checked it.
    validity_since: Option<DateTime<Utc>>,
    /// Whether the network said that it cannot be reached there.
    unreachable: bool,
    /// When it was added.
    created_at: DateTime<Utc>,
    #[graphql(skip)]
    uuid: Uuid,
    #[graphql(skip)]
    validity_by: Option<Uuid>,
}

#[ComplexObject]
impl ContactPoint {
    /// The member of staff who said whether it reaches the person; null for the service or an API key.
    async fn validity_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.validity_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Why it is not to be contacted, on which channels and since when, oldest first (at most some ten: one a channel and
    /// reason); empty where nothing stops it, and after erasure.
    async fn suppressions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<AddressSuppression>> {
        self.standing(ctx).await
    }

    /// The link by which the person opts out of this number or address themselves; null after erasure.
    async fn opt_out_link(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<OptOutLink>> {
        match &self.value {
            Some(value) => OptOutLink::of(ctx, self.address_kind(), self.uuid, value)
                .await
                .map(Some),
            None => Ok(None),
        }
    }

    /// How many other people of your business have the same number or address (counted up to 100): a household shares
    /// one, or it is the same person twice.
    async fn shared_with(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        ctx.data::<AccountLoaders>()?
            .shared_with(ctx.scope()?, self.uuid)
            .await
            .map_err(op_error)
    }
}

impl ContactPoint {
    pub(super) fn address_kind(&self) -> AddressKind {
        match self.kind {
            ContactPointKind::Phone => AddressKind::Phone,
            ContactPointKind::Email => AddressKind::Email,
        }
    }

    /// What suppressions stand on it.
    pub(super) async fn standing(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<AddressSuppression>> {
        match &self.value {
            Some(value) => AddressSuppression::of(ctx, self.address_kind(), value).await,
            None => Ok(Vec::new()),
        }
    }
}

impl From<&OpenContact> for ContactPoint {
    fn from(contact: &OpenContact) -> Self {
        let kind = if contact.kind == "EMAIL" {
            ContactPointKind::Email
        } else {
            ContactPointKind::Phone
        };
        Self {
            id: ids::encode(IdKind::ContactPoint, contact.id).into(),
            kind,
            value: contact.value.as_ref().map(|value| value.expose().clone()),
            original: contact.original.as_ref().map(|text| text.expose().clone()),
            line_type: (kind == ContactPointKind::Phone).then_some(contact.line_type),
            contact_use: contact.contact_use,
            label: contact.label.as_ref().map(|label| label.expose().clone()),
            provenance: contact.provenance,
            validity: contact.validity,
            validity_since: contact.validity_since,
            unreachable: contact.unreachable,
            created_at: contact.created_at,
            uuid: contact.id,
            validity_by: contact.validity_by,
        }
    }
}

/// A number or address of a person.
#[derive(Debug, InputObject)]
pub struct AddContactPointInput {
    /// The person.
    debtor_id: ID,
    /// The telephone number; give this or `email`.
    phone: Option<PhoneNumberScalar>,
    /// The e-mail address; give this or `phone`.
    email: Option<EmailAddressScalar>,
    /// What the number is connected to; leave it out for an e-mail address.
    #[graphql(default_with = "LineType::Unknown")]
    line_type: LineType,
    /// Where it reaches the person.
    #[graphql(name = "use", default_with = "ContactPointUse::Unknown")]
    contact_use: ContactPointUse,
    /// Your own word for it, 1 to 50 characters; sealed.
    label: Option<String>,
    /// How it became known.
    #[graphql(default_with = "ContactPointProvenance::Staff")]
    provenance: ContactPointProvenance,
    /// Whether it reaches the person.
    #[graphql(default_with = "ContactPointValidity::Unverified")]
    validity: ContactPointValidity,
    /// Whether it becomes the first of its kind, to be used before the others.
    #[graphql(default)]
    is_first: bool,
}

impl AddContactPointInput {
    fn parse(self) -> Result<NewContactPoint, Vec<UserError>> {
        let mut errors = Vec::new();
        let debtor_id = input_id(IdKind::Debtor, "debtorId", &self.debtor_id)
            .map_err(|error| errors.push(error))
            .ok();
        let mut given = contacts(self.phone.as_ref(), self.email.as_ref()).unwrap_or_else(|found| {
            errors.extend(found);
            Vec::new()
        });
        if errors.is_empty() && given.len() != 1 {
            errors.push(UserError::invalid(
                "phone",
                "Give a phone number or an e-mail address: one of them.",
            ));
        }
        match (debtor_id, given.pop()) {
            (Some(debtor_id), Some(contact)) if errors.is_empty() => Ok(NewContactPoint {
                debtor_id,
                contact,
                line_type: self.line_type,
                contact_use: self.contact_use,
                label: self.label,
                provenance: self.provenance,
                validity: self.validity,
                is_first: self.is_first,
            }),
            _ => Err(errors),
        }
    }
}

/// What is known of a contact point: a field that is left out stays as it is.
#[derive(Debug, InputObject)]
pub struct UpdateContactPointInput {
    /// The contact point.
    id: ID,
    /// What the number is connected to.
    line_type: Option<LineType>,
    /// Where it reaches the person.
    #[graphql(name = "use")]
    contact_use: Option<ContactPointUse>,
    /// Your own word for it, 1 to 50 characters; null empties it.
    label: MaybeUndefined<String>,
    /// How it became known.
    provenance: Option<ContactPointProvenance>,
    /// Whether it reaches the person. Where it reaches somebody else, nobody is contacted any more.
    validity: Option<ContactPointValidity>,
    /// Whether it becomes the first of its kind, to be used before the others.
    #[graphql(default)]
    is_first: bool,
}

/// A contact point that is to go.
#[derive(Debug, InputObject)]
pub struct RemoveContactPointInput {
    /// The contact point.
    id: ID,
}

/// What addContactPoint answers.
#[derive(SimpleObject)]
pub struct AddContactPointPayload {
    /// The new contact point; null when there are user errors.
    contact_point: Option<ContactPoint>,
    /// The person, with all of their contact points; null when there are user errors.
    debtor: Option<Debtor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What updateContactPoint answers.
#[derive(SimpleObject)]
pub struct UpdateContactPointPayload {
    /// The changed contact point; null when there are user errors.
    contact_point: Option<ContactPoint>,
    /// The person, with all of their contact points; null when there are user errors.
    debtor: Option<Debtor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What removeContactPoint answers.
#[derive(SimpleObject)]
pub struct RemoveContactPointPayload {
    /// The person, with the contact points that are left; null when there are user errors.
    debtor: Option<Debtor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of contact points.
#[derive(Default)]
pub struct ContactPointMutations;

#[Object]
impl ContactPointMutations {
    /// Adds a phone number or e-mail address to a person, at most 20 of each.
    async fn add_contact_point(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose, and what.")] input: AddContactPointInput,
    ) -> async_graphql::Result<AddContactPointPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let new = input.parse().map_err(OpError::User)?;
            Ok(Done::from(
                add_contact_point(tx, scope.keyring(), scope.db(), new).await?,
            ))
        })
        .await?;
        let (contact_point, debtor) = payload(ctx, outcome.object).await?;
        Ok(AddContactPointPayload {
            contact_point,
            debtor,
            user_errors: outcome.user_errors,
        })
    }

    /// Changes what is known of a contact point. The gate minds it from the next decision on, also for messages that
    /// wait.
    async fn update_contact_point(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what is known.")] input: UpdateContactPointInput,
    ) -> async_graphql::Result<UpdateContactPointPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::ContactPoint, "id", &input.id)?;
            let patch = ContactPointPatch {
                line_type: input.line_type,
                contact_use: input.contact_use,
                label: input.label.as_opt_ref().map(|label| label.cloned()),
                provenance: input.provenance,
                validity: input.validity,
                is_first: input.is_first,
            };
            update_contact_point(tx, scope.keyring(), scope.db(), id, patch).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (contact_point, debtor) = payload(ctx, outcome.object).await?;
        Ok(UpdateContactPointPayload {
            contact_point,
            debtor,
            user_errors: outcome.user_errors,
        })
    }

    /// Takes a contact point off a person: nobody is found by it or contacted there any more.
    async fn remove_contact_point(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: RemoveContactPointInput,
    ) -> async_graphql::Result<RemoveContactPointPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::ContactPoint, "id", &input.id)?;
            let removed = remove_contact_point(tx, scope.keyring(), scope.db(), id).await?;
            Ok(Done::from(removed))
        })
        .await?;
        let debtor = match outcome.object {
            Some(id) => Debtor::load(ctx, id).await?,
            None => None,
        };
        Ok(RemoveContactPointPayload {
            debtor,
            user_errors: outcome.user_errors,
        })
    }
}

async fn payload(
    ctx: &Context<'_>,
    id: Option<Uuid>,
) -> async_graphql::Result<(Option<ContactPoint>, Option<Debtor>)> {
    let Some(id) = id else { return Ok((None, None)) };
    let owner = debtor_of_point(&mut *ctx.snapshot().await?, id)
        .await
        .map_err(|error| op_error(error.into()))?;
    let Some(owner) = owner else {
        return Ok((None, None));
    };
    let Some(debtor) = Debtor::load(ctx, owner).await? else {
        return Ok((None, None));
    };
    let points = debtor.open_contact_points(ctx).await?;
    let point = points.iter().find(|point| point.id == id).map(ContactPoint::from);
    Ok((point, Some(debtor)))
}
