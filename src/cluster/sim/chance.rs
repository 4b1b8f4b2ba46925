//! What chance brings to a run.

use super::{
    options::{Fault, Options},
    rng::Rng,
};

/// Faults and their times.
pub(super) fn faults(options: &Options, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let count = rng.range(1, 10);
    (0..count)
        .map(|_| (rng.range(600, options.faults_ms), fault(options, rng)))
        .collect()
}

fn fault(options: &Options, rng: &mut Rng) -> Fault {
    let worker = rng.range(0, options.workers as u64 - 1) as usize;
    let coordinator = rng.range(0, options.coordinators as u64 - 1) as usize;
    let stream = rng.range(0, options.streams.len() as u64 - 1) as usize;
    let ms = *rng.pick(&[30, 200, 1_000, 2_000, 2_700, 3_500, 6_000]) + rng.range(0, 400);
    match rng.range(0, 21) {
        0..=3 => Fault::KillWorker(worker, ms),
        4 => Fault::StopWorker(worker, ms),
        5..=8 => Fault::PauseWorker(worker, ms),
        9..=11 => {
            let (up, down) = *rng.pick(&[(true, true), (true, false), (false, true)]);
            Fault::Partition {
                worker,
                up,
                down,
                ms,
            }
        }
        12..=14 => Fault::KillCoordinator(coordinator, ms),
        15 => Fault::PauseCoordinator(coordinator, ms),
        16 if options.coordinators > 1 => Fault::LoseStore(coordinator, ms),
        16 | 17 => Fault::Edit(stream),
        18 => Fault::Toggle(stream),
        19 => Fault::Scale(stream, rng.range(1, 4) as u32),
        20 => Fault::Twin(worker),
        _ => Fault::Drain(worker),
    }
}
