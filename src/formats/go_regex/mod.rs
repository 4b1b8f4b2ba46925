//! Go's regular expressions over the `regex` crate: patterns are rewritten to mean there what they mean in Go, and errors
//! are worded as Go words them.
//!
//! The two differ in what an escape or a bracket stands for: Go's `\d`, `\w`, `\s` and `\b` know ASCII only, its brackets
//! don't nest, it reads a brace that is no repetition as itself, and takes `\Q…\E` and octal escapes.

mod template;

pub use template::Template;

use regex::{Regex, RegexBuilder, bytes};
use std::{collections::HashSet, iter::Peekable, str::CharIndices};

/// What a compiled pattern may take, in bytes.
const SIZE_LIMIT: usize = 10 << 20;
/// The most repetitions that Go takes in braces.
const MAX_REPEAT: u32 = 1000;

/// Compiles a pattern for text.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let rewritten = rewrite(pattern)?;
    let built = RegexBuilder::new(&rewritten).size_limit(SIZE_LIMIT).build();
    built.map_err(|e| foreign(pattern, &e))
}

/// Compiles a pattern for bytes that need not be text.
pub fn compile_bytes(pattern: &str) -> Result<bytes::Regex, String> {
    let rewritten = rewrite(pattern)?;
    let built = bytes::RegexBuilder::new(&rewritten)
        .size_limit(SIZE_LIMIT)
        .build();
    built.map_err(|e| foreign(pattern, &e))
}

/// What the `regex` crate finds wrong, and the rewriting didn't.
fn foreign(pattern: &str, error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => fail("expression too large", pattern),
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            fail(last.strip_prefix("error: ").unwrap_or(last), pattern)
        }
    }
}

fn fail(why: &str, part: &str) -> String {
    format!("error parsing regexp: {why}: `{part}`")
}

/// The pattern in the syntax of the `regex` crate.
pub fn rewrite(pattern: &str) -> Result<String, String> {
    let mut rewriter = Rewriter {
        pattern,
        chars: pattern.char_indices().peekable(),
        names: HashSet::new(),
        out: String::with_capacity(pattern.len() + 16),
    };
    rewriter.run()?;
    Ok(rewriter.out)
}

struct Rewriter<'p> {
    pattern: &'p str,
    chars: Peekable<CharIndices<'p>>,
    names: HashSet<&'p str>,
    out: String,
}

