//! The seats that open workers offer, and the choice among them: what placement, balance and explanations stand on.
//!
//! A choice looks at every seat. That is a few nanoseconds each, so ten thousand shards on a thousand workers
//! take some ten milliseconds, and needs no index that would have to be kept true.

use std::collections::BTreeMap;

use super::{
    Policy, Stream, View, Worker,
    placement::{self, Score, Strategy},
};
use crate::ids::{ShardId, StreamName, WorkerId};

/// An open worker and what it holds, counting what is decided but not done yet.
pub(super) struct Seat<'a> {
    pub(super) worker: &'a Worker,
    /// Assignments that stay.
    running: u32,
    /// Assignments that are about to end here; they take room until then.
    draining: u32,
    /// Shards that drain elsewhere in order to come here.
    inbound: u32,
    /// How many assignments the worker has been given in its life.
    pub(super) assigned: u64,
    /// When it was last given one; rises with each.
    pub(super) turn: u64,
    /// Shards here that were running when a worker died. They are kept apart, so that the next death tells which one it was.
    suspicious: u32,
    hash: u64,
    score: u64,
}

/// How well a seat suits a shard; the lowest is best. Equal ones go by the worker's id, which is the order of the seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fit {
    /// Other shards of the same stream on the worker.
    pub(super) crowding: u32,
    /// Preferred labels that the worker lacks.
    pub(super) missing: u32,
    pub(super) score: u64,
    pub(super) suspicious: u32,
}

/// Why no worker can take a shard now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NoWorker,
    /// None of so many open workers has the labels.
    Labels {
        open: usize,
    },
    /// All of so many with the labels are full.
    Full {
        fitting: usize,
    },
}

pub(super) struct Board<'a> {
    pub(super) seats: Vec<Seat<'a>>,
    pub(super) strategy: &'static Strategy,
    by_id: BTreeMap<&'a WorkerId, usize>,
    /// For each wish for labels that differs: which seats have what it requires, and how many preferred ones they lack.
    classes: BTreeMap<Wish<'a>, Vec<Option<u32>>>,
    /// Where the shards of streams with several of them are.
    crowds: BTreeMap<&'a StreamName, BTreeMap<usize, u32>>,
    turns: u64,
}

type Wish<'a> = (&'a BTreeMap<String, String>, &'a BTreeMap<String, String>);

impl Seat<'_> {
    /// The assignments that it has once all is done that is under way.
    pub(super) fn load(&self) -> u32 {
        self.running + self.inbound
    }

    pub(super) fn has_room(&self) -> bool {
        self.worker
            .max_streams
            .is_none_or(|max| self.running + self.draining + self.inbound < max)
    }

    pub(super) fn is_overfull(&self) -> bool {
        self.worker.max_streams.is_some_and(|max| self.load() > max)
    }
}

impl<'a> Board<'a> {
    pub(super) fn new(view: &'a View, policy: &Policy) -> Self {
        let strategy = placement::strategy(&policy.strategy).unwrap_or(placement::STRATEGIES[0]);
        let mut board = Self {
            seats: Vec::new(),
            strategy,
            by_id: BTreeMap::new(),
            classes: BTreeMap::new(),
            crowds: BTreeMap::new(),
            turns: view.epoch.get(),
        };
        for worker in view.workers.values().filter(|worker| worker.is_open()) {
            board.by_id.insert(&worker.id, board.seats.len());
            board.seats.push(Seat {
                worker,
                running: 0,
                draining: 0,
                inbound: 0,
                assigned: worker.assigned,
                turn: worker.last_assigned.get(),
                suspicious: 0,
                hash: placement::hash(worker.id.as_str()),
                score: 0,
            });
        }
        if !board.seats.is_empty() {
            board.count(view);
        }
        for at in 0..board.seats.len() {
            board.rescore(at);
        }
        board
    }

    fn count(&mut self, view: &'a View) {
        let mut stream: Option<&Stream> = None;
        for (id, shard) in &view.shards {
            if stream.is_none_or(|stream| stream.name != id.stream) {
                stream = view.streams.get(&id.stream);
            }
            let is_crowd = stream.is_some_and(|stream| stream.shards > 1);
            // Of two copies in a handover the newer one stays.
            let newest = shard.current().map(|current| current.epoch);
            for assignment in shard.assignments.iter().filter(|a| !a.state.is_over()) {
                let is_draining = Some(assignment.epoch) != newest;
                let destination = assignment
                    .destination
                    .as_ref()
                    .and_then(|to| self.by_id.get(to).copied());
                let here = self.by_id.get(&assignment.worker).copied();
                let stays = !is_draining || (here.is_some() && here == destination);
                if let Some(at) = here {
                    match stays {
                        true => self.seats[at].running += 1,
                        false => self.seats[at].draining += 1,
                    }
                }
                if let Some(at) = destination
                    && !stays
                {
                    self.seats[at].inbound += 1;
                }
                if let Some(at) = if stays { here } else { destination } {
                    self.seats[at].suspicious += u32::from(!shard.deaths.is_empty());
                    if is_crowd {
                        *self.crowd(&id.stream).entry(at).or_default() += 1;
                    }
                }
            }
        }
    }

