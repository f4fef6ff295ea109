//! Whose an account is, and what its balance is made of.

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, Row as _};

use super::{MARIA, account, act, ask, create, new_account, numbers};
use crate::support::{Client, TestApp, data, error_code, eventually, recipes::uuid_of, user_errors};

#[tokio::test]
async fn accounts_belong_to_creditors_and_placements() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let creditor = async |name: &str| {
        let made = act(
            &admin,
            "createCreditor",
            "creditor { id name }",
            json!({ "name": name }),
        )
        .await;
        assert_eq!(made["creditor"]["name"], name, "{made}");
        made["creditor"]["id"].clone()
    };
    let (bank, clinic) = (creditor("First Bank").await, creditor("A Clinic").await);
    let twice = act(&admin, "createCreditor", "", json!({ "name": " FIRST bank " })).await;
    assert_eq!(user_errors(&twice), ["CONFLICT"]);
    let placement = act(
        &admin,
        "createPlacement",
        "placement { id placedOn creditor { id } }",
        json!({ "creditorId": bank, "name": "June" }),
    )
    .await;
    assert_eq!(placement["placement"]["creditor"]["id"], bank);
    assert_eq!(placement["placement"]["placedOn"], "2026-06-10");
    let june = placement["placement"]["id"].clone();
    let twice = act(
        &admin,
        "createPlacement",
        "",
        json!({ "creditorId": bank, "name": "june" }),
    )
    .await;
    assert_eq!(user_errors(&twice), ["CONFLICT"]);

    let mut input = new_account("Z-1");
    input["placementId"] = june.clone();
    let id = create(&admin, input.clone()).await;
    let whose = "creditor { name } placement { name }";
    assert_eq!(
        account(&admin, &id, whose).await,
        json!({ "creditor": { "name": "First Bank" }, "placement": { "name": "June" } }),
        "a placement brings its creditor along"
    );
    input["accountNumber"] = json!("Z-2");
    input["creditorId"] = clinic.clone();
    let mixed = act(&admin, "createAccount", "account { id }", input).await;
    assert_eq!(user_errors(&mixed), ["CONFLICT"]);
    assert_eq!(numbers(&admin, json!({ "creditorId": bank })).await, ["Z-1"]);
    assert_eq!(numbers(&admin, json!({ "placementId": june })).await, ["Z-1"]);

    let update = async |change: Value| {
        let mut input = json!({ "id": id });
        input
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        act(&admin, "updateAccount", &format!("account {{ {whose} }}"), input).await
    };
    let moved = update(json!({ "creditorId": clinic })).await;
    assert_eq!(
        moved["account"],
        json!({ "creditor": { "name": "A Clinic" }, "placement": null }),
        "another creditor's account is in none of this one's placements"
    );
    let contradiction = update(json!({ "creditorId": null, "placementId": june })).await;
    assert_eq!(user_errors(&contradiction), ["CONFLICT"]);
    let emptied = update(json!({ "creditorId": null })).await;
    assert!(emptied["account"]["creditor"].is_null(), "{emptied}");

    let listed = admin
        .gql(
            "query($c: ID) { creditors(first: 5) { edges { node { name } } } placements(first: 5, creditorId: $c) { edges { node { name } } } }",
            json!({ "c": bank }),
        )
        .await;
    assert_eq!(
        *data(&listed),
        json!({ "creditors": { "edges": [{ "node": { "name": "A Clinic" } }, { "node": { "name": "First Bank" } }] },
                "placements": { "edges": [{ "node": { "name": "June" } }] } })
    );
    app.finish().await;
}

