//! `json_schema`: checks messages against a schema.

use super::flow::each;
use crate::codec::json_schema::Schema;
use crate::component::{BuildProcessor, Context, Processor};
use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;

crate::fields! {
    /// The schema, as one of the two; of both the path counts.
    pub struct Config {
        /// The schema itself.
        schema: Option<String>,
        /// Where the schema is: a path, or `file://` and a path.
        schema_path: Option<String>,
    }
}

crate::spec! {
    /// Checks each message against a JSON Schema, and flags those that don't fit with what is wrong, a line for each finding.
    /// `catch`, `switch` or `reject_errored` then deal with them.
    dyn BuildProcessor, "json_schema", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let text = match (&self.schema, &self.schema_path) {
            (_, Some(path)) if !path.is_empty() => read(path)?,
            (Some(schema), _) if !schema.is_empty() => schema.clone(),
            _ => bail!("either schema or schema_path must be provided"),
        };
        let document = crate::value::parse(&Bytes::from(text))
            .map_err(|e| anyhow!("failed to load JSON schema definition: {e}"))?;
        let schema = Schema::compile(&document)
            .map_err(|e| anyhow!("failed to load JSON schema definition: {e}"))?;
        Ok(each(move |message| {
            let value = message.value().map_err(|e| e.to_string())?;
            schema.check(value)
        }))
    }
}

/// Reads a file that is named by its path or by a `file://` address.
pub(super) fn read(path: &str) -> anyhow::Result<String> {
    let path = path.strip_prefix("file://").unwrap_or(path);
    std::fs::read_to_string(path).with_context(|| format!("read the schema at {path}"))
}
