//! Mappings and documents by chance: every function and method of the tables, with arguments of right and of wrong kinds.

use airtruct::bloblang::{
    functions::FUNCTIONS,
    methods::METHODS,
    spec::{FunctionSpec, MethodSpec, Param, ParamKind},
};

/// A source of chance that gives the same for the same seed (xorshift64*).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        // Mixed, so that seeds which follow each other have nothing in common.
        let mixed = (seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Chance(mixed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'t, T: ?Sized>(&mut self, all: &[&'t T]) -> &'t T {
        all[self.below(all.len())]
    }
}

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "10",
    "255",
    "-128",
    "64",
    "1000000",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "0.5",
    "-2.5",
    "1.0",
    "3.14159",
    "1e3",
    "1000000000000000.5",
    "0.1",
];

const TEXTS: &[&str] = &[
    r#""""#,
    r#""a""#,
    r#""foo bar""#,
    r#""Ünïcode ß 日本""#,
    r#""\n\t\"\\""#,
    r#""a,b,c""#,
    r#""a.b.c""#,
    r#""0""#,
    r#""-5""#,
    r#""1.5e3""#,
    r#""true""#,
    r#""null""#,
    r#""{\"a\":1}""#,
    r#""[1,2]""#,
    r#""2024-02-29T12:34:56.789Z""#,
    r#""2006-01-02""#,
    r#""%Y-%m-%d""#,
    r#""1h30m""#,
    r#""P1DT2H""#,
    r#""<a b='c'>d</a>""#,
    r#""aGVsbG8=""#,
    r#""68656c6c6f""#,
    r#""(\\w+) (\\w+)""#,
    r#""[a-z""#,
    r#""^$""#,
    r#""$2 $1""#,
    r#""sha256""#,
    r#""md5""#,
    r#""base64""#,
    r#""hex""#,
    r#""gzip""#,
    r#""zlib""#,
    r#""lz4""#,
    r#""snappy""#,
    r#""flate""#,
    r#""utf-8""#,
    r#""UTC""#,
    r#""Europe/Berlin""#,
    r#""key""#,
    r#""0123456789012345""#,
    r#""%s %d""#,
    r#""%v%%%5.2f""#,
    r#""a: [b, {c: d}]""#,
    r#""h1,h2\n1,2\n""#,
    r#""127.0.0.1""#,
    r#""https://u:p@h:1/p?q=r#f""#,
    r#""$.a.b""#,
    r#""de""#,
    r#""😀👍🏽""#,
    r#""\u0000""#,
    r#""name""#,
];

const FIELDS: &[&str] = &[
    "a", "s", "n", "arr", "o", "big", "\"x y\"", "a.b", "arr.0", "arr.*", "a.b.c", "nope", "deep",
    "t", "objs",
];

/// Writes mappings.
pub struct Writer<'c> {
    pub chance: &'c mut Chance,
    functions: Vec<&'static FunctionSpec>,
    methods: Vec<&'static MethodSpec>,
}

/// What would read or write outside of the message, or takes long on purpose (password hashes).
const LEFT_OUT: &[&str] = &[
    "file",
    "file_rel",
    "file_rel_json",
    "bcrypt",
    "compare_bcrypt",
    "argon2",
    "compare_argon2",
];