#[tokio::test]
async fn components_sum_to_the_balance_with_which_the_account_was_placed() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let mut input = new_account("Z-1");
    input["balanceComponents"] = json!({ "principal": { "amount": "1000.00" }, "interest": { "amount": "234.49" },
        "itemizationDate": "2026-01-31", "itemizationEvent": "CHARGE_OFF" });
    let refused = act(&admin, "createAccount", "account { id }", input.clone()).await;
    assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "a cent is missing");
    assert_eq!(
        refused["userErrors"][0]["field"],
        json!(["input", "balanceComponents"])
    );
    input["balanceComponents"]["costs"] = json!({ "amount": "0.01" });
    let id = create(&admin, input).await;
    let made_of = "itemizationDate balanceComponents { principal { amount } interest { amount } fees { amount } costs { amount } itemizationEvent }";
    let amounts = |principal: &str, interest: &str, fees: &str, costs: &str| {
        json!({ "principal": { "amount": principal }, "interest": { "amount": interest }, "fees": { "amount": fees },
                "costs": { "amount": costs }, "itemizationEvent": "CHARGE_OFF" })
    };
    let stored = account(&admin, &id, made_of).await;
    assert_eq!(stored["itemizationDate"], "2026-01-31");
    assert_eq!(
        stored["balanceComponents"],
        amounts("1000.00", "234.49", "0.00", "0.01")
    );

    let update = async |components: Value| {
        let input = json!({ "id": id, "balanceComponents": components });
        act(
            &admin,
            "updateAccount",
            &format!("account {{ {made_of} }}"),
            input,
        )
        .await
    };
    let changed = update(
        json!({ "principal": { "amount": "1234.50" }, "itemizationDate": "2026-02-01",
        "itemizationEvent": "CHARGE_OFF" }),
    )
    .await;
    assert_eq!(
        changed["account"]["balanceComponents"],
        amounts("1234.50", "0.00", "0.00", "0.00")
    );
    for (wrong, field) in [
        (json!({ "principal": { "amount": "1234.50" } }), "itemizationDate"),
        (
            json!({ "principal": { "amount": "1234.50" }, "itemizationDate": "2026-07-01", "itemizationEvent": "JUDGMENT" }),
            "itemizationDate",
        ),
        (json!({ "itemizationDate": "2026-02-01" }), "principal"),
    ] {
        let refused = update(wrong).await;
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", "balanceComponents", field]),
            "{refused}"
        );
    }
    let plain = create(&admin, new_account("Z-2")).await;
    let none = account(
        &admin,
        &plain,
        "itemizationDate balanceComponents { principal { amount } }",
    )
    .await;
    assert_eq!(
        none,
        json!({ "itemizationDate": null, "balanceComponents": null })
    );
    app.finish().await;
}

/// Whether some statement waits for a row that another transaction holds.
async fn somebody_waits(app: &TestApp) {
    let mut watching = app.superuser().await;
    eventually("a statement waits for a row", async || {
        let waits: bool = watching
            .fetch_one("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple'))")
            .await
            .unwrap()
            .get(0);
        waits.then_some(())
    })
    .await;
}

#[tokio::test]
async fn whoever_is_erased_meanwhile_gets_no_account() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let mut first = new_account("Z-1");
    first["externalDebtorReference"] = json!("R-1");
    let id = create(&admin, first).await;
    let debtor = account(&admin, &id, "debtor { id }").await["debtor"]["id"].clone();
    let named = json!({ "debtorId": debtor, "phone": "(212) 555-0178", "accountNumber": "Z-2" });
    let found =
        json!({ "externalDebtorReference": "R-1", "phone": "(212) 555-0179", "accountNumber": "Z-3" });
    for more in [named, found] {
        let mut input = new_account("");
        for (key, value) in more.as_object().unwrap() {
            input[key] = value.clone();
        }
        let mut superuser = app.superuser().await;
        let mut erasing = superuser.begin().await.unwrap();
        let person = uuid_of(debtor.as_str().unwrap());
        sqlx::query("SELECT FROM debtors WHERE id = $1 FOR NO KEY UPDATE")
            .bind(person)
            .execute(&mut *erasing)
            .await
            .unwrap();
        let placing = {
            let admin = admin.clone();
            tokio::spawn(async move { act(&admin, "createAccount", "account { id }", input).await })
        };
        somebody_waits(&app).await;
        sqlx::query(
            "UPDATE data_keys SET wrapped = NULL, destroyed_at = $2
             WHERE debtor_id = $1 AND purpose = 'PROFILE' AND destroyed_at IS NULL",
        )
        .bind(person)
        .bind(app.app.clock.now())
        .execute(&mut *erasing)
        .await
        .unwrap();
        erasing.commit().await.unwrap();
        let refused = placing.await.unwrap();
        assert_eq!(user_errors(&refused), ["CONFLICT"], "{refused}");
        let left: i64 = superuser
            .fetch_one("SELECT count(*) FROM contact_points c JOIN debtors d ON d.id = c.debtor_id WHERE d.erased_at IS NOT NULL AND c.blind_index IS NOT NULL")
            .await
            .unwrap()
            .get(0);
        assert_eq!(left, 0, "nothing of theirs is found again");
    }
    app.finish().await;
}

