//! How the loop makes edits: on the view as it is now, all of what was asked or nothing.

use super::{
    Error,
    change::{Changed, change},
    edit::Edit,
    lead::{Halt, Leader},
};
use crate::cluster::foresee::generation;

impl Leader<'_> {
    /// Makes an edit and stores it; the flag tells whether something was created.
    pub(super) async fn edit(&mut self, edit: &Edit) -> Result<Result<bool, Error>, Halt> {
        if self.stale.is_some() {
            return Ok(Err(Error::Store(
                "its last write failed, and it can't be read yet".to_owned(),
            )));
        }
        let edits = match edit {
            Edit::All { edits, planned } => {
                let current = generation(&self.ledger.view);
                if planned.as_ref().is_some_and(|planned| *planned != current) {
                    return Ok(Err(Error::Outdated { current }));
                }
                edits.as_slice()
            }
            one => std::slice::from_ref(one),
        };
        let mut made: Option<Changed> = None;
        for edit in edits {
            let view = made.as_ref().map_or(&self.ledger.view, |made| &made.view);
            let revision = |name: &_| view.streams.get(name).map(|stream| stream.revision);
            let known = match edit.needs(revision) {
                None => None,
                // One that an edit before this one made is not in the store yet.
                Some((name, revision)) => match made.as_ref().and_then(|m| m.made(&name, revision))
                {
                    Some(row) => Some(row.clone()),
                    None => match self.context.store.revision(&name, revision).await {
                        Ok(known) => known,
                        Err(error) => return Ok(Err(error.into())),
                    },
                },
            };
            let mut next = match change(view, edit, known, self.ledger.now) {
                Ok(next) => next,
                Err(error) => return Ok(Err(error)),
            };
            if let Some(before) = made {
                let mut changes = before.changes;
                changes.merge(next.changes);
                (next.changes, next.created) = (changes, next.created || before.created);
            }
            made = Some(next);
        }
        match made {
            Some(made) if !made.changes.is_empty() => {
                self.dirty = true;
                let done = self.store(made.view, made.changes).await?;
                Ok(done.map(|()| made.created).map_err(Error::from))
            }
            _ => Ok(Ok(false)),
        }
    }
}
