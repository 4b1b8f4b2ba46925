//! Templates: components that a file defines by a mapping from their fields to the config of another component.

use super::{Data, Entry, Field, Linter, Node, Place, Problem, Shape};
use crate::bloblang::{Environment, Mapped, Mapping};
use crate::codec::serde::{from_json, to_json};
use crate::message::Message;
use serde_json::Value as Json;
use std::{collections::BTreeMap, sync::Arc};

crate::choice! {
    /// What kind of component a template makes.
    pub enum TemplateKind {
        Buffer = "buffer",
        Cache = "cache",
        Input = "input",
        Output = "output",
        Processor = "processor",
        RateLimit = "rate_limit",
        Scanner = "scanner",
    }
}

impl TemplateKind {
    /// As [`Kind::NAME`](crate::component::Kind::NAME) has it.
    pub fn name(self) -> &'static str {
        match self {
            TemplateKind::Buffer => "buffer",
            TemplateKind::Cache => "cache",
            TemplateKind::Input => "input",
            TemplateKind::Output => "output",
            TemplateKind::Processor => "processor",
            TemplateKind::RateLimit => "rate_limit",
            TemplateKind::Scanner => "scanner",
        }
    }
}

crate::choice! {
    /// The type of a field's values.
    pub enum FieldType {
        String = "string",
        StringEnum = "string_enum",
        StringAnnotatedEnum = "string_annotated_enum",
        Bloblang = "bloblang",
        Int = "int",
        Float = "float",
        Bool = "bool",
        Unknown = "unknown",
    }
}

crate::choice! {
    /// Whether a field holds one value, or several.
    pub enum FieldKind {
        Scalar = "scalar",
        List = "list",
        Map = "map",
    }
}

crate::fields! {
    /// A field of a template.
    pub struct TemplateField {
        /// The name.
        name: String,
        /// What it is for.
        description: String = "''",
        /// The type of its values.
        r#type: FieldType,
        /// Whether it holds one value, a list or a map of them.
        kind: FieldKind = "scalar",
        /// What it is when left out; a field without a default is required.
        default: MaybeNode,
        /// Whether it is for the few who need it.
        advanced: bool = "false",
        /// What a `string_enum` may be; for a `string_annotated_enum` a map, with what each means.
        options: MaybeNode,
    }
}

/// A value that may be left out, and may be null.
#[derive(Clone, Debug)]
pub struct MaybeNode(pub Option<Node>);

impl Field for MaybeNode {
    fn shape() -> Shape {
        Shape::Any
    }

    fn read(node: &Node, _: &mut Linter<'_>) -> Option<MaybeNode> {
        Some(MaybeNode(Some(node.clone())))
    }

    fn absent() -> Option<MaybeNode> {
        Some(MaybeNode(None))
    }
}

crate::fields! {
    /// A test of a template.
    pub struct TemplateTest {
        /// What is tested.
        name: String,
        /// The label beside the template.
        label: String = "''",
        /// The fields of the template.
        config: Node,
        /// The config that should come out; without it, it must only be without problems.
        expected: MaybeNode,
    }
}

crate::fields! {
    /// A template.
    pub struct Template {
        /// The name of the component that it makes.
        name: String,
        /// What kind of component that is.
        r#type: TemplateKind,
        /// How settled it is.
        status: String = "stable",
        /// Tags for docs.
        categories: Vec<String> = "[]",
        /// What it does, in a sentence.
        summary: String = "''",
        /// What to know about it.
        description: String = "''",
        /// The fields of its config.
        fields: Vec<TemplateField> = "[]",
        /// Makes the config of another component of an object of the fields.
        mapping: Mapping,
        /// Renames the metrics of what it makes, as `metrics.mapping` does before that is applied; `$label` is the label beside the template.
        metrics_mapping: Option<Mapping>,
        /// Tests, run by `airtruct template lint`.
        tests: Vec<TemplateTest> = "[]",
    }
}

impl Template {
    /// Reads a template's file; none if it can't be used, and everything that is wrong with it.
    pub fn parse(text: &str, environment: &Environment) -> (Option<Template>, Vec<Problem>) {
        let mut linter = Linter::new(environment);
        let template = match Node::parse(text) {
            Ok(node) => Template::read(&node, &mut linter),
            Err(error) => {
                linter.error(error.place, error.message);
                None
            }
        };
        for field in template.iter().flat_map(|t| &t.fields) {
            field.check_options(&mut linter);
        }
        let template = template.filter(|_| !linter.has_errors());
        (template, linter.into_problems())
    }

