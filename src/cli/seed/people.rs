//! Who the demo data are of.

/// A demo business.
#[derive(Clone, Copy, Debug)]
pub struct DemoBusiness {
    pub slug: &'static str,
    pub name: &'static str,
    pub role: &'static str,
    pub number: &'static str,
    /// The letter of which its Twilio SID is made, and the digit of its token.
    twilio: (char, char),
    /// The last two digits of its debtors' numbers run from here.
    first_line: usize,
}

impl DemoBusiness {
    /// Its Twilio AccountSid, in the sandbox only.
    pub fn twilio_sid(&self) -> String {
        format!("AC{}", self.twilio.0.to_string().repeat(32))
    }

    /// Its Twilio auth token, in the sandbox only.
    pub fn twilio_token(&self) -> String {
        self.twilio.1.to_string().repeat(32)
    }

    /// Its connected account at Stripe, in the sandbox only.
    pub fn stripe_account(&self) -> String {
        format!("acct_demo_{}", self.slug)
    }

    /// The ZIP code of its n-th debtor.
    pub fn zip(&self, nth: usize) -> &'static str {
        PEOPLE.get(nth).map_or("", |person| person.zip)
    }

    /// The number of its n-th debtor's account.
    pub(super) fn account_number(&self, nth: usize) -> String {
        format!("{}-{:05}", self.slug.to_uppercase(), 10_001 + nth)
    }

    /// Its debtors' names and numbers.
    pub fn debtors(&self) -> impl Iterator<Item = (String, String)> + use<'_> {
        PEOPLE.iter().enumerate().map(|(index, person)| {
            (
                format!("{} {}", person.first, person.last),
                self.number_of(index, person),
            )
        })
    }

    pub(super) fn number_of(&self, index: usize, person: &Person) -> String {
        format!("+1{}55501{:02}", person.area_code, self.first_line + index)
    }
}

/// The demo businesses.
pub const BUSINESSES: [DemoBusiness; 2] = [
    DemoBusiness {
        slug: "acme",
        name: "Acme Recovery",
        role: "THIRD_PARTY_COLLECTOR",
        number: "+12125550100",
        twilio: ('a', '1'),
        first_line: 10,
    },
    DemoBusiness {
        slug: "globex",
        name: "Globex Health",
        role: "FIRST_PARTY_CREDITOR",
        number: "+13125550100",
        twilio: ('b', '2'),
        first_line: 50,
    },
];

/// Why a demo debtor cannot simply be written to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Snag {
    None,
    NoConsent,
    ConsentThroughCreditor,
    CeaseNotice,
    Attorney,
}

pub(super) struct Person {
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) state: &'static str,
    pub(super) zip: &'static str,
    pub(super) area_code: &'static str,
    pub(super) language: &'static str,
    pub(super) cents: i64,
    pub(super) snag: Snag,
}

const fn person(
    name: (&'static str, &'static str),
    place: (&'static str, &'static str, &'static str),
    language: &'static str,
    cents: i64,
    snag: Snag,
) -> Person {
    Person {
        first: name.0,
        last: name.1,
        state: place.0,
        zip: place.1,
        area_code: place.2,
        language,
        cents,
        snag,
    }
}

pub(super) const PEOPLE: [Person; 25] = [
    person(
        ("Maria", "Alvarez"),
        ("NY", "10027", "212"),
        "en",
        125_050,
        Snag::None,
    ),
    person(
        ("James", "Carter"),
        ("IL", "60614", "312"),
        "en",
        48_900,
        Snag::None,
    ),
    person(
        ("Linh", "Tran"),
        ("CA", "94110", "415"),
        "en",
        310_000,
        Snag::None,
    ),
    person(
        ("Rosa", "Jimenez"),
        ("TX", "77002", "713"),
        "es",
        87_425,
        Snag::None,
    ),
    person(
        ("Aaron", "Cohen"),
        ("NY", "11201", "718"),
        "en",
        22_000,
        Snag::None,
    ),
    person(
        ("Keisha", "Brown"),
        ("GA", "30303", "404"),
        "en",
        145_099,
        Snag::None,
    ),
    person(
        ("Daniel", "O'Brien"),
        ("MA", "02108", "617"),
        "en",
        63_000,
        Snag::None,
    ),
    person(
        ("Priya", "Patel"),
        ("NJ", "07302", "201"),
        "en",
        99_999,
        Snag::None,
    ),
    person(
        ("Carlos", "Mendoza"),
        ("AZ", "85004", "602"),
        "es",
        54_310,
        Snag::None,
    ),
    person(
        ("Emily", "Nguyen"),
        ("WA", "98101", "206"),
        "en",
        18_750,
        Snag::None,
    ),
    person(
        ("Robert", "Kealoha"),
        ("HI", "96813", "808"),
        "en",
        220_000,
        Snag::None,
    ),
    person(
        ("Anna", "Kowalski"),
        ("OH", "44113", "216"),
        "en",
        31_200,
        Snag::None,
    ),
    person(
        ("Marcus", "Johnson"),
        ("MI", "48226", "313"),
        "en",
        76_540,
        Snag::None,
    ),
    person(
        ("Sofia", "Rivera"),
        ("FL", "33130", "305"),
        "es",
        410_005,
        Snag::None,
    ),
    person(
        ("William", "Becker"),
        ("CO", "80202", "303"),
        "en",
        9_900,
        Snag::None,
    ),
    person(("Grace", "Kim"), ("OR", "97204", "503"), "en", 66_666, Snag::None),
    person(
        ("Peter", "Novak"),
        ("MN", "55401", "612"),
        "en",
        12_345,
        Snag::None,
    ),
    person(
        ("Tanya", "Begay"),
        ("NM", "87102", "505"),
        "en",
        83_000,
        Snag::None,
    ),
    person(
        ("Luis", "Ortega"),
        ("NV", "89101", "702"),
        "es",
        150_000,
        Snag::None,
    ),
    person(
        ("Hannah", "Larsen"),
        ("UT", "84101", "801"),
        "en",
        27_075,
        Snag::None,
    ),
    person(
        ("George", "Whitfield"),
        ("TN", "37201", "615"),
        "en",
        58_800,
        Snag::NoConsent,
    ),
    person(
        ("Ines", "Duarte"),
        ("CA", "90012", "213"),
        "es",
        71_000,
        Snag::NoConsent,
    ),
    person(
        ("Oscar", "Lindqvist"),
        ("MO", "63101", "314"),
        "en",
        34_560,
        Snag::ConsentThroughCreditor,
    ),
    person(
        ("Brenda", "Hughes"),
        ("PA", "19103", "215"),
        "en",
        92_010,
        Snag::CeaseNotice,
    ),
    person(
        ("Victor", "Salas"),
        ("TX", "79901", "915"),
        "es",
        105_500,
        Snag::Attorney,
    ),
];
