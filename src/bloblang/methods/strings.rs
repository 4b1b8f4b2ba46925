//! Table: methods on text. Where bytes are taken too, the result is bytes.

use super::common::{
    Text, bytes_arg, int, map_chunks, map_well_formed, nested, str_arg, string, string_bytes,
    writable,
};
use super::{case, escape, filepath, html, replace, slug};
use crate::bloblang::spec::{
    CallError, Example, MethodCall, MethodFn, MethodSpec, Param, ParamKind, Status,
};
use crate::codec::go_fmt;
use crate::formats::go_quote;
use crate::value::{Array, Str, Value, well_formed};
use memchr::memmem;
use unicode_segmentation::UnicodeSegmentation;

/// The longest text that `repeat` makes.
const MAX_REPEATED: usize = 64 << 20;

const VALUE: Param = Param::new("value", ParamKind::String, "The text to look for.");
const OLD_NEW: &[Param] = &[
    Param::new("old", ParamKind::String, "The text to replace."),
    Param::new("new", ParamKind::String, "What to put in its place."),
];
const PAIRS: &[Param] = &[Param::new(
    "values",
    ParamKind::Array,
    "What to replace and what to put in its place, in turns.",
)];
const SECRET: &[Param] = &[Param::new(
    "hashed_secret",
    ParamKind::String,
    "The hash, with the settings that it was made with.",
)];

