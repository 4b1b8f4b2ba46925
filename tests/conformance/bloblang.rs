//! The mapping language against recorded cases. Prints rates and the groups that differ; fails below the rates reached so
//! far. `AIRTRUCT_CONFORMANCE_DUMP=FOLDER` writes every difference into a file there.

use super::bloblang_cases::{Row, Verdict};
use super::{bloblang_differences, rows};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Shares of cases, in percent.
struct Rates {
    outcomes: f64,
    errors: f64,
    refusals: f64,
}

/// The rates last reached. They only ever go up.
const MATRIX: Rates = Rates {
    outcomes: 99.9,
    errors: 99.9,
    refusals: 100.0,
};
const TYPED: Rates = Rates {
    outcomes: 99.8,
    errors: 99.9,
    refusals: 100.0,
};

/// Equal and all.
#[derive(Clone, Copy, Default)]
struct Tally(usize, usize);

impl Tally {
    fn add(&mut self, equal: bool) {
        self.0 += usize::from(equal);
        self.1 += 1;
    }

    fn percent(self) -> f64 {
        match self.1 {
            0 => 100.0,
            all => self.0 as f64 * 100.0 / all as f64,
        }
    }
}

/// What became of all rows of a file.
#[derive(Default)]
struct Report {
    outcomes: Tally,
    errors: Tally,
    refusals: Tally,
    groups: BTreeMap<String, Tally>,
    differences: String,
}

impl Report {
    fn note(&mut self, row: &Row, verdict: Verdict) {
        if bloblang_differences::is_reasoned(&row.id) {
            return;
        }
        self.refusals.add(verdict.refusal.is_none());
        let mut equal = verdict.refusal.is_none();
        if let Some(why) = verdict.refusal {
            let _ = writeln!(
                self.differences,
                "{} REFUSAL {}\n  {why}",
                row.id, row.mapping
            );
        }
        for case in verdict.cases {
            self.outcomes.add(case.outcome);
            if let Some(text) = case.error_text {
                self.errors.add(text);
            }
            if let Some(why) = case.difference {
                equal = false;
                let kind = if case.outcome { "TEXT" } else { "OUTCOME" };
                let _ = writeln!(
                    self.differences,
                    "{} {kind} {}\n  {why}",
                    row.id, row.mapping
                );
            }
        }
        self.groups.entry(row.group()).or_default().add(equal);
    }

    fn check(&self, file: &str, least: &Rates) {
        println!(
            "{file}: outcome and content {:.2} % of {}, error texts {:.2} % of {}, refusals {:.2} % of {}",
            self.outcomes.percent(),
            self.outcomes.1,
            self.errors.percent(),
            self.errors.1,
            self.refusals.percent(),
            self.refusals.1,
        );
        let mut failing: Vec<_> = self.groups.iter().filter(|(_, t)| t.0 < t.1).collect();
        failing.sort_by_key(|(_, t)| std::cmp::Reverse(t.1 - t.0));
        for (group, tally) in failing.iter().take(40) {
            println!(
                "  {group}: {} of {} mappings differ",
                tally.1 - tally.0,
                tally.1
            );
        }
        if let Some(folder) = std::env::var_os("AIRTRUCT_CONFORMANCE_DUMP") {
            let path = std::path::Path::new(&folder).join(format!("{file}.differences"));
            std::fs::write(&path, &self.differences).expect("the dump can be written");
        }
        for (what, reached, least) in [
            ("outcomes", self.outcomes, least.outcomes),
            ("error texts", self.errors, least.errors),
            ("refusals", self.refusals, least.refusals),
        ] {
            let reached = reached.percent();
            assert!(
                reached >= least,
                "{file}: {what} at {reached:.2} %, were at {least} %"
            );
        }
    }
}

fn run(file: &str, least: &Rates) {
    let Some(rows) = rows(file) else { return };
    let rows: Vec<Row> = rows.into_iter().map(Row::from_json).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((row, row.run()));
        }
        done
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let mut verdicts: Vec<(&Row, Verdict)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = threads
            .into_iter()
            .flat_map(|t| t.join().expect("no case panics"));
        joined.collect()
    });
    verdicts.sort_by_key(|(row, _)| std::ptr::from_ref::<Row>(row) as usize);
    let mut report = Report::default();
    for (row, verdict) in verdicts {
        report.note(row, verdict);
    }
    report.check(file, least);
}

#[test]
fn matrix() {
    run("bloblang_matrix.jsonl", &MATRIX);
}

#[test]
fn typed() {
    run("bloblang_typed.jsonl", &TYPED);
}