#[tokio::test]
async fn two_debts_of_one_person_at_once_are_both_placed() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let id = create(&admin, new_account("Z-1")).await;
    let debtor = account(&admin, &id, "debtor { id }").await["debtor"]["id"].clone();
    let place = async |nth: usize| {
        let mut input = new_account(&format!("Z-2-{nth}"));
        input["debtorId"] = debtor.clone();
        input["phone"] = json!(format!("(212) 555-01{nth:02}"));
        act(&admin, "createAccount", "account { id }", input).await
    };
    for round in 0..4 {
        let (one, other) = tokio::join!(place(60 + 2 * round), place(61 + 2 * round));
        for placed in [one, other] {
            assert_eq!(user_errors(&placed), Vec::<&str>::new(), "{placed}");
        }
    }
    let points = account(&admin, &id, "debtor { contactPoints { value } }").await;
    assert_eq!(points["debtor"]["contactPoints"].as_array().unwrap().len(), 8);
    app.finish().await;
}

#[tokio::test]
async fn a_status_that_stops_collection_is_left_by_who_may_release_holds_and_no_plan_is_made_by_hand() {
    let app = TestApp::start().await;
    let (admin, manager, agent) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("manager").await,
        app.acme.agent().await,
    );
    let id = app.account_id(&app.acme, MARIA).await;
    let set = async |client: &Client, status: &str| {
        let input = json!({ "id": id, "status": status });
        ask(client, "updateAccount", "account { status }", input).await
    };
    for stopped in ["DISPUTED", "LEGAL", "CLOSED"] {
        let answer = set(&agent, stopped).await;
        assert_eq!(data(&answer)["updateAccount"]["account"]["status"], stopped);
        assert_eq!(error_code(&set(&agent, "ACTIVE").await), "FORBIDDEN", "{stopped}");
        let same = set(&agent, stopped).await;
        assert_eq!(
            user_errors(&data(&same)["updateAccount"]),
            Vec::<&str>::new(),
            "nothing changes"
        );
        let answer = set(&manager, "ACTIVE").await;
        assert_eq!(data(&answer)["updateAccount"]["account"]["status"], "ACTIVE");
    }
    for made in ["IN_PAYMENT_PLAN", "PAID_IN_FULL"] {
        let by_hand = set(&admin, made).await;
        assert_eq!(
            user_errors(&data(&by_hand)["updateAccount"]),
            ["CONFLICT"],
            "{made} is not set"
        );
        let mut superuser = app.superuser().await;
        for status in [made, "ACTIVE"] {
            sqlx::query("UPDATE accounts SET status = $2 WHERE id = $1")
                .bind(uuid_of(&id))
                .bind(status)
                .execute(&mut superuser)
                .await
                .unwrap();
            if status == made {
                let by_hand = set(&admin, "ACTIVE").await;
                assert_eq!(
                    user_errors(&data(&by_hand)["updateAccount"]),
                    ["CONFLICT"],
                    "{made} is not left"
                );
            }
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn an_account_without_a_number_gets_one_and_fields_of_ones_own_are_changed() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let mut input = new_account("");
        input.as_object_mut().unwrap().remove("accountNumber");
        let placed = act(&admin, "createAccount", "account { id accountNumber }", input).await;
        assert_eq!(user_errors(&placed), Vec::<&str>::new(), "{placed}");
        numbers.push(placed["account"]["accountNumber"].as_str().unwrap().to_owned());
    }
    assert!(
        numbers.iter().all(|number| number.starts_with("A-")) && numbers[0] != numbers[1],
        "{numbers:?}"
    );
    let mut input = new_account("Z-1");
    input["customFields"] = json!({ "employer": "First Example" });
    let id = create(&admin, input).await;
    let change = async |fields: Value| {
        let input = json!({ "id": id, "customFields": fields });
        act(&admin, "updateAccount", "account { customFields }", input).await
    };
    let changed = change(json!({ "shift": "night" })).await;
    assert_eq!(
        changed["account"]["customFields"],
        json!({ "shift": "night" }),
        "all of them are new"
    );
    assert_eq!(user_errors(&change(json!([1])).await), ["INVALID_INPUT"]);
    let kept = act(
        &admin,
        "updateAccount",
        "account { customFields }",
        json!({ "id": id, "dueDate": "2026-07-01" }),
    )
    .await;
    assert_eq!(kept["account"]["customFields"], json!({ "shift": "night" }));
    assert_eq!(change(Value::Null).await["account"]["customFields"], json!({}));
    app.finish().await;
}

