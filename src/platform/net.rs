//! Networks, and whose address a request really comes from.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A block of addresses in CIDR notation, such as `10.0.0.0/8` or `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    prefix_length: u8,
}

/// Why a text is not a block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// Not an address before the slash.
    #[error("is not an IP address or a block such as 10.0.0.0/8")]
    NotAnAddress,
    /// Not a number after the slash, or more bits than the address has.
    #[error("has a prefix length that does not fit its address: 0 to 32 for IPv4, 0 to 128 for IPv6")]
    PrefixLength,
    /// Bits are set behind the prefix, so that it is unclear which block is meant.
    #[error("has address bits set behind its prefix length: write the first address of the block")]
    HostBits,
}

impl Cidr {
    /// Whether `address` lies in the block. An IPv4 address in IPv6 form counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (network, width) = bits(self.network);
        let (candidate, candidate_width) = bits(address.to_canonical());
        width == candidate_width && masked(candidate, width, self.prefix_length) == network
    }
}

/// The address as a number, and how many bits it has.
fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    }
}

fn masked(address: u128, width: u8, prefix_length: u8) -> u128 {
    let host_bits = u32::from(width - prefix_length);
    let cleared = address.checked_shr(host_bits).unwrap_or(0);
    cleared.checked_shl(host_bits).unwrap_or(0)
}

impl FromStr for Cidr {
    type Err = CidrError;

    /// Reads a block, or a single address without a slash.
    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let network: IpAddr = address.parse().map_err(|_| CidrError::NotAnAddress)?;
        let (number, width) = bits(network);
        let prefix_length = match length {
            Some(length) => length.parse().map_err(|_| CidrError::PrefixLength)?,
            None => width,
        };
        if prefix_length > width {
            return Err(CidrError::PrefixLength);
        }
        if masked(number, width, prefix_length) != number {
            return Err(CidrError::HostBits);
        }
        Ok(Self {
            network,
            prefix_length,
        })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix_length)
    }
}

/// By what an address is counted in limits: an IPv4 address by itself, an IPv6 address by its first 64 bits. The other 64
/// are the host's own to choose (RFC 4291, section 2.5.1), so that one host has as many addresses as it likes.
pub fn limit_subject(address: IpAddr) -> String {
    let address = address.to_canonical();
    match bits(address) {
        (_, 32) => address.to_string(),
        (number, width) => format!("{}/64", IpAddr::from(masked(number, width, 64).to_be_bytes())),
    }
}

/// The proxies in front of the service, whose `X-Forwarded-For` entries are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Cidr>);

impl TrustedProxies {
    /// Trusts every address in these blocks.
    pub fn new(blocks: Vec<Cidr>) -> Self {
        Self(blocks)
    }

