//! Table: methods that look addresses up in a MaxMind database.
//!
//! What they give has the names and the zero values that the real thing's library gives it.

use super::common::{str_arg, string};
use crate::bloblang::spec::{
    CallError, MethodCall, MethodFn, MethodSpec, Param, ParamKind, Status,
};
use crate::value::{Array, Object, Value};
use maxminddb::Reader;
use std::net::IpAddr;

/// The largest database that is read, in bytes.
const MAX_DATABASE: u64 = 2 << 30;

const PATH: &[Param] = &[Param::new(
    "path",
    ParamKind::String,
    "The database, an .mmdb file. It is read once if the path is constant.",
)];

macro_rules! method {
    ($name:literal, $about:literal, $types:expr, $fields:expr) => {
        MethodSpec::new(
            $name,
            $about,
            PATH,
            &[],
            MethodCall::Prepared(|args| prepare(&str_arg(&args[0]), $name, $types, $fields)),
        )
        .status(Status::Experimental)
        .sourceless()
    };
}

pub(super) static TABLE: &[MethodSpec] = &[
    method!(
        "geoip_anonymous_ip",
        "Which services hide who uses an address: proxies, VPNs, Tor.",
        &["Anonymous-IP"],
        ANONYMOUS_IP
    ),
    method!(
        "geoip_asn",
        "The autonomous system that an address belongs to.",
        &["ASN", "ISP"],
        ASN
    ),
    method!(
        "geoip_city",
        "The city that an address is in, with its country and coordinates.",
        &["City", "Country", "Location"],
        CITY
    ),
    method!(
        "geoip_connection_type",
        "How an address is connected.",
        &["Connection-Type"],
        CONNECTION_TYPE
    ),
    method!(
        "geoip_country",
        "The country that an address is in.",
        &["City", "Country", "Location"],
        COUNTRY
    ),
    method!(
        "geoip_domain",
        "The domain of an address.",
        &["Domain"],
        DOMAIN
    ),
    method!(
        "geoip_enterprise",
        "Everything that an enterprise database knows of an address, with how sure it is.",
        &["Enterprise", "City", "Country", "Location"],
        ENTERPRISE
    ),
    method!(
        "geoip_isp",
        "The provider of an address.",
        &["ISP", "ASN"],
        ISP
    ),
];

/// What a field holds; a field that a record lacks has the type's zero value.
enum Shape {
    Text,
    Integer,
    Float,
    Bool,
    /// Names by language; null where there are none.
    Names,
    Record(Fields),
    /// Null where there are none.
    Records(Fields),
}

use Shape::{Bool, Float, Integer, Names, Record, Records, Text};

/// The name of a field in the result and in the database, and what it holds.
type Fields = &'static [(&'static str, &'static str, Shape)];

const GEONAME: (&str, &str, Shape) = ("GeoNameID", "geoname_id", Integer);
const NAMES: (&str, &str, Shape) = ("Names", "names", Names);
const ISO_CODE: (&str, &str, Shape) = ("IsoCode", "iso_code", Text);
const IN_EU: (&str, &str, Shape) = ("IsInEuropeanUnion", "is_in_european_union", Bool);
const CONFIDENCE: (&str, &str, Shape) = ("Confidence", "confidence", Integer);
const AS_NUMBER: (&str, &str, Shape) = (
    "AutonomousSystemNumber",
    "autonomous_system_number",
    Integer,
);
const AS_ORGANIZATION: (&str, &str, Shape) = (
    "AutonomousSystemOrganization",
    "autonomous_system_organization",
    Text,
);

const CONTINENT: (&str, &str, Shape) = (
    "Continent",
    "continent",
    Record(&[NAMES, ("Code", "code", Text), GEONAME]),
);
const REPRESENTED: (&str, &str, Shape) = (
    "RepresentedCountry",
    "represented_country",
    Record(&[NAMES, ISO_CODE, ("Type", "type", Text), GEONAME, IN_EU]),
);
const PLAIN_COUNTRY: Fields = &[NAMES, ISO_CODE, GEONAME, IN_EU];
const SURE_COUNTRY: Fields = &[NAMES, ISO_CODE, GEONAME, IN_EU, CONFIDENCE];
const PLAIN_TRAITS: (&str, &str, Shape) = (
    "Traits",
    "traits",
    Record(&[
        ("IsAnonymousProxy", "is_anonymous_proxy", Bool),
        ("IsAnycast", "is_anycast", Bool),
        ("IsSatelliteProvider", "is_satellite_provider", Bool),
    ]),
);
const LOCATION: (&str, &str, Shape) = (
    "Location",
    "location",
    Record(&[
        ("TimeZone", "time_zone", Text),
        ("Latitude", "latitude", Float),
        ("Longitude", "longitude", Float),
        ("MetroCode", "metro_code", Integer),
        ("AccuracyRadius", "accuracy_radius", Integer),
    ]),
);

