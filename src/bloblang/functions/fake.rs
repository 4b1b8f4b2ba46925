//! Table: `fake`, which makes up plausible data.

use crate::bloblang::spec::{
    CallError, Example, FunctionCall, FunctionFn, FunctionSpec, Param, ParamKind, Status,
};
use crate::formats::go_time::Layout;
use crate::value::Value;
use fake::{
    Fake,
    faker::{
        creditcard::en::CreditCardNumber,
        internet::en::{DomainSuffix, FreeEmail, IPv4, IPv6, MACAddress, Password, Username},
        lorem::en::{Paragraph, Sentence, Word},
        name::{
            en::{FirstName, LastName, Name},
            zh_cn,
        },
    },
};
use rand::{Rng, RngExt};

pub(super) static TABLE: &[FunctionSpec] = &[FunctionSpec {
    name: "fake",
    status: Status::Beta,
    about: "Made-up data: a name, an address, a time. Without a function's name, a whole record of them.",
    params: &[Param::new(
        "function",
        ParamKind::String,
        "What to make: `email`, `name`, `ipv4`, `uuid_hyphenated`, `date`, …",
    )
    .default(r#""""#)],
    examples: &[Example {
        about: "An address of the right form.",
        mapping: r#"root.looks_right = fake("ipv4").re_match("^[0-9.]+$")"#,
        cases: &[("{}", r#"{"looks_right":true}"#)],
    }],
    impure: false,
    call: FunctionCall::Prepared(build),
}];

/// Makes one value.
type Maker = fn() -> Value;

/// The functions by name.
const MAKERS: &[(&str, Maker)] = &[
    ("amount_with_currency", || {
        format!("{} {:.2}", pick(CURRENCIES), number(1.0, 10_000.0)).into()
    }),
    ("cc_number", || CreditCardNumber().fake::<String>().into()),
    ("cc_type", || {
        pick(&[
            "VISA",
            "MasterCard",
            "American Express",
            "Discover",
            "JCB",
            "Diners Club",
        ])
        .into()
    }),
    ("century", || {
        pick(&["IV", "V", "X", "XII", "XV", "XVIII", "XIX", "XX", "XXI"]).into()
    }),
    ("chinese_first_name", || {
        zh_cn::FirstName().fake::<String>().into()
    }),
    ("chinese_last_name", || {
        zh_cn::LastName().fake::<String>().into()
    }),
    ("chinese_name", || zh_cn::Name().fake::<String>().into()),
    ("currency", || pick(CURRENCIES).into()),
    ("date", || formatted("2006-01-02")),
    ("day_of_month", || int(1, 31).to_string().into()),
    ("day_of_week", || formatted("Monday")),
    ("domain_name", || domain().into()),
    ("e164_phone_number", || {
        format!("+{}{}", int(1, 9), digits(10)).into()
    }),
    ("email", || FreeEmail().fake::<String>().into()),
    ("first_name", || FirstName().fake::<String>().into()),
    ("first_name_female", || FirstName().fake::<String>().into()),
    ("first_name_male", || FirstName().fake::<String>().into()),
    ("gender", || {
        pick(&["Male", "Female", "Prefer to skip"]).into()
    }),
    ("ipv4", || IPv4().fake::<String>().into()),
    ("ipv6", || IPv6().fake::<String>().into()),
    ("jwt", || {
        format!("{}.{}.{}", token(36), token(80), token(43)).into()
    }),
    ("last_name", || LastName().fake::<String>().into()),
    ("latitude", || Value::Float(number(-90.0, 90.0))),
    ("longitude", || Value::Float(number(-180.0, 180.0))),
    ("mac_address", || {
        MACAddress().fake::<String>().to_lowercase().into()
    }),
    ("month_name", || formatted("January")),
    ("name", || Name().fake::<String>().into()),
    ("paragraph", || Paragraph(2..5).fake::<String>().into()),
    ("password", || Password(12..24).fake::<String>().into()),
    ("phone_number", || {
        format!("{}-{}-{}", digits(3), digits(3), digits(4)).into()
    }),
    ("sentence", || Sentence(4..10).fake::<String>().into()),
    ("time_period", || pick(&["AM", "PM"]).into()),
    ("time_string", || formatted("15:04:05")),
    ("timestamp", || formatted("2006-01-02 15:04:05")),
    ("timezone", || {
        chrono_tz::TZ_VARIANTS[int(0, chrono_tz::TZ_VARIANTS.len() as i64 - 1) as usize]
            .name()
            .into()
    }),
    ("title_female", || {
        pick(&["Mrs.", "Ms.", "Miss", "Dr.", "Prof."]).into()
    }),
    ("title_male", || {
        pick(&["Mr.", "Dr.", "Prof.", "Lord", "King"]).into()
    }),
    ("toll_free_phone_number", || {
        format!("(888) {}-{}", digits(3), digits(4)).into()
    }),
    ("unix_time", || Value::Int(moment().seconds())),
    ("url", || {
        format!("https://{}/{}", domain(), Word().fake::<String>()).into()
    }),
    ("username", || Username().fake::<String>().into()),
    ("uuid_digit", || {
        uuid::Uuid::new_v4().simple().to_string().into()
    }),
    ("uuid_hyphenated", || {
        uuid::Uuid::new_v4().to_string().into()
    }),
    ("word", || Word().fake::<String>().into()),
    ("year_string", || formatted("2006")),
];

const CURRENCIES: &[&str] = &[
    "USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "BRL", "ZAR", "SEK", "PLN", "MXN",
];

fn build(args: &[Value]) -> Result<FunctionFn, CallError> {
    let name = args[0].as_str().unwrap_or_default().to_owned();
    if name.is_empty() {
        let record = || {
            MAKERS
                .iter()
                .map(|(name, make)| ((*name).into(), make()))
                .collect()
        };
        return Ok(Box::new(move || Ok(Value::Object(record()))));
    }
    match MAKERS.iter().find(|(known, _)| *known == name) {
        Some((_, make)) => Ok(Box::new(move || Ok(make()))),
        None => Err(format!("invalid faker function: {name}").into()),
    }
}

fn pick(among: &'static [&'static str]) -> &'static str {
    among[int(0, among.len() as i64 - 1) as usize]
}

fn int(low: i64, high: i64) -> i64 {
    rand::rng().random_range(low..=high)
}

fn number(low: f64, high: f64) -> f64 {
    rand::rng().random_range(low..high)
}

fn digits(count: usize) -> String {
    (0..count)
        .map(|_| char::from(b'0' + int(0, 9) as u8))
        .collect()
}

/// So many characters of the alphabet that tokens are written in.
fn token(length: usize) -> String {
    use base64::Engine;
    let mut bytes = vec![0; length];
    rand::rng().fill_bytes(&mut bytes);
    let mut text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(length);
    text
}

fn domain() -> String {
    format!(
        "{}.{}",
        Word().fake::<String>(),
        DomainSuffix().fake::<String>()
    )
}

/// A moment between 1970 and 2030.
fn moment() -> crate::value::Timestamp {
    crate::value::Timestamp::new(int(0, 1_893_456_000), 0, crate::value::Zone::Utc)
}

fn formatted(layout: &str) -> Value {
    moment().format(&Layout::new(layout)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_maker_makes_something() {
        for (name, make) in MAKERS {
            assert_ne!(make().to_json(), b"\"\"", "{name}");
        }
        assert!(build(&["nope".into()]).is_err());
        assert!(MAKERS.is_sorted_by_key(|(name, _)| name));
    }
}
