//! `parquet_decode`: Parquet files to rows.

use super::flow::expand;
use crate::codec::parquet::{Lists, decode};
use crate::component::{BuildProcessor, Context, Processor};

crate::fields! {
    /// How rows are shown.
    pub struct Config {
        /// Whether columns of the type `LIST` are shown as the format nests them (`{"list":[{"element":1}]}`), or else as arrays.
        use_parquet_list_format: bool = "true",
    }
}

crate::spec! {
    /// Makes a message of each row of a message that is a Parquet file. The rows have the metadata of the file.
    dyn BuildProcessor, "parquet_decode", Config, Experimental
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let lists = match self.use_parquet_list_format {
            true => Lists::Nested,
            false => Lists::Plain,
        };
        Ok(expand(move |message, out| {
            decode(message.bytes(), lists, |row| {
                let mut made = message.without_content();
                made.set_value(row);
                out.push(made);
            })
        }))
    }
}
