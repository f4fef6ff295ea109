//! The dashboard of those who look after compliance, in the API.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object, SimpleObject};
use tokio::sync::OnceCell;

use super::{score::ComplianceScore, suppressions::SuppressedChannel};
use crate::{
    accounts::graphql::Debtor,
    compliance::{
        ConsentSource,
        contact_policy::contact_policy,
        dashboard::{
            Alert, AlertKind, Counted, DayCount, Near, NearKey, Period, ScoreComponent, Share, Tally, agents,
            find_alerts, hold_counts, near_limits, opt_outs, owed, revocations, score, suppression_counts,
            tally,
        },
        holds::HoldKind,
        rule_set::RuleSet,
        suppressions::SuppressionReason,
    },
    identity::graphql::User,
    platform::{
        db::DbError,
        error::OpError,
        gql::{AtHand, Date, EdgeCursor, PageArgs, ScopeExt as _, bad_input, op_error},
    },
};

crate::relay_connection!(PersonNearLimit, PersonNearLimitConnection, PersonNearLimitEdge);

/// What there is to see of a period. Only what is asked for is counted.
pub struct ComplianceDashboard {
    period: Period,
    tally: OnceCell<Arc<Tally>>,
    opt_outs: OnceCell<Arc<Vec<DayCount>>>,
}

/// When the gate was asked.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DecisionStage {
    /// Before a contact was queued.
    Queue,
    /// Again when it was to go out.
    Dispatch,
}

/// How the decisions of one day came out.
#[derive(SimpleObject)]
pub struct DecisionDay {
    /// The day, UTC.
    date: Date,
    /// When the gate was asked.
    stage: DecisionStage,
    /// Contacts that were allowed.
    allowed: i32,
    /// Contacts that were refused for good.
    refused: i32,
    /// Contacts that were put off.
    deferred: i32,
    /// Contacts whose text lacked what the law asks for.
    content_required: i32,
}

/// How often a rule refused.
#[derive(SimpleObject)]
pub struct RuleRefusals {
    /// The rule's id.
    rule: String,
    /// Where it stands in the law, or whose policy it is; null for a rule that is known no more.
    citation: Option<String>,
    /// How often in the period.
    count: i32,
    /// How often in as many days before it.
    previous_count: i32,
    /// The difference of both.
    change: i32,
    /// The days of the period on which it refused.
    days: Vec<RefusalDay>,
}

/// How often a rule refused on one day.
#[derive(SimpleObject)]
pub struct RefusalDay {
    /// The day, UTC.
    date: Date,
    /// How often.
    count: i32,
}

/// How many addresses opted out.
#[derive(SimpleObject)]
pub struct OptOutDay {
    /// The day, UTC.
    date: Date,
    /// What they opted out of.
    channel: SuppressedChannel,
    /// How many.
    count: i32,
}

/// How many consents were withdrawn.
#[derive(SimpleObject)]
pub struct RevocationDay {
    /// The day, UTC, on which it was recorded.
    date: Date,
    /// The channel that it was for.
    channel: SuppressedChannel,
    /// How they said so.
    source: ConsentSource,
    /// How many.
    count: i32,
}

/// Holds of a kind that stand now.
#[derive(SimpleObject)]
pub struct HoldCount {
    /// The kind.
    kind: HoldKind,
    /// How many stand; 10,000 means at least that many.
    open: i32,
    /// At how many of them nobody has looked yet: see `holdsAwaitingConfirmation`.
    awaiting_confirmation: i32,
}

/// Suppressions of a reason that stand now.
#[derive(SimpleObject)]
pub struct SuppressionCount {
    /// The reason.
    reason: SuppressionReason,
    /// How many stand; 10,000 means at least that many.
    count: i32,
}

/// Somebody who was contacted nearly as often on a channel as they may be, or as often.
#[derive(Clone)]
pub struct PersonNearLimit {
    near: Near,
}

impl AtHand for PersonNearLimit {}

/// Somebody who was contacted nearly as often on a channel as they may be, or as often.
#[Object]
impl PersonNearLimit {
    /// The person.
    async fn debtor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Debtor>> {
        Debtor::load(ctx, self.near.person).await
    }

    /// The channel.
    async fn channel(&self) -> async_graphql::Result<SuppressedChannel> {
        channel(&self.near.channel)
    }

    /// Contacts in the last seven days, answers to their own messages left out.
    async fn count(&self) -> i32 {
        int(self.near.count)
    }

    /// How many there may be in seven days.
    async fn limit(&self) -> i32 {
        int(self.near.limit)
    }
}

/// What pattern somebody should look at.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ComplianceAlertKind {
    /// A rule refused ten times or more, and at least three times as often as in as many days before.
    RuleRefusesMore,
    /// Ten addresses or more opted out, and at least twice as many as in as many days before.
    OptOutsRise,
    /// A member of staff was refused ten times or more, and at least three times as often as the median of all, of three or
    /// more, who wanted to contact somebody.
    AgentRefused,
}

