//! Reads the YAML file of settings.

use std::collections::BTreeMap;

use super::SETTINGS;
use crate::config::{Node, nearest};

/// A setting's text and its place, `FILE:LINE:COLUMN`.
type Found = (String, String);

/// Reads a settings file: by name, the value's text and its place (`FILE:LINE:COLUMN`).
pub(super) fn read(
    text: &str,
    path: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, Found>, String> {
    let root = Node::parse(text).map_err(|e| format!("{path}:{e}"))?;
    let mut found = BTreeMap::new();
    collect("", &root, path, env, &mut found)?;
    Ok(found)
}

/// Nested keys are joined with dots; `labels` may be a map, and lists become texts with commas.
fn collect(
    prefix: &str,
    node: &Node,
    path: &str,
    env: &dyn Fn(&str) -> Option<String>,
    found: &mut BTreeMap<String, Found>,
) -> Result<(), String> {
    let Some(entries) = node.as_map() else {
        return match node.kind() {
            "null" => Ok(()),
            kind => Err(format!(
                "{path}:{}: settings are a map and not {kind}",
                node.place
            )),
        };
    };
    for entry in entries {
        let place = format!("{path}:{}", entry.place);
        let name = format!("{prefix}{}", entry.key.replace('_', "-"));
        let is_group = SETTINGS
            .iter()
            .any(|s| s.name.starts_with(&format!("{name}.")));
        if is_group {
            collect(&format!("{name}."), &entry.node, path, env, found)?;
            continue;
        }
        if !SETTINGS.iter().any(|s| s.name == name) {
            let names: Vec<&str> = SETTINGS.iter().map(|s| s.name).collect();
            let hint = nearest(&name, &names).map(|n| format!(" (did you mean `{n}`?)"));
            let hint = hint.unwrap_or_default();
            return Err(format!("{place}: unknown setting `{name}`{hint}"));
        }
        let text = setting_text(&entry.node)
            .ok_or_else(|| format!("{place}: {name} can't be {}", entry.node.kind()))?;
        let text = expand(&text, env).map_err(|why| format!("{place}: {name}: {why}"))?;
        found.insert(name, (text, place));
    }
    Ok(())
}

fn setting_text(node: &Node) -> Option<String> {
    if let Some(entries) = node.as_map() {
        let pairs: Option<Vec<String>> = entries
            .iter()
            .map(|e| Some(format!("{}={}", e.key, e.node.scalar_text()?)))
            .collect();
        return Some(pairs?.join(","));
    }
    if let Some(nodes) = node.as_list() {
        let texts: Option<Vec<_>> = nodes.iter().map(Node::scalar_text).collect();
        return Some(texts?.join(","));
    }
    node.scalar_text().map(|text| text.into_owned())
}

/// Replaces `${VAR}` and `${VAR:-default}`; a variable that is neither set nor has a default is an error.
fn expand(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        let body = &rest[start + 2..];
        let end = body
            .find('}')
            .ok_or_else(|| "a `${` has no `}`".to_owned())?;
        let (name, default) = match body[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&body[..end], None),
        };
        let value = env(name).filter(|v| !v.is_empty());
        match value.as_deref().or(default) {
            Some(value) => out.push_str(value),
            None => {
                return Err(format!(
                    "the variable {name} is not set: set it or write ${{{name}:-default}}"
                ));
            }
        }
        rest = &body[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}
