//! How messages are told apart in a file or on a connection that is written.

use crate::config::{Field, Linter, Node, Shape};
use std::borrow::Cow;

/// How a message is written after the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Each message is all there is: it replaces what was written before.
    AllBytes,
    /// One after the other with nothing between them.
    Append,
    /// Each is followed by this, unless it ends with it.
    Delimited(Cow<'static, [u8]>),
}

impl Codec {
    pub fn parse(text: &str) -> Option<Codec> {
        Some(match text {
            "all-bytes" => Codec::AllBytes,
            "append" => Codec::Append,
            "lines" => Codec::Delimited(Cow::Borrowed(b"\n")),
            _ => {
                let delimiter = text.strip_prefix("delim:").filter(|d| !d.is_empty())?;
                Codec::Delimited(Cow::Owned(delimiter.as_bytes().to_owned()))
            }
        })
    }

    /// Appends a message to what is to be written.
    pub fn write(&self, message: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(message);
        if let Codec::Delimited(delimiter) = self
            && !message.ends_with(delimiter)
        {
            out.extend_from_slice(delimiter);
        }
    }
}

impl Field for Codec {
    fn shape() -> Shape {
        Shape::String
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Codec> {
        let text = String::read(node, linter)?;
        let codec = Codec::parse(&text);
        if codec.is_none() {
            linter.error(
                node.place,
                format!("codec was not recognised: {text} (it takes all-bytes, append, lines or delim:x)"),
            );
        }
        codec
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_written_as_the_codec_says() {
        let table = [
            ("lines", "a\nb\n\n"),
            ("append", "ab\n"),
            ("all-bytes", "ab\n"),
            ("delim:X", "aXb\nXX"),
        ];
        for (name, wanted) in table {
            let codec = Codec::parse(name).expect(name);
            let mut out = Vec::new();
            for message in ["a", "b\n", ""] {
                codec.write(message.as_bytes(), &mut out);
            }
            assert_eq!(String::from_utf8(out).expect("text"), wanted, "{name}");
        }
        assert_eq!(Codec::parse("wat"), None);
        assert_eq!(Codec::parse("delim:"), None);
    }
}
