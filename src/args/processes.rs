//! `-processes`: how many, and whether what is set tells them apart.

use super::{Config, Port, Role};

/// The most processes that one process watches over.
const MAX: usize = 256;

/// Reads a number of processes; `auto` is one for each core that this process may use.
pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.trim() {
        "auto" => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
        number => match number.parse() {
            Ok(number @ 1..=MAX) => Ok(number),
            _ => Err(format!("it must be `auto` or a number from 1 to {MAX}")),
        },
    }
}

/// Whether each process can have a port and an address of its own.
pub(super) fn check(config: &Config) -> Result<(), String> {
    let count = config.processes;
    if count == 1 {
        return Ok(());
    }
    if config.role != Role::Worker {
        return Err(format!(
            "-processes {count}: only the role `worker` runs as several processes"
        ));
    }
    for (flag, port) in [
        ("-grpc-port", config.grpc_port),
        ("-http-port", config.http_port),
    ] {
        if let Port::Exactly(first @ 1..) = port
            && usize::from(first) + count - 1 > usize::from(u16::MAX)
        {
            return Err(format!(
                "{flag} {first}: each of -processes {count} needs a port from there on, and there are not so many"
            ));
        }
    }
    match &config.advertise_addr {
        Some(address) if host_of(address) != address => Err(format!(
            "-advertise-addr `{address}`: with -processes {count} it must be a host without a port, since each has a port of its own"
        )),
        _ => Ok(()),
    }
}

/// An address without its port, if it has one: `host:port`, `[::1]:port`.
pub fn host_of(address: &str) -> &str {
    match address.rsplit_once(':') {
        Some((host, port))
            if port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn load(flags: &[(&str, &str)]) -> Result<Config, String> {
        let flags: BTreeMap<String, String> = flags
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Config::load(&flags, &|_| None, &|_| unreachable!("no file is named"))
    }

    #[test]
    fn several_processes_are_told_apart() {
        let worker = ("role", "worker");
        let count = |n| load(&[worker, ("processes", n)]).map(|config| config.processes);
        assert_eq!(count("3"), Ok(3));
        assert!(count("auto").is_ok_and(|n| n >= 1));
        for (flags, wanted) in [
            (
                &[worker, ("processes", "0")][..],
                "-processes `0`: it must be `auto` or a number",
            ),
            (&[("processes", "2")], "only the role `worker`"),
            (
                &[worker, ("processes", "3"), ("http-port", "65534")],
                "-http-port 65534: each of -processes 3 needs a port",
            ),
            (
                &[worker, ("processes", "2"), ("advertise-addr", "w:7")],
                "-advertise-addr `w:7`: with -processes 2 it must be a host",
            ),
        ] {
            let error = load(flags).expect_err("it is refused");
            assert!(error.contains(wanted), "{error}");
        }
        let named = [worker, ("processes", "2"), ("advertise-addr", "::1")];
        assert!(load(&named).is_ok());
    }
}