impl<'c> Writer<'c> {
    pub fn new(chance: &'c mut Chance) -> Writer<'c> {
        let functions = FUNCTIONS.iter().flat_map(|(_, table)| table.iter());
        let methods = METHODS.iter().flat_map(|(_, table)| table.iter());
        Writer {
            chance,
            functions: functions.filter(|f| !LEFT_OUT.contains(&f.name)).collect(),
            methods: methods.filter(|m| !LEFT_OUT.contains(&m.name)).collect(),
        }
    }

    /// A whole mapping.
    pub fn mapping(&mut self) -> String {
        let mut text = String::new();
        if self.chance.one_in(6) {
            text.push_str(&format!("map m {{\n  root = {}\n}}\n", self.expression(2)));
        }
        for _ in 0..=self.chance.below(3) {
            let value = self.expression(4);
            let line = match self.chance.below(9) {
                0 => format!("let v = {value}\n"),
                1 => format!("meta k = {value}\n"),
                2 => format!("root.{} = {value}\n", self.chance.pick(FIELDS)),
                3 => format!(
                    "if {value} {{\n  root.x = {}\n}} else {{\n  root = this\n}}\n",
                    self.expression(2)
                ),
                _ => format!("root = {value}\n"),
            };
            text.push_str(&line);
        }
        text
    }

    /// An expression in which no more than `depth` others stand within each other.
    pub fn expression(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.leaf();
        }
        match self.chance.below(16) {
            0 | 1 => self.leaf(),
            2 => {
                let operator = self.chance.pick(&[
                    "+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||", "|",
                ]);
                format!(
                    "({} {operator} {})",
                    self.expression(depth - 1),
                    self.expression(depth - 1)
                )
            }
            3 => format!("{}{}", self.chance.pick(&["!", "-"]), self.leaf()),
            4 => format!(
                "[{}, {}]",
                self.expression(depth - 1),
                self.expression(depth - 1)
            ),
            5 => format!(
                "{{\"a\": {}, {}: {}}}",
                self.expression(depth - 1),
                self.chance.pick(TEXTS),
                self.expression(depth - 1)
            ),
            6 => format!(
                "if {} {{ {} }} else {{ {} }}",
                self.expression(depth - 1),
                self.expression(depth - 1),
                self.expression(depth - 1)
            ),
            7 => format!(
                "match {} {{ {} => {}, _ => {} }}",
                self.leaf(),
                self.expression(depth - 1),
                self.expression(depth - 1),
                self.leaf()
            ),
            8 => self.function(depth - 1),
            9 => format!(
                "{}[{}:{}]",
                self.leaf(),
                self.chance.pick(NUMBERS),
                self.chance.pick(NUMBERS)
            ),
            10 => format!(
                "({}).(x -> {})",
                self.expression(depth - 1),
                self.expression(depth - 1)
            ),
            _ => {
                let receiver = self.expression(depth - 1);
                self.method(receiver, depth - 1)
            }
        }
    }

    fn leaf(&mut self) -> String {
        match self.chance.below(12) {
            0 | 1 => self.chance.pick(NUMBERS).to_owned(),
            2 | 3 => self.chance.pick(TEXTS).to_owned(),
            4 => self
                .chance
                .pick(&[
                    "true",
                    "false",
                    "null",
                    "[]",
                    "{}",
                    "deleted()",
                    "nothing()",
                    "root",
                    "@",
                    "@k",
                    "$v",
                    "x",
                ])
                .to_owned(),
            5 => "this".to_owned(),
            _ => format!("this.{}", self.chance.pick(FIELDS)),
        }
    }

    fn function(&mut self, depth: usize) -> String {
        let spec = self.functions[self.chance.below(self.functions.len())];
        format!("{}({})", spec.name, self.arguments(spec.params, depth))
    }

    fn method(&mut self, receiver: String, depth: usize) -> String {
        let spec = self.methods[self.chance.below(self.methods.len())];
        format!(
            "{receiver}.{}({})",
            spec.name,
            self.arguments(spec.params, depth)
        )
    }

    fn arguments(&mut self, params: &[Param], depth: usize) -> String {
        let is_named = self.chance.one_in(8);
        let mut arguments = Vec::new();
        for param in params {
            let may_miss = param.optional || param.default.is_some();
            if may_miss && self.chance.one_in(2) {
                if is_named { continue } else { break }
            }
            let value = self.argument(param.kind, depth);
            arguments.push(match is_named {
                true => format!("{}: {value}", param.name),
                false => value,
            });
        }
        if self.chance.one_in(25) {
            arguments.push(self.leaf());
        }
        arguments.join(", ")
    }

    fn argument(&mut self, kind: ParamKind, depth: usize) -> String {
        // A constant of another kind is refused at once: mostly the right one, to get further.
        if self.chance.one_in(10) {
            return self.expression(depth.min(1));
        }
        match kind {
            ParamKind::String => self.chance.pick(TEXTS).to_owned(),
            ParamKind::Int => self.chance.pick(&NUMBERS[..12]).to_owned(),
            ParamKind::Float => self.chance.pick(NUMBERS).to_owned(),
            ParamKind::Bool => self.chance.pick(&["true", "false"]).to_owned(),
            ParamKind::Array => format!("[{}, {}]", self.leaf(), self.leaf()),
            ParamKind::Object => format!("{{\"a\": {}}}", self.leaf()),
            ParamKind::Timestamp => "now()".to_owned(),
            ParamKind::Any | ParamKind::Variadic => self.leaf(),
            ParamKind::Query => {
                let body = self.expression(depth.min(2));
                match self.chance.below(3) {
                    0 => format!("x -> {body}"),
                    1 => format!("(x -> {body})"),
                    _ => body,
                }
            }
        }
    }

