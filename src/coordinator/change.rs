//! What an edit makes of the view: pure, so that a refusal leaves no trace. The loop stores it, then takes it over.

use super::{Draft, Error, Patch, convert::MAX_CONFIG_BYTES, edit::Edit};
use crate::{
    cluster::{Desired, Drain, DrainCause, Stream, Time, View, worker::Worker},
    ids::{Revision, StreamName, WorkerId},
    store::{Changes, EventRow, RevisionRow},
};

/// The most shards of a stream.
const MAX_SHARDS: u32 = 1_000;

/// A view with an edit made, and what of it is to be stored.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) view: View,
    pub(super) changes: Changes,
    /// Whether something was created.
    pub(super) created: bool,
}

impl Changed {
    /// The definition that the edit made, if it made this one.
    pub(super) fn made(&self, name: &StreamName, revision: Revision) -> Option<&RevisionRow> {
        let mut rows = self.changes.revisions.iter().rev();
        rows.find(|row| row.stream == *name && row.revision == revision)
    }
}

/// Makes an edit. `known` is the definition that [`Edit::needs`] names, if it is kept.
pub(super) fn change(
    view: &View,
    edit: &Edit,
    known: Option<RevisionRow>,
    now: Time,
) -> Result<Changed, Error> {
    let mut change = Change {
        view: view.clone(),
        changes: Changes::default(),
        created: false,
        now,
    };
    match edit {
        Edit::Create { name, draft } => change.create(name, draft)?,
        Edit::Put {
            name,
            draft,
            if_match,
        } => change.put(name, draft, *if_match, known)?,
        Edit::Patch {
            name,
            patch,
            if_match,
        } => change.patch(name, patch, *if_match, known)?,
        Edit::Delete { name, if_match } => {
            let stream = change.stream(name, *if_match)?;
            stream.desired = Desired::Deleted;
            change.note_stream(name, "deleted", "it was deleted".to_owned());
        }
        Edit::Restart { name, if_match } => {
            let current = change.stream(name, *if_match)?.revision;
            let known = definition(name, current, known)?;
            change.revise(name, known, "restarted", "it was restarted")?;
        }
        Edit::RollBack { name, to, if_match } => {
            change.stream(name, *if_match)?;
            let known = definition(name, *to, known)?;
            let how = format!("rolled back to {to}");
            change.revise(name, known, &how, &format!("it was {how}"))?;
        }
        Edit::Scale {
            name,
            shards,
            cause,
        } => {
            let current = change.stream(name, None)?.revision;
            let known = definition(name, current, known)?;
            change.scale(name, *shards, cause, known)?;
        }
        Edit::DrainWorker { id, reason } => change.drain(id, reason)?,
        Edit::UndrainWorker { id } => change.undrain(id)?,
        Edit::ForgetWorker { id } => change.forget(id)?,
        Edit::Freeze { reason } => change.freeze(Some(reason.clone())),
        Edit::Unfreeze => change.freeze(None),
        Edit::All { .. } => {
            return Err(Error::Invalid(
                "several edits stand within each other".to_owned(),
            ));
        }
    }
    Ok(Changed {
        view: change.view,
        changes: change.changes,
        created: change.created,
    })
}

fn definition(
    name: &StreamName,
    revision: Revision,
    known: Option<RevisionRow>,
) -> Result<RevisionRow, Error> {
    known.ok_or_else(|| Error::NotFound {
        kind: "revision",
        name: format!("{name} {revision}"),
    })
}

struct Change {
    view: View,
    changes: Changes,
    created: bool,
    now: Time,
}

impl Change {
    fn create(&mut self, name: &StreamName, draft: &Draft) -> Result<(), Error> {
        match self.view.streams.get(name) {
            Some(stream) if stream.desired == Desired::Deleted => Err(being_deleted(name)),
            Some(_) => Err(Error::Exists {
                kind: "stream",
                name: name.to_string(),
            }),
            None => {
                check(draft)?;
                let mut stream = Stream::new(name.clone());
                // `revise` goes on to the first one.
                stream.revision = Revision(0);
                stream.desired = desired(draft.paused);
                self.view.streams.insert(name.clone(), stream);
                self.created = true;
                self.revise(name, row(name, draft), "created", "it was created")
            }
        }
    }

