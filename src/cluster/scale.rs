//! How many shards a stream with a range has: as many as its backlog asks for.
//!
//! The rule is that for workers, too: more than ten batches of backlog for each ask for one more, fewer than two for long for one less. One
//! step at a time, with a pause after each, so that the number doesn't swing.

use std::collections::BTreeMap;

use super::{AssignmentState, Desired, Policy, ShardRange, Stream, Time, View};
use crate::ids::{ShardId, StreamName};

/// Above so many batches of backlog for each there should be one more.
pub(super) const HIGH_BACKLOG: u64 = 10;
/// Below so many there may be one less.
pub(super) const LOW_BACKLOG: u64 = 2;

/// Where a backlog pulls a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pull {
    Up,
    Down,
}

/// When a number that follows a backlog may change.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    stepped: Option<Time>,
    low_since: Option<Time>,
}

impl Pace {
    /// Looks at the backlog that `count` have together at `now`. It can only be low where it is known to be `whole`.
    pub(super) fn look(
        &mut self,
        backlog: u64,
        count: u64,
        whole: bool,
        policy: &Policy,
        now: Time,
    ) -> Option<Pull> {
        match backlog < LOW_BACKLOG * count && whole {
            true => _ = self.low_since.get_or_insert(now),
            false => self.low_since = None,
        }
        let long_low = |since: Time| now.since(since) >= policy.scale_low_ms;
        if !self.may_step(policy, now) {
            None
        } else if backlog > HIGH_BACKLOG * count {
            Some(Pull::Up)
        } else {
            self.low_since.is_some_and(long_low).then_some(Pull::Down)
        }
    }

    pub(super) fn may_step(&self, policy: &Policy, now: Time) -> bool {
        self.stepped
            .is_none_or(|at| now.since(at) >= policy.scale_pause_ms)
    }

    pub(super) fn step(&mut self, now: Time) {
        self.stepped = Some(now);
        self.low_since = None;
    }
}

/// Another number of shards for a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub stream: StreamName,
    pub shards: u32,
    /// One sentence for people.
    pub cause: String,
}

/// Gives streams their numbers of shards, from one moment to the next. The number is durable; what is here is in memory: a coordinator
/// that begins to lead waits out a pause for each stream first.
#[derive(Clone, Debug, Default)]
pub struct ShardScaler {
    paces: BTreeMap<StreamName, Pace>,
}

impl ShardScaler {
    /// Looks at the streams as they are at `now`.
    pub fn observe(&mut self, view: &View, policy: &Policy, now: Time) -> Vec<Step> {
        let scaled = |stream: &Stream| stream.range.filter(|_| stream.desired == Desired::Active);
        self.paces
            .retain(|name, _| view.streams.get(name).and_then(scaled).is_some());
        let mut steps = Vec::new();
        for stream in view.streams.values() {
            let Some(range) = scaled(stream) else {
                continue;
            };
            let pace = self.paces.entry(stream.name.clone()).or_insert_with(|| {
                let mut pace = Pace::default();
                pace.step(now);
                pace
            });
            let Some(backlog) = whole_backlog(view, stream) else {
                pace.low_since = None;
                continue;
            };
            let pull = pace.look(backlog, u64::from(stream.shards), true, policy, now);
            if let Some((shards, cause)) = step(stream, range, backlog, pull, policy) {
                pace.step(now);
                steps.push(Step {
                    stream: stream.name.clone(),
                    shards,
                    cause,
                });
            }
        }
        steps
    }

    /// How a stream's number of shards is found, in a sentence; none if it is fixed.
    pub fn tell(
        &self,
        view: &View,
        policy: &Policy,
        name: &StreamName,
        now: Time,
    ) -> Option<String> {
        let stream = view.streams.get(name)?;
        let range = stream.range?;
        let count = u64::from(stream.shards);
        let mut text = format!("{count} shards of {range}");
        let Some(backlog) = whole_backlog(view, stream) else {
            text.push_str("; the number stays while not all of them run");
            return Some(text);
        };
        text.push_str(&format!(
            "; the backlog is {backlog}: one more above {}, one less below {} for {} s",
            HIGH_BACKLOG * count,
            LOW_BACKLOG * count,
            policy.scale_low_ms / 1_000
        ));
        if stream.shards == range.max && backlog > HIGH_BACKLOG * count {
            text.push_str("; more are not allowed: raise max, or see what the output waits for");
        }
        let stepped = self.paces.get(name).and_then(|pace| pace.stepped);
        if let Some(stepped) = stepped
            && let Some(left @ 1..) = policy.scale_pause_ms.checked_sub(now.since(stepped))
        {
            text.push_str(&format!(
                "; the next change comes in {} s at the soonest",
                left.div_ceil(1_000)
            ));
        }
        Some(text)
    }
}

fn step(
    stream: &Stream,
    range: ShardRange,
    backlog: u64,
    pull: Option<Pull>,
    policy: &Policy,
) -> Option<(u32, String)> {
    let count = stream.shards;
    let (to, why) = match pull? {
        Pull::Up if count < range.max => (
            count + 1,
            format!("is more than {HIGH_BACKLOG} for each of {count} shards"),
        ),
        Pull::Down if count > range.min => (
            count - 1,
            format!(
                "has been less than {LOW_BACKLOG} for each of {count} shards for {} s",
                policy.scale_low_ms / 1_000
            ),
        ),
        Pull::Up | Pull::Down => return None,
    };
    let cause = format!("the backlog of {backlog} {why}: from {count} to {to} shards, of {range}");
    Some((to, cause))
}

