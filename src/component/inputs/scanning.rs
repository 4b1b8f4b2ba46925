//! How an input cuts what it reads into messages: by a scanner, or by one of the codecs that older configs name.

use crate::component::scanners::{csv, decompress, skip_bom, switch};
use crate::component::{BuildScanner, Component, Context, Scan, Scanner, ScannerConfig};
use crate::config::{Entry, Field, FieldSpec, Group, Linter, Node, Place};
use crate::message::Batch;
use bytes::Bytes;
use serde_json::json;
use std::sync::Arc;

crate::fields! {
    /// The fields as configs write them.
    struct Written {
        /// Cuts the bytes into messages.
        scanner: ScannerConfig = "{lines: {}}",
        /// Deprecated: what a scanner does in one word, such as `lines`, `csv` or `gzip/lines`. Takes the place of the scanner.
        codec: Option<String> [advanced],
        /// Deprecated: the largest message of a codec in bytes.
        max_buffer: usize = "1000000" [advanced],
    }
}

/// The scanner of an input, however its config names it.
#[derive(Clone, Debug)]
pub(super) struct Scanning {
    pub scanner: ScannerConfig,
}

impl Group for Scanning {
    fn fields() -> Vec<FieldSpec> {
        Written::fields()
    }

    fn read_entries(node: &Node, entries: &[Entry], linter: &mut Linter<'_>) -> Option<Scanning> {
        let written = Written::read_entries(node, entries, linter);
        for name in ["codec", "max_buffer"] {
            if let Some(entry) = entries.iter().find(|e| e.key == name) {
                linter.deprecated(
                    entry.place,
                    format!("field {name} is deprecated, use scanner"),
                );
            }
        }
        let written = written?;
        let Some(codec) = written.codec.filter(|codec| !codec.is_empty()) else {
            return Some(Scanning {
                scanner: written.scanner,
            });
        };
        let entry = entries.iter().rev().find(|e| e.key == "codec")?;
        let codecs = Codecs {
            max_buffer: written.max_buffer,
            place: entry.place,
        };
        match linter.at("scanner", |linter| codecs.scanner(&codec, linter)) {
            Ok(scanner) => Some(Scanning { scanner }),
            Err(reason) => {
                linter.error(entry.place, reason);
                None
            }
        }
    }
}

/// Makes scanners that do what codecs did.
struct Codecs {
    /// The largest message of most of them.
    max_buffer: usize,
    /// Where the config names the codec.
    place: Place,
}

impl Codecs {
    /// The scanner of a codec: what unpacks stands before what cuts, and what gathers behind it, as in `gzip/lines/multipart`.
    fn scanner(&self, codec: &str, linter: &mut Linter<'_>) -> Result<ScannerConfig, String> {
        let codec = match codec {
            "auto" => return self.by_file_name(linter),
            "csv-gzip" => "gzip/csv",
            "tar-gzip" => "gzip/tar",
            other => other,
        };
        let unknown = || format!("codec was not recognised: {codec}");
        let mut steps = codec.split('/').rev().peekable();
        let mut gathered = 0;
        while steps.next_if_eq(&"multipart").is_some() {
            gathered += 1;
        }
        let cut = steps.next().unwrap_or_default();
        let mut scanner = self.cutting(cut, linter).ok_or_else(unknown)?;
        for _ in 0..gathered {
            scanner = self.made("multipart", Multipart(scanner), linter);
        }
        steps.try_fold(scanner, |into, step| {
            let algorithm = match step {
                "gzip" => decompress::Algorithm::Gzip,
                "pgzip" => decompress::Algorithm::Pgzip,
                "skipbom" => return Ok(self.made("skip_bom", skip_bom::Config { into }, linter)),
                _ => return Err(unknown()),
            };
            let config = decompress::Config { algorithm, into };
            Ok(self.made("decompress", config, linter))
        })
    }

