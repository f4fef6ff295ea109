//! What the gate costs a send, counted on the wire.

use crate::statements::listened_to_with;
use crate::support::{data, send};

const MARIA: usize = 0;

#[tokio::test]
async fn the_gate_reads_its_facts_in_one_round_trip_and_stores_answer_and_slot_in_another() {
    let (app, wire) = listened_to_with("", Vec::new()).await;
    let agent = app.acme.agent().await;
    let viewer = agent.gql("{ viewer { role } }", serde_json::json!({})).await;
    assert_eq!(data(&viewer)["viewer"]["role"], "AGENT");
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    let message = send(&agent, &thread, "Good morning from Acme.").await;
    wire.clear();
    app.run_jobs().await;
    assert_eq!(app.status(&message).await, "DELIVERED");
    let tables = [
        "contact_policies",
        "decisions",
        "contact_slots",
        "inconvenient_times",
        "contact_places",
        "holds",
        "consents",
        "suppressions",
        "disputes",
    ];
    let statements: Vec<String> = wire.statements().into_iter().map(|(_, text)| text).collect();
    let of_gate: Vec<&String> = statements
        .iter()
        .filter(|text| tables.iter().any(|table| text.contains(&format!(" {table} "))))
        .filter(|text| !text.contains("delivery_attempts"))
        .collect();
    assert_eq!(of_gate.len(), 2, "{of_gate:#?}");
    assert!(of_gate[0].trim_start().starts_with("SELECT"), "{of_gate:#?}");
    assert!(of_gate[1].contains("INSERT INTO decisions") && of_gate[1].contains("INSERT INTO contact_slots"));
    app.finish().await;
}
