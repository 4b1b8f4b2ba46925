//! What a mapping may use besides the language: files to import, impure functions, the message.

use super::caches::CacheLink;
use super::spec::FunctionSpec;
use std::fmt;
use std::sync::Arc;

/// Reads the file that an `import` names, or says why it can't be read.
pub type Importer = Arc<dyn Fn(&str) -> Result<String, String> + Send + Sync>;

/// What mappings may use. The default allows everything, and imports files by their path.
#[derive(Clone)]
pub struct Environment {
    importer: Importer,
    impure: bool,
    message: bool,
    caches: CacheLink,
}

/// The largest file that is imported.
const MAX_IMPORT: u64 = 16 * 1024 * 1024;

/// Functions that see the message or its batch.
const OF_MESSAGE: &[&str] = &[
    "batch_index",
    "batch_size",
    "content",
    "error",
    "error_source_label",
    "error_source_name",
    "error_source_path",
    "error_source_type",
    "errored",
    "flow_id",
    "json",
    "meta",
    "metadata",
    "root_meta",
    "tracing_id",
    "tracing_span",
];

impl Default for Environment {
    fn default() -> Environment {
        Environment {
            importer: Arc::new(read_file),
            impure: true,
            message: true,
            caches: CacheLink::default(),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("impure", &self.impure)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// For mappings that may compute from their input only: no files, no environment, no message.
    pub fn pure() -> Environment {
        Environment {
            message: false,
            ..Environment::without_impure()
        }
    }

    /// Without functions that read something besides the message, and without imports.
    pub fn without_impure() -> Environment {
        Environment {
            importer: Arc::new(|path| Err(format!("{path}: imports are not allowed here"))),
            impure: false,
            message: true,
            caches: CacheLink::default(),
        }
    }

    /// Imports through `importer`.
    pub fn with_importer(mut self, importer: Importer) -> Environment {
        self.importer = importer;
        self
    }

    /// With a link of its own to caches, for the mappings of one config.
    pub fn with_own_caches(&self) -> Environment {
        Environment {
            caches: CacheLink::default(),
            ..self.clone()
        }
    }

    /// The link that compiled mappings get.
    pub fn caches(&self) -> &CacheLink {
        &self.caches
    }

    pub(crate) fn import(&self, path: &str) -> Result<String, String> {
        (self.importer)(path)
    }

    pub(crate) fn allows(&self, function: &FunctionSpec) -> bool {
        (self.impure || !function.impure) && (self.message || !OF_MESSAGE.contains(&function.name))
    }
}

fn read_file(path: &str) -> Result<String, String> {
    let size = std::fs::metadata(path)
        .map_err(|e| explain(path, &e))?
        .len();
    if size > MAX_IMPORT {
        return Err(format!("{path}: larger than {MAX_IMPORT} bytes"));
    }
    std::fs::read_to_string(path).map_err(|e| explain(path, &e))
}

fn explain(path: &str, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("open {path}: no such file or directory"),
        _ => format!("open {path}: {error}"),
    }
}
