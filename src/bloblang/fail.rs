//! Why an evaluation failed, in a form that later steps can still complete: where the value came from, whether a `catch`
//! may see it, whether a missing context was the cause.
//!
//! The texts are what users match on, so the rules for adding to them are exact: a type error takes the name of the
//! first expression that passes it on and nothing else; a mismatch of operands is passed on as it is; any other error gets
//! `NAME: ` in front once, from the innermost expression that knows its name.

use super::flow::Flow;
use super::spec::{self, CallError};
use crate::formats::go_num;
use crate::value::{Str, Value};

/// A failure; boxed, since most evaluations succeed.
#[derive(Clone, Debug)]
pub(crate) struct Fail(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: Kind,
    /// Set where the message has no value to refer to: the path that was asked for (empty for `this` itself).
    no_context: Option<Str>,
    origin: Option<Origin>,
}

/// Where a failure within maps began. However many maps it leaves, only that is told of the way.
#[derive(Clone, Debug)]
enum Origin {
    /// A map wasn't entered.
    Depth(Str),
    /// The statement of a map, with its line.
    Assignment(Str),
}

#[derive(Clone, Debug)]
enum Kind {
    /// A value of a type that isn't taken.
    Type {
        wanted: Str,
        got: Flow,
        from: Option<Str>,
    },
    /// Operands that don't go together.
    Mismatch(Str),
    /// Anything else; `named` once an expression has put its name in front.
    Text { text: Str, named: bool },
}

impl Fail {
    pub(crate) fn text(text: impl Into<Str>) -> Fail {
        Fail::new(Kind::Text {
            text: text.into(),
            named: false,
        })
    }

    pub(crate) fn mismatch(text: impl Into<Str>) -> Fail {
        Fail::new(Kind::Mismatch(text.into()))
    }

    /// The failure to enter a map from too many others.
    pub(crate) fn too_deep(text: String) -> Fail {
        let text = Str::from(text);
        let mut fail = Fail::text(text.clone());
        fail.0.origin = Some(Origin::Depth(text));
        fail
    }

    /// A type error that doesn't know yet where its value came from.
    pub(crate) fn wanted(wanted: &'static str, got: Flow) -> Fail {
        Fail::new(Kind::Type {
            wanted: Str::from_static(wanted),
            got,
            from: None,
        })
    }

    /// The failure to read `this` or a path in it where there is no value.
    pub(crate) fn no_context(path: &str) -> Fail {
        let mut fail = Fail::text(match path {
            "" => "context was undefined".to_string(),
            path => format!("context was undefined, unable to reference `{path}`"),
        });
        fail.0.no_context = Some(path.into());
        fail
    }

    fn new(kind: Kind) -> Fail {
        Fail(Box::new(Inner {
            kind,
            no_context: None,
            origin: None,
        }))
    }

    /// Says which expression gave the value that the failure is about.
    pub(crate) fn blaming(mut self, name: impl FnOnce() -> String) -> Fail {
        match &mut self.0.kind {
            Kind::Type { from, .. } => {
                if from.is_none() {
                    *from = Some(name().into());
                }
            }
            Kind::Text { text, named } if !*named => {
                *text = format!("{}: {text}", name()).into();
                *named = true;
            }
            Kind::Mismatch(_) | Kind::Text { .. } => {}
        }
        self
    }

    /// Puts what was being done in front: `doing: failure`.
    pub(crate) fn context(mut self, doing: impl std::fmt::Display) -> Fail {
        let text = format!("{doing}: {}", self.message()).into();
        let named = matches!(self.0.kind, Kind::Text { named: true, .. });
        self.0.kind = Kind::Text { text, named };
        self
    }

    /// Says which line of a map failed, unless that of an inner one is told already.
    pub(crate) fn in_map(mut self, line: usize) -> Fail {
        let text: Str = match self.0.origin.take() {
            Some(Origin::Assignment(text)) => text,
            Some(Origin::Depth(text)) => format!("failed assignment (line {line}): {text}").into(),
            None => format!("failed assignment (line {line}): {}", self.message()).into(),
        };
        self.0.origin = Some(Origin::Assignment(text.clone()));
        let named = matches!(self.0.kind, Kind::Text { named: true, .. });
        self.0.kind = Kind::Text { text, named };
        self
    }

    /// The path that was asked for where there was no value, if that is the cause.
    pub(crate) fn missing_context(&self) -> Option<&Str> {
        self.0.no_context.as_ref()
    }

    /// The whole text.
    pub(crate) fn message(&self) -> Str {
        match &self.0.kind {
            Kind::Mismatch(text) | Kind::Text { text, .. } => text.clone(),
            Kind::Type { wanted, got, from } => {
                let shown = match got {
                    // Its text as JSON is kept in it, and isn't how it is shown here.
                    Flow::Value(Value::Number(n)) if from.as_deref() == Some("method float32") => {
                        go_num::float32_g(n.as_f64() as f32)
                    }
                    Flow::Value(value) => spec::preview(value),
                    Flow::Deleted | Flow::Nothing => String::new(),
                };
                let from = from.as_deref().filter(|f| !f.is_empty());
                spec::type_error(wanted, got.type_name(), from, &shown).into()
            }
        }
    }
}

impl From<CallError> for Fail {
    fn from(error: CallError) -> Fail {
        match error {
            CallError::Type { wanted, got } => Fail::wanted(wanted, Flow::Value(got)),
            CallError::Text(text) | CallError::Bare(text) => Fail::text(text),
        }
    }
}
