//! How many uploads one process takes at once: in all, of one business, and of one caller, so that nobody's slow lines
//! keep everybody else waiting.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use uuid::Uuid;

/// How many uploads one process takes at the same time.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    pub in_all: usize,
    pub per_business: usize,
    pub per_caller: usize,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    Process,
    Business,
    Caller,
}

/// The places, and who has them.
#[derive(Debug)]
pub struct UploadRoom {
    limits: UploadLimits,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    /// Of businesses and of callers, whose ids never meet.
    by_owner: HashMap<Uuid, usize>,
}

impl Taken {
    fn of(&self, owner: Uuid) -> usize {
        self.by_owner.get(&owner).copied().unwrap_or_default()
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<UploadRoom>,
    business: Uuid,
    caller: Uuid,
}

impl UploadRoom {
    pub fn new(limits: UploadLimits) -> Self {
        Self {
            limits,
            taken: Mutex::default(),
        }
    }

    /// Takes a place for one upload.
    pub(super) fn enter(self: &Arc<Self>, business: Uuid, caller: Uuid) -> Result<Place, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.of(caller) >= self.limits.per_caller {
            return Err(Full::Caller);
        }
        if taken.of(business) >= self.limits.per_business {
            return Err(Full::Business);
        }
        if taken.in_all >= self.limits.in_all {
            return Err(Full::Process);
        }
        taken.in_all += 1;
        for owner in [business, caller] {
            *taken.by_owner.entry(owner).or_default() += 1;
        }
        Ok(Place {
            room: self.clone(),
            business,
            caller,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.in_all = taken.in_all.saturating_sub(1);
        for owner in [self.business, self.caller] {
            if let Some(count) = taken.by_owner.get_mut(&owner) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    taken.by_owner.remove(&owner);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_the_places_of_the_others_and_each_comes_back() {
        let room = Arc::new(UploadRoom::new(UploadLimits {
            in_all: 5,
            per_business: 3,
            per_caller: 2,
        }));
        let [acme, globex, third] = [1, 2, 3].map(Uuid::from_u128);
        let [ana, ben, cem] = [11, 12, 13].map(Uuid::from_u128);
        let enter = |business, caller| room.enter(business, caller);
        let mut places = vec![enter(acme, ana).unwrap(), enter(acme, ana).unwrap()];
        assert_eq!(enter(acme, ana).unwrap_err(), Full::Caller);
        places.push(enter(acme, ben).unwrap());
        assert_eq!(enter(acme, ben).unwrap_err(), Full::Business);
        places.push(enter(globex, cem).unwrap());
        places.push(enter(globex, cem).unwrap());
        assert_eq!(enter(third, ben).unwrap_err(), Full::Process);
        drop(places);
        assert!(enter(third, ben).is_ok());
        assert!(
            room.taken.lock().unwrap().by_owner.is_empty(),
            "nobody is remembered"
        );
    }
}
