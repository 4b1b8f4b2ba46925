//! `avro`: the records of an Avro container file.

use crate::codec::avro::container::Container;
use crate::component::{BuildScanner, Context, Scan, Scanner};
use crate::message::{Batch, Message};
use crate::value::Value;
use anyhow::anyhow;
use bytes::Bytes;
use std::sync::Arc;

crate::fields! {
    /// How records become JSON.
    pub struct Config {
        /// Whether members of unions stand without their names: `7` rather than `{"long": 7}`.
        raw_json: bool = "false",
    }
}

crate::spec! {
    /// Makes a message of each record of an Avro object container file, as JSON.
    dyn BuildScanner, "avro", Config
}

impl BuildScanner for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        Ok(Arc::new(Avro(self.raw_json)))
    }
}

struct Avro(bool);

impl Scanner for Avro {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Reading(Container::new(self.0)))
    }
}

struct Reading(Container);

impl Scan for Reading {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let mut values: Vec<Value> = Vec::new();
        let result = self.0.push(&bytes, &mut values);
        out.extend(
            values
                .into_iter()
                .map(|v| Batch::from_buf([Message::from_value(v)])),
        );
        result.map_err(|error| anyhow!("{error}"))
    }

    fn finish(&mut self, _: &mut Vec<Batch>) -> anyhow::Result<()> {
        self.0.finish().map_err(|error| anyhow!("{error}"))
    }
}
