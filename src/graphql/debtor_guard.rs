//! What a debtor selects is looked through before it is executed: `access::debtor_fields` says what is theirs to see.

use std::collections::HashSet;

use async_graphql::{
    Name,
    parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet},
};

use super::{
    field_types::{FieldTypes, named, root_type},
    transport::Refusal,
};
use crate::{access::debtor_fields::shows, platform::error_code::ErrorCode};

/// Refuses an operation that selects anything else, wherever it stands.
pub(super) fn check(
    types: &FieldTypes,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
) -> Result<(), Refusal> {
    let mut open: Vec<(Name, &SelectionSet)> =
        vec![(Name::new(root_type(operation.ty)), &operation.selection_set.node)];
    let mut spread = HashSet::new();
    while let Some((on, selections)) = open.pop() {
        for selection in &selections.items {
            match &selection.node {
                Selection::Field(field) => {
                    let name = &field.node.name.node;
                    // One that does not exist is validation's to refuse.
                    let Some(ty) = types.get(&on, name) else { continue };
                    if !shows(&on, name) {
                        let message = format!("{on}.{name} is for the business's staff.");
                        return Err(Refusal::new(ErrorCode::Forbidden, message));
                    }
                    open.push((named(ty).clone(), &field.node.selection_set.node));
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let on = condition.map_or_else(|| on.clone(), |found| found.node.on.node.clone());
                    open.push((on, &fragment.node.selection_set.node));
                }
                // The same on whatever it is spread: it names its own type.
                Selection::FragmentSpread(found) => {
                    let name = &found.node.fragment_name.node;
                    if spread.insert(name)
                        && let Some(fragment) = document.fragments.get(name)
                    {
                        let on = fragment.node.type_condition.node.on.node.clone();
                        open.push((on, &fragment.node.selection_set.node));
                    }
                }
            }
        }
    }
    Ok(())
}
