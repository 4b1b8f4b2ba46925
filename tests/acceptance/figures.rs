//! Figures beside those of the ancestor and the goals, as one table.

use std::fmt::Write as _;

/// A line of the table.
struct Row {
    point: &'static str,
    what: String,
    ancestor: &'static str,
    goal: String,
    ours: String,
    is_met: bool,
}

/// What was measured so far. Each figure is printed when it is there, all of them at the end.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Times in milliseconds, each of which must be shorter than the goal.
    pub fn times(
        &mut self,
        point: &'static str,
        what: impl Into<String>,
        ancestor: &'static str,
        goal_ms: u64,
        times: &[u64],
    ) {
        let is_met = times.iter().max().is_some_and(|longest| *longest < goal_ms);
        let goal = format!("< {}", seconds(goal_ms));
        self.add(point, what, ancestor, goal, summary(times), is_met);
    }

    /// Times in milliseconds, 99 of 100 of which must be shorter than the goal.
    pub fn most_times(
        &mut self,
        point: &'static str,
        what: impl Into<String>,
        ancestor: &'static str,
        goal_ms: u64,
        times: &[u64],
    ) {
        let is_met = percentile(times, 99).is_some_and(|time| time < goal_ms);
        let goal = format!("p99 < {}", seconds(goal_ms));
        self.add(point, what, ancestor, goal, summary(times), is_met);
    }

    /// Something that must not happen.
    pub fn none(
        &mut self,
        point: &'static str,
        what: impl Into<String>,
        ancestor: &'static str,
        count: usize,
    ) {
        let (goal, ours) = ("0".to_owned(), count.to_string());
        self.add(point, what, ancestor, goal, ours, count == 0);
    }

    /// A number of something that must be smaller than the goal.
    pub fn below(
        &mut self,
        point: &'static str,
        what: impl Into<String>,
        ancestor: &'static str,
        (goal, unit): (f64, &str),
        ours: f64,
    ) {
        let (goal_text, ours_text) = (format!("< {goal} {unit}"), format!("{ours:.3} {unit}"));
        self.add(point, what, ancestor, goal_text, ours_text, ours < goal);
    }

    /// Something that must be so in each round.
    pub fn same(
        &mut self,
        point: &'static str,
        what: impl Into<String>,
        ancestor: &'static str,
        goal: &str,
        rounds: &[String],
    ) {
        let other = rounds.iter().find(|seen| *seen != goal);
        let is_met = other.is_none() && !rounds.is_empty();
        let ours = match (other, rounds.len()) {
            (Some(other), _) => other.clone(),
            (None, 0) => "not measured".to_owned(),
            (None, 1) => goal.to_owned(),
            (None, count) => format!("{goal} ({count} of {count})"),
        };
        self.add(point, what, ancestor, goal.to_owned(), ours, is_met);
    }

    fn add(
        &mut self,
        point: &'static str,
        what: impl Into<String>,
        ancestor: &'static str,
        goal: String,
        ours: String,
        is_met: bool,
    ) {
        let row = Row {
            point,
            what: what.into(),
            ancestor,
            goal,
            ours,
            is_met,
        };
        println!("{}", row.cells().join(" | "));
        self.rows.push(row);
    }

    /// What missed its goal.
    pub fn misses(&self) -> Vec<String> {
        let missed = self.rows.iter().filter(|row| !row.is_met);
        missed.map(|row| row.cells().join(" | ")).collect()
    }

    /// The table in Markdown, columns aligned.
    pub fn text(&self) -> String {
        let header = ["point", "measured", "ancestor", "goal", "ours", "result"];
        let mut lines = vec![header.map(str::to_owned)];
        lines.extend(self.rows.iter().map(Row::cells));
        let widths: Vec<usize> = (0..header.len())
            .map(|column| {
                let widths = lines.iter().map(|cells| cells[column].chars().count());
                widths.max().unwrap_or(0)
            })
            .collect();
        lines.insert(1, std::array::from_fn(|column| "-".repeat(widths[column])));
        let mut text = String::new();
        for cells in &lines {
            for (cell, width) in cells.iter().zip(&widths) {
                let _ = write!(text, "| {cell:width$} ");
            }
            text.push_str("|\n");
        }
        text
    }
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let result = if self.is_met { "pass" } else { "MISS" };
        [
            self.point.to_owned(),
            self.what.clone(),
            self.ancestor.to_owned(),
            self.goal.clone(),
            self.ours.clone(),
            result.to_owned(),
        ]
    }
}

/// The least of some numbers that so many of a hundred don't exceed.
fn percentile(numbers: &[u64], of_hundred: usize) -> Option<u64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * of_hundred).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Median, 99th percentile and longest of some times.
fn summary(times: &[u64]) -> String {
    let Some(longest) = times.iter().max() else {
        return "not measured".to_owned();
    };
    let part = |of_hundred| seconds(percentile(times, of_hundred).unwrap_or_default());
    let (median, most) = (part(50), part(99));
    match times.len() {
        1 => seconds(*longest),
        count => format!("{median} / {most} / {} (n={count})", seconds(*longest)),
    }
}

fn seconds(ms: u64) -> String {
    match ms % 1_000 {
        0 => format!("{} s", ms / 1_000),
        _ => format!("{:.3} s", ms as f64 / 1_000.0),
    }
}

#[test]
fn a_figure_is_judged_and_shown_beside_its_goal() {
    let mut table = Table::default();
    table.times("2", "takeover", "23.9 s", 6_000, &[900, 1_000, 1_200]);
    table.none("2", "lost", "1", 0);
    assert_eq!(table.misses(), Vec::<String>::new());
    table.times("2", "takeover", "", 6_000, &[900, 6_000]);
    table.times("2", "takeover", "", 6_000, &[]);
    table.none("2", "lost", "", 1);
    table.same(
        "1",
        "spread",
        "",
        "2 / 2",
        &["2 / 2".into(), "4 / 0".into()],
    );
    table.below("7", "memory", "", (30.0, "MB"), 30.0);
    assert_eq!(table.misses().len(), 5);
    let mut late = vec![10; 199];
    late.push(5_000);
    table.most_times("4", "pause", "", 1_000, &late);
    assert_eq!(table.misses().len(), 5, "one of 200 may be longer");
    let text = table.text();
    let takeover = "1 s / 1.200 s / 1.200 s (n=3)";
    assert!(text.lines().any(|line| line.contains(takeover)), "{text}");
    let width = text.lines().next().expect("a header").len();
    assert!(text.lines().all(|line| line.len() == width), "{text}");
}
