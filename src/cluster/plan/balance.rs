//! Moves that nobody waits for: onto workers that joined, apart from a sibling, towards preferred labels, off an overfull worker.
//!
//! A shard moves only if its place becomes better in the order crowding, missing preferences, load. Each move lowers that sum
//! over all shards, so there is no going to and fro, and none is made that a later one would undo. The number in flight is
//! bounded, and successive rounds pause for longer and longer.

use std::cmp::Reverse;

use super::{
    super::{
        Action, Assignment, AssignmentState, Decision, Policy, Stream, Time, View, Worker,
        board::{Board, Fit, Seat},
        placement::{Balance, Strategy},
    },
    place,
};
use crate::ids::{AssignmentId, ShardId};

pub(super) fn decide(view: &View, policy: &Policy, now: Time) -> Vec<Decision> {
    let pauses = paused_until(view, policy).is_some_and(|until| now < until);
    let budget = policy.max_moves.saturating_sub(in_flight(view));
    if view.frozen.is_some() || pauses || budget == 0 {
        return Vec::new();
    }
    let mut round = Round {
        board: Board::new(view, policy),
        policy,
        now,
        decisions: Vec::new(),
    };
    if round.board.seats.len() > 1 {
        round.run(view, budget);
    }
    round.decisions
}

/// When the next round may begin.
pub(super) fn paused_until(view: &View, policy: &Policy) -> Option<Time> {
    let last = view.moves.last?;
    Some(last.plus(policy.move_pause_ms(view.moves.rounds)))
}

/// The moves that are under way.
fn in_flight(view: &View) -> usize {
    view.shards
        .values()
        .filter(|shard| {
            shard.assignments.len() > 1 || shard.assignments.iter().any(Assignment::is_move)
        })
        .count()
}

struct Round<'a> {
    board: Board<'a>,
    policy: &'a Policy,
    now: Time,
    decisions: Vec<Decision>,
}

struct Movable<'a> {
    id: &'a ShardId,
    stream: &'a Stream,
    assignment: &'a Assignment,
}

impl<'a> Round<'a> {
    fn run(&mut self, view: &'a View, budget: usize) {
        let mut movable = self.movable(view);
        while self.decisions.len() < budget {
            // The fullest seat that has shards left to try gives next; equal ones in the order of their ids.
            let from = (0..movable.len())
                .filter(|at| !movable[*at].is_empty())
                .max_by_key(|at| {
                    (
                        ratio(self.share(*at), self.board.seats[*at].load()),
                        Reverse(*at),
                    )
                });
            let Some(from) = from else {
                break;
            };
            let shard = movable[from].pop().expect("the seat has shards left");
            match self.better(&shard, from) {
                Some((to, why)) => self.go(&shard, from, to, why),
                // What holds for one shard without wishes holds for all of them on this seat.
                None if !has_wishes(shard.stream) && self.is_level() => {
                    movable[from].retain(|other| has_wishes(other.stream));
                }
                None => {}
            }
        }
    }

