//! What columns tell beside the bare value: where a number reaches the person, what a balance is made of, how they prefer to
//! be contacted.

use serde_json::json;

use super::{ACCOUNTS, commit, findings, import, people::debtor_of, previewed};
use crate::support::{TestApp, data};

#[tokio::test]
async fn marks_of_numbers_components_and_the_preferred_channel_are_kept() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let file = format!(
        "{ACCOUNTS},Cell,Home Phone,Work Phone,Principal,Interest,Fees,Costs,Itemization Date,Itemization Event,Contact Method\n\
         Ann,Lee,,(212) 555-0150,M-1,100.50,,212-555-0151,212-555-0152,212-555-0153,90,10,0.50,,01/31/2026,Charge-off,Email\n\
         Bob,Lee,,(212) 555-0160,M-2,20,,,,,,,,,,,\n\
         Cy,Lee,,(212) 555-0170,M-3,100,,,,,90,,,,01/31/2026,charge off,\n"
    );
    let ready = previewed(&app, &admin, &file).await;
    assert_eq!(
        findings(&admin, &ready).await,
        [(4, Some("Principal".to_owned()), "INVALID_AMOUNT".to_owned(), true)],
        "{ready}"
    );
    commit(&admin, &ready, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    let done = import(&admin, &ready["id"]).await;
    assert_eq!(done["result"]["imported"], 2, "{done}");

    let person = debtor_of(&admin, "M-1").await;
    let read = admin
        .gql(
            "query($d: ID!) { debtor(id: $d) { preferredContactMethod contactPoints { value lineType use provenance }
               accounts(first: 1) { edges { node { itemizationDate balanceComponents {
                 principal { amount } interest { amount } fees { amount } costs { amount } itemizationEvent } } } } } }",
            json!({ "d": person }),
        )
        .await;
    let point = |value: &str, line: &str, place: &str| json!({ "value": value, "lineType": line, "use": place, "provenance": "IMPORT" });
    let amount = |amount: &str| json!({ "amount": amount });
    assert_eq!(
        data(&read)["debtor"],
        json!({
            "preferredContactMethod": "EMAIL",
            "contactPoints": [
                point("+12125550150", "UNKNOWN", "UNKNOWN"),
                point("+12125550151", "MOBILE", "UNKNOWN"),
                point("+12125550152", "UNKNOWN", "HOME"),
                point("+12125550153", "UNKNOWN", "WORK"),
            ],
            "accounts": { "edges": [{ "node": { "itemizationDate": "2026-01-31", "balanceComponents": {
                "principal": amount("90.00"), "interest": amount("10.00"), "fees": amount("0.50"), "costs": amount("0.00"),
                "itemizationEvent": "CHARGE_OFF" } } }] },
        })
    );
    let bare = debtor_of(&admin, "M-2").await;
    let read = admin
        .gql(
            "query($d: ID!) { debtor(id: $d) { preferredContactMethod accounts(first: 1) { edges { node { balanceComponents { itemizationEvent } } } } } }",
            json!({ "d": bare }),
        )
        .await;
    assert_eq!(
        data(&read)["debtor"],
        json!({ "preferredContactMethod": null, "accounts": { "edges": [{ "node": { "balanceComponents": null } }] } })
    );
    app.finish().await;
}