    /// The config that the template makes, all of it placed where the template is used, with the label that stands beside it. Problems of
    /// the fields go to the linter.
    pub fn expand(&self, config: &Node, label: &str, linter: &mut Linter<'_>) -> Option<Node> {
        let known: Vec<&str> = self.fields.iter().map(|f| f.name.as_str()).collect();
        let entries = super::read_map(config, linter, &known)?;
        let read = self.fields.iter().map(|field| {
            let entry = entries.iter().rev().find(|e| e.key == field.name);
            let value = match (entry, &field.default.0) {
                (Some(entry), _) => linter.at(&field.name, |l| field.read(&entry.node, l)),
                (None, Some(default)) => Some(default.to_json()),
                (None, None) => {
                    linter.error(config.place, format!("field {} is required", field.name));
                    None
                }
            };
            Some((field.name.clone(), value?))
        });
        // Every field is read, so that each one's problems are reported.
        let read: Vec<Option<_>> = read.collect();
        let fields: serde_json::Map<String, Json> = read.into_iter().collect::<Option<_>>()?;
        match self.map(Json::Object(fields), label) {
            Ok(made) => Some(node(&made, config.place)),
            Err(error) => {
                let text = format!("mapping failed for template component: {error}");
                linter.error(config.place, text);
                None
            }
        }
    }

    /// The config that the mapping makes of an object of fields; the label is metadata.
    fn map(&self, fields: Json, label: &str) -> Result<Json, String> {
        let mut message = Message::from_value(from_json(&fields));
        message.metadata_mut().set("label", label);
        match self.mapping.map(&[message], 0) {
            Err(error) => Err(error.to_string()),
            Ok(Mapped::Deleted) => Err("the mapping deleted its result".into()),
            Ok(Mapped::Message(made)) => match made.value() {
                Ok(value) => Ok(to_json(value)),
                Err(error) => Err(format!("the result is no config: {error}")),
            },
        }
    }
}

/// A mapping that is handed on as its text.
struct MappingText(String);

