//! The two kinds of files: debts, and people to be called.

use async_graphql::Enum;

use super::{columns::Column, field::AccountImportField};

/// Which columns a file must have.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum AccountImportTemplate {
    /// Debts: account number, current balance, and first and last name or a company's name are required.
    Accounts,
    /// People to be called by the dialler: a phone number is required. A row gets an account number of its own and owes
    /// nothing; it is known again by its phone number.
    Leads,
}

impl AccountImportTemplate {
    /// As the database spells it.
    pub(in crate::accounts) fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "ACCOUNTS",
            Self::Leads => "LEADS",
        }
    }

    /// The reverse of [`AccountImportTemplate::as_str`]; the column's CHECK allows nothing else.
    pub(in crate::accounts) fn parse(text: &str) -> Self {
        if text == "LEADS" {
            Self::Leads
        } else {
            Self::Accounts
        }
    }

    /// What every row must tell; of a company not the names ([`Self::may_be_a_companys`]).
    pub(in crate::accounts) fn required(self) -> &'static [AccountImportField] {
        match self {
            Self::Accounts => &[
                AccountImportField::FirstName,
                AccountImportField::LastName,
                AccountImportField::AccountNumber,
                AccountImportField::CurrentBalance,
            ],
            Self::Leads => &[AccountImportField::Phone],
        }
    }

    /// What a row that names a company may leave out: the contact there.
    pub(super) fn may_be_a_companys(field: AccountImportField) -> bool {
        matches!(
            field,
            AccountImportField::FirstName | AccountImportField::LastName
        )
    }

    /// The template that a file with these columns is of.
    pub(super) fn of(columns: &[Column]) -> Self {
        let has = |field| columns.iter().any(|column| column.field.tells(field));
        if has(AccountImportField::AccountNumber)
            || has(AccountImportField::CurrentBalance)
            || !has(AccountImportField::Phone)
        {
            Self::Accounts
        } else {
            Self::Leads
        }
    }

    /// A file to fill in, with one row as an example: without a national id, for a number that may be issued is somebody's.
    pub fn file(self) -> &'static str {
        match self {
            Self::Accounts => {
                "firstName,lastName,email,phone,accountNumber,currentBalance,dueDate,birthDate,postalCode,nationalId,debtType,currentCreditor,placement,companyName,limitationExpiresOn\r\n\
                 Maria,Alvarez,maria@example.com,(212) 555-0110,ACME-10001,1250.50,2026-11-30,1980-01-31,10001,,credit card,,,,\r\n"
            }
            Self::Leads => {
                "first_name,last_name,phone,country,type,priority,do_not_call,notes,company\r\n\
                 Sara,Ahmed,+14155552671,US,carrier,normal,false,Prefers the afternoon,Overland Freight\r\n"
            }
        }
    }
}
