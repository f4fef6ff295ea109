//! How many values the cost of an operation takes a list to hold that has no arguments for its size. Where a list's bound is
//! higher than a page of a connection (20), what hangs on one object of a page counts as such a page: few have more.

/// Lists of objects: type, field, size.
const SIZES: &[(&str, &str, u64)] = &[
    ("Account", "disputes", 5),
    ("Account", "holds", 20),
    ("Account", "suitAuthorities", 5),
    ("Account", "timeZoneEvidence", 20),
    ("Account", "validationNotices", 5),
    ("AccountNote", "mentions", 5),
    // Counted at the mutation, which is given the ids.
    ("AssignAccountsPayload", "accounts", 1),
    ("SetAccountsCreditorPayload", "accounts", 1),
    ("TagAccountsPayload", "accounts", 1),
    ("AccountImport", "columns", 200),
    ("AnswerDue", "complaints", 20),
    ("AnswerDue", "disputes", 20),
    ("AutoResponse", "texts", 2),
    ("Availability", "exceptions", 100),
    ("Availability", "week", 7),
    ("Business", "providerApprovals", 10),
    ("ComplianceDashboard", "alerts", 20),
    ("ComplianceDashboard", "decisions", 60),
    ("ComplianceDashboard", "holds", 12),
    ("ComplianceDashboard", "optOuts", 60),
    ("ComplianceDashboard", "refusals", 30),
    ("ComplianceDashboard", "revocations", 60),
    ("ComplianceDashboard", "suppressions", 4),
    ("ComplianceDecision", "rules", 60),
    ("ComplianceScore", "components", 6),
    ("ContactPoint", "suppressions", 2),
    ("ContentCheck", "findings", 40),
    ("CookieNotice", "purposes", 3),
    ("CreateAccountPayload", "notTaken", 7),
    ("CustomFieldList", "fields", 20),
    ("Debtor", "contactPlaces", 20),
    ("Debtor", "contactPoints", 20),
    ("Debtor", "holds", 20),
    ("Debtor", "inconvenientTimes", 20),
    ("Debtor", "matchSuggestions", 20),
    ("Debtor", "merges", 20),
    ("Debtor", "privacyAcceptances", 20),
    ("Debtor", "timeZoneEvidence", 20),
    ("Dispute", "steps", 10),
    ("DisputeStep", "documents", 5),
    ("DoNotContact", "closed", 20),
    ("DoNotContact", "holds", 20),
    ("HoldsStated", "holds", 20),
    ("HoldsStated", "inconvenientTimes", 20),
    ("Payment", "refunds", 5),
    ("PlatformBusiness", "providerApprovals", 10),
    ("PlatformUser", "memberships", 20),
    ("ReassignedNumberList", "imports", 20),
    ("PrivacyNotice", "categories", 7),
    ("PrivacyNotice", "processors", 3),
    ("RoutingRule", "creditors", 10),
    ("RuleRefusals", "days", 30),
    ("SendMessagePayload", "findings", 40),
    ("StartConversationPayload", "findings", 40),
    ("CreateTemplatePayload", "findings", 20),
    ("Template", "findings", 5),
    ("TemplateCheck", "findings", 20),
    ("TemplatePreview", "contentFindings", 40),
    ("TemplatePreview", "findings", 20),
    ("UpdateTemplatePayload", "findings", 20),
    ("Query", "accountViews", 200),
    ("Query", "connectedNumbers", 100),
    ("Query", "licenses", 60),
    // Counted by the ids that are given.
    ("Query", "nodes", 1),
    ("Query", "providerAccounts", 10),
    ("Query", "roles", 100),
    ("Query", "routingRules", 50),
    ("Query", "sessions", 100),
    ("Query", "templateVariables", 20),
    ("Viewer", "memberships", 100),
    ("Viewer", "notificationPreferences", 20),
    ("WorkingDay", "hours", 6),
    ("WorkingException", "hours", 6),
];

/// What is wrong is one thing as a rule, and where a mutation is given many ids, one thing for all of them.
const USER_ERRORS: u64 = 1;

