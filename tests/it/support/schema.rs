//! The schema as the running service tells it by introspection, and operations generated from it.

use std::collections::BTreeMap;

use funnelchat::access::{
    debtor_fields::{TYPES, shows},
    operations::{Needs, needs},
};
use serde_json::{Map, Value, json};

use super::{Client, data};

const INTROSPECTION: &str = "query($name: String!) { __type(name: $name) {
  kind name description specifiedByURL
  fields(includeDeprecated: true) { name description args { ...Value } type { ...Ref } }
  inputFields { ...Value }
  enumValues(includeDeprecated: true) { name description }
  possibleTypes { name } } }
fragment Value on __InputValue { name description defaultValue type { ...Ref } }
fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// Every type by its name.
pub struct Schema {
    pub types: BTreeMap<String, TypeInfo>,
}

#[derive(Clone, Debug)]
pub struct TypeInfo {
    pub kind: String,
    pub name: String,
    pub description: String,
    pub fields: Vec<Field>,
    pub input_fields: Vec<Input>,
    /// Name and description.
    pub enum_values: Vec<(String, String)>,
    pub possible_types: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub description: String,
    pub args: Vec<Input>,
    pub ty: TypeRef,
}

/// An argument or an input field.
#[derive(Clone, Debug)]
pub struct Input {
    pub name: String,
    pub description: String,
    pub has_default: bool,
    pub ty: TypeRef,
}

/// A type with its wrappers.
#[derive(Clone, Debug)]
pub struct TypeRef {
    /// As in SDL: `[ID!]!`.
    pub text: String,
    /// The type inside.
    pub named: String,
    pub is_list: bool,
}

impl TypeRef {
    pub fn is_required(&self) -> bool {
        self.text.ends_with('!')
    }

