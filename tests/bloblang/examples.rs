//! Every example of every function and method runs, and gives what it says.

use airtruct::bloblang::functions::FUNCTIONS;
use airtruct::bloblang::methods::METHODS;
use airtruct::bloblang::spec::Example;
use airtruct::bloblang::{Environment, Mapped, Mapping};
use airtruct::message::Message;
use std::collections::BTreeSet;

#[test]
fn examples_of_methods_hold() {
    let methods = METHODS.iter().flat_map(|(_, table)| table.iter());
    check(methods.map(|m| (m.name, m.about, m.examples)));
}

#[test]
fn examples_of_functions_hold() {
    let functions = FUNCTIONS.iter().flat_map(|(_, table)| table.iter());
    check(functions.map(|f| (f.name, f.about, f.examples)));
}

/// Runs the examples of a table, and checks that names are unique and everything is documented.
fn check(entries: impl Iterator<Item = (&'static str, &'static str, &'static [Example])>) {
    let mut wrong = Vec::new();
    let mut names = BTreeSet::new();
    for (name, about, examples) in entries {
        if !names.insert(name) {
            wrong.push(format!("{name} stands twice in the tables"));
        }
        if about.is_empty() {
            wrong.push(format!("{name} says nothing about itself"));
        }
        for example in examples {
            wrong.extend(
                run(example)
                    .err()
                    .map(|why| format!("{name}: {}\n{why}", example.mapping)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Runs an example's cases in turn on one mapping.
fn run(example: &Example) -> Result<(), String> {
    let mapping =
        Mapping::parse(example.mapping, &Environment::default()).map_err(|e| e.to_string())?;
    for (input, wanted) in example.cases {
        let batch = [Message::new(*input)];
        let got = match mapping.map(&batch, 0) {
            Ok(Mapped::Message(message)) => String::from_utf8_lossy(message.bytes()).into_owned(),
            Ok(Mapped::Deleted) => "deleted".into(),
            Err(e) => format!("Error: {e}"),
        };
        if got != *wanted {
            return Err(format!("  {input}\n  wanted {wanted}\n  got    {got}"));
        }
    }
    Ok(())
}