static CITY: Fields = &[
    ("City", "city", Record(&[NAMES, GEONAME])),
    ("Postal", "postal", Record(&[("Code", "code", Text)])),
    CONTINENT,
    (
        "Subdivisions",
        "subdivisions",
        Records(&[NAMES, ISO_CODE, GEONAME]),
    ),
    REPRESENTED,
    ("Country", "country", Record(PLAIN_COUNTRY)),
    (
        "RegisteredCountry",
        "registered_country",
        Record(PLAIN_COUNTRY),
    ),
    LOCATION,
    PLAIN_TRAITS,
];

static COUNTRY: Fields = &[
    CONTINENT,
    ("Country", "country", Record(PLAIN_COUNTRY)),
    (
        "RegisteredCountry",
        "registered_country",
        Record(PLAIN_COUNTRY),
    ),
    REPRESENTED,
    PLAIN_TRAITS,
];

static ENTERPRISE: Fields = &[
    CONTINENT,
    ("City", "city", Record(&[NAMES, GEONAME, CONFIDENCE])),
    (
        "Postal",
        "postal",
        Record(&[("Code", "code", Text), CONFIDENCE]),
    ),
    (
        "Subdivisions",
        "subdivisions",
        Records(&[NAMES, ISO_CODE, GEONAME, CONFIDENCE]),
    ),
    REPRESENTED,
    ("Country", "country", Record(SURE_COUNTRY)),
    (
        "RegisteredCountry",
        "registered_country",
        Record(SURE_COUNTRY),
    ),
    LOCATION,
    (
        "Traits",
        "traits",
        Record(&[
            AS_NUMBER,
            AS_ORGANIZATION,
            ("ConnectionType", "connection_type", Text),
            ("Domain", "domain", Text),
            ("ISP", "isp", Text),
            ("MobileCountryCode", "mobile_country_code", Text),
            ("MobileNetworkCode", "mobile_network_code", Text),
            ("Organization", "organization", Text),
            ("UserType", "user_type", Text),
            ("StaticIPScore", "static_ip_score", Float),
            ("IsAnonymousProxy", "is_anonymous_proxy", Bool),
            ("IsAnycast", "is_anycast", Bool),
            ("IsLegitimateProxy", "is_legitimate_proxy", Bool),
            ("IsSatelliteProvider", "is_satellite_provider", Bool),
        ]),
    ),
];

static ANONYMOUS_IP: Fields = &[
    ("IsAnonymous", "is_anonymous", Bool),
    ("IsAnonymousVPN", "is_anonymous_vpn", Bool),
    ("IsHostingProvider", "is_hosting_provider", Bool),
    ("IsPublicProxy", "is_public_proxy", Bool),
    ("IsResidentialProxy", "is_residential_proxy", Bool),
    ("IsTorExitNode", "is_tor_exit_node", Bool),
];

static ASN: Fields = &[AS_NUMBER, AS_ORGANIZATION];

static CONNECTION_TYPE: Fields = &[("ConnectionType", "connection_type", Text)];

static DOMAIN: Fields = &[("Domain", "domain", Text)];

static ISP: Fields = &[
    AS_NUMBER,
    AS_ORGANIZATION,
    ("ISP", "isp", Text),
    ("MobileCountryCode", "mobile_country_code", Text),
    ("MobileNetworkCode", "mobile_network_code", Text),
    ("Organization", "organization", Text),
];