/// The backlog of a stream, if all of its shards run and tell it: one that is still starting takes its part of the work only later.
fn whole_backlog(view: &View, stream: &Stream) -> Option<u64> {
    let told = |index| {
        let id = ShardId::new(stream.name.clone(), index);
        let current = view.shards.get(&id)?.current()?;
        current
            .backlog
            .filter(|_| current.state == AssignmentState::Running)
    };
    (0..stream.shards).try_fold(0u64, |sum, index| Some(sum.saturating_add(told(index)?)))
}

/// The backlog of a stream as far as it is told.
pub fn known_backlog(view: &View, stream: &StreamName) -> Option<u64> {
    let assignments = view.shards_of(stream).flat_map(|(_, s)| &s.assignments);
    let told = assignments
        .filter(|a| !a.state.is_over())
        .filter_map(|a| a.backlog);
    told.reduce(u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cluster::{Action, Decision, Shards},
        ids::{Incarnation, Revision, WorkerId},
    };

    /// A stream with as many shards as it should have, each running with its part of the backlog.
    fn world(range: Shards, count: u32) -> (View, StreamName) {
        let name = StreamName::new("s").expect("a name");
        let mut view = View::default();
        let stream = Stream {
            shards: range.hold(count),
            range: range.range(),
            ..Stream::new(name.clone())
        };
        view.streams.insert(name.clone(), stream);
        (view, name)
    }

    fn run(view: &mut View, name: &StreamName, backlog: u64) {
        let count = view.streams[name].shards;
        view.shards.clear();
        for index in 0..count {
            let shard = ShardId::new(name.clone(), index);
            let assign = Action::Assign {
                shard: shard.clone(),
                worker: WorkerId::new("w").expect("an id"),
                incarnation: Incarnation(1),
                revision: Revision(1),
            };
            view.apply(&Decision::new(assign, "it fits"), Time(1));
            let shard = view.shards.get_mut(&shard).expect("it was assigned");
            shard.assignments[0].state = AssignmentState::Running;
            // The first one has what can't be divided.
            let part = backlog / u64::from(count);
            let rest = backlog % u64::from(count);
            shard.assignments[0].backlog = Some(part + if index == 0 { rest } else { 0 });
        }
    }

    #[test]
    fn the_number_follows_the_backlog_within_its_range_step_by_step() {
        let policy = Policy::default();
        let mut scaler = ShardScaler::default();
        let (mut view, name) = world(Shards::between(1, 3), 1);
        let mut at = |seconds: u64, backlog: u64| {
            run(&mut view, &name, backlog);
            for step in scaler.observe(&view, &policy, Time(seconds * 1_000)) {
                view.streams.get_mut(&name).expect("it is there").shards = step.shards;
            }
            view.streams[&name].shards
        };
        assert_eq!(at(0, 500), 1, "what has only just begun is given time");
        assert_eq!(at(59, 500), 1);
        assert_eq!(at(60, 10), 1, "ten for each is not more than ten");
        assert_eq!(at(61, 11), 2);
        assert_eq!(at(62, 900), 2, "one step at a time");
        assert_eq!(at(121, 21), 3);
        assert_eq!(at(300, 900), 3, "not beyond the range");
        // Low for five minutes, without a break.
        assert_eq!(at(400, 5), 3);
        assert_eq!(at(600, 6), 3);
        assert_eq!(at(700, 5), 3);
        assert_eq!(at(999, 0), 3);
        assert_eq!(at(1_000, 0), 2);
        assert_eq!(at(1_001, 0), 2);
        assert_eq!(at(1_300, 0), 2);
        assert_eq!(at(1_301, 0), 1);
        assert_eq!(at(9_000, 0), 1, "not below the range");
        assert_eq!(at(9_999, 0), 1);
    }

    #[test]
    fn a_step_says_why_and_an_explanation_when_the_next_can_be() {
        let policy = Policy::default();
        let mut scaler = ShardScaler::default();
        let (mut view, name) = world(Shards::between(2, 8), 3);
        run(&mut view, &name, 31);
        assert_eq!(scaler.observe(&view, &policy, Time(0)), []);
        let steps = scaler.observe(&view, &policy, Time(60_000));
        assert_eq!(
            steps[0].cause,
            "the backlog of 31 is more than 10 for each of 3 shards: from 3 to 4 shards, of 2 to 8"
        );
        let text = scaler.tell(&view, &policy, &name, Time(70_500));
        assert_eq!(
            text.as_deref(),
            Some(
                "3 shards of 2 to 8; the backlog is 31: one more above 30, one less below 6 for 300 s; the next change comes in 50 s at the soonest"
            )
        );
        let (view, name) = world(Shards::Fixed(3), 1);
        assert_eq!(scaler.tell(&view, &policy, &name, Time(0)), None);
    }

    #[test]
    fn nothing_changes_while_a_shard_does_not_run_or_does_not_tell() {
        let policy = Policy::default();
        for spoil in [
            |shard: &mut super::super::Shard| shard.assignments[0].backlog = None,
            |shard: &mut super::super::Shard| {
                shard.assignments[0].state = AssignmentState::Starting
            },
            |shard: &mut super::super::Shard| shard.assignments.clear(),
        ] {
            for backlog in [0, 900] {
                let mut scaler = ShardScaler::default();
                let (mut view, name) = world(Shards::between(1, 3), 2);
                run(&mut view, &name, backlog);
                view.shards.values_mut().for_each(spoil);
                for seconds in [0, 100, 1_000, 2_000] {
                    let steps = scaler.observe(&view, &policy, Time(seconds * 1_000));
                    assert_eq!(steps, []);
                }
                let told = scaler.tell(&view, &policy, &name, Time(0));
                assert!(told.is_some_and(|t| t.contains("not all of them run")));
            }
        }
    }
}
