//! Go's `text/template`, with the functions of the Sprig library: the whole language, and all of its functions but those
//! that reach the machine (environment, network, keys and certificates).
//!
//! Numbers of JSON text count as text, as they do there: `eq .n 5` is an error, `eq (int .n) 5` isn't.
//! Dictionaries are values: `set` and its like change the variable that they are given, and no other that holds the same.

mod builtins;
mod call;
mod dicts;
mod eval;
mod fields;
mod lex;
mod lists;
mod node;
mod numbers;
mod parse;
mod pipes;
mod strings;

#[cfg(test)]
mod tests;

use crate::value::Value;
use call::Held;
use eval::{At, Run};
use node::Node;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A function of a template's own.
pub type Own = Box<dyn Fn(Value) -> Result<Value, String> + Send + Sync>;

/// A template, ready to run.
pub struct Template {
    bodies: BTreeMap<String, Body>,
    own: Vec<(String, Own)>,
}

/// The text that a template was read from.
#[derive(Debug)]
struct Source {
    name: String,
    text: String,
}

/// One of the templates within the whole.
#[derive(Debug)]
struct Body {
    nodes: Vec<Node>,
    source: Arc<Source>,
}

impl Body {
    /// Whether there is nothing but space in it.
    fn is_empty(&self) -> bool {
        let is_space = |node: &Node| matches!(node, Node::Text(t) if t.trim().is_empty());
        self.nodes.iter().all(is_space)
    }
}

/// What a run of a template may ask for.
struct Call<'c> {
    metadata: &'c dyn Fn(&str) -> Value,
}

impl Template {
    /// Reads the template `main` and others that it may call by name, with functions of its own. An error says where it is.
    pub fn parse(
        main: &str,
        others: &[(String, String)],
        own: Vec<(String, Own)>,
    ) -> Result<Template, String> {
        for (name, _) in &own {
            if let Some(what) = call::taken(name) {
                return Err(format!("can not redefine a {what} named {name}"));
            }
        }
        let names: Vec<String> = own.iter().map(|(name, _)| name.clone()).collect();
        let mut bodies = BTreeMap::new();
        let read = |name: &str, text: &str, bodies: &mut BTreeMap<String, Body>| {
            let source = Source {
                name: name.to_owned(),
                text: text.to_owned(),
            };
            parse::parse(Arc::new(source), &names, bodies)
        };
        read(MAIN, main, &mut bodies).map_err(|e| format!("Failed to parse template: {e}"))?;
        for (name, text) in others {
            read(name, text, &mut bodies)
                .map_err(|e| format!("Failed to parse sub template {name}: {e}"))?;
        }
        Ok(Template { bodies, own })
    }

    /// What the template makes of a value. `metadata` answers for the function `meta`.
    pub fn execute(
        &self,
        value: &Value,
        metadata: &dyn Fn(&str) -> Value,
    ) -> Result<Vec<u8>, String> {
        let dot = match value {
            Value::Null => Held::default(),
            value => Held::new(value.clone()),
        };
        let (name, body) = self
            .bodies
            .get_key_value(MAIN)
            .expect("the main template was read first");
        let Some(first) = body.nodes.first() else {
            return Ok(Vec::new());
        };
        let mut run = Run {
            template: self,
            name,
            call: &Call { metadata },
            variables: vec![("$", dot.clone())],
            at: At::Node(first),
            calls: 0,
            steps: 0,
        };
        let mut out = Vec::new();
        run.whole(&dot, &body.nodes, &mut out)?;
        Ok(out)
    }
}

/// The name of the template that runs.
const MAIN: &str = "main";
