//! `airtruct create`: a config to start from, with a comment on each field.

use std::{fmt::Write, process::ExitCode};

use anyhow::Context;

use crate::component::describe::{self, Described};
use crate::config::{FieldSpec, Shape, nearest};

/// Print a config of the components named, with the default of each field and what it is for
#[derive(clap::Args)]
#[command(after_help = "Example: airtruct create generate/mapping,log/stdout > stream.yaml")]
pub struct Args {
    /// The input, the processors and the output: `stdin/mapping,log/stdout`; any of them may be left out, as in `stdin//stdout`
    #[arg(value_name = "INPUT/PROCESSORS/OUTPUT", default_value = "stdin//stdout")]
    components: String,
    /// Leaves out comments, and the fields that are for the few who need them
    #[arg(short, long)]
    small: bool,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    print!("{}", config(&args.components, args.small)?);
    Ok(ExitCode::SUCCESS)
}

/// The config of an expression such as `stdin/mapping,log/stdout`.
fn config(expression: &str, small: bool) -> anyhow::Result<String> {
    let mut parts = expression.split('/');
    let mut next = || parts.next().unwrap_or_default();
    let (input, processors, output) = (next(), next(), next());
    anyhow::ensure!(parts.next().is_none(), "there are more than three parts in `{expression}`");
    let all = describe::all();
    let mut out = String::new();
    if !input.is_empty() {
        out.push_str("input:\n");
        component(find(&all, "input", input)?, 1, small, &mut out);
    }
    if !processors.is_empty() {
        out.push_str("pipeline:\n  processors:\n");
        for name in processors.split(',') {
            let mut one = String::new();
            component(find(&all, "processor", name.trim())?, 3, small, &mut one);
            // The first line of a list's element begins with a dash.
            let _ = write!(out, "    - {}", one.trim_start());
        }
    }
    if !output.is_empty() {
        out.push_str("output:\n");
        component(find(&all, "output", output)?, 1, small, &mut out);
    }
    Ok(out)
}

fn find<'a>(all: &'a [Described], kind: &str, name: &str) -> anyhow::Result<&'a Described> {
    let of_kind: Vec<&Described> = all.iter().filter(|c| c.kind == kind).collect();
    let found = of_kind.iter().find(|c| c.name == name).copied();
    let names: Vec<&str> = of_kind.iter().map(|c| c.name).collect();
    found.with_context(|| match nearest(name, &names) {
        Some(near) => format!("there is no {kind} `{name}` (did you mean `{near}`?)"),
        None => format!("there is no {kind} `{name}`: `airtruct list {kind}s` names them"),
    })
}

/// Writes a component with its fields, `depth` levels in.
fn component(component: &Described, depth: usize, small: bool, out: &mut String) {
    let indent = "  ".repeat(depth);
    match (component.shape)() {
        Shape::Group(fields) => {
            let shown: Vec<FieldSpec> = fields().into_iter().filter(|f| !small || !f.advanced).collect();
            if shown.is_empty() {
                let _ = writeln!(out, "{indent}{}: {{}}", component.name);
                return;
            }
            let _ = writeln!(out, "{indent}{}:", component.name);
            shown.iter().for_each(|f| field(f, depth + 1, small, out));
        }
        shape => {
            let _ = writeln!(out, "{indent}{}: {}", component.name, empty(&shape));
        }
    }
}

fn field(spec: &FieldSpec, depth: usize, small: bool, out: &mut String) {
    let indent = "  ".repeat(depth);
    if !small {
        for line in spec.doc.trim().lines() {
            let _ = writeln!(out, "{indent}# {}", line.trim());
        }
    }
    let name = spec.name;
    match (spec.default, &spec.shape) {
        (Some("{}"), Shape::Group(fields)) if depth < 8 => {
            let shown: Vec<FieldSpec> = fields().into_iter().filter(|f| !small || !f.advanced).collect();
            if shown.is_empty() {
                let _ = writeln!(out, "{indent}{name}: {{}}");
                return;
            }
            let _ = writeln!(out, "{indent}{name}:");
            shown.iter().for_each(|f| field(f, depth + 1, small, out));
        }
        // The default is a map in block form: it goes below.
        (Some(default), Shape::Component(_)) => {
            let _ = writeln!(out, "{indent}{name}:\n{indent}  {default}");
        }
        (Some(default), _) => {
            let _ = writeln!(out, "{indent}{name}: {default}");
        }
        (None, shape) if spec.required => {
            let _ = writeln!(out, "{indent}{name}: {} # required", empty(shape));
        }
        (None, _) if small => {}
        (None, shape) => {
            let _ = writeln!(out, "{indent}# {name}: {} # may be left out", empty(shape));
        }
    }
}

/// A value of a shape with nothing in it yet.
fn empty(shape: &Shape) -> &'static str {
    match shape {
        Shape::Bool => "false",
        Shape::Int | Shape::Float => "0",
        Shape::Choice(choices) => choices.first().copied().unwrap_or("''"),
        Shape::List(_) => "[]",
        Shape::Map(_) | Shape::Group(_) | Shape::Component(_) => "{}",
        _ => "''",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Node;

    #[test]
    fn every_component_makes_a_config_that_is_yaml() {
        for one in describe::all() {
            let expression = match one.kind {
                "input" => one.name.to_owned(),
                "processor" => format!("/{}", one.name),
                "output" => format!("//{}", one.name),
                _ => continue,
            };
            for small in [false, true] {
                let text = config(&expression, small).expect("a config");
                let node = Node::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
                assert!(node.as_map().is_some_and(|m| m.len() == 1), "{text}");
            }
        }
        let text = config("generate/log/drop", true).expect("a config");
        assert!(text.contains("  generate:\n    mapping: '' # required\n    interval: 1s\n"), "{text}");
        assert!(config("generat", true).is_err_and(|e| e.to_string().contains("did you mean `generate`?")));
    }
}
