//! One figure for how well a business keeps the rules, of a hundred: from what was counted and nothing else, by fixed weights, so
//! that the same counts always give the same score and everybody can see what costs how much. It is a measure of the product's; no
//! law knows it, and the gate does not read it.
//!
//! Of each component, what is wrong is set against all there is: `lost = ceil(weight * wrong / all)`, nothing where there is
//! nothing to be wrong. The score is 100 less what is lost. The weights make 100: what reaches a debtor or keeps them waiting
//! weighs more than what the gate stopped before anybody wrote.

/// What goes into the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compliance) enum ScoreComponent {
    /// Contacts of the period that the gate refused when they were written.
    RefusedWhenWritten,
    /// Contacts of the period that it refused when they were to leave.
    RefusedWhenSent,
    /// Disputes that wait for an answer past its day.
    DisputesOverdue,
    /// Complaints that wait for an answer past its day.
    ComplaintsOverdue,
    /// Licences to collect that have ended, and no other of that state stands.
    LicensesEnded,
    /// Holds for what a text stated, that nobody has looked at.
    StatementsUnconfirmed,
}

impl ScoreComponent {
    pub(in crate::compliance) const ALL: [Self; 6] = [
        Self::RefusedWhenWritten,
        Self::RefusedWhenSent,
        Self::DisputesOverdue,
        Self::ComplaintsOverdue,
        Self::LicensesEnded,
        Self::StatementsUnconfirmed,
    ];

    /// How much it can cost.
    pub(in crate::compliance) fn weight(self) -> i64 {
        match self {
            // The gate did what it is for: it costs, since who writes such things has not learned the rules.
            Self::RefusedWhenWritten => 15,
            // What changed between the writing and the sending: somebody wrote too early, or records came late.
            Self::RefusedWhenSent => 20,
            Self::DisputesOverdue => 25,
            Self::ComplaintsOverdue => 10,
            Self::LicensesEnded => 20,
            Self::StatementsUnconfirmed => 10,
        }
    }
}

/// What is wrong, of all there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::compliance) struct Share {
    pub(in crate::compliance) wrong: i64,
    pub(in crate::compliance) all: i64,
}

/// One component as it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compliance) struct Scored {
    pub(in crate::compliance) component: ScoreComponent,
    pub(in crate::compliance) share: Share,
    /// Points that it costs.
    pub(in crate::compliance) lost: i64,
}

/// The score and its components, in their order.
pub(in crate::compliance) fn score(shares: impl Fn(ScoreComponent) -> Share) -> (i64, Vec<Scored>) {
    let components: Vec<Scored> = ScoreComponent::ALL
        .into_iter()
        .map(|component| {
            let share = shares(component);
            Scored {
                component,
                share,
                lost: lost(component.weight(), share),
            }
        })
        .collect();
    let lost: i64 = components.iter().map(|component| component.lost).sum();
    (100 - lost, components)
}

/// Rounded up: what is wrong is never nothing.
fn lost(weight: i64, share: Share) -> i64 {
    if share.all <= 0 {
        return 0;
    }
    let wrong = share.wrong.clamp(0, share.all);
    (weight * wrong + share.all - 1) / share.all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_make_a_hundred_and_what_is_wrong_is_never_nothing() {
        let all: i64 = ScoreComponent::ALL
            .iter()
            .map(|component| component.weight())
            .sum();
        assert_eq!(all, 100);
        assert_eq!(score(|_| Share::default()).0, 100, "nothing to be wrong");
        assert_eq!(score(|_| Share { wrong: 3, all: 3 }).0, 0);
        let share = |wrong, all| Share { wrong, all };
        assert_eq!(lost(25, share(1, 100_000)), 1);
        assert_eq!(lost(25, share(0, 100_000)), 0);
        assert_eq!(lost(25, share(1, 2)), 13);
        assert_eq!(lost(25, share(9, 2)), 25, "no more than its weight");
        let (points, components) = score(|component| match component {
            ScoreComponent::DisputesOverdue => share(1, 5),
            _ => share(0, 10),
        });
        assert_eq!((points, components[2].lost), (95, 5));
    }
}