    fn read(value: &Value) -> Self {
        let inner = || Self::read(&value["ofType"]);
        match text(&value["kind"]).as_str() {
            "NON_NULL" => {
                let inner = inner();
                Self {
                    text: format!("{}!", inner.text),
                    ..inner
                }
            }
            "LIST" => {
                let inner = inner();
                Self {
                    text: format!("[{}]", inner.text),
                    is_list: true,
                    ..inner
                }
            }
            _ => {
                let name = text(&value["name"]);
                Self {
                    text: name.clone(),
                    named: name,
                    is_list: false,
                }
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list<T>(value: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().into_iter().flatten().map(read).collect()
}

fn input(value: &Value) -> Input {
    Input {
        name: text(&value["name"]),
        description: text(&value["description"]),
        has_default: !value["defaultValue"].is_null(),
        ty: TypeRef::read(&value["type"]),
    }
}

impl Schema {
    /// Asks the service, type by type.
    pub async fn of(client: &Client) -> Self {
        let answer = client.gql("{ __schema { types { name } } }", json!({})).await;
        let mut types = BTreeMap::new();
        for name in list(&data(&answer)["__schema"]["types"], |ty| text(&ty["name"])) {
            let answer = client.gql(INTROSPECTION, json!({ "name": name })).await;
            let found = &data(&answer)["__type"];
            let info = TypeInfo {
                kind: text(&found["kind"]),
                name: name.clone(),
                description: text(&found["description"]),
                fields: list(&found["fields"], |field| Field {
                    name: text(&field["name"]),
                    description: text(&field["description"]),
                    args: list(&field["args"], input),
                    ty: TypeRef::read(&field["type"]),
                }),
                input_fields: list(&found["inputFields"], input),
                enum_values: list(&found["enumValues"], |v| {
                    (text(&v["name"]), text(&v["description"]))
                }),
                possible_types: list(&found["possibleTypes"], |ty| text(&ty["name"])),
            };
            types.insert(name, info);
        }
        Self { types }
    }

    /// What is left of it for a debtor: what is shown to them, and what is public.
    pub fn for_debtor(&self) -> Self {
        let mut types = self.types.clone();
        let is_listed = |name: &str| TYPES.iter().any(|view| view.name == name);
        for ty in types.values_mut() {
            let is_root = ["Query", "Mutation", "Subscription"].contains(&ty.name.as_str());
            let is_answer_to_all =
                ty.name.ends_with("Payload") || ty.name == "SessionTokens" || ty.name.starts_with("Mfa");
            let name = ty.name.clone();
            ty.fields.retain(|field| {
                shows(&name, &field.name)
                    || (is_root && needs(&name, &field.name) == Some(Needs::Nothing))
                    || (is_answer_to_all && !is_listed(&name))
            });
            ty.possible_types.retain(|possible| is_listed(possible));
        }
        Self { types }
    }

    /// The types that are ours: neither introspection's nor the language's own scalars.
    pub fn own_types(&self) -> impl Iterator<Item = &TypeInfo> {
        self.types.values().filter(|ty| {
            !ty.name.starts_with("__")
                && !["Boolean", "Float", "ID", "Int", "String"].contains(&ty.name.as_str())
        })
    }

    pub fn ty(&self, name: &str) -> &TypeInfo {
        self.types
            .get(name)
            .unwrap_or_else(|| panic!("the schema has no type {name}"))
    }

    /// Root type and field, for every operation.
    pub fn operations(&self) -> Vec<(&'static str, &Field)> {
        ["Mutation", "Query", "Subscription"]
            .into_iter()
            .flat_map(|root| self.ty(root).fields.iter().map(move |field| (root, field)))
            .collect()
    }

    /// Where `field` takes a value of `scalar`, as paths through its arguments: `input.conversationId`.
    pub fn slots(&self, field: &Field, scalar: &str) -> Vec<Slot> {
        let mut slots = Vec::new();
        self.find_slots(&field.args, scalar, &mut Vec::new(), &mut Vec::new(), &mut slots);
        slots
    }

    fn find_slots(
        &self,
        inputs: &[Input],
        scalar: &str,
        path: &mut Vec<String>,
        above: &mut Vec<String>,
        slots: &mut Vec<Slot>,
    ) {
        for input in inputs {
            path.push(input.name.clone());
            if input.ty.named == scalar {
                slots.push(Slot {
                    path: path.clone(),
                    ty: input.ty.clone(),
                });
            }
            let inner = self.ty(&input.ty.named);
            // A filter may hold itself: its fields are found once.
            if inner.kind == "INPUT_OBJECT" && !above.contains(&inner.name) {
                above.push(inner.name.clone());
                self.find_slots(&inner.input_fields, scalar, path, above, slots);
                above.pop();
            }
            path.pop();
        }
    }

    /// A whole operation: the field with these arguments as variables, selecting everything down to `depth`.
    pub fn document(
        &self,
        root: &str,
        field: &Field,
        arguments: &Map<String, Value>,
        depth: usize,
    ) -> (String, Value) {
        let given = || field.args.iter().filter(|arg| arguments.contains_key(&arg.name));
        let declared: Vec<String> = given()
            .map(|arg| format!("${}: {}", arg.name, arg.ty.text))
            .collect();
        let passed: Vec<String> = given().map(|arg| format!("{0}: ${0}", arg.name)).collect();
        let brackets = |inside: &[String]| {
            if inside.is_empty() {
                String::new()
            } else {
                format!("({})", inside.join(", "))
            }
        };
        let document = format!(
            "{} Op{} {{ {}{} {} }}",
            root.to_lowercase(),
            brackets(&declared),
            field.name,
            brackets(&passed),
            self.selection(&field.ty.named, depth),
        );
        (document, Value::Object(arguments.clone()))
    }

    /// Everything of a type: its scalars, and its objects while `depth` lasts. Connections give two items.
    pub fn selection(&self, name: &str, depth: usize) -> String {
        let ty = self.ty(name);
        match ty.kind.as_str() {
            "OBJECT" => {
                let fields: Vec<String> = ty
                    .fields
                    .iter()
                    .filter_map(|field| self.select_field(field, depth))
                    .collect();
                format!("{{ __typename {} }}", fields.join(" "))
            }
            "UNION" | "INTERFACE" => {
                let each = ty.possible_types.iter().map(|possible| {
                    let inside = if ty.kind == "UNION" {
                        self.selection(possible, depth)
                    } else {
                        // Fields of one name may differ in type between an interface's objects: only what they share.
                        "{ __typename id }".to_owned()
                    };
                    format!("... on {possible} {inside}")
                });
                format!("{{ __typename {} }}", each.collect::<Vec<_>>().join(" "))
            }
            _ => String::new(),
        }
    }

    fn select_field(&self, field: &Field, depth: usize) -> Option<String> {
        let inner = self.ty(&field.ty.named);
        let pages = field.args.iter().any(|arg| arg.name == "first");
        if field
            .args
            .iter()
            .any(|arg| arg.ty.is_required() && !arg.has_default)
        {
            return None;
        }
        let arguments = if pages { "(first: 2)" } else { "" };
        match inner.kind.as_str() {
            "SCALAR" | "ENUM" => Some(format!("{}{arguments}", field.name)),
            "OBJECT" if inner.name == "UserError" => {
                Some(format!("{} {}", field.name, self.selection(&inner.name, 0)))
            }
            _ if depth == 0 => None,
            // Edges and page information are no depth of their own.
            _ => {
                let shallow = inner.name.ends_with("Edge") || inner.name.ends_with("Connection");
                let deeper = if shallow { depth } else { depth - 1 };
                Some(format!(
                    "{}{arguments} {}",
                    field.name,
                    self.selection(&inner.name, deeper)
                ))
            }
        }
    }

    /// Valid arguments for `field`: what is required, plus what `extra` names, made by `make`.
    pub fn arguments(
        &self,
        inputs: &[Input],
        make: &dyn Fn(&Input, &[String]) -> Option<Value>,
    ) -> Map<String, Value> {
        self.arguments_at(inputs, make, &mut Vec::new())
    }

    fn arguments_at(
        &self,
        inputs: &[Input],
        make: &dyn Fn(&Input, &[String]) -> Option<Value>,
        path: &mut Vec<String>,
    ) -> Map<String, Value> {
        let mut values = Map::new();
        for input in inputs {
            path.push(input.name.clone());
            if let Some(value) = make(input, path) {
                values.insert(input.name.clone(), value);
            } else if input.ty.is_required() && !input.has_default {
                let inner = self.ty(&input.ty.named);
                let value = match inner.kind.as_str() {
                    "INPUT_OBJECT" => Value::Object(self.arguments_at(&inner.input_fields, make, path)),
                    "ENUM" => json!(inner.enum_values.first().expect("an enum has values").0),
                    other => panic!(
                        "no value is known for {} ({other} {})",
                        path.join("."),
                        input.ty.text
                    ),
                };
                values.insert(
                    input.name.clone(),
                    if input.ty.is_list { json!([value]) } else { value },
                );
            }
            path.pop();
        }
        values
    }
}

/// A place in an operation's arguments.
#[derive(Clone, Debug)]
pub struct Slot {
    pub path: Vec<String>,
    pub ty: TypeRef,
}

impl Slot {
    pub fn name(&self) -> String {
        self.path.join(".")
    }

    /// Puts a value there, making the objects on the way.
    pub fn put(&self, arguments: &mut Map<String, Value>, value: Value) {
        let value = if self.ty.is_list && !value.is_array() {
            json!([value])
        } else {
            value
        };
        let (last, way) = self.path.split_last().expect("a path has a step");
        let mut at = arguments;
        for step in way {
            let next = at.entry(step.clone()).or_insert_with(|| json!({}));
            at = match next {
                Value::Array(items) => items.first_mut().and_then(Value::as_object_mut),
                other => other.as_object_mut(),
            }
            .expect("an object on the way");
        }
        at.insert(last.clone(), value);
    }
}
