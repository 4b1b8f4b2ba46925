//! `template`: makes text of messages by Go templates.

use super::flow::each;
use crate::bloblang::Mapping;
use crate::codec::go_template::{Own, Template};
use crate::component::{BuildProcessor, Context, Processor};
use crate::value::Value;
use anyhow::Context as _;
use std::collections::BTreeMap;

crate::fields! {
    /// The template, and what it may call.
    pub struct Config {
        /// The template, or the path of the file that it is in.
        text: String = "''",
        /// Whether `text` is a path.
        from_file: bool = "false",
        /// Functions that the template may call, each a mapping of the one value that it is given.
        functions: BTreeMap<String, Mapping> = "{}",
        /// Further templates, to call as `{{ template "name" . }}`.
        sub_templates: BTreeMap<String, SubTemplate> = "{}",
    }
}

crate::fields! {
    /// A template that others may call.
    pub struct SubTemplate {
        /// The template, or the path of the file that it is in.
        text: String,
        /// Whether `text` is a path.
        from_file: bool = "false",
    }
}

crate::spec! {
    /// Makes text of each message, a JSON document, by a template in the language of Go's `text/template`, with the functions of
    /// the Sprig library, and `meta` for metadata, by its key: `{{ .name }} from {{ meta `topic` }}`.
    ///
    /// Numbers are text to a template, as they came: `{{ if gt (int .count) 5 }}`. A field that isn't there shows as `<no value>`.
    /// Functions that reach the machine (`env`, `getHostByName`, those for keys and certificates) aren't there.
    dyn BuildProcessor, "template", Config, Experimental
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let main = load(&self.text, self.from_file)?;
        let others = self.sub_templates.iter().map(|(name, other)| {
            let text = load(&other.text, other.from_file);
            anyhow::Ok((name.clone(), text?))
        });
        let others: Vec<(String, String)> = others.collect::<anyhow::Result<_>>()?;
        let own = self.functions.iter().map(|(name, mapping)| {
            let mapping = mapping.clone();
            let call: Own = Box::new(move |value| match mapping.apply(value) {
                Ok(value) => Ok(value.unwrap_or(Value::Null)),
                Err(error) => Err(error.to_string()),
            });
            (name.clone(), call)
        });
        let template = Template::parse(&main, &others, own.collect());
        let template = template.map_err(anyhow::Error::msg)?;
        Ok(each(move |message| {
            let value = message.value();
            let value = value.map_err(|e| format!("Failed to parse part into json: {e}"))?;
            let metadata = |key: &str| message.metadata().get(key).cloned();
            let made = template.execute(value, &|key| metadata(key).unwrap_or(Value::Null));
            let made = made.map_err(|e| format!("Failed to execute template: {e}"))?;
            message.set_bytes(made);
            Ok(())
        }))
    }
}

fn load(text: &str, from_file: bool) -> anyhow::Result<String> {
    match from_file {
        true => std::fs::read_to_string(text).with_context(|| format!("read the template {text}")),
        false => Ok(text.to_owned()),
    }
}
