//! Sessions of browsers in cookies that no script can read, so that a script that was smuggled into a page cannot carry
//! the tokens away.
//!
//! A client asks for them with the header `Funnelchat-Session: cookie`, and cookies count only beside that header: a
//! page of another site cannot send it without asking first (CORS preflight), and what it can send, a form or a link,
//! comes from nobody. A WebSocket cannot carry the header; there the transport checks the `Origin`.

use chrono::{DateTime, Utc};

use super::session::IssuedSession;

/// By which a client says that it keeps its session in cookies.
pub const SESSION_HEADER: &str = "funnelchat-session";

/// The prefix binds a cookie to this very host and to TLS (draft-ietf-httpbis-rfc6265bis, section 4.1.3.2).
const ACCESS: &str = "__Host-funnelchat-access";
const REFRESH: &str = "__Host-funnelchat-refresh";
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// The access token in a `Cookie` header.
pub(super) fn access_token(cookies: &str) -> Option<&str> {
    value(cookies, ACCESS)
}

/// The refresh token in a `Cookie` header.
pub(super) fn refresh_token(cookies: &str) -> Option<&str> {
    value(cookies, REFRESH)
}

fn value<'a>(cookies: &'a str, name: &str) -> Option<&'a str> {
    cookies
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(found, value)| (found == name).then_some(value))
}

/// The `Set-Cookie` headers of an open session.
pub(super) fn open(issued: &IssuedSession, now: DateTime<Utc>) -> [String; 2] {
    let cookie = |name: &str, token: &str, expires_at: DateTime<Utc>| {
        let seconds = (expires_at - now).num_seconds().max(0);
        format!("{name}={token}; Max-Age={seconds}; {ATTRIBUTES}")
    };
    [
        cookie(ACCESS, &issued.access_token, issued.access_expires_at),
        cookie(REFRESH, &issued.refresh_token, issued.refresh_expires_at),
    ]
}

/// The `Set-Cookie` headers that forget a session.
pub(super) fn ended() -> [String; 2] {
    [ACCESS, REFRESH].map(|name| format!("{name}=; Max-Age=0; {ATTRIBUTES}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let cookies = "theme=dark; x__Host-funnelchat-access=no;__Host-funnelchat-access=a.b.c; __Host-funnelchat-refresh=r=";
        assert_eq!(access_token(cookies), Some("a.b.c"));
        assert_eq!(refresh_token(cookies), Some("r="));
        assert_eq!(access_token("__Host-funnelchat-access"), None);
        assert_eq!(access_token(""), None);
    }
}
