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
    /// The company's name, of a debtor that is one: the row's names are then those of the contact there, and may be left empty.
    CompanyName,
    /// Costs in the balance, in US dollars: of Principal, Interest, Fees and Costs those that are not zero sum to the balance.
    Costs,
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
    /// Fees in the balance, in US dollars.
    Fees,
    /// First name.
    FirstName,
    /// A phone number at home.
    HomePhone,
    /// Not imported.
    Ignore,
    /// Interest in the balance, in US dollars.
    Interest,
    /// On which day the balance was made of what Principal, Interest, Fees and Costs say: `2026-01-31` or `01/31/2026`.
    ItemizationDate,
    /// Which day that is: `last statement`, `charge off`, `last payment`, `transaction` or `judgment`.
    ItemizationEvent,
    /// Last name.
    LastName,
    /// The last day on which suit may be brought, or might have been: `2027-06-30` or `06/30/2027`, as recordLimitation takes it.
    /// Administrators and compliance officers vouch for it, so that one of them commits the import.
    LimitationExpiresOn,
    /// Street and house number.
    Line1,
    /// Apartment, suite, floor.
    Line2,
    /// The number of a mobile telephone.
    MobilePhone,
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
    /// How the person prefers to be contacted: `text`, `WhatsApp`, `email`, `chat` or `phone`. Of somebody who is known already it
    /// stays as it is.
    PreferredChannel,
    /// The language to write in, a BCP 47 tag such as `es` or `es-MX`; `en` where a row leaves it empty.
    PreferredLanguage,
    /// Principal in the balance, in US dollars.
    Principal,
    /// `low`, `normal`, `high` or `urgent`; kept in the custom field `priority`.
    Priority,
    /// State or territory.
    State,
    /// Labels, separated by semicolons or vertical bars.
    Tags,
    /// A phone number at work: nobody is contacted there whose employer forbids it.
    WorkPhone,
}

impl AccountImportField {
    /// Whether it holds telephone numbers.
    pub(super) fn is_a_phone(self) -> bool {
        matches!(
            self,
            Self::HomePhone | Self::MobilePhone | Self::Phone | Self::PhoneSecondary | Self::WorkPhone
        )
    }

    /// Whether it is one of the amounts of which a balance is made.
    pub(super) fn is_an_amount_within(self) -> bool {
        matches!(self, Self::Principal | Self::Interest | Self::Fees | Self::Costs)
    }

    /// Whether it is one of those amounts, or says of which day they are.
    pub(super) fn is_of_an_itemization(self) -> bool {
        self.is_an_amount_within() || matches!(self, Self::ItemizationDate | Self::ItemizationEvent)
    }

    /// Whether a column of it tells what `wanted` asks for: any telephone number is one.
    pub(super) fn tells(self, wanted: Self) -> bool {
        self == wanted || (wanted == Self::Phone && self.is_a_phone())
    }
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
            "telephone",
            "tel",
            "primaryphone",
        ],
    ),
    (
        AccountImportField::MobilePhone,
        &[
            "mobile",
            "mobilephone",
            "mobilenumber",
            "cell",
            "cellphone",
            "cellnumber",
        ],
    ),
    (
        AccountImportField::HomePhone,
        &["homephone", "homenumber", "phonehome"],
    ),
    (
        AccountImportField::WorkPhone,
        &[
            "workphone",
            "worknumber",
            "phonework",
            "businessphone",
            "officephone",
            "employerphone",
        ],
    ),
    (AccountImportField::Principal, &["principal", "principalbalance"]),
    (
        AccountImportField::Interest,
        &["interest", "interestbalance", "accruedinterest"],
    ),
    (AccountImportField::Fees, &["fees", "fee", "feebalance"]),
    (AccountImportField::Costs, &["costs", "courtcosts", "costbalance"]),
    (
        AccountImportField::ItemizationDate,
        &["itemizationdate", "itemisationdate"],
    ),
    (
        AccountImportField::ItemizationEvent,
        &["itemizationevent", "itemisationevent", "itemizationdatetype"],
    ),
    (
        AccountImportField::PreferredChannel,
        &[
            "preferredchannel",
            "preferredcontactmethod",
            "contactmethod",
            "contactpreference",
        ],
    ),
    (
        AccountImportField::PhoneSecondary,
        &["phone2", "phonesecondary", "secondaryphone", "alternatephone"],
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
        AccountImportField::LimitationExpiresOn,
        &[
            "limitationexpireson",
            "limitationexpires",
            "limitationdate",
            "limitationenddate",
            "statuteoflimitations",
            "statuteoflimitationsdate",
            "soldate",
            "solexpirationdate",
            "solexpires",
        ],
    ),
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
