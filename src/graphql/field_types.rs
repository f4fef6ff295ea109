//! The types of the schema's fields, read from its definition: what completes an answer or checks a document needs them,
//! and the library keeps its own registry to itself.

use std::collections::HashMap;

use async_graphql::{
    Name,
    parser::{
        parse_schema,
        types::{BaseType, OperationType, Type, TypeKind, TypeSystemDefinition},
    },
};

use super::{
    list_sizes::{introspected, list_size},
    transport::Measures,
};

/// The type of every field of every object and interface.
#[derive(Debug, Default)]
pub struct FieldTypes {
    types: HashMap<Name, TypeFields>,
}

#[derive(Debug)]
struct TypeFields {
    is_object: bool,
    fields: HashMap<Name, Type>,
}

impl FieldTypes {
    /// Reads the types from a schema definition; a text that is none gives no types.
    pub fn of(sdl: &str) -> Self {
        let mut types = HashMap::new();
        let definitions = parse_schema(sdl).map_or_else(|_| Vec::new(), |document| document.definitions);
        for definition in definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let (is_object, fields) = match definition.node.kind {
                TypeKind::Object(object) => (true, object.fields),
                TypeKind::Interface(interface) => (false, interface.fields),
                _ => continue,
            };
            let fields = fields.into_iter().map(|field| field.node);
            let fields = fields.map(|field| (field.name.node, field.ty.node)).collect();
            types.insert(definition.node.name.node, TypeFields { is_object, fields });
        }
        Self { types }
    }

    /// The type of a field; `None` when the type has no such field.
    pub fn get(&self, ty: &str, field: &str) -> Option<&Type> {
        self.types.get(ty)?.fields.get(field)
    }

    /// Whether it is an object type: a value is of one of these at most.
    pub fn is_object(&self, ty: &str) -> bool {
        self.types.get(ty).is_some_and(|known| known.is_object)
    }
}

impl Measures for FieldTypes {
    fn field(&self, ty: &str, field: &str) -> Option<(&str, u64)> {
        let Some(found) = self.get(ty, field) else {
            return introspected(ty, field);
        };
        let is_list = matches!(found.base, BaseType::List(_));
        let size = if is_list { list_size(ty, field) } else { None };
        Some((named(found).as_str(), size.unwrap_or(1)))
    }
}

/// The type on which an operation selects its fields.
pub fn root_type(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}

/// The named type inside of lists.
pub fn named(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(item) => named(item),
    }
}