pub(super) static TABLE: &[MethodSpec] = &[
    MethodSpec::new(
        "capitalize",
        "Begins every word with a capital letter and writes the rest of it in small ones.",
        &[],
        &[Example::new(
            "A title.",
            "root.title = this.title.capitalize()",
            &[(r#"{"title":"the GREAT escape"}"#, r#"{"title":"The Great Escape"}"#)],
        )],
        MethodCall::Plain(|receiver, _| {
            let text = Text::of(receiver)?;
            Ok(text.like(map_chunks(text.as_bytes(), case::title)))
        }),
    ),
    MethodSpec::new(
        "uppercase",
        "Writes letters as capitals.",
        &[],
        &[Example::new(
            "A code.",
            "root.code = this.code.uppercase()",
            &[(r#"{"code":"eur"}"#, r#"{"code":"EUR"}"#)],
        )],
        MethodCall::Plain(|receiver, _| {
            recase(receiver, |b| b.is_ascii_lowercase(), u8::to_ascii_uppercase, case::upper)
        }),
    ),
    MethodSpec::new(
        "lowercase",
        "Writes letters as small ones.",
        &[],
        &[Example::new(
            "A host name.",
            "root.host = this.host.lowercase()",
            &[(r#"{"host":"DB-1.Local"}"#, r#"{"host":"db-1.local"}"#)],
        )],
        MethodCall::Plain(|receiver, _| {
            recase(receiver, |b| b.is_ascii_uppercase(), u8::to_ascii_lowercase, case::lower)
        }),
    ),
    MethodSpec::new(
        "compare_argon2",
        "Tells whether the text is the secret that an Argon2 hash was made of.",
        SECRET,
        &[Example::new(
            "Against a stored hash.",
            r#"root.ok = this.password.compare_argon2("$argon2id$v=19$m=4096,t=3,p=1$c2FsdHktbWNzYWx0ZmFjZQ$RMUMwgtS32/mbszd+ke4o4Ej1jFpYiUqY6MHWa69X7Y")"#,
            &[
                (r#"{"password":"there-are-many-blobs-in-the-sea"}"#, r#"{"ok":true}"#),
                (r#"{"password":"guess"}"#, r#"{"ok":false}"#),
            ],
        )],
        MethodCall::Plain(|receiver, args| {
            let text = string(receiver)?;
            Ok(super::secrets::argon2(&text, &str_arg(&args[0]))?.into())
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "compare_bcrypt",
        "Tells whether the text is the secret that a bcrypt hash was made of.",
        SECRET,
        &[Example::new(
            "Against a stored hash.",
            r#"root.ok = this.password.compare_bcrypt("$2y$10$Dtnt5NNzVtMCOZONT705tOcS8It6krJX8bEjnDJnwxiFKsz1C.3Ay")"#,
            &[(r#"{"password":"there-are-many-blobs-in-the-sea"}"#, r#"{"ok":true}"#)],
        )],
        MethodCall::Plain(|receiver, args| {
            let text = string(receiver)?;
            Ok(super::secrets::bcrypt(&text, &str_arg(&args[0]))?.into())
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "escape_html",
        "Replaces the characters `<`, `>`, `&`, `'` and `\"` by HTML entities.",
        &[],
        &[Example::new(
            "Text for a page.",
            "root = this.text.escape_html()",
            &[(r#"{"text":"a < b & c"}"#, "a &lt; b &amp; c")],
        )],
        MethodCall::Plain(|receiver, _| map_well_formed(receiver, html::escape)),
    ),
    MethodSpec::new(
        "unescape_html",
        "Replaces HTML entities, named and numbered, by the characters that they stand for.",
        &[],
        &[Example::new(
            "Text from a page.",
            "root = this.text.unescape_html()",
            &[(r#"{"text":"caf&eacute; &#38; bar"}"#, "café & bar")],
        )],
        MethodCall::Plain(|receiver, _| map_well_formed(receiver, html::unescape)),
    ),
    MethodSpec::new(
        "escape_url_query",
        "Escapes text so that it can stand in the query of a URL.",
        &[],
        &[Example::new(
            "A search term.",
            r#"root = "q=" + this.term.escape_url_query()"#,
            &[(r#"{"term":"salt & pepper"}"#, "q=salt+%26+pepper")],
        )],
        MethodCall::Plain(|receiver, _| Ok(escape::query(&string_bytes(receiver)?).into())),
    ),
    MethodSpec::new(
        "unescape_url_query",
        "Reads text that was escaped for the query of a URL.",
        &[],
        &[Example::new(
            "A search term.",
            "root = this.unescape_url_query()",
            &[(r#""salt+%26+pepper""#, "salt & pepper")],
        )],
        MethodCall::Plain(|receiver, _| {
            Ok(Value::text(escape::unescape(&string_bytes(receiver)?, true)?))
        }),
    ),
    MethodSpec::new(
        "escape_url_path",
        "Escapes text so that it can stand as a segment of a URL's path.",
        &[],
        &[Example::new(
            "A file name.",
            r#"root = "/files/" + this.name.escape_url_path()"#,
            &[(r#"{"name":"a b/c.txt"}"#, "/files/a%20b%2Fc.txt")],
        )],
        MethodCall::Plain(|receiver, _| Ok(escape::path(&string_bytes(receiver)?).into())),
    )
    .sourceless(),
    MethodSpec::new(
        "unescape_url_path",
        "Reads text that was escaped for a URL's path.",
        &[],
        &[Example::new(
            "A file name.",
            "root = this.unescape_url_path()",
            &[(r#""a%20b%2Fc+d""#, "a b/c+d")],
        )],
        MethodCall::Plain(|receiver, _| {
            Ok(Value::text(escape::unescape(&string_bytes(receiver)?, false)?))
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "filepath_join",
        "Joins the elements of an array to a file path.",
        &[],
        &[Example::new(
            "A file in a folder.",
            "root.path = this.parts.filepath_join()",
            &[(r#"{"parts":["/var/","log","a.txt"]}"#, r#"{"path":"/var/log/a.txt"}"#)],
        )],
        MethodCall::Plain(|receiver, _| {
            let Value::Array(parts) = receiver else {
                return Err(CallError::wanted("array", receiver));
            };
            let mut texts = Vec::with_capacity(parts.len());
            for (i, part) in parts.iter().enumerate() {
                texts.push(string(part.clone()).map_err(|_| {
                    nested(&format!("path element {i}"), "string", &part)
                })?);
            }
            Ok(filepath::join(texts.iter().map(|t| &**t)).into())
        }),
    ),
    MethodSpec::new(
        "filepath_split",
        "Splits a file path after its last slash: an array of the folder and the file's name.",
        &[],
        &[Example::new(
            "Folder and file.",
            "root = this.path.filepath_split()",
            &[(r#"{"path":"/var/log/a.txt"}"#, r#"["/var/log/","a.txt"]"#)],
        )],
        MethodCall::Plain(|receiver, _| {
            let path = string_bytes(receiver)?;
            let at = memchr::memrchr(b'/', &path).map_or(0, |at| at + 1);
            Ok(vec![Value::text(path.slice(..at)), Value::text(path.slice(at..))].into())
        }),
    ),
    MethodSpec::new(
        "format",
        "Puts the arguments in the places that the text marks with Go's verbs, such as `%v`, `%05d` or `%.2f`.",
        &[Param::new("args", ParamKind::Variadic, "What to put in.")],
        &[Example::new(
            "Numbers laid out.",
            r#"root = "%s has %.1f %%".format(this.name, 12.345)"#,
            &[(r#"{"name":"a"}"#, "a has 12.3 %")],
        )],
        MethodCall::Plain(|receiver, args| {
            let template = string(receiver)?;
            for arg in args {
                writable(arg)?;
            }
            Ok(Value::text(go_fmt::sprintf(&template, args)?))
        }),
    ),
    MethodSpec::new(
        "has_prefix",
        "Tells whether the text begins with another.",
        &[VALUE],
        &[Example::new(
            "A kind of id.",
            r#"root.internal = this.id.has_prefix("int-")"#,
            &[(r#"{"id":"int-7"}"#, r#"{"internal":true}"#)],
        )],
        MethodCall::Plain(|receiver, args| {
            let text = Text::of(receiver)?;
            Ok(text.as_bytes().starts_with(&bytes_arg(&args[0])).into())
        }),
    ),
    MethodSpec::new(
        "has_suffix",
        "Tells whether the text ends with another.",
        &[VALUE],
        &[Example::new(
            "A kind of file.",
            r#"root.csv = this.file.has_suffix(".csv")"#,
            &[(r#"{"file":"a.txt"}"#, r#"{"csv":false}"#)],
        )],
        MethodCall::Plain(|receiver, args| {
            let text = Text::of(receiver)?;
            Ok(text.as_bytes().ends_with(&bytes_arg(&args[0])).into())
        }),
    ),
    MethodSpec::new(
        "index_of",
        "The place, counted in bytes from 0, at which another text first stands in this one, or -1.",
        &[VALUE],
        &[Example::new(
            "Where a comment begins.",
            r##"root.at = this.line.index_of("#")"##,
            &[(r##"{"line":"a # b"}"##, r#"{"at":2}"#), (r#"{"line":"a"}"#, r#"{"at":-1}"#)],
        )],
        MethodCall::Plain(|receiver, args| {
            let text = Text::of(receiver)?;
            let at = memmem::find(text.as_bytes(), &bytes_arg(&args[0]));
            Ok(Value::Int(at.map_or(-1, |at| at as i64)))
        }),
    ),
    MethodSpec::new(
        "length",
        "How many bytes a text has, elements an array, or keys an object.",
        &[],
        &[Example::new(
            "Of each kind.",
            "root = [this.text.length(), this.list.length(), this.map.length()]",
            &[(r#"{"text":"abc","list":[1,2],"map":{"a":1}}"#, "[3,2,1]")],
        )],
        MethodCall::Plain(|receiver, _| {
            let length = match &receiver {
                Value::String(text) => text.len(),
                Value::Bytes(bytes) | Value::IllFormed(bytes) => bytes.len(),
                Value::Array(items) => items.len(),
                Value::Object(fields) => fields.len(),
                _ => return Err(CallError::wanted("string, array or object", receiver)),
            };
            Ok(Value::Int(length as i64))
        }),
    ),
    MethodSpec::new(
        "quote",
        "Writes the text as a literal in double quotes, with escapes for what can't be printed.",
        &[],
        &[Example::new(
            "Two lines.",
            "root = this.quote()",
            &[(r#""a\nb""#, r#""a\nb""#)],
        )],
        MethodCall::Plain(|receiver, _| {
            Ok(match receiver {
                Value::Bytes(bytes) | Value::IllFormed(bytes) => go_quote::quote_bytes(&bytes).into(),
                other => go_quote::quote(&string(other)?).into(),
            })
        }),
    ),
    MethodSpec::new(
        "unquote",
        "Reads a quoted literal, with its escapes.",
        &[],
        &[Example::new(
            "Two lines.",
            "root.text = this.text.unquote()",
            &[
                (r#"{"text":"\"a\\tb\""}"#, r#"{"text":"a\tb"}"#),
                (r#"{"text":"a"}"#, "Error: failed assignment (line 1): field `this.text`: invalid syntax"),
            ],
        )],
        MethodCall::Plain(|receiver, _| {
            let text = string(receiver)?;
            Ok(Value::text(go_quote::unquote(&text).ok_or("invalid syntax")?))
        }),
    ),
    MethodSpec::new(
        "repeat",
        "The text, so many times in a row.",
        &[Param::new("count", ParamKind::Int, "How many times.")],
        &[Example::new(
            "A line.",
            r#"root = "-=".repeat(3)"#,
            &[("{}", "-=-=-=")],
        )],
        MethodCall::Prepared(repeat),
    ),
    MethodSpec::new(
        "replace_all",
        "Replaces every occurrence of a text by another.",
        OLD_NEW,
        &[Example::new(
            "Other separators.",
            r#"root.path = this.path.replace_all("\\", "/")"#,
            &[(r#"{"path":"a\\b\\c"}"#, r#"{"path":"a/b/c"}"#)],
        )],
        MethodCall::Plain(replace_all),
    ),
    MethodSpec::new(
        "replace",
        "The older name of `replace_all`.",
        OLD_NEW,
        &[],
        MethodCall::Plain(replace_all),
    )
    .status(Status::Hidden),
    MethodSpec::new(
        "replace_all_many",
        "Replaces several texts, one after the other.",
        PAIRS,
        &[Example::new(
            "Two at once.",
            r#"root = this.replace_all_many(["a", "1", "b", "2"])"#,
            &[(r#""abc""#, "12c")],
        )],
        MethodCall::Prepared(replace::many),
    ),
    MethodSpec::new(
        "replace_many",
        "The older name of `replace_all_many`.",
        PAIRS,
        &[],
        MethodCall::Prepared(replace::many),
    )
    .status(Status::Hidden),
    MethodSpec::new(
        "reverse",
        "The text from its last character to its first; of bytes, from the last byte to the first.",
        &[],
        &[Example::new(
            "Backwards.",
            "root = this.reverse()",
            &[(r#""stressed""#, "desserts")],
        )],
        MethodCall::Plain(|receiver, _| {
            Ok(match Text::of(receiver)? {
                Text::Str(text) => text.chars().rev().collect::<String>().into(),
                Text::IllFormed(bytes) => well_formed(&bytes).chars().rev().collect::<String>().into(),
                Text::Bytes(bytes) => {
                    Value::Bytes(bytes.iter().rev().copied().collect::<Vec<u8>>().into())
                }
            })
        }),
    ),
    MethodSpec::new(
        "slice",
        "The part of a text (in bytes) or array from one place up to another; places below 0 count from the end.",
        &[
            Param::new("low", ParamKind::Int, "The first place."),
            Param::new("high", ParamKind::Int, "The place after the last; the end if left out.").optional(),
        ],
        &[Example::new(
            "Head and tail.",
            "root = [this.slice(0, 2), this.slice(-2)]",
            &[(r#""abcde""#, r#"["ab","de"]"#), ("[1,2,3]", "[[1,2],[2,3]]")],
        )],
        MethodCall::Prepared(slice),
    ),
    MethodSpec::new(
        "slug",
        "Makes a name for URLs of the text: small ASCII letters, digits and dashes.",
        &[Param::new("lang", ParamKind::String, "The language that `&` and the like are spelled out in.").default(r#""en""#)],
        &[Example::new(
            "A headline.",
            "root.path = this.title.slug()",
            &[(r#"{"title":"Köln & the Rhine"}"#, r#"{"path":"koln-and-the-rhine"}"#)],
        )],
        MethodCall::Plain(|receiver, args| {
            Ok(slug::slug(&string(receiver)?, &str_arg(&args[0])).into())
        }),
    )
    .status(Status::Beta)
    .sourceless(),
    MethodSpec::new(
        "strip_html",
        "Removes HTML tags and escapes what is left.",
        &[Param::new("preserve", ParamKind::Array, "Names of elements whose tags stay, without their attributes.").optional()],
        &[Example::new(
            "Text only, or with paragraphs.",
            r#"root = [this.strip_html(), this.strip_html(["p"])]"#,
            &[(r#""<p class='x'>so <b>bold</b></p>""#, r#"["so bold","<p>so bold</p>"]"#)],
        )],
        MethodCall::Prepared(strip_html),
    ),
    MethodSpec::new(
        "trim",
        "Removes certain characters, or white space, from both ends.",
        &[Param::new("cutset", ParamKind::String, "The characters to remove; white space if left out.").optional()],
        &[Example::new(
            "Both kinds.",
            r#"root = [this.a.trim(), this.b.trim("!?")]"#,
            &[(r#"{"a":" x ","b":"?x!"}"#, r#"["x","x"]"#)],
        )],
        MethodCall::Plain(trim),
    ),
    MethodSpec::new(
        "trim_prefix",
        "Removes another text from the beginning, if it stands there.",
        &[Param::new("prefix", ParamKind::String, "The text to remove.")],
        &[Example::new(
            "An id without its kind.",
            r#"root.id = this.id.trim_prefix("int-")"#,
            &[(r#"{"id":"int-7"}"#, r#"{"id":"7"}"#)],
        )],
        MethodCall::Plain(|receiver, args| {
            let text = Text::of(receiver)?;
            let prefix = bytes_arg(&args[0]);
            Ok(match text.as_bytes().starts_with(&prefix) {
                true => text.part(prefix.len(), text.as_bytes().len()),
                false => text.into_value(),
            })
        }),
    ),
    MethodSpec::new(
        "trim_suffix",
        "Removes another text from the end, if it stands there.",
        &[Param::new("suffix", ParamKind::String, "The text to remove.")],
        &[Example::new(
            "A file without its ending.",
            r#"root.name = this.file.trim_suffix(".csv")"#,
            &[(r#"{"file":"a.csv"}"#, r#"{"name":"a"}"#)],
        )],
        MethodCall::Plain(|receiver, args| {
            let text = Text::of(receiver)?;
            let suffix = bytes_arg(&args[0]);
            Ok(match text.as_bytes().ends_with(&suffix) {
                true => text.part(0, text.as_bytes().len() - suffix.len()),
                false => text.into_value(),
            })
        }),
    ),
    MethodSpec::new(
        "unicode_segments",
        "Splits text where Unicode sees the bounds of graphemes, words or sentences.",
        &[Param::new("segmentation_type", ParamKind::String, "`grapheme`, `word` or `sentence`.")],
        &[Example::new(
            "Words and what is between them.",
            r#"root = this.unicode_segments("word")"#,
            &[(r#""so what?""#, r#"["so"," ","what","?"]"#)],
        )],
        MethodCall::Plain(|receiver, args| {
            let text = string(receiver)?;
            let collect = |parts: &mut dyn Iterator<Item = &str>| parts.map(Value::from).collect::<Array>();
            Ok(Value::Array(match &*str_arg(&args[0]) {
                "grapheme" => collect(&mut text.graphemes(true)),
                "word" => collect(&mut text.split_word_bounds()),
                "sentence" => collect(&mut text.split_sentence_bounds()),
                other => {
                    return Err(format!("unknown segmentation `{other}`: it is `grapheme`, `word` or `sentence`").into());
                }
            }))
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "uuid_v5",
        "The UUID, version 5, of the text as a name within a namespace.",
        &[Param::new("ns", ParamKind::String, "`dns`, `url`, `oid`, `x500` or a UUID; the nil UUID if left out.").optional()],
        &[Example::new(
            "Of a host name.",
            r#"root.id = this.host.uuid_v5("dns")"#,
            &[(r#"{"host":"example.com"}"#, r#"{"id":"cfbff0d1-9375-5685-968c-48ce8b15ae17"}"#)],
        )],
        MethodCall::Plain(|receiver, args| {
            if matches!(receiver, Value::Null) {
                return Ok(receiver);
            }
            let space = match super::common::optional_str(&args[0]).as_deref() {
                None => uuid::Uuid::nil(),
                Some("dns" | "DNS") => uuid::Uuid::NAMESPACE_DNS,
                Some("url" | "URL") => uuid::Uuid::NAMESPACE_URL,
                Some("oid" | "OID") => uuid::Uuid::NAMESPACE_OID,
                Some("x500" | "X500") => uuid::Uuid::NAMESPACE_X500,
                Some(other) => uuid::Uuid::parse_str(other)
                    .map_err(|_| format!("invalid ns uuid: {}", go_quote::quote(other)))?,
            };
            if matches!(receiver, Value::Timestamp(_)) {
                return Err(CallError::wanted("string", receiver));
            }
            let name = string(receiver)?;
            Ok(uuid::Uuid::new_v5(&space, name.as_bytes()).to_string().into())
        }),
    ),
];

/// Maps text by `map`; bytes as the text that they hold.
fn map_text(receiver: Value, map: fn(&str) -> String) -> Result<Value, CallError> {
    Ok(match Text::of(receiver)? {
        Text::Str(text) => map(&text).into(),
        Text::IllFormed(bytes) => map(&well_formed(&bytes)).into(),
        Text::Bytes(bytes) => Value::Bytes(map(&well_formed(&bytes)).into()),
    })
}

/// Changes the case of letters; text that is already so is returned as it is, ASCII goes by bytes.
fn recase(
    receiver: Value,
    changes: impl Fn(&u8) -> bool,
    byte: impl Fn(&u8) -> u8,
    map: fn(&str) -> String,
) -> Result<Value, CallError> {
    let text = Text::of(receiver)?;
    let bytes = text.as_bytes();
    if !bytes.is_ascii() {
        return map_text(text.into_value(), map);
    }
    if !bytes.iter().any(changes) {
        return Ok(text.into_value());
    }
    let out: Vec<u8> = bytes.iter().map(byte).collect();
    Ok(text.like(out))
}

fn repeat(args: &[Value]) -> Result<MethodFn, CallError> {
    let count = int(&args[0]).unwrap_or(0);
    let count = usize::try_from(count)
        .map_err(|_| format!("invalid count, must be greater than or equal to zero: {count}"))?;
    Ok(Box::new(move |receiver| {
        let text = Text::of(receiver)?;
        let size = text.as_bytes().len().checked_mul(count);
        if size.is_none_or(|size| size > MAX_REPEATED) {
            return Err(format!("the result would be longer than {MAX_REPEATED} bytes").into());
        }
        Ok(text.like(text.as_bytes().repeat(count)))
    }))
}

fn replace_all(receiver: Value, args: &[Value]) -> Result<Value, CallError> {
    let text = Text::of(receiver)?;
    let (old, new) = (bytes_arg(&args[0]), bytes_arg(&args[1]));
    Ok(match replace::all(text.as_bytes(), &old, &new)? {
        Some(out) => text.like(out),
        None => text.into_value(),
    })
}

fn slice(args: &[Value]) -> Result<MethodFn, CallError> {
    let low = int(&args[0]).unwrap_or(0);
    let high = int(&args[1]);
    if let Some(high) = high.filter(|&high| high > 0 && low >= high) {
        return Err(format!("lower slice bound {low} must be lower than upper ({high})").into());
    }
    Ok(Box::new(move |receiver| {
        Ok(match receiver {
            Value::Array(items) => {
                let (start, end) = bounds(low, high, items.len())?;
                items
                    .iter()
                    .skip(start)
                    .take(end - start)
                    .collect::<Array>()
                    .into()
            }
            Value::String(_) | Value::IllFormed(_) | Value::Bytes(_) => {
                let text = Text::of(receiver)?;
                let (start, end) = bounds(low, high, text.as_bytes().len())?;
                text.part(start, end)
            }
            other => return Err(CallError::wanted("array or string", other)),
        })
    }))
}

/// The places `low..high` within `len`.
fn bounds(low: i64, high: Option<i64>, len: usize) -> Result<(usize, usize), CallError> {
    let len = len as i64;
    let high = match high {
        Some(high) if high < 0 => len.saturating_add(high),
        Some(high) => high,
        None => len,
    }
    .clamp(0, len);
    let low = if low < 0 {
        (len.saturating_add(low)).max(0)
    } else {
        low
    };
    if low > high {
        return Err(format!("lower slice bound {low} must be lower than or equal to upper bound ({high}) and target length ({len})").into());
    }
    Ok((low as usize, high as usize))
}

fn strip_html(args: &[Value]) -> Result<MethodFn, CallError> {
    let mut kept: Vec<Str> = Vec::new();
    if let Value::Array(names) = &args[0] {
        for (i, name) in names.iter().enumerate() {
            match name {
                Value::String(name) => kept.push(name),
                other => {
                    return Err(
                        nested(&format!("invalid arg at index {i}"), "string", &other).into(),
                    );
                }
            }
        }
    }
    Ok(Box::new(move |receiver| {
        let kept = |name: &str| kept.iter().any(|k| k.eq_ignore_ascii_case(name));
        Ok(match Text::of(receiver)? {
            Text::Str(text) => html::strip(&text, kept).into(),
            Text::IllFormed(bytes) => html::strip(&well_formed(&bytes), kept).into(),
            Text::Bytes(bytes) => Value::Bytes(html::strip(&well_formed(&bytes), kept).into()),
        })
    }))
}

fn trim(receiver: Value, args: &[Value]) -> Result<Value, CallError> {
    let text = Text::of(receiver)?;
    let cutset = super::common::optional_str(&args[0]);
    let is_cut = |c: char| match &cutset {
        None => c.is_whitespace(),
        Some(cutset) => cutset.contains(c),
    };
    // What isn't UTF-8 stays, and ends what is removed.
    let bytes = text.as_bytes();
    let first = bytes.utf8_chunks().next();
    let last = match &first {
        Some(first) if first.invalid().is_empty() => first.valid(),
        _ => match bytes.utf8_chunks().last() {
            Some(last) if last.invalid().is_empty() => last.valid(),
            _ => "",
        },
    };
    let first = first.map_or("", |chunk| chunk.valid());
    let start = first.len() - first.trim_start_matches(is_cut).len();
    let end = bytes.len() - (last.len() - last.trim_end_matches(is_cut).len());
    match (start, end) {
        (0, end) if end == bytes.len() => Ok(text.into_value()),
        (start, end) => Ok(text.part(start, end.max(start))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_bounded() {
        let part = |low, high, len| bounds(low, high, len).map_err(|e| e.text(None));
        assert_eq!(part(0, None, 3), Ok((0, 3)));
        assert_eq!(part(-2, None, 3), Ok((1, 3)));
        assert_eq!(part(-9, Some(-1), 3), Ok((0, 2)));
        assert_eq!(part(1, Some(100), 3), Ok((1, 3)));
        assert_eq!(
            part(1, Some(100), 0),
            Err("lower slice bound 1 must be lower than or equal to upper bound (0) and target length (0)".into())
        );
        assert_eq!(part(i64::MIN, Some(i64::MIN), 3), Ok((0, 0)));
    }

    #[test]
    fn trimming_keeps_the_rest() {
        let trimmed = |text: &str, cutset: Option<&str>| {
            let cutset = cutset.map_or(Value::Null, Value::from);
            let value = trim(text.into(), &[cutset]).expect("it is text");
            value.as_str().map(str::to_owned)
        };
        assert_eq!(trimmed("\u{a0} a b\t", None).as_deref(), Some("a b"));
        assert_eq!(trimmed("éaé", Some("é")).as_deref(), Some("a"));
    }

    #[test]
    fn cut_characters_are_ill_formed() {
        let f = slice(&[Value::Int(-2), Value::Null]).expect("sound bounds");
        assert!(matches!(f("日本".into()), Ok(Value::IllFormed(b)) if &b[..] == b"\x9c\xac"));
    }
}