    fn put(
        &mut self,
        name: &StreamName,
        draft: &Draft,
        if_match: Option<Revision>,
        known: Option<RevisionRow>,
    ) -> Result<(), Error> {
        if if_match.is_none() && !self.view.streams.contains_key(name) {
            return self.create(name, draft);
        }
        check(draft)?;
        let revision = self.stream(name, if_match)?.revision;
        let known = definition(name, revision, known)?;
        self.replace(name, known, row(name, draft), "replaced")?;
        self.set_paused(name, draft.paused)
    }

    fn patch(
        &mut self,
        name: &StreamName,
        patch: &Patch,
        if_match: Option<Revision>,
        known: Option<RevisionRow>,
    ) -> Result<(), Error> {
        let revision = self.stream(name, if_match)?.revision;
        let touches_definition = Patch {
            paused: None,
            ..patch.clone()
        } != Patch::default();
        if touches_definition {
            let known = definition(name, revision, known)?;
            let draft = Draft {
                config: patch.config.clone().unwrap_or_else(|| known.config.clone()),
                shards: patch.shards.unwrap_or(known.shards),
                requires: patch
                    .requires
                    .clone()
                    .unwrap_or_else(|| known.requires.clone()),
                prefers: patch
                    .prefers
                    .clone()
                    .unwrap_or_else(|| known.prefers.clone()),
                stateless: patch.stateless.unwrap_or(known.stateless),
                on_partition: patch.on_partition.unwrap_or(known.on_partition),
                paused: false,
            };
            check(&draft)?;
            self.replace(name, known, row(name, &draft), "patched")?;
        }
        match patch.paused {
            Some(paused) => self.set_paused(name, paused),
            None => Ok(()),
        }
    }

    /// Takes a definition in the place of the known one: as a new revision where what runs has to start anew for it.
    fn replace(
        &mut self,
        name: &StreamName,
        known: RevisionRow,
        wanted: RevisionRow,
        how: &str,
    ) -> Result<(), Error> {
        let same = RevisionRow {
            revision: known.revision,
            created: known.created,
            cause: known.cause.clone(),
            ..wanted.clone()
        };
        if same == known {
            return Ok(());
        }
        let shards = self.stream(name, None)?.shards;
        let held = wanted.shards.hold(shards);
        let runs_on = known.config == wanted.config
            && known.requires == wanted.requires
            && known.stateless == wanted.stateless
            && known.on_partition == wanted.on_partition
            && (held == shards || !asks_for_shards(&wanted));
        if !runs_on {
            return self.revise(name, wanted, how, &format!("it was {how}"));
        }
        let stream = self.stream(name, None)?;
        stream.shards = held;
        stream.range = same.shards.range();
        stream.prefers.clone_from(&same.prefers);
        let cause = format!("it was {how}: {} shards", same.shards);
        self.changes.revisions.push(same);
        self.note_stream(name, how, cause);
        Ok(())
    }

    /// Gives a stream another number of shards. Those that run go on, unless they ask how many there are.
    fn scale(
        &mut self,
        name: &StreamName,
        shards: u32,
        cause: &str,
        known: RevisionRow,
    ) -> Result<(), Error> {
        let held = known.shards.hold(shards);
        self.stream(name, None)?.shards = held;
        if asks_for_shards(&known) {
            let how = format!("scaled to {held} shards");
            return self.revise(name, known, &how, cause);
        }
        self.note_stream(name, "scaled", cause.to_owned());
        Ok(())
    }

    /// Makes the next revision of a stream.
    fn revise(
        &mut self,
        name: &StreamName,
        wanted: RevisionRow,
        how: &str,
        cause: &str,
    ) -> Result<(), Error> {
        let now = self.now;
        let stream = self.stream(name, None)?;
        stream.revision = stream.revision.next();
        stream.shards = wanted.shards.hold(stream.shards);
        stream.range = wanted.shards.range();
        stream.requires.clone_from(&wanted.requires);
        stream.prefers.clone_from(&wanted.prefers);
        stream.stateless = wanted.stateless;
        stream.on_partition = wanted.on_partition;
        let revision = stream.revision;
        let kind = how.split(' ').next().unwrap_or_default().to_owned();
        let cause = format!("{cause}: revision {revision}");
        self.changes.revisions.push(RevisionRow {
            revision,
            created: now,
            cause: how.to_owned(),
            ..wanted
        });
        self.note_stream(name, &kind, cause);
        Ok(())
    }

