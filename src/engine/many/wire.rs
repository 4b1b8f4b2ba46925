//! The shapes in which streams are shown to tools that were written for the peers' streams mode.

use crate::config::Problem;
use crate::formats::duration;
use serde_json::{Map, Value as Json, json};
use std::time::Duration;

/// What a list of streams says about one.
pub fn state(is_active: bool, uptime: Duration) -> Map<String, Json> {
    let mut state = Map::new();
    state.insert("active".into(), is_active.into());
    state.insert("uptime".into(), uptime.as_secs_f64().into());
    state.insert("uptime_str".into(), duration::show(uptime).into());
    state
}

/// What is said about one stream alone.
pub fn detail(is_active: bool, uptime: Duration, config: Json) -> Json {
    let mut detail = state(is_active, uptime);
    detail.insert("config".into(), config);
    detail.into()
}

/// What one stream counted, `counted` being an object of its metrics.
pub fn stats(counted: Json, uptime: Duration) -> Json {
    let mut stats = counted;
    let nanoseconds = u64::try_from(uptime.as_nanos()).unwrap_or(u64::MAX);
    stats["uptime_ns"] = nanoseconds.into();
    stats
}

/// The body of an answer that refuses a config for what the lint found.
pub fn lint_errors(errors: &[String]) -> Json {
    json!({ "lint_errors": errors })
}

/// A problem of a config in one line.
pub fn problem(problem: &Problem) -> String {
    let place = problem.place;
    format!("({},{}) {}", place.line, place.column, problem.message)
}

/// What a config is refused with in which the type of a component isn't known: nothing can be said about such a component, and like what
/// isn't YAML that isn't a matter of lint.
pub fn untyped<'p>(errors: impl IntoIterator<Item = &'p Problem>) -> Option<String> {
    let mut errors = errors.into_iter();
    let unknown = errors.find(|p| p.message.starts_with("unable to infer"))?;
    // The peers know the line only.
    Some(format!("({},1) {}", unknown.place.line, unknown.message))
}

/// Lays one config over another: maps key by key, everything else whole.
pub fn merge(base: &mut Json, over: Json) {
    match (base, over) {
        (Json::Object(base), Json::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Json::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configs_are_laid_over_each_other() {
        let mut base = json!({"a": {"b": 1, "c": [1, 2]}, "d": "x"});
        merge(&mut base, json!({"a": {"c": [3]}, "d": {"e": null}}));
        assert_eq!(base, json!({"a": {"b": 1, "c": [3]}, "d": {"e": null}}));
    }

    #[test]
    fn a_stream_is_shown_with_its_uptime() {
        let shown = detail(true, Duration::from_millis(1500), json!({}));
        let want = json!({"active": true, "uptime": 1.5, "uptime_str": "1.5s", "config": {}});
        assert_eq!(shown, want);
    }
}
