//! When workers die: which streams are put in quarantine for it, and which are not.

use super::tests::{World, stream};
use crate::{
    cluster::{Standing, Stream},
    ids::{Incarnation, ShardId},
};

#[test]
fn a_stream_that_kills_workers_is_quarantined_and_its_neighbours_are_not() {
    let mut world = World::new(4, 8);
    world.now = world.now.plus(60_000);
    world.heartbeats();
    world.add(Stream::new(stream("poison")));
    world.plan();
    for _ in 0..3 {
        let victim = world.owner("poison").expect("it is placed");
        world.heartbeats();
        world.view.session_broke(&victim, Incarnation(1));
        world.view.exit_proven(&victim, Incarnation(1));
        world.dead.push(victim);
        world.now = world.now.plus(100);
        world.plan();
    }
    let id = ShardId::new(stream("poison"), 0);
    assert!(matches!(
        world.view.shards[&id].standing,
        Standing::Quarantined { .. }
    ));
    let quarantined = world
        .view
        .shards
        .values()
        .filter(|s| matches!(s.standing, Standing::Quarantined { .. }));
    assert_eq!(quarantined.count(), 1);
    world.now = world.now.plus(world.policy.quarantine_ms);
    world.heartbeats();
    world.plan();
    assert!(world.owner("poison").is_some(), "it is tried again");
}

#[test]
fn no_stream_is_blamed_for_workers_that_were_only_silent() {
    let mut world = World::new(4, 0);
    world.add(Stream::new(stream("innocent")));
    world.plan();
    for _ in 0..6 {
        let victim = world.owner("innocent").expect("it is placed");
        world.heartbeats();
        world.dead.push(victim.clone());
        world.now = world
            .now
            .plus(world.policy.lease_ms + world.policy.margin_ms);
        world.heartbeats();
        world.plan();
        // The network is mended: the worker is heard again.
        world.dead.clear();
        world.beat(victim.as_str(), 1, Vec::new());
        world.plan();
        assert!(world.owner("innocent").is_some(), "{:?}", world.view.shards);
    }
}
