//! Steps from a node to what is in it, as `-s path=value` and the pointers of tests take them.

use super::{Data, Node, Place};

/// The index that a step means in a list of this length: a number from its beginning, or a negative one from its end. `-` is the one
/// after the last, where something may be appended.
fn index(step: &str, length: usize, may_append: bool) -> Result<usize, String> {
    if step == "-" {
        return match may_append {
            true => Ok(length),
            false => Err(format!("{step}: append directive not allowed")),
        };
    }
    let number: i64 = step
        .parse()
        .map_err(|_| format!("{step}: failed to parse path segment as array index"))?;
    let index = match number < 0 {
        true => length as i64 + number,
        false => number,
    };
    match usize::try_from(index) {
        Err(_) => Err(format!("{step}: target index less than zero")),
        Ok(index) if index >= length => {
            Err(format!("{step}: target index greater than array length"))
        }
        Ok(index) => Ok(index),
    }
}

/// The element that a step means in a list, made where the step appends.
pub fn element<'n>(
    nodes: &'n mut Vec<Node>,
    step: &str,
    place: Place,
) -> Result<&'n mut Node, String> {
    let index = index(step, nodes.len(), true)?;
    if index == nodes.len() {
        nodes.push(Node::new(place, Data::Null));
    }
    Ok(&mut nodes[index])
}

impl Node {
    /// The node that steps lead to; the error tells how far they lead.
    pub fn at<S: AsRef<str>>(&self, steps: &[S]) -> Result<&Node, String> {
        let Some((step, rest)) = steps.split_first() else {
            return Ok(self);
        };
        let step = step.as_ref();
        let next = match &self.data {
            Data::List(nodes) => &nodes[index(step, nodes.len(), false)?],
            _ => self
                .get(step)
                .ok_or_else(|| format!("{step}: key not found in mapping"))?,
        };
        next.at(rest).map_err(|e| format!("{step}.{e}"))
    }

    /// As [`Node::at`], to change what is there. A step `-` appends a null.
    pub fn at_mut<S: AsRef<str>>(&mut self, steps: &[S]) -> Result<&mut Node, String> {
        let Some((step, rest)) = steps.split_first() else {
            return Ok(self);
        };
        let step = step.as_ref();
        let place = self.place;
        let next = match &mut self.data {
            Data::List(nodes) => element(nodes, step, place)?,
            Data::Map(entries) => {
                let entry = entries.iter_mut().rev().find(|e| e.key == step);
                &mut entry
                    .ok_or_else(|| format!("{step}: key not found in mapping"))?
                    .node
            }
            _ => return Err(format!("{step}: key not found in mapping")),
        };
        next.at_mut(rest).map_err(|e| format!("{step}.{e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_lead_to_nodes() {
        let mut root = Node::parse("{a: [{b: 1}, {b: 2}], '': {'': 3}}").expect("YAML");
        for (path, wanted) in [
            ("a.0.b", Ok("1")),
            ("a.-1.b", Ok("2")),
            ("a.-2.b", Ok("1")),
            (".", Ok("3")),
            ("a.-3.b", Err("a.-3: target index less than zero")),
            ("a.2.b", Err("a.2: target index greater than array length")),
            ("a.-.b", Err("a.-: append directive not allowed")),
            ("a.0.c", Err("a.0.c: key not found in mapping")),
            ("a.0.b.c", Err("a.0.b.c: key not found in mapping")),
        ] {
            let steps: Vec<&str> = path.split('.').collect();
            let found = root.at(&steps).map(|n| n.to_json().to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), wanted, "{path}");
        }
        let added = root.at_mut(&["a", "-"]).expect("room");
        added.data = Data::Int(5);
        assert_eq!(root.at(&["a", "2"]).map(Node::to_json), Ok(5.into()));
    }
}
