//! How a component declares itself.

use crate::config::{FieldSpec, Linter, Node, Shape};
use std::sync::Arc;

/// How settled a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Stable,
    Beta,
    Experimental,
    Deprecated,
}

/// A component as its kind's table lists it. `B` is what the kind builds from: `dyn BuildInput`, …
pub struct Spec<B: ?Sized> {
    /// The key that names it in a config.
    pub name: &'static str,
    pub status: Status,
    /// What it does, in a sentence; what to know about it, in more.
    pub about: &'static str,
    /// What its config takes.
    pub shape: fn() -> Shape,
    /// Reads its config; none if something was wrong, which the linter then knows.
    pub read: fn(&Node, &mut Linter<'_>) -> Option<Arc<B>>,
}

impl<B: ?Sized> Spec<B> {
    /// The fields of the config, if it is a map of named fields.
    pub fn fields(&self) -> Vec<FieldSpec> {
        match (self.shape)() {
            Shape::Group(fields) => fields(),
            _ => Vec::new(),
        }
    }
}

/// A kind of component: its name and its table.
pub trait Kind: Send + Sync + 'static {
    /// As configs say it: `input`, `processor`, `rate_limit`, …
    const NAME: &'static str;
    /// Whether a list of `processors` may stand beside the component.
    const HAS_PROCESSORS: bool = false;

    fn table() -> &'static [&'static Spec<Self>];
}

/// Declares the row of a component: its kind's builder, its name, its config type, and its status unless that is stable.
///
/// ```text
/// spec! {
///     /// Makes messages by a mapping.
///     dyn BuildInput, "generate", Config
/// }
/// ```
#[macro_export]
macro_rules! spec {
    ($(#[doc = $doc:literal])* $kind:ty, $name:literal, $config:ty $(, $status:ident)?) => {
        /// This component's row.
        pub(crate) static SPEC: $crate::component::Spec<$kind> = $crate::component::Spec {
            name: $name,
            status: $crate::spec!(@status $($status)?),
            about: concat!($($doc, "\n"),*),
            shape: <$config as $crate::config::Field>::shape,
            read: |node, linter| {
                let config = <$config as $crate::config::Field>::read(node, linter)?;
                Some(std::sync::Arc::new(config))
            },
        };
    };
    (@status) => { $crate::component::Status::Stable };
    (@status $status:ident) => { $crate::component::Status::$status };
}
