//! What `deploy/` relies on is there: metrics that rules and dashboards ask for, flags and variables that manifests set.

use std::{collections::BTreeSet, path::Path};

use super::{Cluster, wait_for};

/// The words in a text that could be names of this kind.
fn words<'t>(text: &'t str, is_one: impl Fn(&str) -> bool + 't) -> BTreeSet<&'t str> {
    let letters = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    text.split(letters).filter(|word| is_one(word)).collect()
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn manifests_set_only_what_can_be_set() {
    let known: BTreeSet<&str> = airtruct::args::SETTINGS.iter().map(|s| s.env).collect();
    let others = [
        "POD_NAME",
        "POSTGRES_USER",
        "POSTGRES_PASSWORD",
        "POSTGRES_DB",
        "RUN_DIR",
        "OUT",
        "AIRTRUCT_COORDINATOR",
    ];
    for file in [
        "compose.yaml",
        "kubernetes/coordinator.yaml",
        "kubernetes/worker.yaml",
        "Dockerfile",
    ] {
        let text = read(file);
        let text: String = text
            .lines()
            .filter(|l| !l.trim_start().starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n");
        let shouted = |word: &str| {
            word.contains('_')
                && word.starts_with(|c: char| c.is_ascii_uppercase())
                && !word.contains(|c: char| c.is_ascii_lowercase())
        };
        for name in words(&text, shouted) {
            assert!(
                known.contains(name) || others.contains(&name),
                "{file} sets {name}"
            );
        }
        for word in text.split([' ', '[', ']', ',', '"', '\'']) {
            if let Some(flag) = word
                .strip_prefix('-')
                .filter(|f| f.contains('-') || *f == "role")
            {
                let flag = flag.trim_start_matches('-');
                let is_ours = airtruct::args::SETTINGS.iter().any(|s| s.name == flag);
                let is_docker = file == "Dockerfile" && !["role"].contains(&flag);
                assert!(is_ours || is_docker, "{file} gives -{flag}");
            }
        }
    }
}

#[test]
fn metrics_that_dashboards_ask_for_exist() {
    let cluster = Cluster::start(&[], 1);
    // One that fails in a processor, writes and has a limit, so that there is something of everything.
    cluster.folder.write(
        "a.yaml",
        "input:\n  generate:\n    interval: 5ms\n    mapping: root.n = 1\npipeline:\n  processors:\n    - mapping: root = throw(\"no\")\noutput:\n  drop: {}\n",
    );
    cluster.succeed(&["streams", "apply", "a.yaml", "--wait"]);
    let worker = cluster.workers[0].listening("worker")["http"].clone();
    let get = |url: String| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let answer = super::client().get(url).send().await.expect("an answer");
            (answer.status(), answer.text().await.expect("a text"))
        })
    };
    let scrape = |address: &str| get(format!("http://{address}/metrics")).1;
    wait_for("messages to be counted", || {
        let text = scrape(&worker);
        let count = text
            .lines()
            .find(|l| l.starts_with("output_sent{"))?
            .rsplit(' ')
            .next()?
            .parse::<f64>()
            .ok()?;
        (count > 0.0).then_some(())
    });
    let all = scrape(&worker) + &scrape(&cluster.http);
    assert!(
        all.lines()
            .any(|l| l.starts_with("input_received{") && l.contains("stream=\"a\"")),
        "{all}"
    );
    for name in ["/health/live", "/health/ready", "/health"] {
        assert_eq!(get(format!("http://{worker}{name}")).0, 200, "{name}");
    }
    let offered: BTreeSet<&str> = all
        .lines()
        .filter_map(|l| l.strip_prefix("# TYPE "))
        .filter_map(|l| l.split(' ').next())
        .collect();
    for file in [
        "prometheus/rules.yaml",
        "grafana/airtruct.json",
        "kubernetes/autoscale.yaml",
    ] {
        let text = read(file);
        let prefixes = ["airtruct_", "process_", "input_", "output_", "processor_"];
        let is_metric = |word: &str| prefixes.iter().any(|p| word.starts_with(p));
        for name in words(&text, is_metric) {
            // A limit that this worker doesn't have.
            let is_optional = name == "airtruct_worker_capacity";
            assert!(
                offered.contains(name) || is_optional,
                "{file} asks for {name}; there are {offered:?}"
            );
        }
    }
}
