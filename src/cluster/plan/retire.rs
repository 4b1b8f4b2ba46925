//! What should not run where it runs: not wanted any more, of an old revision, on a worker that is to be emptied, or handed over.

use super::{
    super::{
        Action, Assignment, AssignmentState, Decision, Desired, Policy, Shard, Stream, Time, View,
    },
    place,
};
use crate::ids::{AssignmentId, ShardId, WorkerId};

pub(super) fn decide(view: &View, policy: &Policy, now: Time) -> Vec<Decision> {
    let mut retire = Retire {
        view,
        until: now.plus(policy.drain_ms),
        is_gathering: place::gathers_until(view, policy).is_some_and(|until| now < until),
        decisions: Vec::new(),
    };
    for (id, shard) in &view.shards {
        match view.streams.get(&id.stream) {
            Some(stream) if stream.desired == Desired::Active && id.shard.get() < stream.shards => {
                retire.wanted(id, shard, stream);
            }
            stream => retire.unwanted(id, shard, stream),
        }
    }
    for stream in view.streams.values() {
        let runs = || {
            view.shards_of(&stream.name)
                .any(|(_, s)| !s.assignments.is_empty())
        };
        if stream.desired == Desired::Deleted && !runs() {
            retire.decisions.push(Decision::new(
                Action::Delete {
                    stream: stream.name.clone(),
                },
                "it is to be deleted, and nothing of it runs",
            ));
        }
    }
    retire.decisions
}

struct Retire<'a> {
    view: &'a View,
    until: Time,
    /// Whether nothing would be placed yet that is handed over.
    is_gathering: bool,
    decisions: Vec<Decision>,
}

impl Retire<'_> {
    fn unwanted(&mut self, id: &ShardId, shard: &Shard, stream: Option<&Stream>) {
        let cause = match stream {
            None => "there is no such stream".to_owned(),
            Some(stream) if stream.desired != Desired::Active => {
                format!("the stream is {}", stream.desired)
            }
            Some(stream) => format!("the stream has {} shards", stream.shards),
        };
        for assignment in &shard.assignments {
            self.drain(id, assignment, None, cause.clone());
        }
        let is_beyond = stream.is_none_or(|stream| {
            stream.desired != Desired::Deleted && id.shard.get() >= stream.shards
        });
        if shard.assignments.is_empty() && is_beyond {
            let shard = id.clone();
            self.decisions
                .push(Decision::new(Action::Remove { shard }, cause));
        }
    }

    fn wanted(&mut self, id: &ShardId, shard: &Shard, stream: &Stream) {
        let mut staying: Vec<&Assignment> = Vec::new();
        for assignment in shard.assignments.iter().filter(|a| stays(a)) {
            if assignment.revision == stream.revision {
                staying.push(assignment);
                continue;
            }
            let worker = self.view.workers.get(&assignment.worker);
            let same = worker.filter(|w| w.is_open()).map(|w| w.id.clone());
            let cause = format!(
                "revision {} takes the place of revision {}",
                stream.revision, assignment.revision
            );
            self.drain(id, assignment, same, cause);
        }
        match staying.as_slice() {
            [] => {}
            [only] => {
                // A stateless stream is first started elsewhere: see `place`.
                let may_overlap = stream.stateless && only.state == AssignmentState::Running;
                if let Some(cause) = self.is_to_leave(&only.worker)
                    && !may_overlap
                {
                    self.drain(id, only, None, cause);
                }
            }
            [older @ .., newest] => {
                if newest.state == AssignmentState::Running {
                    for old in older {
                        let cause = format!("{} runs it, so {} may end", newest.worker, old.worker);
                        self.drain(id, old, None, cause);
                    }
                } else if let Some(cause) = self.is_to_leave(&newest.worker) {
                    self.drain(id, newest, None, cause);
                }
            }
        }
    }

    /// Why a worker is to be emptied now, if it is. While others gather, its streams go on rather than wait for a place.
    fn is_to_leave(&self, worker: &WorkerId) -> Option<String> {
        if self.is_gathering {
            return None;
        }
        let drain = self.view.workers.get(worker)?.drain.as_ref()?;
        Some(format!("{worker} is draining: {}", drain.reason))
    }

    fn drain(
        &mut self,
        shard: &ShardId,
        assignment: &Assignment,
        destination: Option<WorkerId>,
        cause: String,
    ) {
        if stays(assignment) {
            let assignment = AssignmentId {
                shard: shard.clone(),
                epoch: assignment.epoch,
            };
            let until = self.until;
            self.decisions.push(Decision::new(
                Action::Drain {
                    assignment,
                    until,
                    destination,
                },
                cause,
            ));
        }
    }
}

fn stays(assignment: &Assignment) -> bool {
    !assignment.state.is_over() && assignment.state != AssignmentState::Draining
}