impl<'p> Rewriter<'p> {
    /// What is left to read.
    fn rest(&mut self) -> &'p str {
        match self.chars.peek() {
            Some(&(at, _)) => &self.pattern[at..],
            None => "",
        }
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.chars.next();
        }
    }

    fn literal(&mut self, c: char) {
        let mut buffer = [0; 4];
        self.out
            .push_str(&regex::escape(c.encode_utf8(&mut buffer)));
    }

    fn run(&mut self) -> Result<(), String> {
        let mut depth = 0usize;
        // Where the last repetition stands, if nothing came after it.
        let mut repeated: Option<usize> = None;
        // Whether there is something that can be repeated.
        let mut has_atom = false;
        while let Some((at, c)) = self.chars.next() {
            let mut is_repeat = false;
            match c {
                '*' | '+' | '?' => {
                    self.repeat(at, 1, has_atom, repeated)?;
                    self.out.push(c);
                    is_repeat = true;
                }
                '{' => match braces(&self.pattern[at..]) {
                    None => self.out.push_str("\\{"),
                    Some((len, low, high)) => {
                        self.repeat(at, len, has_atom, repeated)?;
                        let text = &self.pattern[at..at + len];
                        if low > MAX_REPEAT || high.is_some_and(|h| h > MAX_REPEAT || h < low) {
                            return Err(fail("invalid repeat count", text));
                        }
                        self.out.push_str(text);
                        self.skip(len - 1);
                        is_repeat = true;
                    }
                },
                '(' => {
                    depth += 1;
                    self.out.push('(');
                    if self.rest().starts_with('?') {
                        self.group(at)?;
                        // A setting of flags is a group that ends at once.
                        if self.out.ends_with(')') {
                            depth -= 1;
                        }
                    }
                    has_atom = false;
                    repeated = None;
                    continue;
                }
                ')' => {
                    depth = depth
                        .checked_sub(1)
                        .ok_or_else(|| fail("unexpected )", self.pattern))?;
                    self.out.push(')');
                }
                '|' => {
                    self.out.push('|');
                    has_atom = false;
                    repeated = None;
                    continue;
                }
                '[' => self.class(at)?,
                '\\' => self.escape(at)?,
                '^' | '$' | '.' => self.out.push(c),
                c => self.literal(c),
            }
            if is_repeat {
                if self.rest().starts_with('?') {
                    self.skip(1);
                    self.out.push('?');
                }
                repeated = Some(at);
            } else {
                repeated = None;
            }
            has_atom = true;
        }
        match depth {
            0 => Ok(()),
            _ => Err(fail("missing closing )", self.pattern)),
        }
    }

    /// Checks that there is something for the repetition at `at` to repeat.
    fn repeat(
        &mut self,
        at: usize,
        len: usize,
        has_atom: bool,
        repeated: Option<usize>,
    ) -> Result<(), String> {
        if !has_atom {
            return Err(fail(
                "missing argument to repetition operator",
                &self.pattern[at..at + len],
            ));
        }
        match repeated {
            Some(from) => Err(fail(
                "invalid nested repetition operator",
                &self.pattern[from..at + len],
            )),
            None => Ok(()),
        }
    }

    /// Copies what follows `(?`: a name, or flags.
    fn group(&mut self, at: usize) -> Result<(), String> {
        let text = &self.pattern[at..];
        for open in ["(?P<", "(?<"] {
            if let Some(inner) = text.strip_prefix(open) {
                let name = inner.split_once('>').map(|(name, _)| name);
                let is_word = |n: &str| {
                    !n.is_empty() && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                };
                return match name {
                    None => Err(fail("invalid named capture", text)),
                    Some(name) if !is_word(name) => Err(fail(
                        "invalid named capture",
                        &text[..open.len() + name.len() + 1],
                    )),
                    Some(name) => {
                        // The crate wants names to begin with a letter and to differ, Go doesn't: see `names`.
                        let begins_with_digit = name.starts_with(|c: char| c.is_ascii_digit());
                        let mangled = match self.names.insert(name) && !begins_with_digit {
                            true => String::new(),
                            false => format!("{MANGLED}{}_", at),
                        };
                        self.out.push_str(&format!("?P<{mangled}{name}>"));
                        self.skip(open.len() - 1 + name.len() + 1);
                        Ok(())
                    }
                };
            }
        }
        let mut negated = false;
        for (i, c) in text.char_indices().skip(2) {
            match c {
                'i' | 'm' | 's' | 'U' => {}
                '-' if !negated => negated = true,
                ':' | ')' => {
                    let is_dangling = text[..i].ends_with('-');
                    if is_dangling {
                        return Err(fail("invalid or unsupported Perl syntax", &text[..=i]));
                    }
                    // `(?)` sets nothing; the crate doesn't take it.
                    match &text[..=i] {
                        "(?)" => self.out.push_str("?:)"),
                        flags => self.out.push_str(&flags[1..]),
                    }
                    self.skip(i);
                    return Ok(());
                }
                c => {
                    return Err(fail(
                        "invalid or unsupported Perl syntax",
                        &text[..i + c.len_utf8()],
                    ));
                }
            }
        }
        Err(fail("missing closing )", self.pattern))
    }

    /// Rewrites the escape that begins at `at`.
    fn escape(&mut self, at: usize) -> Result<(), String> {
        let Some((start, c)) = self.chars.next() else {
            return Err("error parsing regexp: trailing backslash at end of expression: ``".into());
        };
        match c {
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            's' => self.out.push_str(r"[\t\n\f\r ]"),
            'S' => self.out.push_str(r"[^\t\n\f\r ]"),
            'w' => self.out.push_str("[0-9A-Za-z_]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            'b' => self.out.push_str(r"(?-u:\b)"),
            'B' => self.out.push_str(r"(?-u:\B)"),
            'A' => self.out.push_str(r"\A"),
            'z' => self.out.push_str(r"\z"),
            'p' | 'P' => self.property(at, c)?,
            'Q' => {
                let quoted = &self.pattern[start + 1..];
                let len = quoted.find("\\E").unwrap_or(quoted.len());
                self.out.push_str("(?:");
                self.out.push_str(&regex::escape(&quoted[..len]));
                self.out.push(')');
                self.skip(quoted[..len].chars().count());
                if quoted[len..].starts_with("\\E") {
                    self.skip(2);
                }
            }
            'E' => {}
            c => {
                let c = self.simple(at, c)?;
                self.literal(c);
            }
        }
        Ok(())
    }

    /// The character that an escape stands for; `c` is what follows the backslash at `at`.
    fn simple(&mut self, at: usize, c: char) -> Result<char, String> {
        let invalid = |end: usize| fail("invalid escape sequence", &self.pattern[at..end]);
        Ok(match c {
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => {
                let text = &self.pattern[at + 2..];
                let (digits, len) = match text.strip_prefix('{') {
                    Some(inner) => match inner.split_once('}') {
                        Some((digits, _)) => (digits, digits.len() + 2),
                        None => return Err(invalid(self.pattern.len())),
                    },
                    None => (text.get(..2).unwrap_or(text), 2),
                };
                let code = u32::from_str_radix(digits, 16)
                    .ok()
                    .filter(|_| !digits.starts_with('+'));
                let Some(c) = code.and_then(char::from_u32) else {
                    return Err(invalid(self.pattern.len().min(at + 2 + len)));
                };
                self.skip(len);
                c
            }
            '0'..='7' => {
                let text = &self.pattern[at + 1..];
                let len = text
                    .bytes()
                    .take(3)
                    .take_while(|b| (b'0'..=b'7').contains(b))
                    .count();
                if c != '0' && len < 2 {
                    return Err(invalid(at + 2));
                }
                let code = u32::from_str_radix(&text[..len], 8).unwrap_or(0);
                self.skip(len - 1);
                char::from_u32(code).unwrap_or('\0')
            }
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
            c => return Err(invalid(at + 1 + c.len_utf8())),
        })
    }

    /// A Unicode property, as in `\pL` or `\p{Greek}`.
    fn property(&mut self, at: usize, letter: char) -> Result<(), String> {
        let text = &self.pattern[at + 2..];
        let (name, len) = match text.strip_prefix('{') {
            Some(inner) => match inner.split_once('}') {
                Some((name, _)) => (name, name.len() + 2),
                None => return Err(fail("invalid character class range", &self.pattern[at..])),
            },
            None => match text.chars().next() {
                Some(c) => (&text[..c.len_utf8()], 1),
                None => return Err(fail("invalid character class range", &self.pattern[at..])),
            },
        };
        let (letter, name) = match (name.strip_prefix('^'), letter) {
            (Some(name), 'p') => ('P', name),
            (Some(name), _) => ('p', name),
            (None, letter) => (letter, name),
        };
        // Go knows categories and scripts by their proper names only.
        let property = format!("\\{letter}{{{name}}}");
        let is_proper = name.starts_with(|c: char| c.is_ascii_uppercase());
        if name != "Any" && (!is_proper || Regex::new(&property).is_err()) {
            let shown = &self.pattern
                [at..at + 2 + text.chars().take(len).map(char::len_utf8).sum::<usize>()];
            return Err(fail("invalid character class range", shown));
        }
        self.out.push_str(&property);
        self.skip(text.chars().take(len).count());
        Ok(())
    }

    /// Rewrites the class whose bracket is at `at`.
    fn class(&mut self, at: usize) -> Result<(), String> {
        self.out.push('[');
        if self.rest().starts_with('^') {
            self.skip(1);
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let Some(&(from, c)) = self.chars.peek() else {
                return Err(fail("missing closing ]", &self.pattern[at..]));
            };
            if c == ']' && !first {
                self.skip(1);
                self.out.push(']');
                return Ok(());
            }
            first = false;
            let rest = &self.pattern[from..];
            if let Some(named) = rest.strip_prefix("[:")
                && let Some(end) = named.find(":]")
            {
                let len = end + 4;
                let name = named[..end].strip_prefix('^').unwrap_or(&named[..end]);
                const NAMES: &[&str] = &[
                    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower",
                    "print", "punct", "space", "upper", "word", "xdigit",
                ];
                if !NAMES.contains(&name) {
                    return Err(fail("invalid character class range", &rest[..len]));
                }
                self.out.push_str(&rest[..len]);
                self.skip(len);
                continue;
            }
            if rest.starts_with('\\') {
                let letter = rest.chars().nth(1);
                if let Some(letter @ ('d' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P')) = letter {
                    self.skip(2);
                    match letter {
                        'd' => self.out.push_str("0-9"),
                        'D' => self.out.push_str("[^0-9]"),
                        's' => self.out.push_str(r"\t\n\f\r\x20"),
                        'S' => self.out.push_str(r"[^\t\n\f\r ]"),
                        'w' => self.out.push_str("0-9A-Za-z_"),
                        'W' => self.out.push_str("[^0-9A-Za-z_]"),
                        letter => self.property(from, letter)?,
                    }
                    continue;
                }
            }
            let low = self.class_char(at)?;
            let rest = self.rest();
            if rest.starts_with('-') && !rest.starts_with("-]") && rest.len() > 1 {
                self.skip(1);
                let high = self.class_char(at)?;
                if high < low {
                    let end = self.pattern.len() - self.rest().len();
                    return Err(fail(
                        "invalid character class range",
                        &self.pattern[from..end],
                    ));
                }
                self.class_literal(low);
                self.out.push('-');
                self.class_literal(high);
            } else {
                self.class_literal(low);
            }
        }
    }

    /// The next character of a class, escaped or not.
    fn class_char(&mut self, class: usize) -> Result<char, String> {
        match self.chars.next() {
            None => Err(fail("missing closing ]", &self.pattern[class..])),
            Some((at, '\\')) => match self.chars.next() {
                None => {
                    Err("error parsing regexp: trailing backslash at end of expression: ``".into())
                }
                Some((_, c)) => self.simple(at, c),
            },
            Some((_, c)) => Ok(c),
        }
    }

    fn class_literal(&mut self, c: char) {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            self.out.push_str(&format!("\\x{:02x}", c as u32));
        } else {
            self.out.push(c);
        }
    }
}

