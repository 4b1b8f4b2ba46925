//! What cuts bytes into messages.

mod avro;
mod chunker;
pub(crate) mod csv;
pub(crate) mod decompress;
mod json_documents;
mod lines;
mod re_match;
pub(crate) mod skip_bom;
pub(crate) mod switch;
mod tar;
mod to_the_end;
mod xml_documents;

use super::{BuildScanner, Spec};

/// Every scanner there is, by name.
pub static SCANNERS: &[&Spec<dyn BuildScanner>] = &[
    &avro::SPEC,
    &chunker::SPEC,
    &csv::SPEC,
    &decompress::SPEC,
    &json_documents::SPEC,
    &lines::SPEC,
    &re_match::SPEC,
    &skip_bom::SPEC,
    &switch::SPEC,
    &tar::SPEC,
    &to_the_end::SPEC,
    &xml_documents::SPEC,
];

/// Cuts at line ends, with a limit for lines, for inputs that know nothing else.
pub(crate) fn lines(limit: usize) -> std::sync::Arc<dyn super::Scanner> {
    lines::plain(limit)
}

#[cfg(test)]
pub(crate) mod testing {
    use crate::component::Scanner;
    use crate::message::Batch;
    use bytes::Bytes;

    /// Asserts what a scanner makes of `bytes`, given in one piece and in pieces of 1, 2, 3 and 7 bytes.
    pub fn scan(scanner: &dyn Scanner, bytes: &[u8], wanted: &[&str]) {
        for size in [1, 2, 3, 7, bytes.len().max(1)] {
            let batches = batches(scanner, bytes, size).expect("no fault");
            let texts: Vec<String> = batches
                .iter()
                .flatten()
                .map(|m| String::from_utf8_lossy(m.bytes()).into_owned())
                .collect();
            assert_eq!(texts, wanted, "{bytes:?} in pieces of {size}");
        }
    }

    /// What a scanner makes of `bytes` that come in pieces of a size.
    pub fn batches(scanner: &dyn Scanner, bytes: &[u8], size: usize) -> anyhow::Result<Vec<Batch>> {
        let mut scan = scanner.open("name");
        let mut out = Vec::new();
        for piece in bytes.chunks(size) {
            scan.push(Bytes::copy_from_slice(piece), &mut out)?;
        }
        scan.finish(&mut out)?;
        Ok(out)
    }
}