/// Opens the database for lookups; an error if it isn't one, or not one of the `types` that the method is for.
fn prepare(
    path: &str,
    method: &'static str,
    types: &[&str],
    fields: Fields,
) -> Result<MethodFn, CallError> {
    let reader = open(path)?;
    let kind = reader.metadata().database_type.clone();
    if !types.iter().any(|wanted| kind.contains(wanted)) {
        return Err(format!("{path}: {method} does not support the {kind} database").into());
    }
    Ok(Box::new(move |receiver| {
        let text = string(receiver)?;
        let address: IpAddr = text.parse().map_err(|_| {
            CallError::from(format!(
                "value {text} does not appear to be a valid v4 or v6 IP address"
            ))
        })?;
        let record: Option<serde_json::Value> = reader
            .lookup(address)
            .and_then(|found| found.decode())
            .map_err(|e| CallError::from(e.to_string()))?;
        Ok(object(record.as_ref(), fields))
    }))
}

fn open(path: &str) -> Result<Reader<Vec<u8>>, CallError> {
    let why = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => format!("open {path}: no such file or directory"),
        _ => format!("open {path}: {e}"),
    };
    let size = std::fs::metadata(path).map_err(why)?.len();
    if size > MAX_DATABASE {
        return Err(format!(
            "open {path}: {size} bytes are more than the {MAX_DATABASE} that a database may have"
        )
        .into());
    }
    Reader::from_source(std::fs::read(path).map_err(why)?)
        .map_err(|e| format!("open {path}: {e}").into())
}

fn object(record: Option<&serde_json::Value>, fields: Fields) -> Value {
    let mut object = Object::with_capacity(fields.len());
    for (name, key, shape) in fields {
        object.insert(*name, shaped(record.and_then(|r| r.get(key)), shape));
    }
    Value::Object(object)
}

