//! What a coordinator's handle tells of changes before they are made, and how what was shown is done.

use super::{Draft, Error, Handle, edit::Edit, event::Ledger};
use crate::{
    cluster::{
        capacity::{Added, Advice, Capacity, capacity},
        foresee::{self, Change, Forecast},
    },
    ids::{StreamName, WorkerId},
};

/// The most workers that are thought of beside those that are there.
const MAX_ADDED: usize = 1_000;

impl Handle {
    /// Defines or replaces streams and drains workers, all or nothing; nothing if the cluster is not at the generation that a forecast
    /// named, where one is given.
    pub async fn apply(
        &self,
        streams: Vec<(StreamName, Draft)>,
        drain: Vec<(WorkerId, String)>,
        planned: Option<String>,
    ) -> Result<(), Error> {
        let put = |(name, draft)| Edit::Put {
            name,
            draft,
            if_match: None,
        };
        let drain = drain
            .into_iter()
            .map(|(id, reason)| Edit::DrainWorker { id, reason });
        let edits = streams.into_iter().map(put).chain(drain).collect();
        self.edit(Edit::All { edits, planned }).await.map(drop)
    }

    /// What changes would move. Computed beside the loop, which goes on meanwhile.
    pub async fn foresee(&self, changes: Vec<Change>) -> Result<Forecast, Error> {
        let (view, now) = self
            .read(|ledger| (ledger.view.clone(), ledger.now))
            .await?;
        for change in &changes {
            if let Change::Drain(id) | Change::Lose(id) = change
                && !view.workers.contains_key(id)
            {
                return Err(Error::no_worker(id));
            }
        }
        let policy = self.0.policy.clone();
        tokio::task::spawn_blocking(move || foresee::foresee(&view, &policy, now, changes))
            .await
            .map_err(|e| Error::Unavailable(format!("the forecast ended: {e}")))
    }

    /// The room of the cluster, as it is or as it would be without some of its workers and with others, and the advice on how many workers
    /// there should be.
    pub async fn capacity(
        &self,
        without: Vec<WorkerId>,
        with: Vec<Added>,
    ) -> Result<(Capacity, Option<Advice>), Error> {
        let read = |ledger: &Ledger| {
            let advice = ledger.scaler.advice().cloned();
            (ledger.view.clone(), ledger.now, advice)
        };
        let (view, now, advice) = self.read(read).await?;
        let added: usize = with.iter().map(|added| added.count).sum();
        if added > MAX_ADDED {
            return Err(Error::Invalid(format!(
                "{added} more workers are too many to think of: at most {MAX_ADDED}"
            )));
        }
        if let Some(id) = without.iter().find(|id| !view.workers.contains_key(id)) {
            return Err(Error::no_worker(id));
        }
        if without.is_empty() && with.is_empty() {
            return Ok((capacity(&view), advice));
        }
        let joins = Added::hellos(&with, &view).into_iter().map(Change::Join);
        let changes = without.into_iter().map(Change::Lose).chain(joins).collect();
        let policy = self.0.policy.clone();
        let found = tokio::task::spawn_blocking(move || {
            capacity(&foresee::after(&view, &policy, now, changes))
        });
        let found = found
            .await
            .map_err(|e| Error::Unavailable(format!("the forecast ended: {e}")))?;
        Ok((found, advice))
    }
}
