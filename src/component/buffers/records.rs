//! Batches as bytes, to be kept: for each message the length of its content, its content, and the same for its metadata as JSON.

use crate::message::{Batch, Message};
use crate::value::{self, Object, Value};
use anyhow::{Context as _, bail};
use bytes::Bytes;

/// A batch as bytes.
pub(super) fn write(batch: &[Message]) -> Vec<u8> {
    let mut out = Vec::new();
    for message in batch {
        part(message.bytes(), &mut out);
        let metadata = message.metadata().iter();
        let metadata: Object = metadata.map(|(k, v)| (k.clone(), v.clone())).collect();
        part(&Value::Object(metadata).to_json(), &mut out);
    }
    out
}

fn part(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// The batch that bytes stand for.
pub(super) fn read(bytes: &[u8]) -> anyhow::Result<Batch> {
    let mut rest = bytes;
    let mut batch = Batch::new();
    while !rest.is_empty() {
        let mut message = Message::new(take(&mut rest)?);
        let metadata = take(&mut rest)?;
        let Value::Object(metadata) = value::parse(&metadata).context("the metadata isn't JSON")?
        else {
            bail!("the metadata isn't an object");
        };
        for (key, value) in metadata.iter() {
            message.metadata_mut().set(key, value);
        }
        message.set_origin(batch.len() as u32);
        batch.push(message);
    }
    Ok(batch)
}

fn take(rest: &mut &[u8]) -> anyhow::Result<Bytes> {
    let (length, after) = rest
        .split_first_chunk::<8>()
        .context("a length is missing")?;
    let length = usize::try_from(u64::from_le_bytes(*length))?;
    let (part, after) = after
        .split_at_checked(length)
        .context("a part is cut off")?;
    *rest = after;
    Ok(Bytes::copy_from_slice(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_read_as_they_were_written() {
        let mut first = Message::new("one");
        first.metadata_mut().set("k", "v");
        first.metadata_mut().set("n", Value::Int(7));
        let bytes = write(&[first, Message::new(vec![0xff])]);
        let batch = read(&bytes).expect("a batch");
        assert_eq!(batch[0].bytes(), "one");
        assert_eq!(batch[0].metadata().iter().count(), 2);
        assert_eq!(&**batch[1].bytes(), &[0xff]);
        for cut in 1..bytes.len() - 1 {
            let read = read(&bytes[..cut]);
            assert!(read.is_err() || read.is_ok_and(|b| b.len() == 1), "{cut}");
        }
        assert!(read(&[0xff; 20]).is_err());
    }
}