    fn set_paused(&mut self, name: &StreamName, paused: bool) -> Result<(), Error> {
        let stream = self.stream(name, None)?;
        if stream.desired != desired(paused) {
            stream.desired = desired(paused);
            match paused {
                true => self.note_stream(name, "paused", "it was paused".to_owned()),
                false => self.note_stream(name, "resumed", "it was resumed".to_owned()),
            }
        }
        Ok(())
    }

    /// A stream that may be changed, at the revision that the change is for.
    fn stream(
        &mut self,
        name: &StreamName,
        if_match: Option<Revision>,
    ) -> Result<&mut Stream, Error> {
        let stream = self.view.streams.get_mut(name);
        let stream = stream.ok_or_else(|| Error::no_stream(name))?;
        if stream.desired == Desired::Deleted {
            return Err(being_deleted(name));
        }
        match if_match {
            Some(revision) if revision != stream.revision => Err(Error::Changed {
                current: stream.revision,
            }),
            _ => Ok(stream),
        }
    }

    fn drain(&mut self, id: &WorkerId, reason: &str) -> Result<(), Error> {
        let now = self.now;
        let worker = self.worker(id)?;
        // One that leaves is drained already, and more than that.
        if worker
            .drain
            .as_ref()
            .is_none_or(|drain| drain.cause == DrainCause::Operator)
        {
            worker.drain = Some(Drain {
                cause: DrainCause::Operator,
                reason: match reason {
                    "" => "somebody asked for it".to_owned(),
                    reason => reason.to_owned(),
                },
                since: now,
            });
            self.note_worker(
                id,
                "drain_worker",
                format!("{id} is to be drained: {reason}"),
            );
        }
        Ok(())
    }

    fn undrain(&mut self, id: &WorkerId) -> Result<(), Error> {
        let worker = self.worker(id)?;
        match &worker.drain {
            None => Ok(()),
            Some(drain) if drain.cause == DrainCause::Operator => {
                worker.drain = None;
                self.note_worker(id, "undrain_worker", format!("{id} may have streams again"));
                Ok(())
            }
            Some(drain) => Err(Error::Refused(format!(
                "{id} is about to exit ({}): it can't be undrained",
                drain.reason
            ))),
        }
    }

    fn forget(&mut self, id: &WorkerId) -> Result<(), Error> {
        let worker = self.worker(id)?;
        if !worker.presence.is_gone() {
            let state = worker.state();
            return Err(Error::Refused(format!(
                "{id} is {state}: only a worker that has left or is lost can be forgotten"
            )));
        }
        let owned = self
            .view
            .assignments()
            .filter(|(_, a)| a.worker == *id)
            .count();
        if owned > 0 {
            return Err(Error::Refused(format!(
                "{id} still has {owned} assignments: they are taken over first"
            )));
        }
        self.view.workers.remove(id);
        self.note_worker(
            id,
            "forget",
            format!("{id} was forgotten because somebody asked for it"),
        );
        Ok(())
    }

    fn freeze(&mut self, reason: Option<String>) {
        if self.view.frozen == reason {
            return;
        }
        let (kind, cause) = match &reason {
            Some(reason) => ("freeze", format!("moves for balance are stopped: {reason}")),
            None => ("unfreeze", "moves for balance go on".to_owned()),
        };
        self.view.frozen = reason;
        self.changes.frozen = true;
        self.note(kind, cause);
    }

    fn worker(&mut self, id: &WorkerId) -> Result<&mut Worker, Error> {
        self.view
            .workers
            .get_mut(id)
            .ok_or_else(|| Error::no_worker(id))
    }

    fn note_stream(&mut self, name: &StreamName, kind: &str, cause: String) {
        self.changes.streams.insert(name.clone());
        self.note(kind, cause).stream = Some(name.clone());
    }

    fn note_worker(&mut self, id: &WorkerId, kind: &str, cause: String) {
        self.changes.workers.insert(id.clone());
        self.note(kind, cause).worker = Some(id.clone());
    }

