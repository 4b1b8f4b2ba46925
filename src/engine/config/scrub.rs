//! A config to be shown: without what is nobody's business.

use super::StreamConfig;
use crate::component::describe;
use crate::config::{Data, Group, Node, Shape};

/// What stands in the place of a secret, as with the peers.
const SCRUBBED: &str = "!!!SECRET_SCRUBBED!!!";

/// The config with its secrets replaced: the fields that hold such, and passwords within URLs.
pub fn scrubbed(mut root: Node) -> Node {
    scrub(&mut root, &Shape::Group(StreamConfig::fields));
    root
}

fn scrub(node: &mut Node, shape: &Shape) {
    match (&mut node.data, shape) {
        (Data::Null, _) => {}
        (Data::Text { text, .. }, Shape::Secret) if text.is_empty() => {}
        (_, Shape::Secret) => *node = Node::text(SCRUBBED, node.place),
        (Data::Text { text, .. }, _) => {
            if let Some(masked) = without_password(text) {
                *text = masked;
            }
        }
        (Data::List(nodes), shape) => {
            let inner = match shape {
                Shape::List(inner) => inner,
                // One in the place of a list.
                shape => shape,
            };
            nodes.iter_mut().for_each(|node| scrub(node, inner));
        }
        (Data::Map(entries), shape) => {
            let fields = match shape {
                Shape::Group(fields) => fields(),
                _ => Vec::new(),
            };
            for entry in entries {
                let field = fields.iter().find(|f| f.name == entry.key);
                match (shape, field) {
                    (Shape::Component(_), _) if entry.key == "processors" => {
                        scrub(
                            &mut entry.node,
                            &Shape::List(Box::new(Shape::Component("processor"))),
                        );
                    }
                    (Shape::Component(kind), _) => {
                        scrub(&mut entry.node, &component(kind, &entry.key))
                    }
                    (Shape::Map(inner) | Shape::List(inner), _) => scrub(&mut entry.node, inner),
                    (_, Some(field)) => scrub(&mut entry.node, &field.shape),
                    (_, None) => scrub(&mut entry.node, &Shape::Any),
                }
            }
        }
        _ => {}
    }
}

/// The shape of a component's config.
fn component(kind: &str, name: &str) -> Shape {
    let all = describe::all();
    let found = all.iter().find(|c| c.kind == kind && c.name == name);
    found.map_or(Shape::Any, |component| (component.shape)())
}

/// A text in which each URL keeps its user and loses its password; none if there is no such password.
fn without_password(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let authority = after
            .split(['/', '?', '#', ' ', '"', '\''])
            .next()
            .unwrap_or_default();
        let user = authority
            .rsplit_once('@')
            .and_then(|(user, _)| user.split_once(':'));
        rest = match user {
            Some((user, password)) => {
                out.push_str(user);
                out.push(':');
                out.push_str(SCRUBBED);
                &after[user.len() + 1 + password.len()..]
            }
            None => after,
        };
    }
    out.push_str(rest);
    (out != text).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_wherever_they_stand() {
        let text = "
input: {http_client: {url: 'http://me:pw@x/a@b', basic_auth: {username: me, password: pw}, oauth: {consumer_secret: ''}}}
pipeline: {processors: [{try: [{http: {url: x, basic_auth: {password: pw}}}]}]}
output: {broker: {outputs: [{drop: {}, processors: [{http: {url: x, basic_auth: {password: pw}}}]}]}}
http: {basic_auth: {password_hash: pw}}
";
        let shown = scrubbed(Node::parse(text).expect("YAML"))
            .to_json()
            .to_string();
        assert!(!shown.contains("pw"), "{shown}");
        assert_eq!(shown.matches(SCRUBBED).count(), 5, "{shown}");
        assert!(
            shown.contains("\"consumer_secret\":\"\"") && shown.contains("@x/a@b"),
            "{shown}"
        );
    }
}
