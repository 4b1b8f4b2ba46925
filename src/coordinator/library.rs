//! What configs may refer to: secrets and shared resources.

use super::{Error, Handle, Resource, SecretInfo};
use crate::engine::config::ResourceKind;

impl Handle {
    pub async fn secrets(&self) -> Result<Vec<SecretInfo>, Error> {
        let all = self.0.store.secrets().await?;
        Ok(all.into_iter().map(SecretInfo::from).collect())
    }

    /// Encrypts a secret and keeps it. Streams that start from now on get it for `${KEY}`.
    pub async fn put_secret(&self, key: &str, value: &str) -> Result<(), Error> {
        self.0
            .secrets
            .put(&self.0.store, key, value, self.term()?)
            .await
    }

    pub async fn delete_secret(&self, key: &str) -> Result<(), Error> {
        match self.0.store.delete_secret(self.term()?, key).await? {
            true => Ok(()),
            false => Err(Error::NotFound {
                kind: "secret",
                name: key.to_owned(),
            }),
        }
    }

    pub async fn resources(&self) -> Result<Vec<Resource>, Error> {
        let all = self.0.store.resources().await?;
        all.into_iter().map(Resource::try_from).collect()
    }

    /// Keeps a resource. Streams that start from now on find it under its label.
    pub async fn put_resource(&self, resource: Resource) -> Result<(), Error> {
        resource.check()?;
        let row = resource.into();
        Ok(self.0.store.put_resource(self.term()?, &row).await?)
    }

    pub async fn delete_resource(&self, kind: ResourceKind, label: &str) -> Result<(), Error> {
        match self
            .0
            .store
            .delete_resource(self.term()?, kind.as_str(), label)
            .await?
        {
            true => Ok(()),
            false => Err(Error::NotFound {
                kind: "resource",
                name: label.to_owned(),
            }),
        }
    }
}
