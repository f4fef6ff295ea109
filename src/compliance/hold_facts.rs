//! What the holds that stand on a person or a debt say, as facts.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Contact,
    disputes::{DisputeJson, unanswered},
    facts::{
        Attorney, Bankruptcy, Cease, Deceased, Facts, IdentityTheft, OptOut, OptOutScope, OptOutTarget,
        ServiceMember,
    },
};
use crate::platform::ids::{self, IdKind};

/// A hold that stands.
#[derive(Deserialize)]
pub(super) struct HoldJson {
    id: Uuid,
    kind: String,
    account_id: Option<Uuid>,
    placed_at: DateTime<Utc>,
}

/// Adds what the holds say. Of a dispute's hold the dispute speaks, among `disputes`.
pub(super) fn with_holds(
    mut facts: Facts,
    holds: &[HoldJson],
    disputes: &[DisputeJson],
    contact: &Contact<'_>,
) -> Facts {
    for hold in holds {
        let cease = Cease {
            received_at: Some(hold.placed_at),
            written: Some(true),
        };
        match hold.kind.as_str() {
            "ATTORNEY" => {
                let earlier = facts.attorney.take().filter(|known| known.known == Some(true));
                facts.attorney = Some(represented(earlier, hold));
            }
            // What was discharged stays so, whatever else is pending.
            "BANKRUPTCY" if is_discharged(&facts) => {}
            "BANKRUPTCY" => facts.bankruptcy = Some(bankruptcy("filed")),
            "BANKRUPTCY_DISCHARGED" => {
                if concerns(hold, contact) {
                    facts.bankruptcy = Some(bankruptcy(DISCHARGED));
                }
            }
            "DECEASED" => {
                facts.deceased = Some(Deceased {
                    flag: Some(true),
                    representative: Some(None),
                })
            }
            "DISPUTE" if disputes.iter().any(|dispute| dispute.hold_id == Some(hold.id)) => {}
            // 15 USC 1681m(g): a debt said to come of identity theft is one that the consumer disputes.
            "DISPUTE" | "IDENTITY_THEFT" => {
                if concerns(hold, contact) {
                    facts.dispute = Some(unanswered(hold.placed_at));
                    if hold.kind == "IDENTITY_THEFT" {
                        facts.identity_theft = Some(IdentityTheft {
                            reported_at: Some(hold.placed_at),
                            resolved_at: Some(None),
                        });
                    }
                }
            }
            // The business's own choice, whoever it is: as if the person had opted out of everything.
            "DO_NOT_RECONTACT" => facts.optouts.get_or_insert_default().push(OptOut {
                channel: Some(OptOutTarget::All),
                number: Some(contact.recipient.to_owned()),
                at: Some(hold.placed_at),
                scope: Some(OptOutScope::All),
            }),
            "MINOR" => facts.consumer.get_or_insert_default().said_to_be_minor = Some(true),
            "SCRA" => {
                facts.scra = Some(ServiceMember {
                    active_duty: Some(true),
                    pre_service_debt: None,
                    notice_received: Some(true),
                });
            }
            // Of a wrong party the suppression of the number speaks.
            "LEGAL" | "PAYMENT_FAILED" | "WRONG_PARTY" => {}
            // CEASE; and what nobody has said how to read is read as the strictest.
            _ => facts.cease = Some(cease),
        }
    }
    facts
}

/// 12 CFR 1006.6(b)(2): a consent of the attorney's counts that came since they are known to represent the person.
pub(super) fn with_attorneys_consent(
    mut facts: Facts,
    holds: &[HoldJson],
    said_at: Option<DateTime<Utc>>,
) -> Facts {
    let of_attorney = holds.iter().filter(|hold| hold.kind == "ATTORNEY");
    let known_since = of_attorney.map(|hold| hold.placed_at).max();
    let consents = known_since.is_some() && said_at >= known_since;
    if let Some(attorney) = facts.attorney.as_mut().filter(|_| consents) {
        attorney.consents_to_direct_contact = Some(true);
    }
    facts
}

const DISCHARGED: &str = "discharged";

fn bankruptcy(status: &str) -> Bankruptcy {
    Bankruptcy {
        status: Some(status.to_owned()),
        chapter: None,
    }
}

fn is_discharged(facts: &Facts) -> bool {
    let bankruptcy = facts.bankruptcy.as_ref();
    bankruptcy.and_then(|bankruptcy| bankruptcy.status.as_deref()) == Some(DISCHARGED)
}

/// 12 CFR 1006.38(d): a dispute is of one debt. A contact that names no debt concerns them all.
fn concerns(hold: &HoldJson, contact: &Contact<'_>) -> bool {
    match (hold.account_id, contact.account_id) {
        (Some(held), Some(named)) => held == named,
        _ => true,
    }
}

/// An attorney for one debt more, or for all of them.
fn represented(earlier: Option<Attorney>, hold: &HoldJson) -> Attorney {
    let known_since = earlier.as_ref().and_then(|earlier| earlier.known_since);
    let debt = hold.account_id.map(|id| ids::encode(IdKind::Account, id));
    let for_debts = match (earlier, debt) {
        (None, debt) => debt.map(|debt| vec![debt]),
        (Some(earlier), Some(debt)) => earlier.for_debts.map(|mut debts| {
            debts.push(debt);
            debts
        }),
        (Some(_), None) => None,
    };
    Attorney {
        known: Some(true),
        known_since: known_since.max(Some(hold.placed_at)),
        for_debts,
        contact_known: Some(true),
        ..Attorney::default()
    }
}