    /// The content of a message.
    pub fn document(&mut self) -> String {
        match self.chance.below(10) {
            0 => self
                .chance
                .pick(&[
                    "",
                    "no json",
                    "null",
                    "5",
                    "\"text\"",
                    "[1,2,3]",
                    "{",
                    "\u{fffd}\u{0}",
                ])
                .to_owned(),
            _ => {
                let field = |name: &str, value: String| format!("\"{name}\":{value}");
                let names = ["a", "s", "n", "arr", "o", "big", "x y", "deep", "t", "objs"];
                let fields: Vec<String> = names
                    .iter()
                    .map(|name| field(name, self.value(3)))
                    .collect();
                format!("{{{}}}", fields.join(","))
            }
        }
    }

    fn value(&mut self, depth: usize) -> String {
        match self.chance.below(if depth == 0 { 4 } else { 7 }) {
            0 => self.chance.pick(NUMBERS).to_owned(),
            1 => self
                .chance
                .pick(&[
                    "true",
                    "false",
                    "null",
                    "\"2024-02-29T12:34:56Z\"",
                    "1e999",
                    "123456789012345678901234567890",
                    "-0",
                ])
                .to_owned(),
            2 | 3 => self.chance.pick(TEXTS).to_owned(),
            4 => format!(
                "[{},{},{}]",
                self.value(depth - 1),
                self.value(depth - 1),
                self.value(depth - 1)
            ),
            5 => format!(
                "{{\"a\":{},\"b\":{{\"c\":{}}}}}",
                self.value(depth - 1),
                self.value(depth - 1)
            ),
            _ => format!(
                "{{\"id\":{},\"name\":{}}}",
                self.chance.pick(NUMBERS),
                self.chance.pick(TEXTS)
            ),
        }
    }

    /// A text that was a mapping, before something happened to it.
    pub fn spoilt(&mut self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..=self.chance.below(4) {
            let at = self.chance.below(chars.len() + 1);
            let end = (at + self.chance.below(12)).min(chars.len());
            match self.chance.below(7) {
                0 => drop(chars.drain(at..end)),
                1 => chars.truncate(at),
                2 => {
                    let copy: Vec<char> = chars[at..end].to_vec();
                    chars.splice(at..at, copy);
                }
                3 => {
                    let token = self.chance.pick(&[
                        "(",
                        ")",
                        "[",
                        "]",
                        "{",
                        "}",
                        "\"",
                        "\"\"\"",
                        "->",
                        "=>",
                        "=",
                        "==",
                        ".",
                        ",",
                        ":",
                        "|",
                        "&&",
                        "!",
                        "-",
                        "@",
                        "$",
                        "#",
                        "\n",
                        "\\",
                        "${!",
                        "}",
                        "if ",
                        "match ",
                        "else",
                        "map ",
                        "let ",
                        "meta ",
                        "import ",
                        "from ",
                        "root",
                        "this",
                        "_",
                        "é",
                        "\u{0}",
                        "999999999999999999999999",
                        "1.",
                        ".5",
                        "1e",
                        "\"\\u12\"",
                        "\"\\xff\"",
                    ]);
                    chars.splice(at..at, token.chars());
                }
                4 => {
                    let deep = self.chance.pick(&[
                        "(",
                        "[",
                        "{\"a\":",
                        "!",
                        "-",
                        "if true { ",
                        "this.a.(",
                        "x -> ",
                        "match { _ => ",
                        "1 + ",
                        "a.b.",
                    ]);
                    let many = deep.repeat(1 << self.chance.below(14));
                    chars.splice(at..at, many.chars());
                }
                5 => {
                    let other = self.expression(2);
                    chars.splice(at..end, other.chars());
                }
                _ => {
                    let by = at.min(chars.len());
                    chars.rotate_left(by);
                }
            }
        }
        chars.into_iter().collect()
    }
}
