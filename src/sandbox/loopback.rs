//! Keeps the sandbox on this machine: where it listens, whom it calls, who may address it.

use std::net::{IpAddr, SocketAddr};

use anyhow::bail;
use url::{Host, Url};

/// Refuses listen addresses that other machines could reach.
pub(super) fn check_listen(purpose: &str, addr: SocketAddr) -> anyhow::Result<()> {
    if !addr.ip().is_loopback() {
        bail!(
            "the sandbox serves {purpose} on loopback only, but was told to listen on {addr}: \
             use 127.0.0.1 or [::1]"
        );
    }
    Ok(())
}

/// Parses a callback URL and refuses every one that leads off this machine; the text says why.
pub(super) fn check_callback(url: &str) -> Result<Url, String> {
    let parsed = Url::parse(url).map_err(|err| format!("not sent: the URL cannot be read ({err})"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(format!(
            "not sent: {}: is no scheme for webhooks; use http or https",
            parsed.scheme()
        ));
    }
    let loopback = match parsed.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if loopback {
        Ok(parsed)
    } else {
        Err("not sent: the sandbox calls loopback addresses only; \
             set the service's public base URL to http://127.0.0.1:<port>"
            .to_owned())
    }
}

/// Whether a Host header names this machine. A page on the internet whose name was re-bound to 127.0.0.1 sends
/// its own name here, and must not read debtors' texts.
pub(super) fn is_loopback_authority(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_stay_on_this_machine() {
        for url in [
            "http://127.0.0.1:8080/a?b=c",
            "https://localhost/a",
            "http://[::1]:1/",
            "http://127.9.9.9/",
        ] {
            assert!(check_callback(url).is_ok(), "{url}");
        }
        for url in [
            "https://example.com/hook",
            "http://localhost.example.com/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "file:///etc/passwd",
            "127.0.0.1/hook",
            "",
        ] {
            assert!(
                check_callback(url).unwrap_err().starts_with("not sent: "),
                "{url}"
            );
        }
    }

    #[test]
    fn host_headers_of_other_names_are_told_apart() {
        for host in ["127.0.0.1:8090", "localhost", "LOCALHOST:1", "[::1]:8090"] {
            assert!(is_loopback_authority(host), "{host}");
        }
        for host in [
            "evil.example:8090",
            "localhost.evil.example",
            "10.0.0.1",
            "",
            "127.0.0.1.evil.example:80",
        ] {
            assert!(!is_loopback_authority(host), "{host}");
        }
    }
}