impl Field for MappingText {
    fn shape() -> Shape {
        Shape::Mapping
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<MappingText> {
        Mapping::read(node, linter)?;
        String::read(node, linter).map(MappingText)
    }
}

impl From<MappingText> for Json {
    fn from(text: MappingText) -> Json {
        Json::String(text.0)
    }
}

/// How a use of a template renames the metrics of what it makes.
#[derive(Clone, Debug)]
pub struct MetricsRename {
    /// The label beside the template.
    pub label: String,
    pub mapping: Mapping,
}

impl TemplateField {
    /// What a field with options may be.
    fn options(&self) -> Vec<&str> {
        match self.options.0.as_ref().map(|node| &node.data) {
            Some(Data::List(options)) => options.iter().filter_map(Node::as_text).collect(),
            Some(Data::Map(options)) => options.iter().map(|e| e.key.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// Reports options that are missing, or of the wrong form for the field's type.
    fn check_options(&self, linter: &mut Linter<'_>) {
        let options = self.options.0.as_ref();
        let place = options.map_or(Place { line: 1, column: 1 }, |node| node.place);
        let name = &self.name;
        let is_text = |node: &Node| node.as_text().is_some();
        let wanted = match (self.r#type, options.map(|node| &node.data)) {
            (FieldType::StringEnum, Some(Data::List(items))) if items.iter().all(is_text) => "",
            (FieldType::StringEnum, _) => "a list of strings",
            (FieldType::StringAnnotatedEnum, Some(Data::Map(entries)))
                if entries.iter().all(|e| is_text(&e.node)) =>
            {
                ""
            }
            (FieldType::StringAnnotatedEnum, _) => "a map of strings",
            _ => return,
        };
        let mut options = self.options();
        options.sort_unstable();
        if !wanted.is_empty() {
            linter.error(
                place,
                format!("field {name}: expected options to be {wanted}"),
            );
        } else if options.is_empty() {
            linter.error(
                place,
                format!("field {name}: at least one option must be provided"),
            );
        } else if options.windows(2).any(|pair| pair[0] == pair[1]) {
            linter.error(
                place,
                format!("field {name}: duplicate options are not allowed"),
            );
        }
    }

    /// Whether every text of a value is one of the field's options; what isn't is reported.
    fn is_option(&self, value: &Json, place: Place, linter: &mut Linter<'_>) -> bool {
        let options = self.options();
        let mut check = |text: &Json| {
            let text = text.as_str().unwrap_or_default();
            let known = options.contains(&text);
            if !known {
                linter.no_option(place, text, &options);
            }
            known
        };
        match value {
            Json::Array(items) => items.iter().all(check),
            Json::Object(fields) => fields.values().all(check),
            one => check(one),
        }
    }

    /// The field's value, read as its type.
    fn read(&self, node: &Node, linter: &mut Linter<'_>) -> Option<Json> {
        match self.r#type {
            FieldType::Unknown => Some(node.to_json()),
            FieldType::String => self.read_as::<String>(node, linter),
            FieldType::StringEnum | FieldType::StringAnnotatedEnum => {
                let value = self.read_as::<String>(node, linter)?;
                self.is_option(&value, node.place, linter).then_some(value)
            }
            FieldType::Bloblang => self.read_as::<MappingText>(node, linter),
            FieldType::Int => self.read_as::<i64>(node, linter),
            FieldType::Float => self.read_as::<f64>(node, linter),
            FieldType::Bool => self.read_as::<bool>(node, linter),
        }
    }

    fn read_as<T: Field + Into<Json>>(&self, node: &Node, linter: &mut Linter<'_>) -> Option<Json> {
        match self.kind {
            FieldKind::Scalar => T::read(node, linter).map(Into::into),
            FieldKind::List => {
                let values = Vec::<T>::read(node, linter)?;
                Some(Json::Array(values.into_iter().map(Into::into).collect()))
            }
            FieldKind::Map => {
                let values = BTreeMap::<String, T>::read(node, linter)?;
                let values = values.into_iter().map(|(k, v)| (k, v.into()));
                Some(Json::Object(values.collect()))
            }
        }
    }
}

/// JSON as a tree, all of it at one place.
pub fn node(json: &Json, place: Place) -> Node {
    let data = match json {
        Json::Null => Data::Null,
        Json::Bool(b) => Data::Bool(*b),
        Json::Number(n) => match n.as_i64() {
            Some(n) => Data::Int(n),
            None => Data::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Data::Text {
            text: text.clone(),
            block: false,
        },
        Json::Array(items) => Data::List(items.iter().map(|item| node(item, place)).collect()),
        Json::Object(fields) => {
            let entry = |(key, value): (&String, &Json)| Entry {
                key: key.clone(),
                place,
                node: node(value, place),
            };
            Data::Map(fields.iter().map(entry).collect())
        }
    };
    Node::new(place, data)
}

/// The templates that configs may use. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Templates(Arc<BTreeMap<(&'static str, String), Arc<Template>>>);

impl Templates {
    /// These, later ones in the place of earlier ones of the same kind and name.
    pub fn new(templates: impl IntoIterator<Item = Template>) -> Templates {
        let key = |t: &Template| (t.r#type.name(), t.name.clone());
        Templates(Arc::new(
            templates
                .into_iter()
                .map(|t| (key(&t), Arc::new(t)))
                .collect(),
        ))
    }

    /// The template of a kind of component that has this name.
    pub fn get(&self, kind: &'static str, name: &str) -> Option<Arc<Template>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(kind, name.to_owned())).cloned()
    }

    /// The names of a kind's templates.
    pub fn names(&self, kind: &'static str) -> impl Iterator<Item = &str> {
        self.0
            .keys()
            .filter(move |(k, _)| *k == kind)
            .map(|(_, name)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOUT: &str = "name: shout\ntype: processor\nfields:\n- {name: times, type: int, default: 1}\n- {name: word, type: string}\n- {name: tags, type: string, kind: map, default: {}}\nmapping: 'root.a = [this.times, this.word, this.tags]'\n";

    #[test]
    fn fields_are_read_by_their_types() {
        let environment = Environment::default();
        let (template, problems) = Template::parse(SHOUT, &environment);
        let template = template.expect("a template");
        assert_eq!(problems, []);
        for (config, wanted) in [
            ("{word: x}", Ok(r#"{"a":[1,"x",{}]}"#)),
            (
                "{word: 5, times: '2', tags: {a: b}}",
                Ok(r#"{"a":[2,"5",{"a":"b"}]}"#),
            ),
            ("{}", Err("field word is required")),
            ("{word: x, wat: 1}", Err("field wat not recognised")),
            (
                "{word: x, times: y}",
                Err("expected a whole number, got a string (y)"),
            ),
        ] {
            let mut linter = Linter::new(&environment);
            let made = template.expand(&Node::parse(config).expect("YAML"), "", &mut linter);
            let problems = linter.into_problems();
            match (wanted, problems.first()) {
                (Ok(wanted), None) => {
                    assert_eq!(made.expect("a config").to_json().to_string(), wanted)
                }
                (Err(wanted), Some(problem)) => assert_eq!(problem.message, wanted),
                other => panic!("{config}: {other:?}"),
            }
        }
    }

    #[test]
    fn faults_of_a_template_are_told() {
        let environment = Environment::default();
        for (text, wanted) in [
            (
                "name: x\ntype: processor\nfields: []\nmapping: 'root = '\n",
                "expected query",
            ),
            (
                "name: x\ntype: wat\nfields: []\nmapping: 'root = {}'\n",
                "value wat is not a valid option",
            ),
            (
                "type: cache\nfields: []\nmapping: 'root = {}'\n",
                "field name is required",
            ),
        ] {
            let (template, problems) = Template::parse(text, &environment);
            assert!(template.is_none(), "{text}");
            assert!(
                problems.iter().any(|p| p.message.contains(wanted)),
                "{problems:?}"
            );
        }
    }
}
