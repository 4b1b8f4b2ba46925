//! How an input cuts what it reads into messages: by a scanner, or by one of the codecs that older configs name.

use crate::component::ScannerConfig;
use crate::config::{Entry, Field, FieldSpec, Group, Linter, Node};
use serde_json::{Value as Json, json};

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
        let scanner = match of_codec(&codec, written.max_buffer) {
            Ok(scanner) => Node::parse(&scanner.to_string()).expect("JSON is YAML"),
            Err(reason) => {
                linter.error(entry.place, reason);
                return None;
            }
        };
        let scanner = linter.at("scanner", |linter| ScannerConfig::read(&scanner, linter))?;
        Some(Scanning { scanner })
    }
}

/// The scanner that does what a codec did. Codecs that unpack stand before the one that cuts: `gzip/csv`.
fn of_codec(codec: &str, max_buffer: usize) -> Result<Json, String> {
    let codec = match codec {
        "auto" => return Ok(by_file_name(max_buffer)),
        "csv-gzip" => "gzip/csv",
        "tar-gzip" => "gzip/tar",
        other => other,
    };
    let unknown = || format!("codec was not recognised: {codec}");
    let mut steps = codec.split('/').rev();
    let cut = steps.next().unwrap_or_default();
    let cut = cutting(cut, max_buffer).ok_or_else(unknown)?;
    steps.try_fold(cut, |into, step| match step {
        "gzip" | "pgzip" => Ok(json!({"decompress": {"algorithm": step, "into": into}})),
        "skipbom" => Ok(json!({"skip_bom": {"into": into}})),
        _ => Err(unknown()),
    })
}

/// The scanner of a codec that cuts; none if there is no such codec.
fn cutting(codec: &str, max_buffer: usize) -> Option<Json> {
    let scanner = match codec {
        "all-bytes" => json!({"to_the_end": {}}),
        "avro-ocf" | "avro-ocf:marshaler=goavro" => json!({"avro": {}}),
        "avro-ocf:marshaler=json" => json!({"avro": {"raw_json": true}}),
        "csv" => json!({"csv": {}}),
        "csv-safe" => json!({"csv": {"continue_on_error": true}}),
        "lines" => json!({"lines": {"max_buffer_size": max_buffer}}),
        "tar" => json!({"tar": {}}),
        _ => {
            let (name, with) = codec.split_once(':').filter(|(_, with)| !with.is_empty())?;
            match name {
                "chunker" => json!({"chunker": {"size": with}}),
                "csv" => json!({"csv": {"custom_delimiter": with}}),
                "csv-safe" => {
                    json!({"csv": {"custom_delimiter": with, "continue_on_error": true}})
                }
                "delim" => {
                    json!({"lines": {"custom_delimiter": with, "max_buffer_size": max_buffer}})
                }
                "regex" => json!({"re_match": {"pattern": with, "max_buffer_size": max_buffer}}),
                _ => return None,
            }
        }
    };
    Some(scanner)
}

/// The scanner of the codec `auto`, which goes by the endings of the files' names.
fn by_file_name(max_buffer: usize) -> Json {
    let endings = [
        (r"\.avro$", "avro-ocf"),
        (r"\.csv$", "csv"),
        (r"\.csv\.gz(ip)?$", "gzip/csv"),
        (r"\.tar$", "tar"),
        (r"(\.tgz|\.tar\.gz(ip)?)$", "gzip/tar"),
        ("", "all-bytes"),
    ];
    let case = |(ending, codec)| {
        let scanner = of_codec(codec, max_buffer).expect("a codec that there is");
        json!({"re_match_name": ending, "scanner": scanner})
    };
    json!({"switch": endings.map(case)})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_scanners() {
        for (codec, wanted) in [
            ("lines", json!({"lines": {"max_buffer_size": 9}})),
            (
                "delim:\t",
                json!({"lines": {"custom_delimiter": "\t", "max_buffer_size": 9}}),
            ),
            (
                "skipbom/csv:;",
                json!({"skip_bom": {"into": {"csv": {"custom_delimiter": ";"}}}}),
            ),
            (
                "tar-gzip",
                json!({"decompress": {"algorithm": "gzip", "into": {"tar": {}}}}),
            ),
        ] {
            assert_eq!(of_codec(codec, 9), Ok(wanted), "{codec}");
        }
        for codec in ["", "wat", "gzip", "delim:", "csv/lines"] {
            assert!(of_codec(codec, 9).is_err(), "{codec}");
        }
    }

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
