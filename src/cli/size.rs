//! `airtruct size`: how many workers a load needs.
//!
//! Each core is taken for a server of one queue (M/M/c): messages come at random, and one takes its cost of a core on average. How long a
//! message waits then follows from Erlang's formula C. Real loads come in bursts and real costs vary, so the answer is a start, not a promise.

use std::{process::ExitCode, time::Duration};

/// Tell how many workers a rate of messages needs
#[derive(clap::Args)]
#[command(after_help = "\
Example: 10,000 messages a second that cost 300 µs of a core each, on workers with 2 cores, 99 of 100 done within 50 ms:
  airtruct size --rate 10000 --cost 300us --cores 2 --latency 50ms

What a message costs is what `airtruct run` shows for a finite input, or a worker's CPU over its rate in `airtruct workers list`.")]
pub struct Args {
    /// Messages a second, at the peak
    #[arg(long, value_name = "N")]
    rate: f64,
    /// What a message costs of one core
    #[arg(long, value_name = "TIME", value_parser = super::duration)]
    cost: Duration,
    /// Cores of a worker
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    cores: u32,
    /// Within which 99 of 100 messages should be done, waiting included
    #[arg(long, value_name = "TIME", value_parser = super::duration)]
    latency: Option<Duration>,
    /// The most of the cores that should be in use
    #[arg(long, value_name = "SHARE", default_value_t = 0.7)]
    utilisation: f64,
    /// Workers beside, so that so many may be lost or upgraded at a time
    #[arg(long, value_name = "N", default_value_t = 1)]
    spare: u32,
}

/// The most cores that are tried.
const MAX_CORES: u32 = 1_000_000;

/// What is needed, and what is expected then.
#[derive(Debug, PartialEq)]
struct Size {
    workers: u32,
    utilisation: f64,
    /// Within which 99 of 100 messages are done, in seconds.
    latency: f64,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let size = size(&args).map_err(anyhow::Error::msg)?;
    let (workers, cores) = (size.workers, args.cores);
    println!(
        "{} workers of {cores} cores: {workers} for the load, {} to spare",
        workers + args.spare,
        args.spare
    );
    println!(
        "the {workers} are {:.0}% in use at {} messages/s of {:?}, and 99 of 100 messages are done within {:.1} ms",
        size.utilisation * 100.0,
        args.rate,
        args.cost,
        size.latency * 1_000.0
    );
    Ok(ExitCode::SUCCESS)
}

fn size(args: &Args) -> Result<Size, String> {
    let cost = args.cost.as_secs_f64();
    if !(args.rate > 0.0 && args.rate.is_finite() && cost > 0.0) {
        return Err("--rate and --cost must be more than 0".into());
    }
    if !(args.utilisation > 0.0 && args.utilisation < 1.0) {
        return Err("--utilisation must be between 0 and 1".into());
    }
    // Erlangs: how many cores the load keeps busy.
    let load = args.rate * cost;
    let least = (load / args.utilisation / f64::from(args.cores)).ceil().max(1.0);
    if least * f64::from(args.cores) > f64::from(MAX_CORES) {
        return Err(format!("the load keeps {load:.0} cores busy: that is beyond what this answers for"));
    }
    let wanted = args.latency.map(|latency| latency.as_secs_f64());
    if let Some(wanted) = wanted
        && wanted <= cost
    {
        return Err(format!(
            "a message alone takes {:?}, which is no less than --latency {:?}: make it cheaper, or allow more",
            args.cost,
            args.latency.unwrap_or_default()
        ));
    }
    let mut workers = least as u32;
    while workers * args.cores <= MAX_CORES {
        let cores = f64::from(workers * args.cores);
        let latency = cost + wait(load, workers * args.cores, cost);
        if wanted.is_none_or(|wanted| latency <= wanted) {
            return Ok(Size {
                workers,
                utilisation: load / cores,
                latency,
            });
        }
        workers += 1;
    }
    Err(format!("no number of workers up to {MAX_CORES} cores does it"))
}

/// How long all but one of 100 messages wait at most, in seconds: `load` erlangs on `cores`, each message taking `cost`.
fn wait(load: f64, cores: u32, cost: f64) -> f64 {
    let servers = f64::from(cores);
    // Erlang B by its recursion, which doesn't overflow; from it Erlang C, the share of messages that wait at all.
    let blocked = (1..=cores).fold(1.0, |b, n| load * b / (f64::from(n) + load * b));
    let waits = blocked / (1.0 - load / servers * (1.0 - blocked));
    let over = (waits / 0.01).ln().max(0.0);
    over * cost / (servers - load)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(rate: f64, cost_us: u64, cores: u32, latency_ms: Option<u64>) -> Args {
        Args {
            rate,
            cost: Duration::from_micros(cost_us),
            cores,
            latency: latency_ms.map(Duration::from_millis),
            utilisation: 0.7,
            spare: 1,
        }
    }

    #[test]
    fn sizes_follow_the_load_and_then_the_latency() {
        // 3 cores busy, at most 70 % of each: 5 cores.
        let plain = size(&args(10_000.0, 300, 1, None)).expect("a size");
        assert_eq!(plain.workers, 5);
        assert!((plain.utilisation - 0.6).abs() < 1e-9);
        assert_eq!(size(&args(10_000.0, 300, 2, None)).expect("a size").workers, 3);
        // Tighter than the wait on so few: more of them.
        let tight = size(&args(100.0, 20_000, 1, Some(25))).expect("a size");
        let loose = size(&args(100.0, 20_000, 1, Some(200))).expect("a size");
        assert!(tight.workers > loose.workers, "{tight:?} {loose:?}");
        assert!(tight.latency <= 0.025);
        // Of two servers at one erlang a third of the messages wait (Erlang C), so 99 of 100 wait less than ln(33.3) services.
        assert!((wait(1.0, 2, 1.0) - (1.0_f64 / 3.0 / 0.01).ln()).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, wanted) in [
            (args(0.0, 1, 1, None), "--rate and --cost"),
            (args(1.0, 10_000, 1, Some(10)), "a message alone takes 10ms"),
            (args(1e12, 1_000_000, 1, None), "beyond what this answers for"),
        ] {
            let error = size(&args).expect_err("it is refused");
            assert!(error.contains(wanted), "{error}");
        }
    }
}
