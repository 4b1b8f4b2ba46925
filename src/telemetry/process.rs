//! What the process uses, under the names that Prometheus' own clients give these metrics.

use std::fmt::Write;

/// The process's metrics in Prometheus' text format; what the system doesn't tell is left out.
pub fn prometheus() -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# HELP airtruct_build_info Which build this is\n# TYPE airtruct_build_info gauge\nairtruct_build_info{{version=\"{}\"}} 1",
        env!("CARGO_PKG_VERSION")
    );
    let mut metric = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            let _ = writeln!(
                out,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
            );
        }
    };
    let stat = Stat::read();
    metric(
        "process_cpu_seconds_total",
        "counter",
        "Time on processors",
        stat.as_ref().map(|s| s.cpu_seconds),
    );
    metric(
        "process_resident_memory_bytes",
        "gauge",
        "Memory that is in use",
        stat.as_ref().map(|s| s.resident_bytes),
    );
    metric(
        "process_open_fds",
        "gauge",
        "Open files and sockets",
        std::fs::read_dir("/proc/self/fd")
            .ok()
            .map(|fds| fds.count() as f64),
    );
    metric(
        "process_threads",
        "gauge",
        "Threads",
        stat.as_ref().map(|s| s.threads),
    );
    out
}

struct Stat {
    cpu_seconds: f64,
    resident_bytes: f64,
    threads: f64,
}

impl Stat {
    fn read() -> Option<Stat> {
        let text = std::fs::read_to_string("/proc/self/stat").ok()?;
        // SAFETY: sysconf only reads a number that the system keeps.
        let (ticks, page) = unsafe {
            (
                libc::sysconf(libc::_SC_CLK_TCK),
                libc::sysconf(libc::_SC_PAGESIZE),
            )
        };
        Stat::parse(&text, ticks as f64, page as f64)
    }

    /// Reads `/proc/PID/stat` (proc(5)): the name in parentheses may hold anything, so the fields are counted from its end.
    fn parse(text: &str, ticks: f64, page: f64) -> Option<Stat> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Stat {
            cpu_seconds: (field(14)? + field(15)?) / ticks,
            threads: field(20)?,
            resident_bytes: field(24)? * page,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_move_the_fields() {
        let line = "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 250 50 0 0 20 0 3 0 99 1000000 12 0";
        let stat = Stat::parse(line, 100.0, 4096.0).expect("a line");
        assert_eq!(stat.cpu_seconds, 3.0);
        assert_eq!(stat.threads, 3.0);
        assert_eq!(stat.resident_bytes, 12.0 * 4096.0);
    }

    #[test]
    fn this_process_is_measured() {
        assert!(prometheus().contains("\nprocess_resident_memory_bytes "));
    }
}
