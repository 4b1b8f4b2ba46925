//! File paths with slashes.

/// Joins parts with slashes and tidies the result; empty parts are passed over.
pub(super) fn join<'p>(parts: impl Iterator<Item = &'p str>) -> String {
    let parts: Vec<&str> = parts.filter(|p| !p.is_empty()).collect();
    match parts.is_empty() {
        true => String::new(),
        false => clean(&parts.join("/")),
    }
}

/// The shortest path that means the same: no empty or `.` segments, `..` resolved where possible.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => match kept.last() {
                Some(&last) if last != ".." => {
                    kept.pop();
                }
                None if rooted => {}
                _ => kept.push(".."),
            },
            segment => kept.push(segment),
        }
    }
    let joined = kept.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_tidied() {
        for (parts, path) in [
            (&["/foo/", "bar.txt"][..], "/foo/bar.txt"),
            (&["a", "", "../b"], "b"),
            (&["..", "a", "..", ".."], "../.."),
            (&["/", "..", "a"], "/a"),
            (&["a/.."], "."),
            (&["", ""], ""),
        ] {
            assert_eq!(join(parts.iter().copied()), path);
        }
    }
}
