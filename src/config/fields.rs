//! [`fields!`](crate::fields) and [`choice!`](crate::choice): a component's config declared once.

/// Declares a struct whose fields are read from a YAML map, linted and documented by this one declaration.
///
/// ```text
/// fields! {
///     /// What the group is.
///     pub struct Config {
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
            $($(#[doc = $doc:literal])* $field:ident : $type:ty $(= $default:literal)? $([$flag:ident])?),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[doc = $doc])* pub $field: $type,)*
        }

        impl $crate::config::Group for $name {
            fn fields() -> Vec<$crate::config::FieldSpec> {
                vec![$($crate::config::FieldSpec {
                    name: $crate::fields!(@name $field),
                    doc: concat!($($doc, "\n"),*),
                    shape: <$type as $crate::config::Field>::shape(),
                    default: $crate::fields!(@default $($default)?),
                    required: $crate::fields!(@default $($default)?).is_none() && <$type as $crate::config::Field>::absent().is_none(),
                    advanced: $crate::fields!(@advanced $($flag)?),
                }),*]
            }

            fn read_group(node: &$crate::config::Node, linter: &mut $crate::config::Linter<'_>) -> Option<Self> {
                let entries = $crate::config::read_map(node, linter, &[$($crate::fields!(@name $field)),*])?;
                $(let $field = $crate::config::Required {
                    name: $crate::fields!(@name $field),
                    default: $crate::fields!(@default $($default)?),
                }.read::<$type>(node, entries, linter);)*
                let _ = entries;
                Some($name { $($field: $field?),* })
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
                        let known = [$($text),*];
                        let hint = match $crate::config::nearest(&text, &known) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("it takes {}", known.join(", ")),
                        };
                        linter.error(node.place, format!("value {text} is not a valid option for this field ({hint})"));
                        None
                    }
                }
            }
        }
    };
}
