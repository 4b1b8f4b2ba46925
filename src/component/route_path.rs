//! The paths of routes: what they match, and what their parts in braces are then.

use anyhow::Context as _;
use regex::Regex;
use std::borrow::Cow;

/// A route's path. Parts in braces take a part of the path each, or what the regular expression behind a colon says:
/// `/users/{id}`, `/orders/{number:[0-9]+}`, `/files/{rest:.*}`. One that ends with a slash matches everything below it.
pub(crate) struct RoutePath {
    text: String,
    /// None where nothing is in braces.
    braced: Option<(Regex, Vec<String>)>,
}

/// What parts in braces matched, by their names.
pub type Params = Vec<(String, String)>;

impl RoutePath {
    pub fn parse(text: &str) -> anyhow::Result<RoutePath> {
        let mut pattern = String::from("^");
        let mut names = Vec::new();
        let mut rest = text;
        while let Some((before, braced)) = rest.split_once('{') {
            let end = end_of_brace(braced)
                .with_context(|| format!("the path {text} has a brace without its end"))?;
            let (name, expression) = match braced[..end].split_once(':') {
                Some((name, expression)) => (name, expression),
                None => (&braced[..end], "[^/]+"),
            };
            pattern += &regex::escape(before);
            pattern += &format!("(?<p{}>{expression})", names.len());
            names.push(name.to_owned());
            rest = &braced[end + 1..];
        }
        pattern += &regex::escape(rest);
        if !text.ends_with('/') {
            pattern.push('$');
        }
        let regex = match names.is_empty() {
            true => None,
            false => Some(Regex::new(&pattern).with_context(|| format!("the path {text}"))?),
        };
        Ok(RoutePath {
            text: text.to_owned(),
            braced: regex.map(|regex| (regex, names)),
        })
    }

    /// A path without parts in braces.
    pub fn plain(text: &str) -> RoutePath {
        RoutePath {
            text: text.to_owned(),
            braced: None,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches everything below it.
    pub fn is_prefix(&self) -> bool {
        self.text.ends_with('/')
    }

    /// What the parts in braces match in a path; none where it doesn't match.
    pub fn matched(&self, path: &str) -> Option<Params> {
        match &self.braced {
            None if self.is_prefix() => path.starts_with(&self.text).then(Vec::new),
            None => (path == self.text).then(Vec::new),
            Some((regex, names)) => {
                let found = regex.captures(path)?;
                let param = |(i, name): (usize, &String)| {
                    let matched = found.name(&format!("p{i}"));
                    let matched = matched.map(|m| m.as_str()).unwrap_or_default();
                    (name.clone(), matched.to_owned())
                };
                Some(names.iter().enumerate().map(param).collect())
            }
        }
    }
}

/// Where the brace ends that begins before `text`; its expression may have braces of its own.
fn end_of_brace(text: &str) -> Option<usize> {
    let mut open = 1;
    text.bytes().position(|byte| {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        open == 0
    })
}

/// A path without empty parts, `.` and `..`.
pub(super) fn clean(path: &str) -> Cow<'_, str> {
    if !path.contains("//") && !path.contains("/.") {
        return Cow::Borrowed(path);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let end = match path.ends_with('/') && !parts.is_empty() {
        true => "/",
        false => "",
    };
    Cow::Owned(format!("/{}{end}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_as_a_whole_or_below_a_slash() {
        for (route, path, wanted) in [
            ("/a", "/a", Some("")),
            ("/a", "/a/", None),
            ("/a.b", "/axb", None),
            ("/a/", "/a/b/c", Some("")),
            ("/a/", "/a", None),
            ("/", "/x", Some("")),
            ("/a/{id}", "/a/b c", Some("id=b c")),
            ("/a/{id}", "/a/b/c", None),
            ("/a/{id}", "/a/", None),
            ("/{x}/b/{y}", "/1/b/2", Some("x=1,y=2")),
            ("/{n:[0-9]{2}}/b", "/12/b", Some("n=12")),
            ("/{n:[0-9]{2}}/b", "/123/b", None),
            ("/{a:(x|y)+}-{b}", "/xy-z", Some("a=xy,b=z")),
            ("/a/{rest:.*}", "/a/b/c", Some("rest=b/c")),
            ("/a/{rest:.*}", "/a/", Some("rest=")),
            ("/a/{rest:.*}", "/a", None),
            ("/a/{id}/", "/a/b/c", Some("id=b")),
        ] {
            let parsed = RoutePath::parse(route).expect("a path");
            let params = parsed.matched(path).map(|params| {
                let shown: Vec<_> = params.iter().map(|(k, v)| format!("{k}={v}")).collect();
                shown.join(",")
            });
            assert_eq!(params.as_deref(), wanted, "{route} {path}");
        }
        for wrong in ["/{a", "/{a:(}"] {
            assert!(RoutePath::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_are_cleaned() {
        for (path, wanted) in [
            ("/a/b", "/a/b"),
            ("//a///b/", "/a/b/"),
            ("/a/../b", "/b"),
            ("/../..", "/"),
            ("/a/./b/..", "/a"),
            ("/a/.b", "/a/.b"),
        ] {
            assert_eq!(clean(path), wanted);
        }
    }
}