    /// The scanner of a codec that cuts; none if there is no such codec.
    fn cutting(&self, codec: &str, linter: &mut Linter<'_>) -> Option<ScannerConfig> {
        let max_buffer = self.max_buffer;
        let (name, with) = match codec.split_once(':') {
            Some((_, "")) => return None,
            Some((name, with)) => (name, Some(with)),
            None => (codec, None),
        };
        let scanner = match (name, with) {
            ("csv" | "csv-safe", _) => {
                let config = csv::Codec {
                    delimiter: with.map(str::to_owned),
                    is_safe: name == "csv-safe",
                };
                return Some(self.made("csv", config, linter));
            }
            ("all-bytes", None) => json!({"to_the_end": {}}),
            ("avro-ocf", None | Some("marshaler=goavro")) => json!({"avro": {}}),
            ("avro-ocf", Some("marshaler=json")) => json!({"avro": {"raw_json": true}}),
            ("chunker", Some(size)) => json!({"chunker": {"size": size}}),
            ("delim", Some(with)) => {
                json!({"lines": {"custom_delimiter": with, "max_buffer_size": max_buffer}})
            }
            ("lines", None) => json!({"lines": {"max_buffer_size": max_buffer}}),
            ("regex", Some(with)) => {
                json!({"re_match": {"pattern": with, "max_buffer_size": max_buffer}})
            }
            ("tar", None) => json!({"tar": {}}),
            _ => return None,
        };
        let scanner = Node::parse(&scanner.to_string()).expect("JSON is YAML");
        ScannerConfig::read(&scanner, linter)
    }

    /// The scanner of the codec `auto`, which goes by the endings of the files' names.
    fn by_file_name(&self, linter: &mut Linter<'_>) -> Result<ScannerConfig, String> {
        let endings = [
            (r"\.avro$", "avro-ocf"),
            (r"\.csv$", "csv"),
            (r"\.csv\.gz(ip)?$", "gzip/csv"),
            (r"\.tar$", "tar"),
            (r"(\.tgz|\.tar\.gz(ip)?)$", "gzip/tar"),
            ("", "all-bytes"),
        ];
        let cases = endings.map(|(ending, codec)| {
            Ok(switch::Case {
                re_match_name: Some(ending.to_owned()),
                scanner: self.scanner(codec, linter)?,
            })
        });
        let cases: Result<_, String> = cases.into_iter().collect();
        Ok(self.made("switch", switch::Config(cases?), linter))
    }

    fn made(
        &self,
        name: &'static str,
        config: impl BuildScanner + 'static,
        linter: &Linter<'_>,
    ) -> ScannerConfig {
        Component {
            name,
            label: String::new(),
            path: linter.path().to_owned(),
            place: self.place,
            config: Arc::new(config),
            processors: Vec::new(),
            renames: Vec::new(),
        }
    }
}

/// The codec `multipart`: gathers the messages of another into batches, each up to an empty message, which is left out.
#[derive(Debug)]
struct Multipart(ScannerConfig);

impl BuildScanner for Multipart {
    fn build(&self, cx: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        Ok(Arc::new(Gatherer(cx.scanner(&self.0)?)))
    }
}

struct Gatherer(Arc<dyn Scanner>);

impl Scanner for Gatherer {
    fn open(&self, name: &str) -> Box<dyn Scan> {
        Box::new(Gathering {
            scan: self.0.open(name),
            cut: Vec::new(),
            batch: Batch::new(),
        })
    }
}

struct Gathering {
    scan: Box<dyn Scan>,
    /// Room for what the other one cuts.
    cut: Vec<Batch>,
    /// The batch that isn't at its end yet.
    batch: Batch,
}

impl Gathering {
    fn gather(&mut self, out: &mut Vec<Batch>) {
        let mut all = std::mem::take(&mut self.cut);
        for cut in all.drain(..) {
            let is_end = match cut.as_slice() {
                [] => true,
                [one] => one.bytes().is_empty(),
                _ => false,
            };
            match is_end {
                true => self.end(out),
                false => self.batch.extend(cut),
            }
        }
        self.cut = all;
    }

    fn end(&mut self, out: &mut Vec<Batch>) {
        if !self.batch.is_empty() {
            out.push(std::mem::take(&mut self.batch));
        }
    }
}

impl Scan for Gathering {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let result = self.scan.push(bytes, &mut self.cut);
        self.gather(out);
        if result.is_err() {
            self.end(out);
        }
        result
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let result = self.scan.finish(&mut self.cut);
        self.gather(out);
        self.end(out);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codec_takes_the_place_of_the_scanner_with_a_warning() {
        let environment = crate::bloblang::Environment::default();
        for codec in ["all-bytes", "auto"] {
            let mut linter = Linter::new(&environment);
            let node = Node::parse(&format!("{{codec: {codec}}}")).expect("valid");
            let read = Scanning::read_group(&node, &mut linter).expect("a scanner");
            let wanted = if codec == "auto" {
                "switch"
            } else {
                "to_the_end"
            };
            assert_eq!(read.scanner.name, wanted);
            assert!(!linter.has_errors());
            assert_eq!(linter.into_problems().len(), 1);
        }
        let mut linter = Linter::new(&environment);
        let node = Node::parse("{codec: wat}").expect("valid");
        assert!(Scanning::read_group(&node, &mut linter).is_none());
        assert!(linter.has_errors());
    }
}
