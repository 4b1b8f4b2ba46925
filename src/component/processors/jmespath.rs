//! `jmespath`: queries messages with JMESPath.

use super::flow::each;
use crate::codec::serde::{from_json, to_json};
use crate::component::{BuildProcessor, Context, Processor};
use anyhow::anyhow;
use jmespath::{ErrorReason, RuntimeError};

crate::fields! {
    /// The query.
    pub struct Config {
        /// A JMESPath expression.
        query: String,
    }
}

crate::spec! {
    /// Replaces each message, a JSON document, by what a JMESPath query finds in it; `null` where it finds nothing.
    dyn BuildProcessor, "jmespath", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let query = jmespath::compile(&self.query).map_err(|e| match &e.reason {
            // What ends too early needs no report of where.
            ErrorReason::Parse(why) if why.contains("found Eof") => {
                anyhow!("failed to compile JMESPath query: SyntaxError: Incomplete expression")
            }
            _ => anyhow!("failed to compile JMESPath query: {e}"),
        })?;
        Ok(each(move |message| {
            let value = message.value().map_err(|e| e.to_string())?;
            let found = query.search(to_json(value)).map_err(|e| match &e.reason {
                ErrorReason::Runtime(RuntimeError::UnknownFunction(name)) => {
                    format!("unknown function: {name}")
                }
                _ => format!("failed to execute JMESPath query: {e}"),
            })?;
            let json = serde_json::to_value(&found).map_err(|e| e.to_string())?;
            message.set_value(from_json(&json));
            Ok(())
        }))
    }
}
