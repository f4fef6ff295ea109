//! The place of an encrypted value, bound to it as additional authenticated data.

use uuid::Uuid;

use super::CryptoError;

/// PostgreSQL's limit for identifiers (`NAMEDATALEN` - 1).
const LONGEST_NAME: usize = 63;

/// Version of the encoding below; part of what is authenticated.
const ENCODING: u8 = 1;

/// Where an encrypted value lives. A value opens only with the place that it was sealed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aad {
    /// The business that owns the row; [`super::PLATFORM`] for tables without one.
    pub business: Uuid,
    /// The table, at most 63 bytes.
    pub table: &'static str,
    /// The column, at most 63 bytes.
    pub column: &'static str,
    /// The row's id.
    pub row: Uuid,
}

/// What a ciphertext holds; part of the additional data, so that a wrapped key can never pass for a
/// sealed value or the other way round.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Value,
    Key,
    Stream,
}

impl Purpose {
    const fn tag(self) -> u8 {
        match self {
            Purpose::Value => 1,
            Purpose::Key => 2,
            Purpose::Stream => 3,
        }
    }
}

/// The encoded place, on the stack: values are opened thousands of times a second.
pub(super) struct EncodedAad {
    bytes: [u8; Self::CAPACITY],
    length: usize,
}

impl Aad {
    /// Encodes `encoding version, purpose, business, row, length of table, table, length of column,
    /// column`: fixed widths and lengths first, so that no two places have the same bytes.
    pub(super) fn encode(&self, purpose: Purpose) -> Result<EncodedAad, CryptoError> {
        let mut encoded = EncodedAad {
            bytes: [0; EncodedAad::CAPACITY],
            length: 0,
        };
        encoded.push(&[ENCODING, purpose.tag()]);
        encoded.push(self.business.as_bytes());
        encoded.push(self.row.as_bytes());
        encoded.push_name(self.table)?;
        encoded.push_name(self.column)?;
        Ok(encoded)
    }
}

impl EncodedAad {
    const CAPACITY: usize = 2 + 16 + 16 + 2 * (1 + LONGEST_NAME);

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push_name(&mut self, name: &str) -> Result<(), CryptoError> {
        let length = u8::try_from(name.len()).map_err(|_| CryptoError::NameTooLong)?;
        if name.len() > LONGEST_NAME {
            return Err(CryptoError::NameTooLong);
        }
        self.push(&[length]);
        self.push(name.as_bytes());
        Ok(())
    }

    fn push(&mut self, part: &[u8]) {
        self.bytes[self.length..self.length + part.len()].copy_from_slice(part);
        self.length += part.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(table: &'static str, column: &'static str) -> Aad {
        Aad {
            business: Uuid::from_u128(1),
            table,
            column,
            row: Uuid::from_u128(2),
        }
    }

    fn bytes(aad: Aad) -> Vec<u8> {
        aad.encode(Purpose::Value).unwrap().as_bytes().to_vec()
    }

    #[test]
    fn moving_a_letter_between_table_and_column_changes_the_bytes() {
        assert_ne!(bytes(place("messages", "body")), bytes(place("message", "sbody")));
        assert_ne!(bytes(place("messages", "")), bytes(place("", "messages")));
    }

    #[test]
    fn every_part_of_the_place_counts() {
        let here = place("messages", "body");
        assert_ne!(
            bytes(here),
            bytes(Aad {
                business: Uuid::from_u128(9),
                ..here
            })
        );
        assert_ne!(
            bytes(here),
            bytes(Aad {
                row: Uuid::from_u128(9),
                ..here
            })
        );
        let as_key = here.encode(Purpose::Key).unwrap();
        assert_ne!(bytes(here), as_key.as_bytes());
    }

    #[test]
    fn the_longest_names_fit_and_longer_ones_are_refused() {
        const LONGEST: &str = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk";
        const TOO_LONG: &str = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl";
        assert_eq!(bytes(place(LONGEST, LONGEST)).len(), EncodedAad::CAPACITY);
        let refused = place("messages", TOO_LONG).encode(Purpose::Value);
        assert_eq!(refused.map(|_| ()), Err(CryptoError::NameTooLong));
    }
}
