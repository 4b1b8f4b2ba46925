//! What a field takes, said so that docs, JSON Schema and forms can be made from it.

/// The kind of value that a field takes.
#[derive(Clone, Debug)]
pub enum Shape {
    Bool,
    Int,
    Float,
    String,
    /// A string that may hold `${! }` queries, evaluated for each message.
    Interpolated,
    /// A Bloblang mapping.
    Mapping,
    /// A length of time, such as `1m30s`.
    Duration,
    /// A string that is kept out of logs, answers and events.
    Secret,
    /// A string out of a few.
    Choice(&'static [&'static str]),
    /// Any value.
    Any,
    List(Box<Shape>),
    Map(Box<Shape>),
    /// A map of named fields.
    Group(fn() -> Vec<FieldSpec>),
    /// A component of a kind: `input`, `processor`, `output`, …
    Component(&'static str),
}

/// One field of a group.
#[derive(Clone, Debug)]
pub struct FieldSpec {
    pub name: &'static str,
    pub doc: &'static str,
    pub shape: Shape,
    /// The default as YAML text; none where the field is required or may be left out without a value.
    pub default: Option<&'static str>,
    pub required: bool,
    /// For the few who need it: docs and forms show it last.
    pub advanced: bool,
}

/// A map of named fields, made by [`fields!`](crate::fields).
pub trait Group: Sized {
    /// The fields in the order in which docs show them.
    fn fields() -> Vec<FieldSpec>;
    /// Reads the fields from the entries of the group's node; none if something was wrong, which the linter then knows.
    fn read_entries(
        node: &super::Node,
        entries: &[super::Entry],
        linter: &mut super::Linter<'_>,
    ) -> Option<Self>;

    /// Reads the group, and reports keys that it doesn't have.
    fn read_group(node: &super::Node, linter: &mut super::Linter<'_>) -> Option<Self> {
        let known: Vec<&str> = Self::fields().iter().map(|f| f.name).collect();
        let entries = super::read_map(node, linter, &known)?;
        Self::read_entries(node, entries, linter)
    }
}
