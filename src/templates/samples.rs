//! Values with which a text is tried before anybody's true ones are known: as in the catalogue, others, and as long as values
//! come. How many words a value has decides what stands together in a sentence, and so what a sentence says.

use super::{
    catalogue::{Values, Variable},
    model::{Owner, TemplateLanguage, Use},
};

/// One set of values, with what the ledger and the records would say beside them.
pub(super) struct Sample {
    pub(super) values: Values,
    pub(super) names: Vec<String>,
    /// In hundredths.
    pub(super) amounts: Vec<i64>,
}

/// The catalogue's examples, with the business's own name.
pub(super) fn usual(of: Use, owner: &Owner) -> Sample {
    let values = Variable::ALL
        .into_iter()
        .filter(|variable| variable.may_stand_in_body(of, owner.is_collector))
        .map(|variable| (variable, variable.example(of.language, of.purpose)))
        .collect();
    sample(values, owner, 81_240)
}

/// Values of other numbers of words.
pub(super) fn other(of: Use, owner: &Owner) -> Sample {
    replaced(
        usual(of, owner).values,
        owner,
        731,
        &[
            (Variable::DebtorFirstName, "Mary Jo"),
            (Variable::DebtorLastName, "de Souza"),
            (Variable::Balance, "$7.31"),
            (Variable::CreditorName, "Zenith"),
            (Variable::OriginalCreditor, "Zenith"),
            (Variable::BusinessAddress, "Springfield"),
            (Variable::BusinessPhone, "+12125550100"),
        ],
    )
}

/// The longest that the records take.
pub(super) fn longest(of: Use, owner: &Owner) -> Sample {
    let first =
        "Guadalupe Esperanza Montserrat Anastasia Wilhelmina Evangelina Bartholomea Maximiliana Seraphina Li";
    let last = "Featherstonehaugh Cholmondeley Wolfeschlegelsteinhausenbergerdorff Papadopoulos Villanueva Okonkwo A";
    let creditor = "Consolidated Example Furniture and Household Appliances Financing Company of the Greater \
                    Midwestern and Northern Plains Region, a Subsidiary of International Example Holdings \
                    Incorporated, N.A. Inc";
    let day = match of.language {
        TemplateLanguage::En => "September 30, 2027",
        TemplateLanguage::Es => "30 de septiembre de 2027",
    };
    replaced(
        usual(of, owner).values,
        owner,
        999_999_999,
        &[
            (Variable::DebtorFirstName, first),
            (Variable::DebtorLastName, last),
            (Variable::Balance, "$9,999,999.99"),
            (Variable::CreditorName, creditor),
            (Variable::OriginalCreditor, creditor),
            (Variable::DueDate, day),
            (
                Variable::BusinessAddress,
                "12345 North Example Boulevard, Suite 1200, Building C, Saint Petersburg, FL 33701, US",
            ),
        ],
    )
}

/// As many digits as values begin or end with: four of an account number, five of an amount, which has a comma before more, and
/// the ten of a telephone number after its country's.
pub(super) fn digits(of: Use, owner: &Owner) -> Sample {
    replaced(
        usual(of, owner).values,
        owner,
        99_999,
        &[
            (Variable::AccountNumberEnding, "9999"),
            (Variable::Balance, "999.99"),
            (Variable::BusinessPhone, "+9999999999"),
            (
                Variable::BusinessAddress,
                "99999 Main Street, Springfield, IL 99999-9999",
            ),
        ],
    )
}

fn replaced(mut values: Values, owner: &Owner, amount: i64, others: &[(Variable, &str)]) -> Sample {
    for (variable, value) in others {
        values.entry(*variable).and_modify(|old| (*value).clone_into(old));
    }
    sample(values, owner, amount)
}

fn sample(mut values: Values, owner: &Owner, amount: i64) -> Sample {
    values.insert(Variable::BusinessName, owner.name.clone());
    let named = |variable| values.get(&variable).cloned().unwrap_or_default();
    let whole = format!(
        "{} {}",
        named(Variable::DebtorFirstName),
        named(Variable::DebtorLastName)
    );
    Sample {
        names: vec![
            whole,
            owner.name.clone(),
            named(Variable::CreditorName),
            named(Variable::OriginalCreditor),
        ],
        values,
        amounts: vec![amount],
    }
}
