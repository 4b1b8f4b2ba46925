//! [`fields!`](crate::fields) and [`choice!`](crate::choice): a component's config declared once.

/// Declares a struct whose fields are read from a YAML map, linted and documented by this one declaration.
///
/// ```text
/// fields! {
///     /// What the group is.
///     pub struct Config {
///         // The fields of another group, as if they stood here after all others.
///         ..http: HttpRequest,
///         /// Required: has no default.
///         path: Interpolated,
///         /// The default is YAML text.
///         count: u64 = "0",
///         /// May be left out.
///         key: Option<Mapping>,
///         /// Shown last.
///         max_buffer: usize = "65536" [advanced],
///     }
/// }
/// ```
///
/// A raw identifier (`r#type`) names the field without its prefix.
#[macro_export]
macro_rules! fields {
    (
        $(#[doc = $about:literal])*
        $vis:vis struct $name:ident {
            $(.. $shared:ident : $group:ty,)*
            $($(#[doc = $doc:literal])* $field:ident : $type:ty $(= $default:literal)? $([$flag:ident])?),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[doc = $doc])* pub $field: $type,)*
            $(pub $shared: $group,)*
        }

        impl $crate::config::Group for $name {
            fn fields() -> Vec<$crate::config::FieldSpec> {
                let own = vec![$($crate::config::FieldSpec {
                    name: $crate::fields!(@name $field),
                    doc: concat!($($doc, "\n"),*),
                    shape: <$type as $crate::config::Field>::shape(),
                    default: $crate::fields!(@default $($default)?),
                    required: $crate::fields!(@default $($default)?).is_none() && <$type as $crate::config::Field>::absent().is_none(),
                    advanced: $crate::fields!(@advanced $($flag)?),
                }),*];
                own.into_iter()$(.chain(<$group as $crate::config::Group>::fields()))*.collect()
            }

            fn read_entries(node: &$crate::config::Node, entries: &[$crate::config::Entry], linter: &mut $crate::config::Linter<'_>) -> Option<Self> {
                $(let $field = $crate::config::Required {
                    name: $crate::fields!(@name $field),
                    default: $crate::fields!(@default $($default)?),
                }.read::<$type>(node, entries, linter);)*
                $(let $shared = <$group as $crate::config::Group>::read_entries(node, entries, linter);)*
                let _ = (node, entries, linter);
                Some($name { $($field: $field?,)* $($shared: $shared?,)* })
            }
        }

        impl $crate::config::Field for $name {
            fn shape() -> $crate::config::Shape {
                $crate::config::Shape::Group(<$name as $crate::config::Group>::fields)
            }

            fn read(node: &$crate::config::Node, linter: &mut $crate::config::Linter<'_>) -> Option<Self> {
                <$name as $crate::config::Group>::read_group(node, linter)
            }
        }
    };
    (@name $field:ident) => { stringify!($field).trim_start_matches("r#") };
    (@default) => { None::<&'static str> };
    (@default $default:literal) => { Some($default) };
    (@advanced) => { false };
    (@advanced advanced) => { true };
}

/// Declares an enum that is read from one of a few strings.
///
/// ```text
/// choice! {
///     /// How to write.
///     pub enum Mode { Append = "append", Replace = "replace" }
/// }
/// ```
#[macro_export]
macro_rules! choice {
    ($(#[doc = $about:literal])* $vis:vis enum $name:ident { $($(#[doc = $doc:literal])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[doc = $doc])* $variant),* }

        impl $crate::config::Field for $name {
            fn shape() -> $crate::config::Shape {
                $crate::config::Shape::Choice(&[$($text),*])
            }

            fn read(node: &$crate::config::Node, linter: &mut $crate::config::Linter<'_>) -> Option<Self> {
                let text = <String as $crate::config::Field>::read(node, linter)?;
                match text.as_str() {
                    $($text => Some($name::$variant),)*
                    _ => {
                        linter.no_option(node.place, &text, &[$($text),*]);
                        None
                    }
                }
            }
        }
    };
}

/// Declares a config that is one value and not a map of fields, such as a list of outputs or a label.
///
/// ```text
/// single! {
///     /// The outputs, in the order in which they are tried.
///     pub struct Config(Vec<OutputConfig>);
/// }
/// ```
#[macro_export]
macro_rules! single {
    ($(#[doc = $about:literal])* $vis:vis struct $name:ident($type:ty);) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        $vis struct $name(pub $type);

        impl $crate::config::Field for $name {
            fn shape() -> $crate::config::Shape {
                <$type as $crate::config::Field>::shape()
            }

            fn read(node: &$crate::config::Node, linter: &mut $crate::config::Linter<'_>) -> Option<Self> {
                <$type as $crate::config::Field>::read(node, linter).map($name)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::config::{Field, Group, Linter, Node};

    crate::fields! {
        /// What several groups have.
        struct Shared {
            /// Has a default.
            count: u64 = "3",
        }
    }
    crate::fields! {
        /// A group.
        struct Whole {
            ..shared: Shared,
            /// Required.
            path: String,
        }
    }

    #[test]
    fn the_fields_of_a_shared_group_stand_among_the_others() {
        let names: Vec<&str> = Whole::fields().iter().map(|f| f.name).collect();
        assert_eq!(names, ["path", "count"]);
        let environment: crate::bloblang::Environment = Default::default();
        let mut linter = Linter::new(&environment);
        let node = Node::parse("{path: x, count: 7, cuont: 1}").expect("valid");
        let whole = Whole::read(&node, &mut linter).expect("complete");
        assert_eq!((whole.path.as_str(), whole.shared.count), ("x", 7));
        assert_eq!(linter.into_problems().len(), 1);
    }
}