    fn crowd(&mut self, stream: &'a StreamName) -> &mut BTreeMap<usize, u32> {
        self.crowds.entry(stream).or_default()
    }

    fn rescore(&mut self, at: usize) {
        if let Score::OfSeat(score) = self.strategy.score {
            self.seats[at].score = score(&self.seats[at]);
        }
    }

    pub(super) fn seat_of(&self, worker: &WorkerId) -> Option<usize> {
        self.by_id.get(worker).copied()
    }

    /// What each seat is for a stream: `None` without a required label, else how many preferred ones it lacks.
    pub(super) fn class(&mut self, stream: &'a Stream) -> &[Option<u32>] {
        let wish = (&stream.requires, &stream.prefers);
        self.classes.entry(wish).or_insert_with(|| {
            let has = |worker: &Worker, (key, value): (&String, &String)| {
                worker.labels.get(key) == Some(value)
            };
            self.seats
                .iter()
                .map(|seat| {
                    let fits = wish.0.iter().all(|label| has(seat.worker, label));
                    let missing = wish.1.iter().filter(|label| !has(seat.worker, *label));
                    fits.then(|| missing.count() as u32)
                })
                .collect()
        })
    }

    /// How well a seat suits a shard that is not on it. `None` if the worker lacks a required label. Room is not looked at.
    pub(super) fn fit(&mut self, stream: &'a Stream, shard: &ShardId, at: usize) -> Option<Fit> {
        let missing = self.class(stream)[at]?;
        let hash = shard_hash(shard);
        Some(Fit {
            crowding: self
                .crowds
                .get(&stream.name)
                .and_then(|crowd| crowd.get(&at).copied())
                .unwrap_or(0),
            missing,
            score: score_of(self.strategy, &self.seats[at], hash),
            suspicious: 0,
        })
    }

    /// The best seat with room for a shard, among those that `may` admits.
    pub(super) fn choose(
        &mut self,
        stream: &'a Stream,
        shard: &ShardId,
        is_suspicious: bool,
        may: impl Fn(&Seat<'_>) -> bool,
    ) -> Result<(usize, Fit), Refusal> {
        if self.seats.is_empty() {
            return Err(Refusal::NoWorker);
        }
        self.class(stream);
        let class = &self.classes[&(&stream.requires, &stream.prefers)];
        let crowd = self.crowds.get(&stream.name);
        let hash = shard_hash(shard);
        let mut best: Option<(usize, Fit)> = None;
        let mut fitting = 0;
        for (at, seat) in self.seats.iter().enumerate() {
            let Some(missing) = class[at] else {
                continue;
            };
            if !may(seat) {
                continue;
            }
            fitting += 1;
            if !seat.has_room() {
                continue;
            }
            let fit = Fit {
                crowding: crowd.map_or(0, |crowd| crowd.get(&at).copied().unwrap_or(0)),
                missing,
                score: score_of(self.strategy, seat, hash),
                suspicious: if is_suspicious { seat.suspicious } else { 0 },
            };
            if best.is_none_or(|(_, found)| fit < found) {
                best = Some((at, fit));
            }
        }
        best.ok_or(match fitting {
            0 => Refusal::Labels {
                open: self.seats.len(),
            },
            fitting => Refusal::Full { fitting },
        })
    }

    /// Counts a shard that is given to a seat.
    pub(super) fn take(&mut self, stream: &'a Stream, at: usize, is_suspicious: bool) {
        self.turns += 1;
        let turn = self.turns;
        let seat = &mut self.seats[at];
        seat.running += 1;
        seat.assigned += 1;
        seat.turn = turn;
        seat.suspicious += u32::from(is_suspicious);
        if stream.shards > 1 {
            *self.crowd(&stream.name).entry(at).or_default() += 1;
        }
        self.rescore(at);
    }

    /// Counts a running shard that is asked to go from one seat to another.
    pub(super) fn move_over(&mut self, stream: &'a Stream, from: usize, to: usize) {
        self.seats[from].running -= 1;
        self.seats[from].draining += 1;
        self.seats[to].inbound += 1;
        if stream.shards > 1 {
            let crowd = self.crowd(&stream.name);
            if let Some(count) = crowd.get_mut(&from) {
                *count = count.saturating_sub(1);
            }
            *crowd.entry(to).or_default() += 1;
        }
        self.rescore(from);
        self.rescore(to);
    }
}

fn score_of(strategy: &Strategy, seat: &Seat<'_>, shard_hash: u64) -> u64 {
    match strategy.score {
        Score::OfSeat(_) => seat.score,
        Score::OfPair(score) => score(seat.hash, shard_hash),
    }
}

fn shard_hash(shard: &ShardId) -> u64 {
    placement::mix(placement::hash(shard.stream.as_str()) ^ u64::from(shard.shard.get()))
}
