//! To whom a debt is owed, and with what it was handed over.

use super::{Field, ImportFindingCode, Reading};

impl Reading<'_> {
    /// The names of creditor and placement. A placement is one of its creditor's.
    pub(super) fn origin(&mut self) -> (Option<String>, Option<String>) {
        let (creditor, placement) = (self.text(Field::Creditor, 200), self.text(Field::Placement, 200));
        let names_creditor = self.is_filled(Field::Creditor);
        if placement.is_some() && !names_creditor {
            let place = self.cell(Field::Placement).map(|(place, _)| place);
            let message = "Say whose placement this is: name the creditor too.";
            self.find(place, ImportFindingCode::MissingValue, message);
        }
        (creditor, placement)
    }

    fn is_filled(&mut self, field: Field) -> bool {
        self.cell(field).is_some()
    }
}
