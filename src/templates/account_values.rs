//! The true values of an account, for the places of a text.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{
    catalogue::{self, Values, Variable},
    model::{Owner, TemplateLanguage, TemplatePurpose, Use},
    store::owner_of,
};
use crate::{
    accounts::{PostalAddress, scoped_debtor_of_account},
    compliance::content::disclosure_language,
    platform::{
        db::TenantTx,
        error::OpError,
        language::day_in_words,
        money::{Currency, Money},
    },
    settings::CompanyProfile,
};

/// What is known of an account and its person.
#[derive(Clone, Debug)]
pub(super) struct AccountFacts {
    pub(super) debtor_id: Uuid,
    pub(super) owner: Owner,
    /// In which language the person is written to.
    pub(super) language: TemplateLanguage,
    /// Nothing has been said to the person of this debt yet.
    pub(super) is_initial: bool,
    first_name: Option<String>,
    last_name: Option<String>,
    company: CompanyProfile,
    account_number: String,
    balance: Option<Money>,
    due_date: Option<NaiveDate>,
    creditor: Option<String>,
    original_creditor: Option<String>,
}

/// Reads them; `None` for an account that is not the caller's, and for a person whose data was erased.
pub(super) async fn account_facts(tx: &mut TenantTx, account: Uuid) -> Result<Option<AccountFacts>, OpError> {
    if scoped_debtor_of_account(tx, account).await?.is_none() {
        return Ok(None);
    }
    let business = tx.business_id();
    let row = sqlx::query!(
        r#"SELECT a.debtor_id, d.first_name, d.last_name, p.preferred_language, b.name AS business_name, b.role,
                s.company AS "company?", a.account_number, a.balance_minor, a.currency, a.due_date, a.original_creditor,
                c.name AS "creditor?", a.initial_communication_on IS NULL AS "is_initial!"
         FROM accounts a
         JOIN debtors d ON d.business_id = a.business_id AND d.id = a.debtor_id
         JOIN debtors p ON p.business_id = d.business_id AND p.id = d.person_id
         JOIN businesses b ON b.id = a.business_id
         LEFT JOIN business_settings s ON s.business_id = a.business_id
         LEFT JOIN creditors c ON c.business_id = a.business_id AND c.id = a.creditor_id
         WHERE a.business_id = $1 AND a.id = $2 AND a.deleted_at IS NULL AND d.erased_at IS NULL"#,
        business,
        account,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let company = match row.company {
        Some(company) => serde_json::from_value(company).map_err(|error| OpError::Internal(error.into()))?,
        None => CompanyProfile::default(),
    };
    let currency: Option<Currency> = row.currency.parse().ok();
    Ok(Some(AccountFacts {
        debtor_id: row.debtor_id,
        owner: owner_of(&row.business_name, &row.role),
        language: match disclosure_language(&row.preferred_language) {
            "es" => TemplateLanguage::Es,
            _ => TemplateLanguage::En,
        },
        is_initial: row.is_initial,
        first_name: row.first_name,
        last_name: row.last_name,
        company,
        account_number: row.account_number,
        // Of what is paid, or overpaid, nothing is owed.
        balance: currency
            .filter(|_| row.balance_minor > 0)
            .map(|currency| Money::from_minor(row.balance_minor, currency)),
        due_date: row.due_date,
        creditor: row.creditor,
        original_creditor: row.original_creditor,
    }))
}

impl AccountFacts {
    /// The values that there are; `link` where a personal link would stand.
    pub(super) fn values(&self, of: Use, link: &str) -> Values {
        Variable::ALL
            .into_iter()
            .filter_map(|variable| Some((variable, self.value(variable, of, link)?)))
            .collect()
    }

    fn value(&self, variable: Variable, of: Use, link: &str) -> Option<String> {
        let company = &self.company;
        match variable {
            Variable::DebtorFirstName => self.first_name.clone(),
            Variable::DebtorLastName => self.last_name.clone(),
            Variable::BusinessName => Some(self.owner.name.clone()),
            Variable::BusinessPhone => company.phone.as_ref().map(|phone| phone.0.clone()),
            Variable::BusinessEmail => company.email.as_ref().map(|email| email.0.clone()),
            Variable::BusinessAddress => company.address.as_ref().map(on_one_line),
            Variable::AccountNumberEnding => Some(ending(&self.account_number)),
            Variable::Balance => self.balance.map(shown),
            Variable::DueDate => self.due_date.map(|day| day_in_words(day, of.language.tag())),
            Variable::CreditorName => self.current_creditor(),
            Variable::OriginalCreditor => self.original_creditor.clone(),
            Variable::PortalLink => Some(link.to_owned()),
            Variable::CollectorDisclosure => self
                .owner
                .is_collector
                .then(|| catalogue::disclosure(of.language, self.purpose(of)).to_owned()),
            Variable::OptOutNotice => Some(catalogue::opt_out(of.language).to_owned()),
        }
    }

    /// The fuller statement in whatever is the first communication.
    fn purpose(&self, of: Use) -> TemplatePurpose {
        match self.is_initial {
            true => TemplatePurpose::FirstContact,
            false => of.purpose,
        }
    }

    fn current_creditor(&self) -> Option<String> {
        let named = self.creditor.clone().or_else(|| self.original_creditor.clone());
        named.or_else(|| (!self.owner.is_collector).then(|| self.owner.name.clone()))
    }
}

/// The last four characters of a number.
fn ending(number: &str) -> String {
    let length = number.chars().count();
    number.chars().skip(length.saturating_sub(4)).collect()
}

/// An amount, as every text of ours shows it.
pub(super) fn shown(money: Money) -> String {
    money.shown()
}

fn on_one_line(address: &PostalAddress) -> String {
    let region: Vec<&str> = [&address.state, &address.postal_code]
        .into_iter()
        .filter_map(|part| part.as_deref())
        .collect();
    let region = region.join(" ");
    let parts = [
        address.line1.as_deref(),
        address.line2.as_deref(),
        address.city.as_deref(),
        Some(region.as_str()).filter(|region| !region.is_empty()),
        address.country.as_deref(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_dates_and_numbers_are_written_as_people_write_them() {
        let dollars = |minor| shown(Money::from_minor(minor, "USD".parse().unwrap()));
        assert_eq!(dollars(5), "$0.05");
        assert_eq!(dollars(99_999), "$999.99");
        assert_eq!(dollars(125_050), "$1,250.50");
        assert_eq!(dollars(12_345_678_901), "$123,456,789.01");
        let day = NaiveDate::from_ymd_opt(2027, 6, 3).unwrap();
        assert_eq!(day_in_words(day, "en"), "June 3, 2027");
        assert_eq!(day_in_words(day, "es"), "3 de junio de 2027");
        assert_eq!(ending("ACME-10001"), "0001");
        assert_eq!(ending("ñ7"), "ñ7");
    }
}