    fn note(&mut self, kind: &str, cause: String) -> &mut EventRow {
        self.changes.events.push(EventRow {
            at: self.now,
            kind: kind.to_owned(),
            cause,
            ..EventRow::default()
        });
        self.changes.events.last_mut().expect("it was just pushed")
    }
}

fn desired(paused: bool) -> Desired {
    match paused {
        true => Desired::Paused,
        false => Desired::Active,
    }
}

fn being_deleted(name: &StreamName) -> Error {
    Error::Refused(format!(
        "the stream `{name}` is being deleted: wait until nothing of it runs"
    ))
}

/// Whether what runs of a definition depends on the number of shards.
fn asks_for_shards(definition: &RevisionRow) -> bool {
    definition.config.contains("AIRTRUCT_SHARDS")
}

fn check(draft: &Draft) -> Result<(), Error> {
    let (min, max) = (draft.shards.min(), draft.shards.max());
    if min == 0 || max > MAX_SHARDS {
        return Err(Error::Invalid(format!(
            "a stream can't have {} shards: from 1 to {MAX_SHARDS} are possible",
            draft.shards
        )));
    }
    if min > max {
        return Err(Error::Invalid(format!(
            "a stream can't have at least {min} shards and at most {max}: max must not be less than min"
        )));
    }
    if draft.config.len() > MAX_CONFIG_BYTES {
        return Err(Error::Invalid(format!(
            "a config of {} bytes is too large: at most {MAX_CONFIG_BYTES}",
            draft.config.len()
        )));
    }
    Ok(())
}

