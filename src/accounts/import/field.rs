//! What a column can become, and by which names it is known.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};

/// What a report adds to a file's own columns; ignored when a corrected report is imported.
pub(super) const REPORT_COLUMNS: [&str; 3] = ["Row of the import", "Columns to correct", "What is wrong"];

/// What a column of an imported file becomes.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountImportField {
    /// Your number for the debt, unique in your business.
    AccountNumber,
    /// The person's date of birth: `1980-01-31` or `01/31/1980`. With name and postal code it tells who is known already.
    BirthDate,
    /// City.
    City,
    /// The company's name, of a debtor that is one: the row's names are then those of the contact there.
    CompanyName,
    /// The country (ISO 3166-1 alpha-2): how phone numbers without a country code are read, and that of the address.
    /// US where a row leaves it empty.
    Country,
    /// Who is owed now, by name: one of your creditors, or a new one where you may record creditors.
    Creditor,
    /// What is owed now, in US dollars; posted to the ledger.
    CurrentBalance,
    /// A field of your own, under the name in `customField`.
    Custom,
    /// What the debt is for: `credit card`, `medical`, `student loan` or another of DebtType.
    DebtType,
    /// `true` or `false`: the row's phone numbers are not to be contacted.
    DoNotCall,
    /// When it was or is due: `2026-11-20` or `11/20/2026`.
    DueDate,
    /// E-mail address.
    Email,
    /// Your own number of the person: accounts with the same one belong to the same person.
    ExternalDebtorReference,
    /// First name.
    FirstName,
    /// Not imported.
    Ignore,
    /// Last name.
    LastName,
    /// Street and house number.
    Line1,
    /// Apartment, suite, floor.
    Line2,
    /// The person's US social security number or ITIN, nine digits: it tells who is known already.
    NationalId,
    /// An internal note on the account, never shown to the debtor.
    Notes,
    /// What was owed at the beginning, in US dollars.
    OriginalBalance,
    /// Who was owed first.
    OriginalCreditor,
    /// Phone number.
    Phone,
    /// A second phone number.
    PhoneSecondary,
    /// With what it was handed over, by name: one of the row's creditor's placements, or a new one.
    Placement,
    /// ZIP or postal code.
    PostalCode,
    /// The language to write in, a BCP 47 tag such as `es` or `es-MX`; `en` where a row leaves it empty.
    PreferredLanguage,
    /// `low`, `normal`, `high` or `urgent`; kept in the custom field `priority`.
    Priority,
    /// State or territory.
    State,
    /// Labels, separated by semicolons or vertical bars.
    Tags,
}

/// Whether only one column can become it.
pub(super) fn is_single(field: AccountImportField) -> bool {
    !matches!(
        field,
        AccountImportField::Custom | AccountImportField::Ignore | AccountImportField::Tags
    )
}

/// What a column of this name usually holds.
pub(super) fn suggestion(name: &str) -> AccountImportField {
    let key: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    // What has no name of its own in the file is nothing that anybody asked for.
    let nameless = |name: &str| {
        let place = name.strip_prefix("Column ");
        place.is_some_and(|place| place.bytes().all(|b| b.is_ascii_digit()))
    };
    if nameless(name) || REPORT_COLUMNS.contains(&name) {
        return AccountImportField::Ignore;
    }
    SYNONYMS
        .iter()
        .find(|(_, names)| names.contains(&key.as_str()))
        .map_or(AccountImportField::Custom, |(field, _)| *field)
}

/// Names without spaces and signs, in lower case.
pub(super) const SYNONYMS: &[(AccountImportField, &[&str])] = &[
    (
        AccountImportField::FirstName,
        &["firstname", "first", "givenname", "forename"],
    ),
    (
        AccountImportField::LastName,
        &["lastname", "last", "surname", "familyname"],
    ),
    (
        AccountImportField::CompanyName,
        &[
            "companyname",
            "company",
            "businessname",
            "organization",
            "organizationname",
            "organisation",
            "organisationname",
        ],
    ),
    (AccountImportField::Email, &["email", "emailaddress", "mail"]),
    (
        AccountImportField::Phone,
        &[
            "phone",
            "phonenumber",
            "phone1",
            "mobile",
            "mobilephone",
            "cell",
            "cellphone",
            "telephone",
            "tel",
            "primaryphone",
        ],
    ),
    (
        AccountImportField::PhoneSecondary,
        &[
            "phone2",
            "phonesecondary",
            "secondaryphone",
            "homephone",
            "workphone",
            "alternatephone",
        ],
    ),
    (AccountImportField::Country, &["country", "countrycode"]),
    (
        AccountImportField::AccountNumber,
        &[
            "accountnumber",
            "account",
            "accountno",
            "acct",
            "acctno",
            "acctnumber",
            "accountid",
        ],
    ),
    (
        AccountImportField::ExternalDebtorReference,
        &[
            "externaldebtorreference",
            "debtorreference",
            "debtorid",
            "customerid",
            "customernumber",
            "consumerid",
        ],
    ),
    (
        AccountImportField::CurrentBalance,
        &[
            "currentbalance",
            "balance",
            "amountdue",
            "balancedue",
            "outstandingbalance",
            "amount",
        ],
    ),
    (
        AccountImportField::OriginalBalance,
        &["originalbalance", "originalamount", "chargeoffamount"],
    ),
    (AccountImportField::DueDate, &["duedate", "due", "datedue"]),
    (
        AccountImportField::DebtType,
        &["debttype", "typeofdebt", "debtkind", "debtcategory"],
    ),
    (
        AccountImportField::OriginalCreditor,
        &["originalcreditor", "creditor", "creditorname"],
    ),
    (
        AccountImportField::Creditor,
        &["currentcreditor", "owedto", "client", "clientname"],
    ),
    (
        AccountImportField::Placement,
        &["placement", "placementname", "batch", "portfolio"],
    ),
    (
        AccountImportField::PreferredLanguage,
        &["preferredlanguage", "language", "lang"],
    ),
    (
        AccountImportField::Line1,
        &[
            "address",
            "address1",
            "addressline1",
            "line1",
            "street",
            "streetaddress",
        ],
    ),
    (
        AccountImportField::Line2,
        &["address2", "addressline2", "line2", "apartment", "suite", "unit"],
    ),
    (AccountImportField::City, &["city", "town"]),
    (AccountImportField::State, &["state", "province", "region"]),
    (
        AccountImportField::BirthDate,
        &["birthdate", "dateofbirth", "birthday", "dob", "born"],
    ),
    (
        AccountImportField::NationalId,
        &[
            "nationalid",
            "nationalidnumber",
            "ssn",
            "ssnumber",
            "ss",
            "socialsecurity",
            "socialsecuritynumber",
            "socialsecurityno",
            "itin",
            "ssnitin",
            "ssnoritin",
        ],
    ),
    (
        AccountImportField::PostalCode,
        &["postalcode", "zip", "zipcode", "postcode"],
    ),
    (AccountImportField::Tags, &["tags", "tag", "labels"]),
    (
        AccountImportField::DoNotCall,
        &["donotcall", "dnc", "donotcontact"],
    ),
    (
        AccountImportField::Notes,
        &["notes", "note", "comment", "comments", "remarks"],
    ),
    (AccountImportField::Priority, &["priority"]),
];
