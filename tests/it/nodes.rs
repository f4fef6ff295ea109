//! Whatever is a Node is found by its id, and by the same means as everything else.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{TestApp, data, recipes::Ids};

#[tokio::test]
async fn every_kind_of_node_is_found_by_its_id() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let ids = Ids::make(&app, &app.acme, &admin, "Found", 25).await;
    let kinds = admin
        .gql("{ __type(name: \"Node\") { possibleTypes { name } } }", json!({}))
        .await;
    let kinds: BTreeSet<String> = data(&kinds)["__type"]["possibleTypes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|kind| kind["name"].as_str().map(str::to_owned))
        .collect();
    let all: Vec<&str> = ids.prefixes().into_iter().map(|prefix| ids.get(prefix)).collect();
    let found = admin
        .gql(
            "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
            json!({ "ids": all }),
        )
        .await;
    let mut met = BTreeSet::new();
    for (node, id) in data(&found)["nodes"].as_array().unwrap().iter().zip(&all) {
        if let Some(kind) = node["__typename"].as_str() {
            assert_eq!(node["id"], *id);
            met.insert(kind.to_owned());
        }
    }
    assert_eq!(met, kinds, "{found}");
    app.finish().await;
}
