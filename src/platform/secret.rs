//! Wrappers for what must not appear in logs, debug output or serialised answers by accident.
//!
//! - [`Masked`] is for **personal data** (names, addresses, message bodies): `Debug` and `Display` print
//!   `***`, and it deliberately does not implement `serde::Serialize`. Reading it is the visible call
//!   [`Masked::expose`].
//! - [`secrecy::SecretString`] (re-exported as [`SecretString`]) is for **secrets** (passwords, tokens,
//!   keys, URLs with passwords in them).
//!
//! Both overwrite their memory when dropped. That reaches this one copy only: whoever exposes a value and
//! copies it keeps a copy that nobody overwrites.

use std::fmt;

pub use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

/// How a value's memory is overwritten when its [`Masked`] wrapper is dropped.
///
/// Types that hold no heap memory, such as a date, keep the default, which does nothing.
pub trait Wipe {
    /// Overwrites the value.
    fn wipe(&mut self) {}
}

impl Wipe for String {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for Vec<u8> {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl<T: Wipe> Wipe for Option<T> {
    fn wipe(&mut self) {
        if let Some(value) = self {
            value.wipe();
        }
    }
}

impl Wipe for serde_json::Value {
    fn wipe(&mut self) {
        match self {
            serde_json::Value::String(text) => text.wipe(),
            serde_json::Value::Array(items) => items.iter_mut().for_each(Wipe::wipe),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(Wipe::wipe),
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
        }
    }
}

impl Wipe for chrono::NaiveDate {}
impl Wipe for uuid::Uuid {}

/// Personal data that prints as `***` and is overwritten when dropped.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Masked<T: Wipe>(T);

impl<T: Wipe> Masked<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself: whoever calls this answers for where it goes.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Takes the value out; the caller then owns the only copy, which is no longer overwritten.
    pub fn into_exposed(mut self) -> T
    where
        T: Default,
    {
        std::mem::take(&mut self.0)
    }

    /// Derives another masked value.
    pub fn map<U: Wipe>(&self, derive: impl FnOnce(&T) -> U) -> Masked<U> {
        Masked(derive(&self.0))
    }
}

impl<T: Wipe> Drop for Masked<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> From<T> for Masked<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl From<&str> for Masked<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl<T: Wipe> fmt::Debug for Masked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: Wipe> fmt::Display for Masked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Personal data comes *in* as JSON; it goes out only through a type that exposes it on purpose.
impl<'de, T: Wipe + Deserialize<'de>> Deserialize<'de> for Masked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn neither_debug_nor_display_shows_the_value() {
        #[derive(Debug)]
        struct Debtor {
            #[expect(dead_code, reason = "read by Debug alone")]
            name: Masked<String>,
        }
        let name = Masked::from("Ada Lovelace");
        assert_eq!(format!("{name} {name:?} {:?}", Some(&name)), "*** *** Some(***)");
        assert_eq!(format!("{:?}", Debtor { name }), "Debtor { name: *** }");
    }

    #[test]
    fn the_value_is_reached_on_purpose_only() {
        let name = Masked::new("Ada".to_owned());
        assert_eq!(name.expose(), "Ada");
        assert_eq!(name.map(|text| text.to_uppercase()).expose(), "ADA");
        assert_eq!(name.into_exposed(), "Ada");
    }

    #[test]
    fn it_is_read_from_json_but_never_written_to_it() {
        let name: Masked<String> = serde_json::from_str("\"Ada\"").unwrap();
        assert_eq!(name.expose(), "Ada");

        // Compiles only while `Masked<String>` does not implement `Serialize`: with it, `probe` would
        // exist twice and the call would be ambiguous.
        trait NotSerialize<Marker> {
            fn probe() {}
        }
        struct Plain;
        struct Serializable;
        impl<T: ?Sized> NotSerialize<Plain> for T {}
        impl<T: ?Sized + serde::Serialize> NotSerialize<Serializable> for T {}
        <Masked<String> as NotSerialize<_>>::probe();
    }

    #[test]
    fn dropping_the_wrapper_wipes_the_value() {
        struct Probe(Rc<Cell<bool>>);
        impl Wipe for Probe {
            fn wipe(&mut self) {
                self.0.set(true);
            }
        }
        let wiped = Rc::new(Cell::new(false));
        drop(Masked::new(Some(Probe(wiped.clone()))));
        assert!(wiped.get());
    }

    #[test]
    fn wiping_reaches_every_text_in_a_json_document() {
        let mut document = serde_json::json!({"name": "Ada", "tags": ["vip"], "age": 36});
        document.wipe();
        assert_eq!(document, serde_json::json!({"name": "", "tags": [""], "age": 36}));
    }
}
