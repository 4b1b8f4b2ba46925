//! `msgpack`: MessagePack to JSON and back.

use super::flow::each;
use crate::codec::msgpack;
use crate::component::{BuildProcessor, Context, Processor};

crate::fields! {
    /// What is made of what.
    pub struct Config {
        /// The direction.
        operator: Operator,
    }
}

crate::choice! {
    /// What is done.
    pub enum Operator {
        /// Makes MessagePack of JSON.
        FromJson = "from_json",
        /// Makes JSON of MessagePack.
        ToJson = "to_json",
    }
}

crate::spec! {
    /// Makes MessagePack of messages that are JSON documents, or JSON of messages that are MessagePack.
    dyn BuildProcessor, "msgpack", Config, Beta
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        Ok(match self.operator {
            Operator::FromJson => each(|message| {
                let value = message.value();
                let value = value.map_err(|e| format!("failed to parse message as JSON: {e}"))?;
                let packed = msgpack::format(value);
                message.set_bytes(packed);
                Ok(())
            }),
            Operator::ToJson => each(|message| {
                if message.bytes().first() == Some(&0xc1) {
                    return Err("failed to convert MsgPack document to JSON: msgpack: unknown code c1 decoding interface{}".into());
                }
                let value = msgpack::parse(message.bytes())
                    .map_err(|e| format!("failed to convert MsgPack document to JSON: {e}"))?;
                message.set_value(value);
                Ok(())
            }),
        })
    }
}
