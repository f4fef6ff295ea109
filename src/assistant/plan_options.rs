//! Which payment plans may be named for a balance, by the business's terms. Pure; exact to the cent. Nothing is promised by it: a
//! person agrees on a plan.

use std::num::NonZeroU16;

use crate::platform::money::Money;

/// A kind of plan, as it stands where the business's terms do not narrow it (AI-028 … AI-030).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlanKind {
    /// A fifth down, twelve months.
    Standard,
    /// A tenth down, eighteen months.
    Flexible,
    /// Nothing down, twenty-four months.
    Hardship,
}

impl PlanKind {
    /// Every one of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Flexible, Self::Hardship];

    fn usual(self) -> (i32, u16) {
        match self {
            Self::Standard => (2000, 12),
            Self::Flexible => (1000, 18),
            Self::Hardship => (0, 24),
        }
    }
}

/// What the business's terms say of plans.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlanTerms {
    pub max_installments: Option<i32>,
    pub min_installment: Option<Money>,
    pub min_down_payment_basis_points: Option<i32>,
}

/// One plan for one balance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlanOption {
    pub kind: PlanKind,
    pub down_payment: Money,
    /// Month by month; what does not divide evenly is in the last.
    pub installments: Vec<Money>,
}

impl PlanOption {
    /// What every month but the last costs.
    pub fn monthly(&self) -> Option<Money> {
        self.installments.first().copied()
    }

    /// What the last month costs.
    pub fn last(&self) -> Option<Money> {
        self.installments.last().copied()
    }
}

/// The plans that may be named for the balance, each different from the others; none where the terms leave none.
pub fn plan_options(balance: Money, terms: PlanTerms) -> Vec<PlanOption> {
    let mut options: Vec<PlanOption> = Vec::new();
    for kind in PlanKind::ALL {
        let Some(option) = plan(kind, balance, terms) else {
            continue;
        };
        let is_known = options.iter().any(|known| {
            known.down_payment == option.down_payment && known.installments == option.installments
        });
        if !is_known {
            options.push(option);
        }
    }
    options
}

fn plan(kind: PlanKind, balance: Money, terms: PlanTerms) -> Option<PlanOption> {
    let (points, months) = kind.usual();
    let points = points.max(terms.min_down_payment_basis_points.unwrap_or(0));
    let most = u16::try_from(terms.max_installments.unwrap_or(i32::from(months))).ok()?;
    let months = NonZeroU16::new(months.min(most))?;
    let down_payment = share(balance, points)?;
    let rest = balance.checked_sub(down_payment).ok()?;
    let installments = rest.allocate(months);
    let least = terms
        .min_installment
        .filter(|least| least.currency() == balance.currency())
        .map_or(1, Money::minor);
    let fits = installments.iter().all(|amount| amount.minor() >= least.max(1));
    (balance.is_positive() && fits).then_some(PlanOption {
        kind,
        down_payment,
        installments,
    })
}

/// So many hundredths of a percent, rounded up: a least share is not undercut by a fraction of a cent.
fn share(balance: Money, basis_points: i32) -> Option<Money> {
    const WHOLE: i128 = 10_000;
    let part = i128::from(balance.minor()).checked_mul(i128::from(basis_points))?;
    let rounded = part.checked_add(WHOLE - 1)?.div_euclid(WHOLE);
    Some(Money::from_minor(
        i64::try_from(rounded).ok()?,
        balance.currency(),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dollars(minor: i64) -> Money {
        Money::from_minor(minor, "USD".parse().unwrap())
    }

    #[test]
    fn the_usual_plans_of_a_balance() {
        let options = plan_options(dollars(125_050), PlanTerms::default());
        let told: Vec<_> = options
            .iter()
            .map(|plan| {
                (
                    plan.down_payment.minor(),
                    plan.installments.len(),
                    plan.monthly().unwrap().minor(),
                    plan.last().unwrap().minor(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (25_010, 12, 8_336, 8_344),
                (12_505, 18, 6_252, 6_261),
                (0, 24, 5_210, 5_220)
            ]
        );
    }

    #[test]
    fn the_terms_narrow_them_and_may_leave_none() {
        let terms = PlanTerms {
            max_installments: Some(6),
            min_installment: Some(dollars(5_000)),
            min_down_payment_basis_points: Some(2000),
        };
        let options = plan_options(dollars(125_050), terms);
        assert_eq!(options.len(), 1, "three of the same are one");
        assert_eq!(options[0].installments.len(), 6);
        assert!(
            plan_options(dollars(10_000), terms).is_empty(),
            "too small for them"
        );
        assert!(plan_options(dollars(0), PlanTerms::default()).is_empty());
    }

    proptest! {
        #[test]
        fn every_plan_comes_to_the_balance(minor in 1_i64..10_000_000_000, points in 0_i32..=10_000, most in 1_i32..=120) {
            let terms = PlanTerms {
                max_installments: Some(most),
                min_installment: None,
                min_down_payment_basis_points: Some(points),
            };
            for plan in plan_options(dollars(minor), terms) {
                let months: i64 = plan.installments.iter().map(|amount| amount.minor()).sum();
                prop_assert_eq!(plan.down_payment.minor() + months, minor);
                prop_assert!(plan.installments.len() <= usize::try_from(most).unwrap());
                let least = i128::from(minor) * i128::from(points);
                prop_assert!(i128::from(plan.down_payment.minor()) * 10_000 >= least);
                let first = plan.monthly().unwrap();
                prop_assert!(plan.installments.iter().rev().skip(1).all(|amount| *amount == first));
            }
        }
    }
}