#[tokio::test]
async fn what_is_told_of_somebody_known_and_not_taken_is_said() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let mut input = new_account("Z-1");
    input["externalDebtorReference"] = json!("R-1");
    input["address"] = json!({ "line1": "1 Main Street", "state": "New York", "postalCode": "10027" });
    input["birthDate"] = json!("1981-02-03");
    let not_taken = async |input: &Value| {
        let placed = act(
            &admin,
            "createAccount",
            "account { id } notTaken { field message }",
            input.clone(),
        )
        .await;
        assert_eq!(user_errors(&placed), Vec::<&str>::new(), "{placed}");
        assert!(placed["account"]["id"].is_string(), "{placed}");
        let told = placed["notTaken"].as_array().unwrap().clone();
        told.iter()
            .map(|told| told["field"][1].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(not_taken(&input).await, Vec::<String>::new(), "somebody new");
    input["accountNumber"] = json!("Z-2");
    assert_eq!(
        not_taken(&input).await,
        Vec::<String>::new(),
        "the same is told again"
    );
    // A guess at a national id tells nothing, be it right or wrong.
    for (number, guess) in [("Z-2a", "123-45-6789"), ("Z-2b", "536-22-8714")] {
        input["accountNumber"] = json!(number);
        input["nationalId"] = json!(guess);
        assert_eq!(not_taken(&input).await, ["nationalId"], "{guess}");
        let found = admin
            .gql(
                "{ debtors(first: 1, search: \"Quill\") { edges { node { id } } } }",
                json!({}),
            )
            .await;
        let known =
            json!({ "id": data(&found)["debtors"]["edges"][0]["node"]["id"], "nationalId": "536-22-8714" });
        let known = act(&admin, "updateDebtor", "debtor { nationalId }", known).await;
        assert_eq!(known["debtor"]["nationalId"], "***-**-8714", "{known}");
    }
    input["accountNumber"] = json!("Z-3");
    input["firstName"] = json!("Zoë");
    input["address"]["line1"] = json!("2 Main Street");
    input["birthDate"] = json!("1981-02-04");
    input["nationalId"] = json!("123-45-6789");
    input["preferredLanguage"] = json!("es");
    assert_eq!(
        not_taken(&input).await,
        [
            "firstName",
            "address",
            "birthDate",
            "nationalId",
            "preferredLanguage"
        ]
    );

    // Repeated with its key, it is told again.
    let document = "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id } notTaken { field } userErrors { code } } }";
    input["accountNumber"] = json!("Z-4");
    let key = [("idempotency-key", "place-1")];
    let first = admin.gql_with(document, json!({ "i": input }), &key).await;
    let again = admin.gql_with(document, json!({ "i": input }), &key).await;
    assert_eq!(data(&first), data(&again));
    assert_eq!(
        data(&again)["createAccount"]["notTaken"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    app.finish().await;
}

#[tokio::test]
async fn who_may_place_a_debt_and_not_read_the_person_learns_nothing_by_guessing() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let mut input = new_account("Z-1");
    input["externalDebtorReference"] = json!("R-1");
    input["birthDate"] = json!("1981-02-03");
    create(&admin, input.clone()).await;
    let made = act(
        &admin,
        "createApiKey",
        "secret",
        json!({ "name": "Placer", "scopes": ["account:create"] }),
    )
    .await;
    let mut key = app.anonymous();
    key.access_token = made["secret"].as_str().map(str::to_owned);
    for (number, guess) in [("Z-2", "1981-02-03"), ("Z-3", "1990-10-10")] {
        input["accountNumber"] = json!(number);
        input["birthDate"] = json!(guess);
        let placed = act(
            &key,
            "createAccount",
            "account { id } notTaken { field }",
            input.clone(),
        )
        .await;
        assert_eq!(user_errors(&placed), Vec::<&str>::new(), "{placed}");
        let told: Vec<&str> = placed["notTaken"]
            .as_array()
            .unwrap()
            .iter()
            .map(|told| told["field"][1].as_str().unwrap())
            .collect();
        assert_eq!(told, ["firstName", "lastName", "birthDate"], "{guess}");
    }
    app.finish().await;
}