/// A pattern that somebody should look at.
#[derive(SimpleObject)]
pub struct ComplianceAlert {
    /// What pattern.
    kind: ComplianceAlertKind,
    /// The rule, of RULE_REFUSES_MORE.
    rule: Option<String>,
    /// The member of staff, of AGENT_REFUSED.
    user: Option<User>,
    /// How often.
    count: i32,
    /// What that is compared with.
    compared_with: i32,
    /// The same in a sentence.
    message: String,
}

/// As GraphQL counts.
pub(super) fn int(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn failed(error: DbError) -> async_graphql::Error {
    op_error(error.into())
}

fn unknown(what: &str) -> async_graphql::Error {
    op_error(OpError::Internal(anyhow::anyhow!("a count of unknown {what}")))
}

fn channel(word: &str) -> async_graphql::Result<SuppressedChannel> {
    SuppressedChannel::parse(word).ok_or_else(|| unknown("channel"))
}

fn citation(rule: &str) -> Option<String> {
    RuleSet::current()
        .rule(rule)
        .map(|data| data.citation.to_string())
}

impl ComplianceDashboard {
    async fn tally(&self, ctx: &Context<'_>) -> async_graphql::Result<Arc<Tally>> {
        let count = || async {
            let found = tally(&mut *ctx.snapshot().await?, self.period)
                .await
                .map_err(failed)?;
            let too_many = || bad_input("There are more than a million decisions to count: give fewer days.");
            found.map(Arc::new).ok_or_else(too_many)
        };
        self.tally.get_or_try_init(count).await.cloned()
    }

    /// Of the period and the one before it.
    async fn opt_out_counts(&self, ctx: &Context<'_>) -> async_graphql::Result<Arc<Vec<DayCount>>> {
        let count = || async {
            let found = opt_outs(&mut *ctx.snapshot().await?, self.period).await;
            found.map(Arc::new).map_err(failed)
        };
        self.opt_outs.get_or_try_init(count).await.cloned()
    }
}

/// What there is to see of a period. Only what is asked for is counted.
#[Object]
impl ComplianceDashboard {
    /// How the gate's decisions came out, by day and stage.
    async fn decisions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<DecisionDay>> {
        let days = self.tally(ctx).await?.days();
        Ok(days
            .into_iter()
            .map(
                |((day, stage), [allowed, refused, deferred, content])| DecisionDay {
                    date: Date(day),
                    stage: if stage == "QUEUE" {
                        DecisionStage::Queue
                    } else {
                        DecisionStage::Dispatch
                    },
                    allowed: int(allowed),
                    refused: int(refused),
                    deferred: int(deferred),
                    content_required: int(content),
                },
            )
            .collect())
    }

    /// Which rules refused, the most frequent first, against as many days before.
    async fn refusals(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<RuleRefusals>> {
        let tally = self.tally(ctx).await?;
        let mut rules: Vec<(String, Counted)> = tally.refusals().into_iter().collect();
        rules.sort_by_key(|(_, counted)| std::cmp::Reverse(counted.now));
        Ok(rules
            .into_iter()
            .map(|(rule, counted)| RuleRefusals {
                citation: citation(&rule),
                count: int(counted.now),
                previous_count: int(counted.before),
                change: int(counted.now - counted.before),
                days: tally
                    .refusals_by_day(&rule)
                    .into_iter()
                    .map(|(day, count)| RefusalDay {
                        date: Date(day),
                        count: int(count),
                    })
                    .collect(),
                rule,
            })
            .collect())
    }

    /// Addresses that opted out, by day and channel.
    async fn opt_outs(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<OptOutDay>> {
        let counts = self.opt_out_counts(ctx).await?;
        let of_period = counts.iter().filter(|row| self.period.contains(row.day));
        of_period
            .map(|row| {
                Ok(OptOutDay {
                    date: Date(row.day),
                    channel: channel(&row.channel)?,
                    count: int(row.count),
                })
            })
            .collect()
    }

    /// Consents that were withdrawn, by day, channel and how they said so.
    async fn revocations(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<RevocationDay>> {
        let rows = revocations(&mut *ctx.snapshot().await?, self.period).await;
        rows.map_err(failed)?
            .into_iter()
            .map(|row| {
                Ok(RevocationDay {
                    date: Date(row.day),
                    channel: channel(&row.channel)?,
                    source: ConsentSource::parse(&row.source).ok_or_else(|| unknown("source"))?,
                    count: int(row.count),
                })
            })
            .collect()
    }

    /// Holds that stand now, by kind.
    async fn holds(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<HoldCount>> {
        let counts = hold_counts(&mut *ctx.snapshot().await?).await.map_err(failed)?;
        Ok(counts
            .into_iter()
            .map(|(kind, open, awaiting)| HoldCount {
                kind,
                open: int(open),
                awaiting_confirmation: int(awaiting),
            })
            .collect())
    }

    /// Suppressions that stand now, by reason.
    async fn suppressions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<SuppressionCount>> {
        let counts = suppression_counts(&mut *ctx.snapshot().await?).await;
        Ok(counts
            .map_err(failed)?
            .into_iter()
            .map(|(reason, count)| SuppressionCount {
                reason,
                count: int(count),
            })
            .collect())
    }

    /// People who have one contact left on a channel in seven days by your contact policy, or none. As it is now, whatever the
    /// period.
    async fn people_near_limit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<PersonNearLimitConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<NearKey>("near a limit")?;
        let scope = ctx.scope()?;
        let mut tx = ctx.snapshot().await?;
        let policy = contact_policy(&mut tx).await.map_err(op_error)?;
        let rows = near_limits(&mut tx, &policy, &page, past.as_ref()).await;
        let rows = rows
            .map_err(failed)?
            .into_iter()
            .map(|near| {
                scope.saw_debtor(near.person);
                let key = (near.person, near.channel.clone());
                (EdgeCursor::of("near a limit", key), PersonNearLimit { near })
            })
            .collect();
        Ok(PersonNearLimitConnection::from_rows(&page, rows))
    }

    /// How well your business keeps the rules, of a hundred, with what that is made of: the decisions of the period, and what is
    /// owed now.
    async fn score(&self, ctx: &Context<'_>) -> async_graphql::Result<ComplianceScore> {
        let mut stages = [Share::default(); 2];
        for ((_, stage), outcomes) in self.tally(ctx).await?.days() {
            let stage = &mut stages[usize::from(stage != "QUEUE")];
            // The second is what was refused.
            stage.wrong += outcomes[1];
            stage.all += outcomes.iter().sum::<i64>();
        }
        let mut tx = ctx.snapshot().await?;
        let owed = owed(&mut tx).await.map_err(failed)?;
        let mut holds = Share::default();
        for (_, open, awaiting) in hold_counts(&mut tx).await.map_err(failed)? {
            holds.wrong += awaiting;
            holds.all += open;
        }
        Ok(ComplianceScore::of(score(|component| match component {
            ScoreComponent::RefusedWhenWritten => stages[0],
            ScoreComponent::RefusedWhenSent => stages[1],
            ScoreComponent::DisputesOverdue => owed.disputes,
            ScoreComponent::ComplaintsOverdue => owed.complaints,
            ScoreComponent::LicensesEnded => owed.licenses,
            ScoreComponent::StatementsUnconfirmed => holds,
        })))
    }

    /// Patterns that somebody should look at. The same counts always give the same alerts.
    async fn alerts(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<ComplianceAlert>> {
        let tally = self.tally(ctx).await?;
        let opt_outs = Counted::of_days(&self.opt_out_counts(ctx).await?, self.period);
        let agents = agents(&mut *ctx.snapshot().await?, self.period)
            .await
            .map_err(failed)?;
        let mut alerts = Vec::new();
        for alert in find_alerts(Some(&*tally), opt_outs, &agents) {
            let user = match &alert.kind {
                AlertKind::AgentRefused(id) => User::load(ctx, *id).await?,
                _ => None,
            };
            alerts.push(told(alert, user));
        }
        Ok(alerts)
    }
}

fn told(alert: Alert, user: Option<User>) -> ComplianceAlert {
    let message = alert.sentence();
    let (kind, rule) = match alert.kind {
        AlertKind::RuleRefusesMore(rule) => (ComplianceAlertKind::RuleRefusesMore, Some(rule)),
        AlertKind::OptOutsRise => (ComplianceAlertKind::OptOutsRise, None),
        AlertKind::AgentRefused(_) => (ComplianceAlertKind::AgentRefused, None),
    };
    ComplianceAlert {
        kind,
        rule,
        user,
        count: int(alert.count),
        compared_with: int(alert.compared_with),
        message,
    }
}

/// Queries of the dashboard.
#[derive(Default)]
pub struct DashboardQueries;

#[Object]
impl DashboardQueries {
    /// What those who look after compliance see of a period, at most 92 days of the UTC calendar.
    async fn compliance_dashboard(
        &self,
        #[graphql(desc = "The first day.")] from: Date,
        #[graphql(desc = "The last day.")] to: Date,
    ) -> async_graphql::Result<ComplianceDashboard> {
        Ok(ComplianceDashboard {
            period: Period::new(from.0, to.0).map_err(bad_input)?,
            tally: OnceCell::new(),
            opt_outs: OnceCell::new(),
        })
    }
}
