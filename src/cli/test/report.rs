//! How the results of tests are shown: as text, and as JUnit XML.

use std::fmt::Write;

/// The results of a config's tests.
pub struct Report {
    pub path: String,
    pub lints: Vec<String>,
    pub cases: Vec<CaseReport>,
    /// Why the tests after these could not be run.
    pub error: Option<String>,
}

pub struct CaseReport {
    pub name: String,
    /// The line that the test begins in.
    pub line: usize,
    pub failures: Vec<String>,
}

impl Report {
    pub fn new(path: String) -> Report {
        Report { path, lints: Vec::new(), cases: Vec::new(), error: None }
    }

    pub fn passed(&self) -> bool {
        self.error.is_none() && self.lints.is_empty() && self.cases.iter().all(|c| c.failures.is_empty())
    }

    /// One line that says whether all is well; empty where the tests could not be run.
    pub fn headline(&self) -> String {
        match (&self.error, self.passed()) {
            (Some(_), _) => String::new(),
            (None, true) => format!("Test '{}' succeeded\n", self.path),
            (None, false) => format!("Test '{}' failed\n", self.path),
        }
    }
}

/// What failed, and how.
pub fn failures(reports: &[Report]) -> String {
    let mut failed = reports.iter().filter(|r| r.error.is_none() && !r.passed()).peekable();
    let mut out = String::new();
    if failed.peek().is_some() {
        out.push_str("\nFailures:\n");
    }
    for report in failed {
        let _ = writeln!(out, "\n--- {} ---", report.path);
        if !report.lints.is_empty() {
            out.push('\n');
        }
        for lint in &report.lints {
            let _ = writeln!(out, "Lint: {lint}");
        }
        for case in report.cases.iter().filter(|c| !c.failures.is_empty()) {
            let _ = writeln!(out, "\n{} [line {}]:", case.name, case.line);
            for failure in &case.failures {
                let _ = writeln!(out, "{failure}");
            }
        }
    }
    out
}

/// The results in the form that CI systems read.
pub fn junit(reports: &[Report]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for report in reports {
        let failed = report.cases.iter().filter(|c| !c.failures.is_empty()).count();
        let broken = usize::from(report.error.is_some() || !report.lints.is_empty());
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"{broken}\">",
            escape(&report.path),
            report.cases.len() + broken,
        );
        for case in &report.cases {
            let head = format!(
                "    <testcase classname=\"{}\" name=\"{}\"",
                escape(&report.path),
                escape(&case.name)
            );
            if case.failures.is_empty() {
                let _ = writeln!(out, "{head}/>");
            } else {
                let text = escape(&case.failures.join("\n"));
                let _ = writeln!(out, "{head}>\n      <failure message=\"line {}\">{text}</failure>\n    </testcase>", case.line);
            }
        }
        if broken > 0 {
            let all = report.lints.iter().chain(&report.error);
            let text: Vec<&str> = all.map(String::as_str).collect();
            let _ = writeln!(
                out,
                "    <testcase classname=\"{}\" name=\"config\">\n      <error>{}</error>\n    </testcase>",
                escape(&report.path),
                escape(&text.join("\n"))
            );
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// Text for XML, without the characters that XML can't hold (the colours of a diff).
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => {
                // A colour ends with its `m`.
                let _ = chars.by_ref().find(|c| *c == 'm');
            }
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c < ' ' && !matches!(c, '\n' | '\t' | '\r') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junit_has_every_case() {
        let mut report = Report::new("a.yaml".into());
        report.cases.push(CaseReport { name: "ok".into(), line: 1, failures: Vec::new() });
        report.cases.push(CaseReport { name: "<no>".into(), line: 2, failures: vec!["\x1b[0;31m\"x\"\x1b[0m".into()] });
        let xml = junit(&[report]);
        assert!(xml.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{xml}");
        assert!(xml.contains("name=\"&lt;no&gt;\""), "{xml}");
        assert!(xml.contains(">&quot;x&quot;</failure>"), "{xml}");
    }
}
