//! Where XML documents end that come in pieces. What is wrong inside them is not looked for.

/// Goes through bytes that documents stand in, one behind the other.
#[derive(Default)]
pub struct Ends {
    /// Up to where the bytes were gone through.
    at: usize,
    /// The names of the elements that are open.
    open: Vec<Vec<u8>>,
}

impl Ends {
    /// The end of the first document in `bytes`, which are those of the last time with more behind them. After a document is found
    /// the bytes begin with what is behind it.
    pub fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(begin) = position(bytes, self.at, b"<") {
            self.at = begin;
            let rest = &bytes[begin..];
            let end = begin + markup_length(rest)?;
            self.at = end;
            if self.tag(&bytes[begin + 1..end - 1]) && self.open.is_empty() {
                self.at = 0;
                return Some(end);
            }
        }
        self.at = bytes.len();
        None
    }

    /// Takes what stands in a tag. Whether it ends an element.
    fn tag(&mut self, inside: &[u8]) -> bool {
        match inside.first() {
            Some(b'!' | b'?') | None => false,
            Some(b'/') => {
                let name = local_name(&inside[1..]);
                // An element that isn't ended is ended by the one around it.
                while let Some(open) = self.open.pop() {
                    if open == name {
                        break;
                    }
                }
                true
            }
            Some(_) if inside.ends_with(b"/") => true,
            Some(_) => {
                self.open.push(local_name(inside).to_vec());
                false
            }
        }
    }
}

/// The length of the tag, comment or the like that bytes begin with, if it is there in full.
fn markup_length(bytes: &[u8]) -> Option<usize> {
    for (begin, end) in [
        (&b"<!--"[..], &b"-->"[..]),
        (b"<![CDATA[", b"]]>"),
        (b"<?", b"?>"),
    ] {
        if bytes.starts_with(begin) {
            return Some(position(bytes, begin.len(), end)? + end.len());
        }
        if begin.starts_with(bytes) {
            return None;
        }
    }
    let (mut quote, mut brackets) = (None, 0usize);
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, b'[') => brackets += 1,
            (None, b']') => brackets = brackets.saturating_sub(1),
            (None, b'>') if brackets == 0 => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// An element's name without its prefix.
fn local_name(tag: &[u8]) -> &[u8] {
    let end = tag
        .iter()
        .position(|b| b.is_ascii_whitespace() || *b == b'/');
    let name = &tag[..end.unwrap_or(tag.len())];
    let prefix = name.iter().position(|b| *b == b':');
    prefix.map_or(name, |at| &name[at + 1..])
}

fn position(bytes: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    let found = bytes
        .get(from..)?
        .windows(wanted.len())
        .position(|w| w == wanted)?;
    Some(from + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_end_where_their_root_does() {
        let documents = [
            "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x \"y>\">]><a b='>'><!-- </a> --><c/>1</a>",
            "\n<a><![CDATA[</a>]]><a></a></a >",
            "<b/>",
            "<a:b><c>x</a:b>",
        ];
        let all = documents.concat();
        for step in [1, 3, 1000] {
            let (mut ends, mut held, mut found) = (Ends::default(), Vec::new(), Vec::new());
            for piece in all.as_bytes().chunks(step) {
                held.extend_from_slice(piece);
                while let Some(end) = ends.find(&held) {
                    let document: Vec<u8> = held.drain(..end).collect();
                    found.push(String::from_utf8(document).unwrap());
                }
            }
            assert_eq!(found, documents, "{step}");
            assert!(held.is_empty());
        }
    }
}
