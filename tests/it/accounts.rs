//! Placing, finding and changing accounts.

use serde_json::{Value, json};

use crate::support::{Client, TestApp, data, error_code, recipes::uuid_of, user_errors};

const CREATE: &str = "mutation($input: CreateAccountInput!) { createAccount(input: $input) {
  account { id accountNumber firstName phone email tags currentBalance { amount currency } debtor { id }
    ledger(first: 5) { edges { node { kind amount { amount } } } } }
  userErrors { code field message } } }";

const LIST: &str = "query($first: Int, $after: String, $last: Int, $before: String, $orderBy: AccountOrder, $filter: AccountFilter, $search: String) {
  accounts(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, filter: $filter, search: $search) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { node { id accountNumber lastName dueDate currentBalance { amount } } } } }";

fn new_account(number: &str) -> Value {
    json!({ "firstName": "Zoe", "lastName": "Quill", "accountNumber": number, "phone": "(212) 555-0177",
        "email": "zoe@mail.example", "currentBalance": { "amount": "1234.50" }, "tags": ["new", "vip"] })
}

async fn create(client: &Client, input: Value) -> Value {
    data(&client.gql(CREATE, json!({ "input": input })).await)["createAccount"].clone()
}

#[tokio::test]
async fn a_placed_account_has_its_debtor_its_numbers_and_its_opening_entry() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let payload = create(&admin, new_account("Z-1")).await;
    let account = &payload["account"];
    assert_eq!(user_errors(&payload), Vec::<&str>::new());
    assert_eq!(account["phone"], "+12125550177");
    assert_eq!(account["tags"], json!(["new", "vip"]));
    assert_eq!(
        account["currentBalance"],
        json!({ "amount": "1234.50", "currency": "USD" })
    );
    assert_eq!(
        account["ledger"]["edges"][0]["node"],
        json!({ "kind": "OPENING", "amount": { "amount": "1234.50" } })
    );

    assert_eq!(
        user_errors(&create(&admin, new_account("Z-1")).await),
        ["CONFLICT"],
        "numbers are unique"
    );
    let globex = app.globex.sign_in("admin").await;
    assert_eq!(
        user_errors(&create(&globex, new_account("Z-1")).await),
        Vec::<&str>::new(),
        "per business"
    );

    let mut broken = new_account("Z-2");
    broken["phone"] = json!("12");
    broken["currentBalance"]["amount"] = json!("12.345");
    let refused = create(&admin, broken).await;
    assert_eq!(user_errors(&refused), ["INVALID_INPUT", "INVALID_INPUT"]);
    let fields: Vec<String> = refused["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["field"].to_string())
        .collect();
    assert_eq!(
        fields,
        [r#"["input","phone"]"#, r#"["input","currentBalance","amount"]"#]
    );
    app.finish().await;
}

#[tokio::test]
async fn lists_page_both_ways_in_every_order_without_gap_or_double() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    for field in ["CREATED_AT", "BALANCE", "DUE_DATE", "LAST_NAME"] {
        for direction in ["ASC", "DESC"] {
            let order = json!({ "field": field, "direction": direction });
            let whole = list(&admin, json!({ "first": 100, "orderBy": order })).await;
            let all = numbers(&whole);
            assert_eq!(all.len(), 25);
            let (mut seen, mut after) = (Vec::new(), Value::Null);
            loop {
                let page = list(&admin, json!({ "first": 7, "after": after, "orderBy": order })).await;
                seen.extend(numbers(&page));
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
            assert_eq!(seen, all, "{field} {direction} forward");
            let (mut seen, mut before) = (Vec::new(), Value::Null);
            loop {
                let page = list(&admin, json!({ "last": 7, "before": before, "orderBy": order })).await;
                let mut part = numbers(&page);
                part.extend(seen);
                seen = part;
                before = page["pageInfo"]["startCursor"].clone();
                if page["pageInfo"]["hasPreviousPage"] == false {
                    break;
                }
            }
            assert_eq!(seen, all, "{field} {direction} backward");
        }
    }
    app.finish().await;
}

async fn list(client: &Client, variables: Value) -> Value {
    data(&client.gql(LIST, variables).await)["accounts"].clone()
}

fn numbers(page: &Value) -> Vec<String> {
    let edges = page["edges"].as_array().unwrap();
    edges
        .iter()
        .map(|edge| edge["node"]["accountNumber"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn accounts_are_found_by_name_number_phone_mail_and_filters() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    create(&admin, new_account("Z-1")).await;
    let found = async |search: &str| numbers(&list(&admin, json!({ "first": 20, "search": search })).await);
    assert_eq!(found("quil").await, ["Z-1"], "part of a name");
    assert_eq!(found("Zoe Quill").await, ["Z-1"], "first name first");
    assert_eq!(found("Z-1").await, ["Z-1"], "number");
    let of_many_words = json!({ "firstName": "Anna Maria", "lastName": "de la Vega", "accountNumber": "Z-9",
        "currentBalance": { "amount": "10.00" } });
    create(&admin, of_many_words).await;
    for typed in ["Anna Maria de la Vega", "de la Vega Anna Maria", "Vega Anna"] {
        assert_eq!(found(typed).await, ["Z-9"], "{typed}");
    }
    assert_eq!(found("ACME-1002").await.len(), 6, "start of a number");
    assert_eq!(
        found("212-555-0177").await,
        ["Z-1"],
        "phone, however it is written"
    );
    assert_eq!(found("ZOE@mail.example").await, ["Z-1"], "mail");
    assert_eq!(
        found("100% sure").await,
        Vec::<String>::new(),
        "wildcards are letters"
    );
    let short = admin.gql(LIST, json!({ "first": 5, "search": "qu" })).await;
    assert_eq!(error_code(&short), "BAD_USER_INPUT");

    let filtered =
        async |filter: Value| numbers(&list(&admin, json!({ "first": 100, "filter": filter })).await);
    assert_eq!(filtered(json!({ "tags": ["vip"] })).await, ["Z-1"]);
    assert_eq!(
        filtered(json!({ "balance": { "min": "4000", "max": "4100.05" } })).await,
        ["ACME-10014"]
    );
    assert_eq!(
        filtered(json!({ "not": { "balance": { "max": "4000" } } })).await,
        ["ACME-10014"]
    );
    let either = json!({ "or": [{ "tags": ["vip"] }, { "balance": { "min": "4000" } }] });
    assert_eq!(filtered(either).await.len(), 2);
    let counted = list(&admin, json!({ "first": 1, "filter": { "status": ["ACTIVE"] } })).await;
    assert_eq!(counted["totalCount"], 27);
    app.finish().await;
}

#[tokio::test]
async fn what_is_known_of_a_person_can_be_put_right() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let account = create(&admin, new_account("Z-1")).await["account"]["id"].clone();
    let changed = admin
        .gql(
            "mutation($input: UpdateAccountInput!) { updateAccount(input: $input) {
               account { firstName lastName phone phoneSecondary email preferredLanguage dueDate originalCreditor tags }
               userErrors { code field } } }",
            json!({ "input": { "id": account, "lastName": "Quillfeather", "phone": "+1 212 555 0178",
                "preferredLanguage": "es", "dueDate": "2026-07-01", "originalCreditor": "A Bank", "tags": ["vip"] } }),
        )
        .await;
    let account = &data(&changed)["updateAccount"]["account"];
    assert_eq!(
        *account,
        json!({ "firstName": "Zoe", "lastName": "Quillfeather", "phone": "+12125550178", "phoneSecondary": "+12125550177",
            "email": "zoe@mail.example", "preferredLanguage": "es", "dueDate": "2026-07-01",
            "originalCreditor": "A Bank", "tags": ["vip"] })
    );
    let found = numbers(&list(&admin, json!({ "first": 5, "search": "feather" })).await);
    assert_eq!(found, ["Z-1"], "the new name is searched");
    app.finish().await;
}

