//! `file`: a file for each key.

use crate::component::{BuildCache, Cache, CacheError, Context};
use crate::formats::os_error::reason;
use anyhow::anyhow;
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Component, Path, PathBuf},
    time::Duration,
};
use tokio::task::spawn_blocking;

crate::fields! {
    /// Where the files are.
    pub struct Config {
        /// The folder.
        directory: String,
    }
}

crate::spec! {
    /// Keeps each value as a file in a folder, named by its key. Values stay for ever; a key can't name a file elsewhere.
    dyn BuildCache, "file", Config
}

impl BuildCache for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Box<dyn Cache>> {
        let here = Path::new(&self.directory).components();
        let folder = here.filter(|part| *part != Component::CurDir).collect();
        Ok(Box::new(Folder(folder)))
    }
}

struct Folder(PathBuf);

impl Folder {
    /// The file for a key, which must lie in the folder.
    fn path(&self, key: &str) -> Result<PathBuf, CacheError> {
        let inside = Path::new(key)
            .components()
            .all(|c| matches!(c, Component::Normal(_)));
        if key.is_empty() || !inside {
            return Err(CacheError::Failed(anyhow!(
                "the key {key:?} isn't the name of a file in {}",
                self.0.display()
            )));
        }
        Ok(self.0.join(key))
    }
}

/// Runs file work where it may block; errors name the operation and the file, as Go does.
async fn run<T: Send + 'static>(
    operation: &'static str,
    path: PathBuf,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, CacheError> {
    let done = spawn_blocking(move || {
        work(&path).map_err(|error| match (operation, error.kind()) {
            ("read", ErrorKind::NotFound) => CacheError::NotFound,
            ("create", ErrorKind::AlreadyExists) => CacheError::Exists,
            (operation, _) => {
                let call = match operation {
                    "remove" => "remove",
                    _ => "open",
                };
                let path = path.display();
                CacheError::Failed(anyhow!("{call} {path}: {}", reason(&error)))
            }
        })
    });
    done.await
        .map_err(|error| CacheError::Failed(error.into()))?
}

#[async_trait]
impl Cache for Folder {
    async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        let read = |path: &Path| fs::read(path).map(Bytes::from);
        run("read", self.path(key)?, read).await
    }

    async fn set(&self, key: &str, value: Bytes, _: Option<Duration>) -> Result<(), CacheError> {
        // Readers see the old value or the new one, never a part.
        let write = move |path: &Path| {
            let aside = path.with_added_extension(format!("tmp-{}", uuid::Uuid::new_v4().simple()));
            fs::write(&aside, &value)?;
            fs::rename(&aside, path)
        };
        run("write", self.path(key)?, write).await
    }

    async fn add(&self, key: &str, value: Bytes, _: Option<Duration>) -> Result<(), CacheError> {
        let create = move |path: &Path| {
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(&value)
        };
        run("create", self.path(key)?, create).await
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        run("remove", self.path(key)?, |path| fs::remove_file(path)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn values_are_files() {
        let folder = std::env::temp_dir().join(format!("cache-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).expect("a folder");
        let cache = Folder(folder.clone());
        assert!(matches!(cache.get("a").await, Err(CacheError::NotFound)));
        cache.set("a", "1".into(), None).await.expect("set");
        cache.set("a", "2".into(), None).await.expect("set again");
        assert_eq!(cache.get("a").await.expect("there"), "2");
        assert!(matches!(
            cache.add("a", "3".into(), None).await,
            Err(CacheError::Exists)
        ));
        cache.delete("a").await.expect("deleted");
        let error = cache.delete("a").await.expect_err("gone").to_string();
        let wanted = format!("remove {}/a: no such file or directory", folder.display());
        assert_eq!(error, wanted);
        for key in ["../x", "/etc/passwd", "", "a/../../x"] {
            assert!(cache.set(key, "x".into(), None).await.is_err(), "{key}");
        }
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0);
        fs::remove_dir(folder).expect("removed");
    }
}
