//! Routing rules in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use crate::{
    access::{Cell, authorize},
    accounts::{Channel, graphql::Creditor},
    conversations::routing::{
        Reassignment, RoutingStrategy, Rule, RuleWish, delete_rule, rules_of, save_rule,
    },
    platform::{
        error::OpError,
        gql::{Done, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// One of your business's rules of who gets a thread into which a debtor has written and that nobody has. The first rule, by
/// place, that is enabled and whose conditions all hold decides, also where it finds nobody: then the thread waits, and is given
/// as soon as somebody can take it.
pub struct RoutingRule {
    rule: Rule,
}

/// One of your business's rules of who gets a thread that nobody has.
#[Object]
impl RoutingRule {
    /// The rule's id (`rout_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::RoutingRule, self.rule.id).into()
    }

    /// Its place among the rules, from 1.
    async fn place(&self) -> i32 {
        i32::from(self.rule.place)
    }

    /// What you call it.
    async fn name(&self) -> &str {
        &self.rule.name
    }

    /// Whether it counts.
    async fn enabled(&self) -> bool {
        self.rule.enabled
    }

    /// Condition: the thread's channel is one of these. Empty: any.
    async fn channels(&self) -> Vec<Channel> {
        let channels = self.rule.channels.iter();
        channels.filter_map(|channel| Channel::parse(channel)).collect()
    }

    /// Condition: the debtor's preferred language is one of these, whatever its region. Empty: any.
    async fn languages(&self) -> &[String] {
        &self.rule.languages
    }

    /// Condition: the account's creditor is one of these. Empty: any, also where no account is known.
    async fn creditors(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Creditor>> {
        Creditor::load_all(ctx, &self.rule.creditor_ids).await
    }

    /// Condition: the account has one of these labels. Empty: any, also where no account is known.
    async fn tags(&self) -> &[String] {
        &self.rule.tags
    }

    /// What an agent has to be able to do, all of it (`User.skills`). Empty: nothing.
    async fn required_skills(&self) -> &[String] {
        &self.rule.required_skills
    }

    /// How it chooses among the agents who have the skills, work now by their `availability`, have fewer open threads than
    /// their `capacity`, and may see the account: one that is a colleague's goes to nobody else.
    async fn strategy(&self) -> RoutingStrategy {
        RoutingStrategy::parse(&self.rule.strategy)
    }

    /// When it takes a thread in which the debtor waits for an answer from who has it.
    async fn reassignment(&self) -> Reassignment {
        Reassignment::parse(&self.rule.reassignment)
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.rule.updated_at
    }
}

/// A rule to be made or changed, as a whole.
#[derive(Debug, InputObject)]
pub struct SaveRoutingRuleInput {
    /// A rule to change; a new one when left out.
    id: Option<ID>,
    /// What you call it, 1 to 100 characters.
    name: String,
    /// Its place, from 1; those from there on move down. Left out, a rule stays where it is, and a new one comes last.
    place: Option<i32>,
    /// Whether it counts.
    #[graphql(default = true)]
    enabled: bool,
    /// Condition: the thread's channel is one of these; any when empty.
    #[graphql(default)]
    channels: Vec<Channel>,
    /// Condition: the debtor's preferred language is one of these (`en`, `es`); any when empty. At most 20.
    #[graphql(default)]
    languages: Vec<String>,
    /// Condition: the account's creditor is one of these (`cred_…`); any when empty. At most 50.
    #[graphql(default)]
    creditor_ids: Vec<ID>,
    /// Condition: the account has one of these labels; any when empty. At most 50.
    #[graphql(default)]
    tags: Vec<String>,
    /// What an agent has to be able to do, all of it, in the words of `Business.skills`. At most 30.
    #[graphql(default)]
    required_skills: Vec<String>,
    /// How to choose among agents who can take a thread.
    strategy: RoutingStrategy,
    /// When to take a thread in which the debtor waits for an answer from who has it; DEACTIVATED when left out.
    reassignment: Option<Reassignment>,
}

impl SaveRoutingRuleInput {
    fn parse(self) -> Result<RuleWish, UserError> {
        let id = self.id.as_ref().map(|id| input_id(IdKind::RoutingRule, "id", id));
        let creditors = self.creditor_ids.iter();
        Ok(RuleWish {
            id: id.transpose()?,
            creditor_ids: creditors
                .map(|id| input_id(IdKind::Creditor, "creditorIds", id))
                .collect::<Result<_, _>>()?,
            name: self.name,
            place: self.place,
            enabled: self.enabled,
            channels: self.channels,
            languages: self.languages,
            tags: self.tags,
            required_skills: self.required_skills,
            strategy: self.strategy,
            reassignment: self.reassignment.unwrap_or(Reassignment::Deactivated),
        })
    }
}

/// A rule to be deleted.
#[derive(Debug, InputObject)]
pub struct DeleteRoutingRuleInput {
    /// Which rule.
    id: ID,
}

/// What saveRoutingRule answers.
#[derive(SimpleObject)]
pub struct SaveRoutingRulePayload {
    /// The rule as it is now; null when there are user errors.
    rule: Option<RoutingRule>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What deleteRoutingRule answers.
#[derive(SimpleObject)]
pub struct DeleteRoutingRulePayload {
    /// The id of the rule that is gone; null when there are user errors.
    deleted_id: Option<ID>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries about routing.
#[derive(Default)]
pub struct RoutingQueries;

#[Object]
impl RoutingQueries {
    /// Your business's routing rules, at most 50, in their order: who gets a thread into which a debtor has written and that
    /// nobody has. Without a rule such threads wait for somebody to take them.
    async fn routing_rules(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<RoutingRule>> {
        rules(ctx).await
    }
}

async fn rules(ctx: &Context<'_>) -> async_graphql::Result<Vec<RoutingRule>> {
    authorize(ctx.scope()?.ctx(), Cell::RoutingRead)
        .map_err(|denied| op_error(OpError::Forbidden(denied.to_string())))?;
    let rules = rules_of(&mut *ctx.snapshot().await?)
        .await
        .map_err(|error| op_error(error.into()))?;
    Ok(rules.into_iter().map(|rule| RoutingRule { rule }).collect())
}

/// Mutations of routing.
#[derive(Default)]
pub struct RoutingMutations;

#[Object]
impl RoutingMutations {
    /// Makes a routing rule, or changes one as a whole. It counts from the next text on, and within a minute for threads that
    /// wait.
    async fn save_routing_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rule.")] input: SaveRoutingRuleInput,
    ) -> async_graphql::Result<SaveRoutingRulePayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let wish = input.parse()?;
            Ok(Done::from(save_rule(tx, wish).await?))
        })
        .await?;
        let rule = match outcome.object {
            Some(id) => rules(ctx).await?.into_iter().find(|one| one.rule.id == id),
            None => None,
        };
        Ok(SaveRoutingRulePayload {
            rule,
            user_errors: outcome.user_errors,
        })
    }

    /// Deletes a routing rule. Threads that it gave stay where they are.
    async fn delete_routing_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rule.")] input: DeleteRoutingRuleInput,
    ) -> async_graphql::Result<DeleteRoutingRulePayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::RoutingRule, "id", &input.id)?;
            delete_rule(tx, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        Ok(DeleteRoutingRulePayload {
            deleted_id: outcome
                .object
                .map(|id| ids::encode(IdKind::RoutingRule, id).into()),
            user_errors: outcome.user_errors,
        })
    }
}