#[tokio::test]
async fn a_date_that_cannot_be_is_the_caller_s_mistake() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let too_early = json!({ "createdAt": { "from": "-200000-01-01T00:00:00Z" } });
    let answer = admin.gql(LIST, json!({ "first": 1, "filter": too_early })).await;
    assert_eq!(error_code(&answer), "BAD_USER_INPUT", "{answer}");
    for day in ["-9999-01-01", "+262142-12-31", "2026-2-3"] {
        let filter = json!({ "dueDate": { "from": day } });
        let answer = admin.gql(LIST, json!({ "first": 1, "filter": filter })).await;
        assert_eq!(error_code(&answer), "GRAPHQL_VALIDATION_FAILED", "{answer}");
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("filter.dueDate.from"), "{message}");
    }
    let business = admin.gql("{ viewer { business { id } } }", json!({})).await;
    let business = uuid_of(data(&business)["viewer"]["business"]["id"].as_str().unwrap());
    let long_ago = funnelchat::platform::gql::keyset_cursor(
        funnelchat::platform::gql::CursorOwner::business(business),
        "accounts.CreatedAt.true",
        &json!({ "Instant": ["-5000-01-01T00:00:00Z", "01a1f98b-f8a3-7425-b51a-5cc706ecc735"] }),
    );
    let answer = admin.gql(LIST, json!({ "first": 1, "after": long_ago })).await;
    assert_eq!(error_code(&answer), "BAD_USER_INPUT", "{answer}");
    let mut input = new_account("Z-9");
    input["dueDate"] = json!("-4800-01-01");
    let answer = admin.gql(CREATE, json!({ "input": input })).await;
    assert_eq!(error_code(&answer), "GRAPHQL_VALIDATION_FAILED", "{answer}");
    app.finish().await;
}

