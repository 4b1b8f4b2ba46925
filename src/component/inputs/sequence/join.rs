//! Joins documents by an id, a share of the ids at a time.

use super::{JoinConfig, MergeStrategy};
use crate::message::Message;
use crate::value::{Object, Value};
use std::{collections::HashMap, hash::BuildHasher};

/// Gathers the documents of each id.
pub(super) struct Joiner {
    id_path: Vec<String>,
    strategy: MergeStrategy,
    /// Whether only the messages of the last input give documents.
    only_last: bool,
    iteration: u64,
    iterations: u64,
    documents: HashMap<String, Message>,
    /// The ids in the order in which they came.
    order: Vec<String>,
    hasher: foldhash::fast::FixedState,
}

impl Joiner {
    pub fn new(config: &JoinConfig, only_last: bool) -> Joiner {
        Joiner {
            id_path: config.id_path.split('.').map(str::to_owned).collect(),
            strategy: config.merge_strategy,
            only_last,
            iteration: 0,
            iterations: config.iterations,
            documents: HashMap::new(),
            order: Vec::new(),
            // The same id must fall into the same share each time.
            hasher: foldhash::fast::FixedState::with_seed(0),
        }
    }

    /// Joins a message; returns a document if it is ready with this. A message without an id is left out.
    pub fn add(&mut self, message: Message, is_last_input: bool) -> Option<Message> {
        let Some(id) = id(&message, &self.id_path) else {
            tracing::warn!("a message has no id to join it by and is left out");
            return None;
        };
        if self.hasher.hash_one(&id) % self.iterations != self.iteration {
            return None;
        }
        match self.documents.get_mut(&id) {
            None => {
                self.order.push(id.clone());
                self.documents.insert(id.clone(), message);
            }
            Some(document) => merge_into(document, &message, &self.id_path, self.strategy),
        }
        (self.only_last && is_last_input).then(|| self.documents[&id].clone())
    }

    /// The documents of this iteration, the last first.
    pub fn flush(&mut self) -> Vec<Message> {
        let (order, mut documents) = (
            std::mem::take(&mut self.order),
            std::mem::take(&mut self.documents),
        );
        match self.only_last {
            true => Vec::new(),
            false => order
                .iter()
                .rev()
                .filter_map(|id| documents.remove(id))
                .collect(),
        }
    }

    /// Goes on to the next share of the ids, if there is one.
    pub fn next_iteration(&mut self) -> bool {
        self.iteration += 1;
        self.iteration < self.iterations
    }
}

/// The id in a document, as text.
fn id(message: &Message, path: &[String]) -> Option<String> {
    let mut value = message.value().ok()?.clone();
    for step in path {
        let Value::Object(object) = &value else {
            return None;
        };
        value = object.get(step)?;
    }
    Some(match &value {
        Value::String(text) => text.to_string(),
        Value::Null => return None,
        other => String::from_utf8_lossy(&other.to_json()).into_owned(),
    })
}

fn merge_into(document: &mut Message, more: &Message, id: &[String], strategy: MergeStrategy) {
    for (key, value) in more.metadata().iter() {
        document.metadata_mut().set(key.clone(), value.clone());
    }
    if let (Ok(Value::Object(first)), Ok(Value::Object(second))) = (document.value(), more.value())
    {
        let mut merged = first.clone();
        merge(&mut merged, second, id, strategy);
        document.set_value(Value::Object(merged));
    }
}

/// Merges `more` into `object`; the field at the path of the id stays as it is.
fn merge(object: &mut Object, more: &Object, id: &[String], strategy: MergeStrategy) {
    for (key, value) in more.iter() {
        let below = match id.split_first() {
            Some((step, rest)) if *step == *key => {
                if rest.is_empty() {
                    continue;
                }
                rest
            }
            _ => &[],
        };
        let merged = match (object.get(&key), value) {
            (None, value) => value,
            (Some(Value::Object(mut old)), Value::Object(new)) => {
                merge(&mut old, &new, below, strategy);
                Value::Object(old)
            }
            (Some(old), new) => match strategy {
                MergeStrategy::Replace => new,
                MergeStrategy::Keep => old,
                MergeStrategy::Array => collate(old, new),
            },
        };
        object.insert(key, merged);
    }
}

/// An array of both values; arrays give their items.
fn collate(old: Value, new: Value) -> Value {
    let items = |value: Value| match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    };
    let mut all: Vec<Value> = items(old);
    all.extend(items(new));
    Value::from(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::inputs::sequence::JoinType;

    fn join(strategy: MergeStrategy, only_last: bool, iterations: u64) -> Vec<String> {
        let config = JoinConfig {
            r#type: JoinType::FullOuter,
            id_path: "id".into(),
            iterations,
            merge_strategy: strategy,
        };
        let inputs = [
            vec![
                r#"{"id":"1","x":"a"}"#,
                r#"{"id":"2","x":"b"}"#,
                r#"{"x":1}"#,
            ],
            vec![
                r#"{"id":"1","x":"A","y":"p"}"#,
                r#"{"id":"3","x":"C","y":"q"}"#,
                r#"{"id":"1","x":"AA","y":"r"}"#,
            ],
        ];
        let mut joiner = Joiner::new(&config, only_last);
        let mut all = Vec::new();
        loop {
            for (number, input) in inputs.iter().enumerate() {
                all.extend(
                    input
                        .iter()
                        .filter_map(|text| joiner.add(Message::new(*text), number == 1)),
                );
            }
            all.extend(joiner.flush().into_iter().rev());
            if !joiner.next_iteration() {
                let text = |m: &Message| String::from_utf8_lossy(m.bytes()).into_owned();
                return all.iter().map(text).collect();
            }
        }
    }

    #[test]
    fn documents_are_joined_by_their_id() {
        use MergeStrategy::{Array, Keep, Replace};
        let one = |x, y| format!(r#"{{"id":"1","x":{x},"y":{y}}}"#);
        let (two, three) = (r#"{"id":"2","x":"b"}"#, r#"{"id":"3","x":"C","y":"q"}"#);
        let full = |x, y| vec![one(x, y), two.to_owned(), three.to_owned()];
        assert_eq!(join(Replace, false, 1), full(r#""AA""#, r#""r""#));
        assert_eq!(join(Keep, false, 1), full(r#""a""#, r#""p""#));
        assert_eq!(
            join(Array, false, 1),
            full(r#"["a","A","AA"]"#, r#"["p","r"]"#)
        );
        let kept = one(r#""a""#, r#""p""#);
        assert_eq!(join(Keep, true, 1), [kept.as_str(), three, kept.as_str()]);
        let mut shares = join(Replace, false, 3);
        shares.sort();
        assert_eq!(shares, full(r#""AA""#, r#""r""#));
    }
}
