//! What a coordinator's handle tells of changes before they are made, and how what was shown is done.

use super::{Draft, Error, Handle, edit::Edit, event::Ledger};
use crate::{
    cluster::{
        capacity::{Advice, Capacity, capacity},
        foresee::{self, Change, Forecast},
    },
    ids::{StreamName, WorkerId},
};

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

    /// The room of the cluster without some of its workers, how many of its shards would then have no place, and the advice on how many
    /// workers there should be.
    pub async fn capacity(
        &self,
        without: Vec<WorkerId>,
    ) -> Result<(Capacity, usize, Option<Advice>), Error> {
        let read = |ledger: &Ledger| (ledger.view.clone(), ledger.scaler.advice().cloned());
        let (view, advice) = self.read(read).await?;
        let lose: Vec<Change> = without.iter().cloned().map(Change::Lose).collect();
        let waiting = capacity(&view, &[]).waiting;
        let capacity = capacity(&view, &without);
        let homeless = match lose.is_empty() {
            true => capacity.waiting,
            false => {
                let forecast = self.foresee(lose).await?;
                let nowhere = forecast.moves.iter().filter(|m| m.to.is_none());
                // What waits already isn't moved.
                nowhere.count() + waiting
            }
        };
        Ok((capacity, homeless, advice))
    }
}
