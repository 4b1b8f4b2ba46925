//! `xml`: XML documents as JSON.

use super::flow::each;
use crate::component::{BuildProcessor, Context, Processor};

crate::fields! {
    /// What is made of what.
    pub struct Config {
        /// The direction.
        operator: Operator,
        /// Whether text that looks like a number or a bool becomes one.
        cast: bool = "false",
    }
}

crate::choice! {
    /// What is done.
    pub enum Operator {
        /// Makes an object of each document. Attributes have a `-` before their name, text beside children or attributes is under `#text`,
        /// and elements that stand several times become an array.
        ToJson = "to_json",
    }
}

crate::spec! {
    /// Makes a JSON object of each message that is an XML document.
    dyn BuildProcessor, "xml", Config, Beta
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let (Operator::ToJson, cast) = (self.operator, self.cast);
        Ok(each(move |message| {
            let value = crate::codec::xml::parse(message.bytes(), cast)?;
            message.set_value(value);
            Ok(())
        }))
    }
}