/// Introspection is in no schema definition. Its lists are as long as those of this schema are on average, but where types
/// lead to one another and back: a node's `possibleTypes` are many, and each has `interfaces`.
const INTROSPECTION: &[(&str, &str, &str, u64)] = &[
    ("Query", "__schema", "__Schema", 1),
    ("Query", "__type", "__Type", 1),
    ("__Schema", "types", "__Type", 400),
    ("__Schema", "queryType", "__Type", 1),
    ("__Schema", "mutationType", "__Type", 1),
    ("__Schema", "subscriptionType", "__Type", 1),
    ("__Schema", "directives", "__Directive", 10),
    ("__Type", "fields", "__Field", 4),
    ("__Type", "interfaces", "__Type", 1),
    ("__Type", "possibleTypes", "__Type", 30),
    ("__Type", "enumValues", "__EnumValue", 2),
    ("__Type", "inputFields", "__InputValue", 2),
    ("__Type", "ofType", "__Type", 1),
    ("__Field", "args", "__InputValue", 2),
    ("__Field", "type", "__Type", 1),
    ("__InputValue", "type", "__Type", 1),
    ("__Directive", "args", "__InputValue", 2),
];

/// What a list of objects is taken to hold; `None` for one that is not in the table. The size of a connection stands at the
/// connection, and is 1 at its `edges`.
pub(super) fn list_size(ty: &str, field: &str) -> Option<u64> {
    match field {
        "userErrors" => return Some(USER_ERRORS),
        "edges" if ty.ends_with("Connection") => return Some(1),
        _ => {}
    }
    let found = SIZES.iter().find(|(on, name, _)| (*on, *name) == (ty, field));
    found.map(|(_, _, size)| *size)
}

