//! What an operation selects at its root, with fragments expanded.

use async_graphql::{
    Positioned,
    parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet},
};

/// What an operation selects at its root. A fragment counts as often as it is spread: the document was weighed, so that
/// there are no cycles, and few fields.
pub(super) struct RootFields {
    pub(super) kind: OperationType,
    /// The names of our own fields.
    pub(super) names: Vec<String>,
    /// Whether it asks for the schema (specification, section 4: `__schema`, `__type`).
    pub(super) introspects: bool,
}

impl RootFields {
    pub(super) fn of(document: &ExecutableDocument, operation: &Positioned<OperationDefinition>) -> Self {
        let mut names = Vec::new();
        collect(document, &operation.node.selection_set, &mut names);
        let introspects = names.iter().any(|name| name == "__schema" || name == "__type");
        names.retain(|name| !name.starts_with("__"));
        Self {
            kind: operation.node.ty,
            names,
            introspects,
        }
    }
}

fn collect(document: &ExecutableDocument, selections: &Positioned<SelectionSet>, names: &mut Vec<String>) {
    for selection in &selections.node.items {
        match &selection.node {
            Selection::Field(field) => names.push(field.node.name.node.to_string()),
            Selection::InlineFragment(fragment) => collect(document, &fragment.node.selection_set, names),
            Selection::FragmentSpread(fragment) => {
                let name = &fragment.node.fragment_name.node;
                if let Some(found) = document.fragments.get(name) {
                    collect(document, &found.node.selection_set, names);
                }
            }
        }
    }
}