/// A draft as a row; number, time and cause come with the revision.
fn row(name: &StreamName, draft: &Draft) -> RevisionRow {
    RevisionRow {
        stream: name.clone(),
        revision: Revision(0),
        config: draft.config.clone(),
        shards: draft.shards,
        requires: draft.requires.clone(),
        prefers: draft.prefers.clone(),
        stateless: draft.stateless,
        on_partition: draft.on_partition,
        created: Time(0),
        cause: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Shards;

    fn name(text: &str) -> StreamName {
        StreamName::new(text).expect("a name")
    }

    /// A view with one stream at revision 1, and its definition.
    fn created() -> (View, RevisionRow) {
        let create = Edit::Create {
            name: name("s"),
            draft: Draft::new("input: {}"),
        };
        let mut made = change(&View::default(), &create, None, Time(5)).expect("a stream");
        assert!(made.created);
        (made.view, made.changes.revisions.remove(0))
    }

    fn patch(view: &View, known: &RevisionRow, patch: Patch) -> Result<Changed, Error> {
        let edit = Edit::Patch {
            name: name("s"),
            patch,
            if_match: Some(view.streams[&name("s")].revision),
        };
        change(view, &edit, Some(known.clone()), Time(6))
    }

    #[test]
    fn what_runs_anew_is_a_new_revision_and_nothing_else() {
        let (view, known) = created();
        assert_eq!(
            (known.revision, known.cause.as_str()),
            (Revision(1), "created")
        );
        let table: &[(Patch, u64)] = &[
            (Patch::default(), 1),
            (
                Patch {
                    paused: Some(true),
                    ..Patch::default()
                },
                1,
            ),
            (
                Patch {
                    shards: Some(Shards::Fixed(3)),
                    ..Patch::default()
                },
                1,
            ),
            (
                Patch {
                    config: Some("input: {}".to_owned()),
                    ..Patch::default()
                },
                1,
            ),
            (
                Patch {
                    config: Some("output: {}".to_owned()),
                    ..Patch::default()
                },
                2,
            ),
            (
                Patch {
                    stateless: Some(true),
                    ..Patch::default()
                },
                2,
            ),
            (
                Patch {
                    config: Some("a: ${AIRTRUCT_SHARDS}".to_owned()),
                    shards: Some(Shards::Fixed(3)),
                    ..Patch::default()
                },
                2,
            ),
        ];
        for (wanted, revision) in table {
            let made = patch(&view, &known, wanted.clone()).expect("a patch");
            let stream = &made.view.streams[&name("s")];
            assert_eq!(stream.revision, Revision(*revision), "{wanted:?}");
            if let Some(shards) = wanted.shards {
                assert_eq!(Shards::Fixed(stream.shards), shards);
            }
        }
        let nothing = patch(&view, &known, Patch::default()).expect("a patch");
        assert!(nothing.changes.is_empty());
    }

    #[test]
    fn conditions_and_limits_are_refused_with_the_way_out() {
        let (view, known) = created();
        let stale = Edit::Delete {
            name: name("s"),
            if_match: Some(Revision(7)),
        };
        let refused = change(&view, &stale, None, Time(6)).expect_err("a stale edit");
        assert_eq!(
            refused,
            Error::Changed {
                current: Revision(1)
            }
        );
        let many = Patch {
            shards: Some(Shards::Fixed(9_999)),
            ..Patch::default()
        };
        assert!(matches!(patch(&view, &known, many), Err(Error::Invalid(_))));
        let again = Edit::Create {
            name: name("s"),
            draft: Draft::new(""),
        };
        assert!(matches!(
            change(&view, &again, None, Time(6)),
            Err(Error::Exists { .. })
        ));
    }

    #[test]
    fn a_stream_that_is_being_deleted_is_left_alone() {
        let (view, known) = created();
        let delete = Edit::Delete {
            name: name("s"),
            if_match: None,
        };
        let deleted = change(&view, &delete, None, Time(6))
            .expect("a deletion")
            .view;
        assert_eq!(deleted.streams[&name("s")].desired, Desired::Deleted);
        let resume = Patch {
            paused: Some(false),
            ..Patch::default()
        };
        assert!(matches!(
            patch(&deleted, &known, resume),
            Err(Error::Refused(_))
        ));
    }

    #[test]
    fn a_roll_back_is_a_new_revision_of_the_old_definition() {
        let (view, known) = created();
        let other = Patch {
            config: Some("output: {}".to_owned()),
            ..Patch::default()
        };
        let patched = patch(&view, &known, other).expect("a patch").view;
        let back = Edit::RollBack {
            name: name("s"),
            to: Revision(1),
            if_match: None,
        };
        let made = change(&patched, &back, Some(known), Time(9)).expect("a roll back");
        let revision = made.changes.revisions[0].clone();
        assert_eq!(revision.revision, Revision(3));
        assert_eq!(revision.config, "input: {}");
        assert_eq!(revision.cause, "rolled back to 1");
    }

    #[test]
    fn a_range_holds_the_number_that_it_has_room_for() {
        let (view, known) = created();
        let range = |min, max| Patch {
            shards: Some(Shards::between(min, max)),
            ..Patch::default()
        };
        let made = patch(&view, &known, range(2, 5)).expect("a range");
        let stream = &made.view.streams[&name("s")];
        assert_eq!((stream.shards, stream.revision), (2, Revision(1)));
        let known = made.changes.revisions[0].clone();
        let scale = |view: &View, known: &RevisionRow, shards| {
            let edit = Edit::Scale {
                name: name("s"),
                shards,
                cause: "much to do".to_owned(),
            };
            change(view, &edit, Some(known.clone()), Time(7)).expect("a step")
        };
        let scaled = scale(&made.view, &known, 4);
        assert_eq!(scaled.view.streams[&name("s")].shards, 4);
        assert_eq!(scaled.changes.events[0].kind, "scaled");
        assert_eq!(scaled.changes.revisions, []);
        // The same definition changes nothing, another range as little as it must.
        let same = patch(&scaled.view, &known, range(2, 5)).expect("the same");
        assert!(same.changes.is_empty());
        let wide = patch(&scaled.view, &known, range(1, 9)).expect("a wider one");
        assert_eq!(wide.view.streams[&name("s")].shards, 4);
        let small = patch(&scaled.view, &known, range(1, 3)).expect("a smaller one");
        assert_eq!(small.view.streams[&name("s")].shards, 3);

        // One that asks for the number starts anew with each.
        let config = Some("a: ${AIRTRUCT_SHARDS}".to_owned());
        let asks = Patch {
            config,
            ..Patch::default()
        };
        let asks = patch(&scaled.view, &known, asks).expect("another config");
        let known = asks.changes.revisions[0].clone();
        let scaled = scale(&asks.view, &known, 5);
        let stream = &scaled.view.streams[&name("s")];
        assert_eq!((stream.shards, stream.revision), (5, Revision(3)));
        assert_eq!(scaled.changes.events[0].cause, "much to do: revision 3");
    }
}
