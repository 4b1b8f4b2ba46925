//! What a mapping may use besides the language: files to import, impure functions, the message.

use super::caches::CacheLink;
use super::spec::FunctionSpec;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// What mappings may use. The default allows everything, and finds files from the working directory.
#[derive(Clone)]
pub struct Environment {
    /// Where relative paths of imports, and of `file_rel`, begin.
    folder: Arc<Path>,
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
            folder: Path::new("").into(),
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
            folder: Path::new("").into(),
            impure: false,
            message: true,
            caches: CacheLink::default(),
        }
    }

    /// For a mapping that stands in this file: relative paths begin in its folder.
    pub fn beside(&self, file: &Path) -> Environment {
        Environment {
            folder: file.parent().unwrap_or(Path::new("")).into(),
            ..self.clone()
        }
    }

    /// Where relative paths begin.
    pub(crate) fn folder(&self) -> &Arc<Path> {
        &self.folder
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

    /// The text of a file to import, with the environment of what stands in it; or why it can't be read.
    pub(crate) fn import(&self, path: &str) -> Result<(String, Environment), String> {
        if !self.impure {
            return Err(format!("{path}: imports are not allowed here"));
        }
        let file = self.folder.join(path);
        Ok((read_file(&file)?, self.beside(&file)))
    }

    pub(crate) fn allows(&self, function: &FunctionSpec) -> bool {
        (self.impure || !function.impure) && (self.message || !OF_MESSAGE.contains(&function.name))
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path)
        .map_err(|e| explain(path, &e))?
        .len();
    if size > MAX_IMPORT {
        return Err(format!(
            "{}: larger than {MAX_IMPORT} bytes",
            path.display()
        ));
    }
    std::fs::read_to_string(path).map_err(|e| explain(path, &e))
}

fn explain(path: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("open {}: no such file or directory", path.display())
        }
        _ => format!("open {}: {error}", path.display()),
    }
}