/// The length and bounds of the repetition that `text` begins with; no upper bound is none.
fn braces(text: &str) -> Option<(usize, u32, Option<u32>)> {
    let end = text.find('}')?;
    let inner = &text[1..end];
    let (low, high) = inner.split_once(',').unwrap_or((inner, inner));
    let number = |text: &str| -> Option<u32> {
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // Go takes no zeros in front.
        let is_plain = text.len() == 1 || !text.starts_with('0');
        (is_number && is_plain).then(|| text.parse().unwrap_or(u32::MAX))
    };
    let low = number(low)?;
    let high = if high.is_empty() {
        None
    } else {
        Some(number(high)?)
    };
    Some((end + 1, low, high))
}

/// What stands before a name that the crate wouldn't take, with a number of its own and another underscore behind it.
const MANGLED: &str = "_group_";

/// The names of a regex's groups as the pattern has them, the whole match being the first.
pub fn names<'r>(names: impl Iterator<Item = Option<&'r str>>) -> Vec<Option<&'r str>> {
    let original = |name: &'r str| {
        let numbered = name.strip_prefix(MANGLED)?;
        Some(numbered.split_once('_')?.1)
    };
    names
        .map(|name| name.map(|name| original(name).unwrap_or(name)))
        .collect()
}

/// The same; those without one have their number.
pub fn group_names<'r>(names: impl Iterator<Item = Option<&'r str>>) -> Vec<String> {
    self::names(names)
        .into_iter()
        .enumerate()
        .map(|(i, name)| name.map_or_else(|| i.to_string(), str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        for (pattern, text, matches) in [
            (r"^\d+$", "12", true),
            (r"^\d+$", "١٢", false),
            (r"^\w+$", "é", false),
            (r"\bx\b", "éxé", true),
            (r"^[\w.]+$", "a.b", true),
            (r"^[^\s\d]+$", "ab", true),
            (r"^a{,2}$", "a{,2}", true),
            (r"^{$", "{", true),
            (r"^[[a]$", "[", true),
            (r"^[a&&b]+$", "&&", true),
            (r"^[]a]+$", "]a", true),
            (r"^[a-]+$", "-a", true),
            (r"^\Qa.b\E+$", "a.b", true),
            (r"^\x41\101\x{42}$", "AAB", true),
            (r"^\<\_\ \-$", "<_ -", true),
            (r"(?i)^[[:alpha:]]É$", "xé", true),
            (r"^\pL\p{Greek}\P{L}$", "aα1", true),
            (r"(?s)^a.b$", "a\nb", true),
            (r"^a.b$", "a\nb", false),
            (r"(?U)^a+", "aaa", true),
            (r"^(?:a|b)*?c$", "abac", true),
            (r"^é*$", "éé", true),
        ] {
            let regex = compile(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
            assert_eq!(regex.is_match(text), matches, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn errors_are_worded_as_in_go() {
        for (pattern, why) in [
            ("[", "missing closing ]: `[`"),
            ("a[b", "missing closing ]: `[b`"),
            ("(a", "missing closing ): `(a`"),
            ("a)", "unexpected ): `a)`"),
            ("*", "missing argument to repetition operator: `*`"),
            ("a|*", "missing argument to repetition operator: `*`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("[z-a]", "invalid character class range: `z-a`"),
            (r"\y", r"invalid escape sequence: `\y`"),
            ("\\", "trailing backslash at end of expression: ``"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?<n", "invalid named capture: `(?<n`"),
            (r"\pX", r"invalid character class range: `\pX`"),
            ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        ] {
            let error = compile(pattern).expect_err(pattern);
            assert_eq!(error, format!("error parsing regexp: {why}"));
        }
        assert!(compile("((((a{1000}){1000}){1000}){1000})").is_err());
    }

    #[test]
    fn templates_refer_to_groups() {
        let names = [None, None, Some("n")];
        let text = |template: &str| {
            let mut out = Vec::new();
            let groups: [&[u8]; 3] = [b"W", b"1", b"N"];
            Template::new(template, &names).expand(|i| groups.get(i).copied(), &mut out);
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(text("$0-$1-${1}x-$1x-$n-${n}"), "W-1-1x--N-N");
        assert_eq!(text("$$1 $ ${ $- $9|"), "$1 $ ${ $- |");
    }
}
