//! Mappings with inputs and what the real thing made of them.

use airtruct::bloblang::{Environment, Mapped, Mapping};
use airtruct::message::Message;
use airtruct::value::Value;
use base64::Engine as _;
use serde_json::Value as Json;

/// A mapping with its inputs.
pub struct Row {
    pub id: String,
    pub mapping: String,
    /// The text of the refusal, if the mapping is refused.
    parse_error: Option<String>,
    cases: Vec<(String, Json)>,
}

/// How a row went.
pub struct Verdict {
    /// Why it is wrong that the mapping was refused, or wasn't.
    pub refusal: Option<String>,
    pub cases: Vec<CaseVerdict>,
}

pub struct CaseVerdict {
    /// Whether outcome and content are equal.
    pub outcome: bool,
    /// Whether the error's text is equal, where there is one.
    pub error_text: Option<bool>,
    pub difference: Option<String>,
}

/// Metadata that every message had when the cases were made.
const GIVEN: [&str; 3] = ["g", "id", "n"];

impl Row {
    pub fn from_json(row: Json) -> Row {
        let text = |key: &str| row[key].as_str().map(String::from);
        let case = |case: &Json| {
            let input = case[0].as_str().expect("an input is text").to_string();
            (input, case[1].clone())
        };
        Row {
            id: text("id").expect("a row has an id"),
            mapping: text("mapping").expect("a row has a mapping"),
            parse_error: text("parse_error"),
            cases: row["cases"]
                .as_array()
                .into_iter()
                .flatten()
                .map(case)
                .collect(),
        }
    }

    /// What the row is about: `m/trim/3` is about `m/trim`.
    pub fn group(&self) -> String {
        let mut parts = self.id.split('/');
        match (parts.next(), parts.next()) {
            (Some("m"), Some(method)) => format!("m/{method}"),
            (Some(kind), _) => kind.to_string(),
            (None, _) => String::new(),
        }
    }

    pub fn run(&self) -> Verdict {
        let mapping = Mapping::parse(&self.mapping, &Environment::default());
        let (refusal, cases) = match (&self.parse_error, mapping) {
            (Some(_), Err(_)) => (None, Vec::new()),
            (Some(want), Ok(_)) => (Some(format!("wanted the refusal: {want}")), Vec::new()),
            (None, Err(e)) => {
                let failed = |_: &_| CaseVerdict {
                    outcome: false,
                    error_text: None,
                    difference: None,
                };
                (
                    Some(format!("refused: {e}")),
                    self.cases.iter().map(failed).collect(),
                )
            }
            (None, Ok(mapping)) => {
                let run = |(n, (input, want)): (usize, &(String, Json))| {
                    self.run_case(&mapping, n, input, want)
                };
                (None, self.cases.iter().enumerate().map(run).collect())
            }
        };
        Verdict { refusal, cases }
    }

    fn run_case(&self, mapping: &Mapping, n: usize, input: &str, want: &Json) -> CaseVerdict {
        let mut message = Message::new(input.to_string());
        message.metadata_mut().set("g", 4_i64);
        message.metadata_mut().set("id", self.id.as_str());
        message.metadata_mut().set("n", n as i64);
        let got = got(mapping.map(&[message], 0));
        let shown = |want: &Json| format!("{input}\n    want {want}\n    got  {got}");
        let outcome = match (want, &got) {
            (want, got) if want.get("error").is_some() => got.get("error").is_some(),
            (want, got) => want == got,
        };
        let error_text = match (want.get("error"), got.get("error")) {
            (Some(want), Some(got)) => Some(want == got),
            _ => None,
        };
        let equal = outcome && error_text != Some(false);
        CaseVerdict {
            outcome,
            error_text,
            difference: (!equal).then(|| shown(want)),
        }
    }
}

/// The result in the form of the expectation.
fn got(result: Result<Mapped, airtruct::bloblang::EvalError>) -> Json {
    let message = match result {
        Err(e) => return serde_json::json!({"error": e.to_string()}),
        Ok(Mapped::Deleted) => return serde_json::json!({"deleted": true}),
        Ok(Mapped::Message(message)) => message,
    };
    let mut out = serde_json::Map::new();
    match std::str::from_utf8(message.bytes()) {
        Ok(text) => out.insert("out".into(), text.into()),
        Err(_) => {
            let text = base64::engine::general_purpose::STANDARD.encode(message.bytes());
            out.insert("out_base64".into(), text.into())
        }
    };
    let new = message
        .metadata()
        .iter()
        .filter(|(key, _)| !GIVEN.contains(&&***key));
    let meta: serde_json::Map<String, Json> = new
        .map(|(key, value)| (key.to_string(), json(value)))
        .collect();
    if !meta.is_empty() {
        out.insert("meta".into(), meta.into());
    }
    out.into()
}

pub fn json(value: &Value) -> Json {
    serde_json::from_slice(&value.to_json()).unwrap_or(Json::Null)
}
