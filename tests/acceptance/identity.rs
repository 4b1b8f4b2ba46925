//! Point 6: workers that share a host's name, and one that comes back under its id.

use super::{
    Extent,
    figures::Table,
    stage::{Stage, busiest, handovers, streams_of},
};
use crate::cli::now_ms;

const POINT: &str = "6";
const TAKEOVER_MS: u64 = 6_000;

pub fn measure(table: &mut Table, extent: Extent) {
    share_a_host_name(table, extent);
    let title = "kill -9 and at once the same id on the same port: pause";
    let same_port = come_back(extent, true);
    table.times(POINT, title, "22.7 s", TAKEOVER_MS, &same_port);
    let title = "kill -9 and at once the same id on another port: pause";
    let other_port = come_back(extent, false);
    table.times(POINT, title, "never (75 s)", TAKEOVER_MS, &other_port);
}

/// Three workers with the id that each gives itself.
fn share_a_host_name(table: &mut Table, extent: Extent) {
    let (mut spreads, mut gaps) = (vec![], vec![]);
    for _ in 0..extent.rounds {
        let mut stage = Stage::start(0);
        (0..3).for_each(|_| stage.cluster.add_worker());
        stage.wait_workers(3);
        stage.create_many(6);
        let placement = stage.wait_even(3);
        let counts: Vec<String> = stage.spread().iter().map(u64::to_string).collect();
        spreads.push(counts.join(" / "));
        let victim = busiest(&placement);
        let names = streams_of(&placement, &victim);
        let epochs = stage.epochs(&names);
        let killed = now_ms();
        stage.worker(&victim).kill();
        for (name, epoch) in names.iter().zip(epochs) {
            stage.wait_taken_over(name, epoch);
            gaps.extend(handovers(&stage.written(name), killed));
        }
    }
    let title = "3 workers, one host name, 6 streams";
    table.same(POINT, title, "0 / 0 / 6", "2 / 2 / 2", &spreads);
    let title = "… kill -9 one: until each stream writes elsewhere";
    table.times(POINT, title, "never (100 s)", TAKEOVER_MS, &gaps);
}

/// The only worker is killed and started again under its id; the pauses of its streams.
fn come_back(extent: Extent, on_same_port: bool) -> Vec<u64> {
    let mut stage = Stage::start(1);
    let names = stage.create_many(3);
    let mut gaps = vec![];
    for _ in 0..extent.rounds {
        let port = stage.port_of("w1");
        let epochs = stage.epochs(&names);
        let killed = now_ms();
        stage.worker("w1").kill();
        match on_same_port {
            true => stage.start_worker("w1", &["-grpc-port", &port]),
            false => stage.start_worker("w1", &[]),
        }
        for (name, epoch) in names.iter().zip(epochs) {
            stage.wait_taken_over(name, epoch);
            gaps.extend(handovers(&stage.written(name), killed));
        }
        stage.wait_even(1);
    }
    gaps
}
