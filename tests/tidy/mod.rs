//! What the source tree promises about itself: layers, tables, migrations, sizes, headers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Which modules each top-level module of `src` may name with `crate::`, besides itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("formats", &[]),
    ("value", &["formats"]),
    ("message", &["value"]),
    ("codec", &["formats", "value"]),
    ("bloblang", &["formats", "value", "message", "codec"]),
    (
        "config",
        &["formats", "value", "message", "codec", "bloblang"],
    ),
    ("sqlite", &[]),
    ("telemetry", &["value", "message", "bloblang", "config"]),
    (
        "component",
        &[
            "value",
            "message",
            "formats",
            "codec",
            "bloblang",
            "config",
            "telemetry",
            "sqlite",
        ],
    ),
    (
        "engine",
        &[
            "value",
            "message",
            "formats",
            "codec",
            "bloblang",
            "config",
            "telemetry",
            "component",
            "tasks",
        ],
    ),
    ("ids", &[]),
    ("cluster", &["ids"]),
    ("proto", &[]),
    ("tasks", &[]),
    ("args", &["ids", "cluster", "config"]),
    ("store", &["ids", "cluster", "sqlite"]),
    ("history", &["ids", "cluster"]),
    (
        "coordinator",
        &[
            "ids",
            "cluster",
            "proto",
            "tasks",
            "args",
            "store",
            "history",
            "engine",
            "config",
            "telemetry",
        ],
    ),
    (
        "worker",
        &[
            "ids",
            "cluster",
            "proto",
            "tasks",
            "args",
            "history",
            "engine",
            "telemetry",
        ],
    ),
    (
        "api",
        &[
            "ids",
            "cluster",
            "args",
            "tasks",
            "telemetry",
            "coordinator",
            "store",
            "engine",
            "config",
            "component",
            "bloblang",
        ],
    ),
];

/// Lines that a file may have, tables and tests aside.
const MAX_LINES: usize = 500;

#[test]
fn modules_use_only_those_below_them() {
    let mut wrong = Vec::new();
    for file in rust_files(Path::new("src")) {
        let module = module_of(&file);
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            continue;
        };
        let text = fs::read_to_string(&file).expect("a source file");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for used in code
                .match_indices("crate::")
                .filter_map(|(at, _)| identifier(&code[at + 7..]))
            {
                let is_module = Path::new("src").join(used).is_dir()
                    || Path::new("src").join(format!("{used}.rs")).is_file();
                if is_module && used != module && !allowed.contains(&used) {
                    wrong.push(format!(
                        "{}:{}: {module} must not use {used}",
                        file.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_component_file_is_in_its_table_and_named_as_configs_name_it() {
    let kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([
        ("inputs", names::<dyn airtruct::component::BuildInput>()),
        (
            "processors",
            names::<dyn airtruct::component::BuildProcessor>(),
        ),
        ("outputs", names::<dyn airtruct::component::BuildOutput>()),
        ("buffers", names::<dyn airtruct::component::BuildBuffer>()),
        ("caches", names::<dyn airtruct::component::BuildCache>()),
        (
            "rate_limits",
            names::<dyn airtruct::component::BuildRateLimit>(),
        ),
        ("scanners", names::<dyn airtruct::component::BuildScanner>()),
    ]);
    let mut wrong = Vec::new();
    for (folder, names) in kinds {
        for file in rust_files(&Path::new("src/component").join(folder)) {
            let text = fs::read_to_string(&file).expect("a source file");
            for (at, _) in text.match_indices("spec! {") {
                let name = text[at..].split('"').nth(1).unwrap_or_default();
                if !names.contains(name) {
                    wrong.push(format!(
                        "{}: `{name}` is missing from the table in mod.rs",
                        file.display()
                    ));
                }
                let stem = file
                    .file_stem()
                    .and_then(|s| s.to_str())
                    .unwrap_or_default();
                let in_named_place = [name, &format!("{name}_")].contains(&stem)
                    || file
                        .components()
                        .any(|c| c.as_os_str().to_str() == Some(name))
                    || text.matches("spec! {").count() > 1;
                if !in_named_place {
                    wrong.push(format!(
                        "{}: declares `{name}`, so it should be {name}.rs",
                        file.display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn names<B: airtruct::component::Kind + ?Sized>() -> BTreeSet<&'static str> {
    let names: BTreeSet<&str> = B::table().iter().map(|s| s.name).collect();
    assert_eq!(
        names.len(),
        B::table().len(),
        "a {} stands twice in its table",
        B::NAME
    );
    names
}

#[test]
fn migrations_come_in_pairs() {
    let list = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{folder}: {e}"));
        entries
            .map(|e| {
                e.expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .filter(|n| n.ends_with(".sql"))
            .collect()
    };
    assert_eq!(list("migrations/sqlite"), list("migrations/postgres"));
}

#[test]
fn files_have_a_header_and_a_size_to_read() {
    let mut wrong = Vec::new();
    for file in rust_files(Path::new("src"))
        .into_iter()
        .chain(rust_files(Path::new("tests")))
    {
        let text = fs::read_to_string(&file).expect("a source file");
        if !text.starts_with("//!") {
            wrong.push(format!("{}: starts without a `//!` header", file.display()));
        }
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let is_table = code.lines().any(|l| l.starts_with("//! Table:"));
        if file.starts_with("src") && !is_table && code.lines().count() > MAX_LINES {
            wrong.push(format!(
                "{}: {} lines, more than {MAX_LINES}",
                file.display(),
                code.lines().count()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every Rust file below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The top-level module that a file of `src` belongs to.
fn module_of(file: &Path) -> String {
    let first = file
        .components()
        .nth(1)
        .expect("a path below src")
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn identifier(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (end > 0).then_some(&text[..end])
}