    /// The shards that might move, by seat, the newest last.
    fn movable(&mut self, view: &'a View) -> Vec<Vec<Movable<'a>>> {
        let seats = self.board.seats.len();
        let may_level: Vec<bool> = (0..seats).map(|at| self.may_gain(at)).collect();
        let may_level_any = may_level.contains(&true);
        let mut movable: Vec<Vec<Movable<'a>>> = (0..seats).map(|_| Vec::new()).collect();
        let mut stream: Option<&Stream> = None;
        for (id, shard) in &view.shards {
            let [assignment] = shard.assignments.as_slice() else {
                continue;
            };
            if assignment.state != AssignmentState::Running {
                continue;
            }
            if stream.is_none_or(|stream| stream.name != id.stream) {
                stream = view.streams.get(&id.stream);
            }
            let Some(stream) = stream else {
                continue;
            };
            let has_wishes = has_wishes(stream);
            if !has_wishes && !may_level_any {
                continue;
            }
            let Some(at) = self.board.seat_of(&assignment.worker) else {
                continue;
            };
            if has_wishes || may_level[at] {
                movable[at].push(Movable {
                    id,
                    stream,
                    assignment,
                });
            }
        }
        for shards in &mut movable {
            shards.sort_by_key(|shard| shard.assignment.epoch);
        }
        movable
    }

    /// Whether a shard without wishes could have a reason to leave this seat.
    fn may_gain(&self, from: usize) -> bool {
        let seat = &self.board.seats[from];
        if seat.is_overfull() {
            return true;
        }
        match self.board.strategy.balance {
            Balance::Stay => false,
            Balance::Home => true,
            Balance::Level { .. } => (0..self.board.seats.len()).any(|to| self.levels(from, to)),
        }
    }

    /// Whether a shard that goes from one seat to another makes the higher of their ratios lower.
    fn levels(&self, from: usize, to: usize) -> bool {
        let seats = &self.board.seats;
        self.is_settled(&seats[to])
            && seats[to].has_room()
            && ratio(self.share(to), seats[to].load() + 1)
                < ratio(self.share(from), seats[from].load())
    }

    /// Whether only loads decide where a shard without wishes is, and not which one it is.
    fn is_level(&self) -> bool {
        matches!(self.board.strategy.balance, Balance::Level { .. })
    }

    fn share(&self, at: usize) -> u64 {
        share_of(self.board.strategy, self.board.seats[at].worker)
    }

    fn is_settled(&self, seat: &Seat<'_>) -> bool {
        self.now.since(seat.worker.started) >= self.policy.settle_ms
    }

    /// A seat that is better for a shard than the one it has, and why.
    fn better(&mut self, shard: &Movable<'a>, from: usize) -> Option<(usize, &'static str)> {
        let here = self.board.fit(shard.stream, shard.id, from).map(|fit| Fit {
            crowding: fit.crowding.saturating_sub(1),
            ..fit
        });
        let now = self.now;
        let settle_ms = self.policy.settle_ms;
        let stays = &shard.assignment.worker;
        let may = move |seat: &Seat<'_>| {
            seat.worker.id != *stays && now.since(seat.worker.started) >= settle_ms
        };
        let is_overfull = self.board.seats[from].is_overfull();
        let is_unhappy = here.is_none_or(|here| here.crowding > 0 || here.missing > 0);
        let goes_home = matches!(self.board.strategy.balance, Balance::Home);
        if is_overfull || is_unhappy || goes_home {
            let (to, fit) = self.board.choose(shard.stream, shard.id, false, may).ok()?;
            let why = match here {
                None => Some("its worker lacks a required label"),
                Some(_) if is_overfull => Some("its worker has more than it can take"),
                Some(here) if fit.crowding < here.crowding => {
                    Some("its worker has another shard of the stream")
                }
                Some(here) if fit.crowding > here.crowding => None,
                Some(here) if fit.missing < here.missing => {
                    Some("the other worker has more of the preferred labels")
                }
                Some(here) if fit.missing > here.missing => None,
                Some(here) if goes_home && fit.score < here.score => {
                    Some("its hash belongs to the other worker")
                }
                Some(_) => None,
            };
            if let Some(why) = why {
                return Some((to, why));
            }
        }
        if !self.is_level() {
            return None;
        }
        let here = here?;
        let strategy = self.board.strategy;
        let most = ratio(self.share(from), self.board.seats[from].load());
        let (to, fit) = self
            .board
            .choose(shard.stream, shard.id, false, |seat| {
                may(seat) && ratio(share_of(strategy, seat.worker), seat.load() + 1) < most
            })
            .ok()?;
        (fit.crowding <= here.crowding && fit.missing <= here.missing)
            .then_some((to, "the other worker has less"))
    }

    fn go(&mut self, shard: &Movable<'a>, from: usize, to: usize, why: &str) {
        let seats = &self.board.seats;
        let cause = format!(
            "moved from {} with {} to {} with {}: {why}",
            seats[from].worker.id,
            seats[from].load(),
            seats[to].worker.id,
            seats[to].load(),
        );
        let decision = match shard.stream.stateless {
            true => place::assign(&seats[to], shard.id, shard.stream, cause),
            false => Decision::new(
                Action::Drain {
                    assignment: AssignmentId {
                        shard: shard.id.clone(),
                        epoch: shard.assignment.epoch,
                    },
                    until: self.now.plus(self.policy.drain_ms),
                    destination: Some(seats[to].worker.id.clone()),
                },
                cause,
            ),
        };
        self.decisions.push(decision);
        self.board.move_over(shard.stream, from, to);
    }
}

/// Whether it matters to the stream's shards on which worker they are.
fn has_wishes(stream: &Stream) -> bool {
    stream.shards > 1 || !stream.requires.is_empty() || !stream.prefers.is_empty()
}

/// What a worker is to have, in relation to others.
fn share_of(strategy: &Strategy, worker: &Worker) -> u64 {
    match strategy.balance {
        Balance::Level { share } => share(worker),
        Balance::Home | Balance::Stay => 1,
    }
}

/// A load in relation to a share, comparable: 2^-24ths.
fn ratio(share: u64, load: u32) -> u64 {
    (u64::from(load) << 24) / share.max(1)
}
