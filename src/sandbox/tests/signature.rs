//! Our signatures equal those of Twilio's own libraries.

use serde_json::Value;

use crate::sandbox::twilio::signature::sign;

#[test]
fn signatures_equal_the_vectors_of_twilios_libraries() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../tests/data/twilio-signature-vectors.json")).unwrap();
    assert!(vectors.len() >= 6);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let params: Vec<(String, String)> = vector["params"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .rev() // the order in which parameters arrive is of no account
            .collect();
        let fits = sign(text("auth_token"), text("url_signed"), &params) == text("signature");
        assert_eq!(fits, vector["expect_valid"].as_bool().unwrap(), "{}", text("id"));
    }
}

#[test]
fn repeated_parameters_count_once_per_value_and_fragments_not_at_all() {
    let params = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    // Computed with npm twilio 6.2.0 for { K: ["2", "1", "2"], Empty: "" }.
    let repeated = params(&[("K", "2"), ("K", "1"), ("Empty", ""), ("K", "2")]);
    assert_eq!(
        sign("token", "http://localhost/a?b", &repeated),
        "L/bAV4Ilqkv5ayf5WWGUEyputtQ="
    );
    assert_eq!(
        sign("token", "http://localhost/a?b#c", &repeated),
        "L/bAV4Ilqkv5ayf5WWGUEyputtQ="
    );
    assert_ne!(
        sign("token", "http://localhost/a?b", &params(&[("K", "1")])),
        "L/bAV4Ilqkv5ayf5WWGUEyputtQ="
    );
}