    /// Whether `address` is one of the proxies.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|block| block.contains(address))
    }

    /// Whose request this is.
    ///
    /// `peer` is the other end of the connection; `forwarded_for` are the values of all
    /// `X-Forwarded-For` headers in their order. Each proxy appends whom it heard from, so the list is
    /// read from its end for as long as the speaker is trusted; what stands further left, anybody may
    /// have made up. An entry that is not an address ends the reading.
    pub fn client_address<'a>(
        &self,
        peer: IpAddr,
        forwarded_for: impl IntoIterator<Item = &'a str>,
    ) -> IpAddr {
        let entries: Vec<&str> = forwarded_for
            .into_iter()
            .flat_map(|value| value.split(','))
            .collect();
        let mut client = peer.to_canonical();
        for entry in entries.iter().rev() {
            if !self.trusts(client) {
                break;
            }
            let Ok(heard_from) = entry.trim().parse::<IpAddr>() else {
                break;
            };
            client = heard_from.to_canonical();
        }
        client
    }
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn block(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn a_block_contains_its_addresses_only() {
        assert!(block("10.0.0.0/8").contains(ip("10.255.0.1")));
        assert!(!block("10.0.0.0/8").contains(ip("11.0.0.1")));
        assert!(
            block("10.0.0.0/8").contains(ip("::ffff:10.1.2.3")),
            "IPv4 in IPv6 form"
        );
        assert!(block("0.0.0.0/0").contains(ip("203.0.113.9")));
        assert!(!block("0.0.0.0/0").contains(ip("2001:db8::1")));
        assert!(block("2001:db8::/32").contains(ip("2001:db8:ffff::1")));
        assert!(!block("2001:db8::/32").contains(ip("2001:db9::1")));
        assert!(block("::/0").contains(ip("2001:db8::1")));
        assert!(
            block("192.0.2.7").contains(ip("192.0.2.7")) && !block("192.0.2.7").contains(ip("192.0.2.8"))
        );
    }

    #[test]
    fn unclear_blocks_are_refused() {
        let reason = |text: &str| text.parse::<Cidr>().unwrap_err();
        assert_eq!(reason("proxy"), CidrError::NotAnAddress);
        assert_eq!(reason(""), CidrError::NotAnAddress);
        assert_eq!(reason("10.0.0.0/33"), CidrError::PrefixLength);
        assert_eq!(reason("10.0.0.0/x"), CidrError::PrefixLength);
        assert_eq!(reason("10.0.0.1/8"), CidrError::HostBits);
    }

    #[test]
    fn without_trusted_proxies_the_header_is_ignored() {
        let nobody = TrustedProxies::default();
        assert_eq!(
            nobody.client_address(ip("203.0.113.9"), ["198.51.100.1"]),
            ip("203.0.113.9")
        );
    }

    #[test]
    fn the_header_is_read_from_its_end_as_far_as_proxies_vouch_for_it() {
        let proxies = TrustedProxies::new(vec![block("10.0.0.0/8")]);
        let client = |headers: &[&str]| proxies.client_address(ip("10.0.0.1"), headers.iter().copied());
        assert_eq!(client(&["198.51.100.1"]), ip("198.51.100.1"));
        assert_eq!(
            client(&["198.51.100.1, 10.0.0.7"]),
            ip("198.51.100.1"),
            "two proxies in a row"
        );
        assert_eq!(
            client(&["198.51.100.1", "10.0.0.7"]),
            ip("198.51.100.1"),
            "in two headers"
        );
        assert_eq!(
            client(&["1.2.3.4, 198.51.100.1"]),
            ip("198.51.100.1"),
            "the left entry is made up"
        );
        assert_eq!(
            client(&["1.2.3.4, unknown"]),
            ip("10.0.0.1"),
            "nonsense ends the reading"
        );
        assert_eq!(client(&[]), ip("10.0.0.1"));
        assert_eq!(client(&["::ffff:198.51.100.1"]), ip("198.51.100.1"));
    }

    #[test]
    fn a_host_is_counted_as_one_whichever_of_its_ipv6_addresses_it_uses() {
        let subject = |text: &str| limit_subject(text.parse().unwrap());
        assert_eq!(subject("2001:db8:1:2::1"), "2001:db8:1:2::/64");
        assert_eq!(subject("2001:db8:1:2:ffff:ffff:ffff:ffff"), "2001:db8:1:2::/64");
        assert_ne!(subject("2001:db8:1:3::1"), subject("2001:db8:1:2::1"));
        assert_eq!(subject("203.0.113.9"), "203.0.113.9");
        assert_eq!(subject("::ffff:203.0.113.9"), "203.0.113.9", "IPv4 in IPv6 form");
    }

    proptest! {
        #[test]
        fn a_stranger_cannot_choose_the_address_he_is_counted_under(forged in "[ -~]{0,60}") {
            let proxies = TrustedProxies::new(vec![block("10.0.0.0/8")]);
            let stranger = ip("203.0.113.9");
            let header = format!("{forged}, {stranger}");
            prop_assert_eq!(proxies.client_address(ip("10.0.0.1"), [header.as_str()]), stranger);
            prop_assert_eq!(proxies.client_address(stranger, [forged.as_str()]), stranger);
        }
    }
}
