//! Literal values.

use super::{Parsed, Parser};
use crate::bloblang::expr::{Const, Expr};
use crate::bloblang::flow::Flow;
use crate::bloblang::nil;
use crate::codec::go_fmt;
use crate::value::{Array, Object, Value};

impl Parser<'_> {
    /// A literal, if one comes next.
    pub(super) fn literal(&mut self) -> Parsed<Option<Expr>> {
        Ok(match self.peek() {
            Some(b'"') => {
                let text = match self.triple_quoted()? {
                    Some(text) => Some(text),
                    None => self.quoted()?,
                };
                text.map(Expr::literal)
            }
            Some(b'[') => Some(self.array()?),
            Some(b'{') => Some(self.object()?),
            Some(b'0'..=b'9' | b'-') => self.number()?.map(Expr::literal),
            Some(b't') if self.take("true") => Some(Expr::literal(true)),
            Some(b'f') if self.take("false") => Some(Expr::literal(false)),
            Some(b'n') if self.take("null") => Some(Expr::literal(Value::Null)),
            _ => None,
        })
    }

    /// Digits, with or without decimals; a sign counts only right before a digit.
    fn number(&mut self) -> Parsed<Option<Value>> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let first = start + usize::from(bytes[start] == b'-');
        let mut end = digits(first);
        if end == first {
            return Ok(None);
        }
        let mut decimals = false;
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            decimals = true;
            end = digits(end + 1);
        }
        let text = &self.text[start..end];
        // A sign is about the number that is read, which the smallest there is isn't without it.
        let unsigned = &self.text[first..end];
        if decimals {
            self.at = end;
            return match text.parse() {
                Ok(n) if f64::is_finite(n) => Ok(Some(Value::Float(n))),
                _ => self.wrong(
                    start,
                    format!(
                        "failed to parse '{text}' as float: strconv.ParseFloat: parsing \"{text}\": value out of range"
                    ),
                ),
            };
        }
        match unsigned.parse::<i64>() {
            Ok(n) => {
                self.at = end;
                Ok(Some(Value::Int(if first > start { -n } else { n })))
            }
            Err(_) => self.fault(
                start,
                format!(
                    "failed to parse '{unsigned}' as integer: strconv.ParseInt: parsing \"{unsigned}\": value out of range"
                ),
            ),
        }
    }

    fn array(&mut self) -> Parsed<Expr> {
        self.at += 1;
        let mut items = Vec::new();
        let mut labels = Vec::new();
        let mut height = 0;
        loop {
            self.skip_space();
            if self.take("]") {
                break;
            }
            items.push(self.nested(|p| p.one_of(&mut labels))?);
            height = height.max(self.height);
            self.more_or(b']')?;
        }
        self.raise(height + 1)?;
        if items.iter().all(|i| i.as_const().is_some()) {
            self.height = 1;
            let constants = items.iter().filter_map(|i| match &i.as_const()?.flow {
                Flow::Value(value) => Some(value.clone()),
                Flow::Deleted | Flow::Nothing => None,
            });
            let list: Array = constants.collect();
            if list.is_empty() {
                self.has_nil = true;
                return Ok(Expr::literal(Value::Array(nil::list())));
            }
            return Ok(Expr::literal(Value::Array(list)));
        }
        Ok(Expr::Array(items))
    }

    /// Takes the comma after an element, unless the list ends. What is neither isn't a list, and so no query.
    fn more_or(&mut self, end: u8) -> Parsed<()> {
        let after = self.at;
        if self.skip_comma() || self.peek() == Some(end) {
            return Ok(());
        }
        self.at = after;
        self.skip_blanks();
        self.fault(self.at, "expected query")
    }

    fn object(&mut self) -> Parsed<Expr> {
        let start = self.at;
        self.at += 1;
        let mut fields = Vec::new();
        let mut wrong_key = None;
        let (mut key_labels, mut labels) = (Vec::new(), Vec::new());
        let mut height = 0;
        loop {
            self.skip_space();
            if self.take("}") {
                break;
            }
            // A text in quotes is a key as it is, and nothing is done with it.
            let key = match self.quoted()? {
                Some(key) => {
                    self.height = 1;
                    Expr::literal(key)
                }
                None => self.nested(|p| p.one_of(&mut key_labels))?,
            };
            height = height.max(self.height);
            if let Some(Const { flow, .. }) = key.as_const()
                && !matches!(flow, Flow::Value(Value::String(_)))
            {
                wrong_key.get_or_insert(match flow {
                    Flow::Value(value) => go_fmt::type_of(value),
                    Flow::Deleted => "value.Delete",
                    Flow::Nothing => "value.Nothing",
                });
            }
            self.skip_blanks();
            if !self.take(":") {
                return self.fault(self.at, "expected query");
            }
            self.skip_space();
            let value = self.nested(|p| p.one_of(&mut labels))?;
            height = height.max(self.height);
            fields.push((key, value));
            self.more_or(b'}')?;
        }
        if let Some(kind) = wrong_key {
            return self.fault(
                start,
                format!("object keys must be strings, received: {kind}"),
            );
        }
        self.raise(height + 1)?;
        let is_const = |e: &Expr| e.as_const().is_some();
        if fields.iter().all(|(k, v)| is_const(k) && is_const(v)) {
            self.height = 1;
            let mut object = Object::new();
            for (key, value) in &fields {
                if let (
                    Some(Const {
                        flow: Flow::Value(Value::String(key)),
                        ..
                    }),
                    Some(Const {
                        flow: Flow::Value(value),
                        ..
                    }),
                ) = (key.as_const(), value.as_const())
                {
                    object.insert(key.clone(), value.clone());
                }
            }
            return Ok(Expr::literal(Value::Object(object)));
        }
        Ok(Expr::Object(fields))
    }
}