#[tokio::test]
async fn a_place_in_one_list_is_no_place_in_another() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let first = acme.gql(LIST, json!({ "first": 2 })).await;
    let place = data(&first)["accounts"]["pageInfo"]["endCursor"].clone();
    let goes_on = acme.gql(LIST, json!({ "first": 2, "after": place })).await;
    assert_eq!(
        data(&goes_on)["accounts"]["edges"].as_array().unwrap().len(),
        2,
        "the next page"
    );
    let of_people = "query($after: String) { debtors(first: 2, after: $after) { edges { node { id } } } }";
    for (client, document, variables) in [
        (&globex, LIST, json!({ "first": 2, "after": place })),
        (&globex, LIST, json!({ "last": 2, "before": place })),
        (
            &acme,
            LIST,
            json!({ "first": 2, "after": place, "orderBy": { "field": "DUE_DATE", "direction": "ASC" } }),
        ),
        (&acme, of_people, json!({ "after": place })),
    ] {
        let answer = client.gql(document, variables.clone()).await;
        assert_eq!(error_code(&answer), "BAD_USER_INPUT", "{variables}: {answer}");
        let named = if variables["before"].is_null() {
            "after:"
        } else {
            "before:"
        };
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with(named), "{variables}: {message}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_list_that_can_mean_two_things_is_refused() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let none_of_nothing = json!({ "first": 1, "filter": { "or": [] } });
    let answer = admin.gql(LIST, none_of_nothing).await;
    assert_eq!(error_code(&answer), "BAD_USER_INPUT", "{answer}");
    // Merged, the second page's names would stand on the first page's accounts.
    let two_pages = "query { accounts(first: 1) { edges { node { id } } } ...More }
                     fragment More on Query { accounts(first: 2) { edges { node { lastName } } } }";
    for _ in 0..2 {
        let answer = admin.gql(two_pages, json!({})).await;
        assert_eq!(error_code(&answer), "GRAPHQL_VALIDATION_FAILED", "{answer}");
    }
    app.finish().await;
}
