//! From where somebody acts: the client's address, and what its program calls itself. Personal data of whoever acts, hence
//! sealed under the platform's key wherever it is kept, as it is with their session.

use std::{fmt, net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::platform::keys::Keyring;

/// The most characters of a `User-Agent` that are kept.
const KEPT: usize = 200;
const COLUMN: &str = "origin_cipher";

/// From where a request came. Prints as a mask.
#[derive(Clone)]
pub struct RequestOrigin {
    peer: IpAddr,
    user_agent: Option<Arc<str>>,
    keyring: Keyring,
}

/// The same, opened for those who may know.
#[derive(Deserialize, Serialize)]
pub struct OpenedOrigin {
    pub address: IpAddr,
    /// The program's own claim (RFC 9110 section 10.1.5), cut to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl OpenedOrigin {
    /// As it is kept: what the program says of itself is cut.
    pub fn new(address: IpAddr, user_agent: Option<&str>) -> Self {
        Self {
            address,
            user_agent: user_agent.map(kept),
        }
    }
}

impl RequestOrigin {
    /// Of a request from `peer`, whose program calls itself so.
    pub fn new(keyring: &Keyring, peer: IpAddr, user_agent: Option<Arc<str>>) -> Self {
        Self {
            peer,
            user_agent,
            keyring: keyring.clone(),
        }
    }

    /// For the column `origin_cipher` of this row.
    pub(super) fn sealed(&self, table: &'static str, row: Uuid) -> Option<Vec<u8>> {
        let opened = OpenedOrigin::new(self.peer, self.user_agent.as_deref());
        let text = serde_json::to_vec(&opened).unwrap_or_default();
        let sealed = self.keyring.platform_seal(table, COLUMN, row, &text);
        sealed
            .inspect_err(|error| tracing::error!(%error, "from where somebody acts could not be sealed"))
            .ok()
    }

    /// Reads what was sealed for this row; `None` where no key of now opens it.
    pub fn open(keyring: &Keyring, table: &'static str, row: Uuid, sealed: &[u8]) -> Option<OpenedOrigin> {
        let text = keyring.platform_open(table, COLUMN, row, sealed).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

impl fmt::Debug for RequestOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestOrigin(***)")
    }
}

fn kept(user_agent: &str) -> String {
    user_agent.chars().take(KEPT).collect()
}
