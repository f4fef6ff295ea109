//! Which root fields an operation selects, with fragments expanded.

use async_graphql::{
    Positioned,
    parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet},
};

/// The operation's kind and the names of its root fields, introspection left out. A fragment counts as often as it is
/// spread: the document was weighed, so that there are no cycles, and few fields.
pub(super) fn root_fields(
    document: &ExecutableDocument,
    operation: &Positioned<OperationDefinition>,
) -> (OperationType, Vec<String>) {
    let mut names = Vec::new();
    collect(document, &operation.node.selection_set, &mut names);
    (operation.node.ty, names)
}

fn collect(document: &ExecutableDocument, selections: &Positioned<SelectionSet>, names: &mut Vec<String>) {
    for selection in &selections.node.items {
        match &selection.node {
            Selection::Field(field) => {
                let name = field.node.name.node.as_str();
                if !name.starts_with("__") {
                    names.push(name.to_owned());
                }
            }
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