/// The type and the size of a field of introspection.
pub(super) fn introspected(ty: &str, field: &str) -> Option<(&'static str, u64)> {
    if !ty.starts_with("__") && !field.starts_with("__") {
        return None;
    }
    let found = INTROSPECTION
        .iter()
        .find(|(on, name, ..)| (*on, *name) == (ty, field));
    found.map(|(_, _, of, size)| (*of, *size))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use async_graphql::{
        Variables,
        parser::{
            parse_query, parse_schema,
            types::{BaseType, TypeKind, TypeSystemDefinition},
        },
    };

    use super::*;
    use crate::{
        graphql::{
            FieldTypes,
            field_types::named,
            sdl,
            transport::{DocumentCost, Limits, Refusal, check_document},
        },
        platform::error_code::ErrorCode,
    };

    fn weigh(source: &str) -> Result<DocumentCost, Refusal> {
        let limits = Limits {
            max_depth: 15,
            max_cost: 15_000,
            ..Limits::default()
        };
        let document = parse_query(source).unwrap();
        check_document(
            &document,
            None,
            &Variables::default(),
            &limits,
            &FieldTypes::of(&sdl()),
        )
    }

    /// `type.field` of every list of objects that the schema has.
    fn lists_of_objects() -> BTreeSet<(String, String)> {
        let definitions = parse_schema(sdl()).unwrap().definitions;
        let types = || {
            definitions.iter().filter_map(|definition| match definition {
                TypeSystemDefinition::Type(ty) => Some(&ty.node),
                _ => None,
            })
        };
        let composite: BTreeSet<&str> = types()
            .filter(|ty| {
                matches!(
                    ty.kind,
                    TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_)
                )
            })
            .map(|ty| ty.name.node.as_str())
            .collect();
        let mut lists = BTreeSet::new();
        for ty in types() {
            let fields = match &ty.kind {
                TypeKind::Object(object) => &object.fields,
                TypeKind::Interface(interface) => &interface.fields,
                _ => continue,
            };
            for field in fields {
                let field = &field.node;
                if matches!(field.ty.node.base, BaseType::List(_))
                    && composite.contains(named(&field.ty.node).as_str())
                {
                    lists.insert((ty.name.node.to_string(), field.name.node.to_string()));
                }
            }
        }
        lists
    }

    #[test]
    fn every_list_of_objects_has_a_size_and_every_size_a_list() {
        let lists = lists_of_objects();
        let without: Vec<_> = lists
            .iter()
            .filter(|(ty, field)| list_size(ty, field).is_none())
            .collect();
        assert!(
            without.is_empty(),
            "these lists cost nothing: name them in SIZES, with a size\n{without:#?}"
        );
        let gone: Vec<_> = SIZES
            .iter()
            .filter(|(ty, field, _)| !lists.contains(&((*ty).to_owned(), (*field).to_owned())))
            .collect();
        assert!(gone.is_empty(), "the schema has no such lists: {gone:?}");
    }

    #[test]
    fn what_leads_from_a_person_to_others_and_on_is_refused() {
        let mut source = "id".to_owned();
        for _ in 0..6 {
            source = format!("matchSuggestions {{ debtor {{ {source} }} }}");
        }
        let source = format!("{{ debtor(id: \"x\") {{ {source} }} }}");
        assert_eq!(weigh(&source).unwrap_err().code, ErrorCode::CostLimitExceeded);

        // Through a fragment and a condition of type, too.
        let hidden = "{ node(id: \"x\") { ... on Debtor { ...F } } }
            fragment F on Debtor { matchSuggestions { debtor { matchSuggestions { debtor { matchSuggestions { debtor { id } } } } } } }";
        assert_eq!(weigh(hidden).unwrap_err().code, ErrorCode::CostLimitExceeded);
        let once = "{ debtor(id: \"x\") { matchSuggestions { debtor { id } } } }";
        assert_eq!(weigh(once).unwrap().cost, 1 + (1 + 20 * 2));
        let of_a_page = "{ debtors(first: 50) { edges { node { contactPoints { id } } } } }";
        assert_eq!(weigh(of_a_page).unwrap().cost, 1 + 50 * (1 + 1 + 1 + 20));
    }

    #[test]
    fn a_mutation_of_many_costs_what_it_gives_back_of_each() {
        let with = |input: &str| {
            weigh(&format!(
                "mutation($nothing: String) {{ tagAccounts(input: {input}) {{ accounts {{ id }} }} }}"
            ))
        };
        assert_eq!(
            with("{ accountIds: [\"a\", \"b\", \"c\"], add: [$nothing] }")
                .unwrap()
                .cost,
            1 + 3 * 2
        );
    }

    #[test]
    fn tools_can_introspect_and_nobody_can_go_round_in_types() {
        // As graphql-js's getIntrospectionQuery writes it.
        let of_type = (0..9).fold("kind name".to_owned(), |inner, _| {
            format!("kind name ofType {{ {inner} }}")
        });
        let usual = format!(
            "query IntrospectionQuery {{ __schema {{ description queryType {{ name kind }} mutationType {{ name kind }}
               subscriptionType {{ name kind }} types {{ ...FullType }}
               directives {{ name description isRepeatable locations args(includeDeprecated: true) {{ ...InputValue }} }} }} }}
             fragment FullType on __Type {{ kind name description specifiedByURL
               fields(includeDeprecated: true) {{ name description args(includeDeprecated: true) {{ ...InputValue }}
                 type {{ ...TypeRef }} isDeprecated deprecationReason }}
               inputFields(includeDeprecated: true) {{ ...InputValue }} interfaces {{ ...TypeRef }}
               enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
               possibleTypes {{ ...TypeRef }} }}
             fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue isDeprecated
               deprecationReason }}
             fragment TypeRef on __Type {{ {of_type} }}"
        );
        let usual = weigh(&usual);
        assert!(usual.is_ok(), "{usual:?}");
        let round = |step: &str, times: usize| {
            (0..times).fold("name".to_owned(), |inner, _| format!("{step} {{ {inner} }} }}"))
        };
        for round in [
            format!("{{ __schema {{ types {{ {} }} }} }}", round("fields { type", 6)),
            format!(
                "{{ __schema {{ types {{ {} }} }} }}",
                round("possibleTypes { interfaces", 3)
            ),
            format!(
                "{{ __type(name: \"Node\") {{ {} }} }}",
                round("possibleTypes { interfaces", 5)
            ),
        ] {
            let refused = weigh(&round)
                .map(|weight| weight.cost)
                .map_err(|refusal| refusal.code);
            assert_eq!(refused, Err(ErrorCode::CostLimitExceeded), "{round}");
        }
    }
}
