//! Twilio's webhook signature: base64(HMAC-SHA1(token, URL + every POST key and value, keys sorted)).
//! <https://www.twilio.com/docs/usage/security#validating-requests>

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

/// Whether `signature` is this token's over the request. `url` is the public one, exactly as Twilio was told it;
/// with and without the scheme's own port both count, as in Twilio's libraries.
pub fn is_valid(token: &str, url: &str, params: &[(String, String)], signature: &str) -> bool {
    let Ok(given) = STANDARD.decode(signature) else {
        return false;
    };
    spellings(url)
        .iter()
        .any(|url| bool::from(expected(token, url, params).as_slice().ct_eq(&given)))
}

/// Whether the signature fits a request with a JSON body: then the URL alone is signed, and its `bodySHA256`
/// parameter covers the body.
pub fn is_valid_json(token: &str, url: &str, body: &[u8], signature: &str) -> bool {
    let Ok(parsed) = Url::parse(url) else { return false };
    let Some((_, claimed)) = parsed.query_pairs().find(|(key, _)| key == "bodySHA256") else {
        return false;
    };
    let actual: String = Sha256::digest(body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    bool::from(actual.as_bytes().ct_eq(claimed.to_ascii_lowercase().as_bytes()))
        && is_valid(token, url, &[], signature)
}

fn expected(token: &str, url: &str, params: &[(String, String)]) -> Vec<u8> {
    // A repeated key is signed once per distinct value, the values sorted too.
    let mut sorted: Vec<(&str, &str)> = params
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut signed = url.to_owned();
    for (key, value) in sorted {
        signed.push_str(key);
        signed.push_str(value);
    }
    // HMAC takes a key of any length, so this cannot fail.
    Hmac::<Sha1>::new_from_slice(token.as_bytes())
        .map(|mut mac| {
            mac.update(signed.as_bytes());
            mac.finalize().into_bytes().to_vec()
        })
        .unwrap_or_default()
}

/// The URL as given, without its fragment, and with and without the standard port.
fn spellings(url: &str) -> Vec<String> {
    let url = url.split('#').next().unwrap_or(url);
    let mut all = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else {
        return all;
    };
    let port = match scheme {
        "https" | "wss" => "443",
        "http" | "ws" => "80",
        _ => return all,
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once(':') {
        Some((host, found)) if found == port => all.push(format!("{scheme}://{host}{path}")),
        None => all.push(format!("{scheme}://{authority}:{port}{path}")),
        Some(_) => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Every vector of Twilio's that the vendor's own libraries agree on.
    #[test]
    fn twilios_vectors() {
        let file: Value =
            serde_json::from_str(include_str!("../../../tests/data/twilio-signature-vectors.json")).unwrap();
        let vectors = file.as_array().or_else(|| file["twilio"].as_array()).unwrap();
        assert!(vectors.len() >= 6, "the vectors are there");
        for vector in vectors {
            let text = |key: &str| vector[key].as_str().unwrap_or_default().to_owned();
            if vector
                .get("algorithm")
                .is_some_and(|algorithm| algorithm != "HMAC-SHA1")
            {
                continue;
            }
            let url = text("url_presented_to_validator");
            let is_json = text("content_type").contains("json");
            let body = text("raw_form_body");
            let params: Vec<(String, String)> =
                form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            let valid = if is_json {
                let raw = vector["raw_body"]
                    .as_str()
                    .or(vector["body"].as_str())
                    .unwrap_or_default();
                is_valid_json(&text("auth_token"), &url, raw.as_bytes(), &text("signature"))
            } else {
                is_valid(&text("auth_token"), &url, &params, &text("signature"))
            };
            assert_eq!(
                valid,
                vector["expect_valid"].as_bool().unwrap(),
                "vector {}",
                text("id")
            );
            if !is_json {
                let tampered = [params.as_slice(), &[("Body".to_owned(), "more".to_owned())]].concat();
                assert!(
                    !is_valid(&text("auth_token"), &url, &tampered, &text("signature")),
                    "tampered {}",
                    text("id")
                );
                assert!(
                    !is_valid("another token", &url, &params, &text("signature")),
                    "foreign {}",
                    text("id")
                );
            }
        }
    }
}
