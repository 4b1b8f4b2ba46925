//! Hosts on one machine: a network namespace each, joined by a bridge in one of its own, and packets between them that get lost.
//!
//! Each host knows the hardware address of each other one and asks nobody for it. To lose the packets from one host to another, the
//! first is told an address that nobody has: they go out and arrive nowhere, as on a network that is cut. One direction at a time.

use std::process::{Command, Output};

use super::number;

/// Hosts with the numbers from 1 on; gone with the value.
pub struct Network {
    prefix: String,
    hosts: usize,
}

/// An address that no host has.
const NOWHERE: &str = "02:00:00:00:00:fe";

impl Network {
    /// None where this process may not make network namespaces: that takes root and iproute2.
    pub fn new(hosts: usize) -> Option<Network> {
        let network = Network {
            prefix: format!("at{:x}", number()),
            hosts,
        };
        let bridge = network.host(0);
        if !ip(&["netns", "add", &bridge]).status.success() {
            return None;
        }
        let run = |arguments: &[&str]| {
            let output = ip(arguments);
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "ip {arguments:?}: {error}");
        };
        run(&["-n", &bridge, "link", "add", "br0", "type", "bridge"]);
        run(&["-n", &bridge, "link", "set", "br0", "up"]);
        for host in 1..=hosts {
            let (name, port) = (network.host(host), format!("v{host}"));
            let address = format!("{}/24", Self::address(host));
            let hardware = Self::hardware(host);
            run(&["netns", "add", &name]);
            run(&["-n", &name, "link", "set", "lo", "up"]);
            let link = [
                "-n", &bridge, "link", "add", &port, "type", "veth", "peer", "name", "eth0",
                "netns", &name,
            ];
            run(&link);
            run(&["-n", &bridge, "link", "set", &port, "master", "br0", "up"]);
            run(&["-n", &name, "link", "set", "eth0", "address", &hardware]);
            run(&["-n", &name, "link", "set", "eth0", "up"]);
            run(&["-n", &name, "address", "add", &address, "dev", "eth0"]);
        }
        for from in 1..=hosts {
            for to in (1..=hosts).filter(|to| *to != from) {
                network.pass(from, to, true);
            }
        }
        Some(network)
    }

    /// The name of a host's namespace.
    fn host(&self, host: usize) -> String {
        format!("{}-{host}", self.prefix)
    }

    pub fn address(host: usize) -> String {
        format!("10.77.0.{host}")
    }

    fn hardware(host: usize) -> String {
        format!("02:00:00:00:00:{host:02x}")
    }

    /// A program on a host.
    pub fn command(&self, host: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.host(host), program]);
        command
    }

    /// Whether packets get from one host to another.
    pub fn pass(&self, from: usize, to: usize, passes: bool) {
        let hardware = match passes {
            true => Self::hardware(to),
            false => NOWHERE.to_owned(),
        };
        let (host, address) = (self.host(from), Self::address(to));
        let output = ip(&[
            "-n",
            &host,
            "neigh",
            "replace",
            &address,
            "lladdr",
            &hardware,
            "dev",
            "eth0",
            "nud",
            "permanent",
        ]);
        assert!(output.status.success(), "{output:?}");
    }

    /// Whether packets get from a host to all others, and from all others to it.
    pub fn connect(&self, host: usize, out: bool, back: bool) {
        for other in (1..=self.hosts).filter(|other| *other != host) {
            self.pass(host, other, out);
            self.pass(other, host, back);
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in 0..=self.hosts {
            ip(&["netns", "delete", &self.host(host)]);
        }
    }
}

fn ip(arguments: &[&str]) -> Output {
    let output = Command::new("ip").args(arguments).output();
    output.unwrap_or_else(|error| Output {
        status: std::os::unix::process::ExitStatusExt::from_raw(256),
        stdout: Vec::new(),
        stderr: error.to_string().into_bytes(),
    })
}
