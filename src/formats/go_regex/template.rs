//! What a match is replaced by: text with references such as `$1` and `${name}`.

/// A replacement with references to groups: `$1`, `${name}`, and `$$` for a dollar.
#[derive(Clone, Debug)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    /// The first of these groups that took part in the match.
    Groups(Vec<usize>),
}

impl Template {
    /// Reads a template for a regex whose groups have these names, the whole match being the first. References to groups that there
    /// aren't stand for nothing.
    pub fn new(template: &str, names: &[Option<&str>]) -> Template {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            text.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                text.push('$');
                rest = after;
                continue;
            }
            let Some((name, after)) = reference(after) else {
                text.push('$');
                rest = after;
                continue;
            };
            rest = after;
            let groups = groups(name, names);
            if !groups.is_empty() {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Groups(groups));
            }
        }
        text.push_str(rest);
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Template(pieces)
    }

    /// Appends the template with its references replaced by what `group` gives for them.
    pub fn expand<'h>(&self, group: impl Fn(usize) -> Option<&'h [u8]>, out: &mut Vec<u8>) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Groups(groups) => {
                    let found = groups.iter().find_map(|index| group(*index));
                    out.extend_from_slice(found.unwrap_or_default());
                }
            }
        }
    }

    /// The text, if there are no references in it.
    pub fn as_text(&self) -> Option<&str> {
        match &self.0[..] {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// The name that a reference begins with, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if let Some(inner) = text.strip_prefix('{') {
        let (name, after) = inner.split_once('}')?;
        return (!name.is_empty() && name.chars().all(is_word)).then_some((name, after));
    }
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn groups(name: &str, names: &[Option<&str>]) -> Vec<usize> {
    let is_number =
        name.bytes().all(|b| b.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0'));
    if is_number {
        let number = name.parse().ok().filter(|n| *n < names.len());
        return number.into_iter().collect();
    }
    let named = |n: &usize| names[*n] == Some(name);
    (0..names.len()).filter(named).collect()
}