fn shaped(found: Option<&serde_json::Value>, shape: &Shape) -> Value {
    let number = || found.and_then(serde_json::Value::as_number);
    match shape {
        Text => Value::from(found.and_then(|f| f.as_str()).unwrap_or_default()),
        Integer => Value::Int(number().and_then(|n| n.as_i64()).unwrap_or(0)),
        Float => Value::Float(number().and_then(|n| n.as_f64()).unwrap_or(0.0)),
        Bool => Value::Bool(found.and_then(|f| f.as_bool()).unwrap_or(false)),
        Names => match found.and_then(|f| f.as_object()) {
            None => Value::Null,
            Some(names) => {
                let mut object = Object::with_capacity(names.len());
                for (language, name) in names {
                    object.insert(
                        language.as_str(),
                        Value::from(name.as_str().unwrap_or_default()),
                    );
                }
                Value::Object(object)
            }
        },
        Record(fields) => object(found, fields),
        Records(fields) => match found.and_then(|f| f.as_array()) {
            None => Value::Null,
            Some(records) => {
                let records: Vec<Value> = records.iter().map(|r| object(Some(r), fields)).collect();
                Value::Array(Array::from(records))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::bloblang::{Environment, Mapped, Mapping};
    use crate::message::Message;
    use serde_json::{Value as Json, json};

    /// A value as databases hold it; integers of these bytes, as the type that the format wants them in.
    fn encode(value: &Json, integer: (u8, usize), out: &mut Vec<u8>) {
        let head = |out: &mut Vec<u8>, kind: u8, size: usize| {
            let size = u8::try_from(size).expect("a small size");
            assert!(size < 29, "longer ones aren't needed");
            match kind {
                1..=7 => out.push(kind << 5 | size),
                _ => out.extend([size, kind - 7]),
            }
        };
        match value {
            Json::String(text) => {
                head(out, 2, text.len());
                out.extend(text.as_bytes());
            }
            Json::Number(n) if n.is_f64() => {
                head(out, 3, 8);
                out.extend(n.as_f64().expect("a float").to_be_bytes());
            }
            Json::Number(n) => {
                let bytes = n.as_u64().expect("a number").to_be_bytes();
                head(out, integer.0, integer.1);
                out.extend(&bytes[8 - integer.1..]);
            }
            Json::Bool(is) => head(out, 14, usize::from(*is)),
            Json::Array(list) => {
                head(out, 11, list.len());
                list.iter().for_each(|one| encode(one, integer, out));
            }
            Json::Object(fields) => {
                head(out, 7, fields.len());
                for (key, one) in fields {
                    encode(&json!(key), integer, out);
                    let integer = match key.as_str() {
                        "node_count" | "geoname_id" => (6, 4),
                        "build_epoch" => (9, 8),
                        _ => (5, 2),
                    };
                    encode(one, integer, out);
                }
            }
            Json::Null => unreachable!("there is no null in databases"),
        }
    }

    /// A database of this type that knows this of 1.0.0.0/8, and nothing of other addresses.
    fn database(kind: &str, record: &Json) -> std::path::PathBuf {
        const NODES: u32 = 8;
        let mut bytes = Vec::new();
        for bit in 0..NODES {
            let is_last = bit + 1 == NODES;
            let onward = if is_last { NODES + 16 } else { bit + 1 };
            let pair = if is_last {
                [NODES, onward]
            } else {
                [onward, NODES]
            };
            for way in pair {
                bytes.extend(&way.to_be_bytes()[1..]);
            }
        }
        bytes.extend([0; 16]);
        encode(record, (5, 2), &mut bytes);
        bytes.extend(b"\xab\xcd\xefMaxMind.com");
        let metadata = json!({
            "node_count": NODES, "record_size": 24, "ip_version": 4, "database_type": kind, "languages": ["en"],
            "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1, "description": {"en": "a test"},
        });
        encode(&metadata, (5, 2), &mut bytes);
        let path =
            std::env::temp_dir().join(format!("airtruct-{kind}-{}.mmdb", std::process::id()));
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    fn map(mapping: &str, input: &str) -> Result<Json, String> {
        let mapping =
            Mapping::parse(mapping, &Environment::default()).map_err(|e| e.to_string())?;
        let message = Message::new(input.as_bytes().to_vec());
        match mapping.map(std::slice::from_ref(&message), 0) {
            Ok(Mapped::Message(made)) => Ok(serde_json::from_slice(made.bytes()).expect("JSON")),
            Ok(Mapped::Deleted) => Ok(Json::Null),
            Err(e) => Err(e.to_string()),
        }
    }

    #[test]
    fn addresses_are_found_with_zero_values_for_what_is_not_known() {
        let record = json!({
            "city": {"names": {"en": "Rome"}, "geoname_id": 7},
            "location": {"latitude": 41.5, "time_zone": "Europe/Rome"},
            "subdivisions": [{"iso_code": "62"}],
            "country": {"iso_code": "IT", "is_in_european_union": true},
        });
        let path = database("GeoLite2-City", &record);
        let mapping = format!("root = this.ip.geoip_city({:?})", path.display());
        let found = map(&mapping, r#"{"ip":"1.2.3.4"}"#).expect("it is found");
        assert_eq!(
            found["City"],
            json!({"GeoNameID": 7, "Names": {"en": "Rome"}})
        );
        assert_eq!(
            found["Subdivisions"],
            json!([{"GeoNameID": 0, "IsoCode": "62", "Names": null}])
        );
        assert_eq!(found["Location"]["Latitude"], 41.5);
        assert_eq!(found["Location"]["AccuracyRadius"], 0);
        assert_eq!(found["Country"]["IsInEuropeanUnion"], true);
        assert_eq!(
            found["Traits"],
            json!({"IsAnonymousProxy": false, "IsAnycast": false, "IsSatelliteProvider": false})
        );
        let missing = map(&mapping, r#"{"ip":"9.9.9.9"}"#).expect("nothing is no error");
        assert_eq!(missing["City"], json!({"GeoNameID": 0, "Names": null}));
        assert_eq!(missing["Subdivisions"], Json::Null);
        let error = map(&mapping, r#"{"ip":"nope"}"#).expect_err("it is no address");
        assert!(
            error.contains("value nope does not appear to be a valid v4 or v6 IP address"),
            "{error}"
        );

        let country = map(
            &format!("root = this.ip.geoip_country({:?})", path.display()),
            r#"{"ip":"1.2.3.4"}"#,
        );
        assert_eq!(
            country.expect("a city has a country")["Country"]["IsoCode"],
            "IT"
        );
        let error = map(
            &format!("root = this.ip.geoip_isp({:?})", path.display()),
            "{}",
        )
        .expect_err("another type");
        assert!(
            error.contains("geoip_isp does not support the GeoLite2-City database"),
            "{error}"
        );
        let error = map("root = this.ip.geoip_isp(\"/nowhere.mmdb\")", "{}").expect_err("no file");
        assert!(
            error.contains("open /nowhere.mmdb: no such file or directory"),
            "{error}"
        );
        let _ = std::fs::remove_file(path);
    }
}
