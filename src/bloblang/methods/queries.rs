//! Table: methods that take queries, look at the batch, or steer evaluation.

use crate::bloblang::spec::{Example, MethodCall, MethodSpec, Param, ParamKind, Status};

const fn core(
    name: &'static str,
    about: &'static str,
    params: &'static [Param],
    examples: &'static [Example],
) -> MethodSpec {
    MethodSpec::new(name, about, params, examples, MethodCall::Core)
}

const TEST: &[Param] = &[Param::new(
    "test",
    ParamKind::Query,
    "A query that says yes or no about an element.",
)];
const QUERY: &[Param] = &[Param::new(
    "query",
    ParamKind::Query,
    "A query about each element.",
)];
const PATH: &[Param] = &[Param::new(
    "path",
    ParamKind::String,
    "A dotted path; `~1` stands for a dot in a key, `~0` for `~`.",
)];
const FALLBACK: &[Param] = &[Param::new(
    "fallback",
    ParamKind::Query,
    "What to take instead.",
)];

pub(super) static TABLE: &[MethodSpec] = &[
    core(
        "all",
        "Whether a query holds for every element of an array; false if there is none.",
        TEST,
        &[Example {
            about: "Are all of age?",
            mapping: "root.ok = this.ages.all(age -> age >= 18)",
            cases: &[
                (r#"{"ages":[18,40]}"#, r#"{"ok":true}"#),
                (r#"{"ages":[17,40]}"#, r#"{"ok":false}"#),
            ],
        }],
    ),
    core(
        "any",
        "Whether a query holds for some element of an array.",
        TEST,
        &[Example {
            about: "Is one of age?",
            mapping: "root.ok = this.ages.any(age -> age >= 18)",
            cases: &[
                (r#"{"ages":[17,40]}"#, r#"{"ok":true}"#),
                (r#"{"ages":[]}"#, r#"{"ok":false}"#),
            ],
        }],
    ),
    core(
        "apply",
        "What a map of the mapping makes of the value.",
        &[Param::new("mapping", ParamKind::String, "The map's name.")],
        &[Example {
            about: "A map used twice.",
            mapping: "map double { root = this * 2 }\nroot.a = this.a.apply(\"double\")\nroot.b = this.b.apply(\"double\")",
            cases: &[(r#"{"a":1,"b":2}"#, r#"{"a":2,"b":4}"#)],
        }],
    )
    .sourceless(),
    core(
        "bloblang",
        "What a mapping given as text makes of the value. It sees neither the message nor its surroundings.",
        &[Param::new("mapping", ParamKind::String, "The mapping.")],
        &[Example {
            about: "A mapping that comes with the data.",
            mapping: "root.r = this.v.bloblang(this.m)",
            cases: &[(r#"{"m":"root = this * 2","v":4}"#, r#"{"r":8}"#)],
        }],
    )
    .sourceless(),
    core(
        "catch",
        "The value, or the fallback if evaluating the value fails. In the fallback `this` is the error's text.",
        FALLBACK,
        &[Example {
            about: "A number, or why there is none.",
            mapping: "root.n = this.n.number().catch(err -> err)",
            cases: &[(r#"{"n":"5"}"#, r#"{"n":5}"#)],
        }],
    ),
    core(
        "exists",
        "Whether an object holds anything at a path, null included.",
        PATH,
        &[Example {
            about: "Null is something.",
            mapping: "root.a = this.exists(\"a.b\")\nroot.b = this.exists(\"a.c\")",
            cases: &[(r#"{"a":{"b":null}}"#, r#"{"a":true,"b":false}"#)],
        }],
    ),
    core(
        "filter",
        "The elements of an array for which a query holds; or the fields of an object, of which the query sees `key` and `value`.",
        TEST,
        &[
            Example {
                about: "Of an array.",
                mapping: "root.big = this.nums.filter(n -> n > 10)",
                cases: &[(r#"{"nums":[3,11,4,17]}"#, r#"{"big":[11,17]}"#)],
            },
            Example {
                about: "Of an object.",
                mapping: "root = this.filter(f -> f.value > 10)",
                cases: &[(r#"{"a":3,"b":11}"#, r#"{"b":11}"#)],
            },
        ],
    ),
    core(
        "find_all_by",
        "The positions of all elements for which a query holds.",
        QUERY,
        &[Example {
            about: "All that aren't `a`.",
            mapping: "root.at = this.find_all_by(v -> v != \"a\")",
            cases: &[(r#"["a","b","a","c"]"#, r#"{"at":[1,3]}"#)],
        }],
    ),
    core(
        "find_by",
        "The position of the first element for which a query holds; -1 if there is none.",
        QUERY,
        &[Example {
            about: "The first that isn't `a`.",
            mapping: "root.at = this.find_by(v -> v != \"a\")",
            cases: &[(r#"["a","b"]"#, r#"{"at":1}"#), (r#"["a"]"#, r#"{"at":-1}"#)],
        }],
    ),
    core(
        "fold",
        "Takes the elements of an array together, one by one: the query sees `tally`, what there is so far, and `value`, the element.",
        &[
            Param::new("initial", ParamKind::Any, "The first tally."),
            Param::new("query", ParamKind::Query, "Gives the next tally."),
        ],
        &[Example {
            about: "A sum.",
            mapping: "root.sum = this.nums.fold(0, item -> item.tally + item.value)",
            cases: &[(r#"{"nums":[1,2,3]}"#, r#"{"sum":6}"#)],
        }],
    ),
    core(
        "from",
        "Evaluates the value as for another message of the batch. Only functions of the message notice; `this` stays.",
        &[Param::new(
            "index",
            ParamKind::Int,
            "The message's place in the batch; negative from the end.",
        )],
        &[Example {
            about: "From the first message.",
            mapping: "root.id = json(\"id\").from(0)",
            cases: &[(r#"{"id":"a"}"#, r#"{"id":"a"}"#)],
        }],
    ),
    core(
        "from_all",
        "Evaluates the value for each message of the batch, as an array.",
        &[],
        &[Example {
            about: "From all messages.",
            mapping: "root.ids = json(\"id\").from_all()",
            cases: &[(r#"{"id":"a"}"#, r#"{"ids":["a"]}"#)],
        }],
    ),
    core(
        "get",
        "What an object or array holds at a path; null if nothing.",
        PATH,
        &[Example {
            about: "A path that comes with the data.",
            mapping: "root.r = this.doc.get(this.path)",
            cases: &[(r#"{"doc":{"a":[1,2]},"path":"a.1"}"#, r#"{"r":2}"#)],
        }],
    ),
    core(
        "map",
        "Evaluates a query with the value as its `this`; the same as `.(query)`.",
        QUERY,
        &[Example {
            about: "A short way into a document.",
            mapping: "root.r = this.a.map(this.b + this.c)",
            cases: &[(r#"{"a":{"b":1,"c":2}}"#, r#"{"r":3}"#)],
        }],
    )
    .status(Status::Hidden),
    core(
        "map_each",
        "Replaces each element of an array, or the value of each field of an object, of which the query sees `key` and `value`. `deleted()` leaves it out, `nothing()` as it is.",
        QUERY,
        &[
            Example {
                about: "Of an array.",
                mapping: "root.nums = this.nums.map_each(n -> if n < 0 { deleted() } else { n * 2 })",
                cases: &[(r#"{"nums":[1,-2,3]}"#, r#"{"nums":[2,6]}"#)],
            },
            Example {
                about: "Of an object.",
                mapping: "root = this.map_each(f -> f.key + f.value)",
                cases: &[(r#"{"a":"1","b":"2"}"#, r#"{"a":"a1","b":"b2"}"#)],
            },
        ],
    ),
    core(
        "map_each_key",
        "Replaces the keys of an object.",
        QUERY,
        &[Example {
            about: "Keys in capitals.",
            mapping: "root = this.map_each_key(k -> k + \"_x\")",
            cases: &[(r#"{"a":1}"#, r#"{"a_x":1}"#)],
        }],
    ),
    core(
        "not",
        "The opposite of a bool; the same as `!`.",
        &[],
        &[Example {
            about: "A switch.",
            mapping: "root.off = this.on.not()",
            cases: &[(r#"{"on":true}"#, r#"{"off":false}"#)],
        }],
    )
    .status(Status::Hidden),
    core(
        "or",
        "The value, or the fallback if the value is null, a marker, or fails.",
        FALLBACK,
        &[Example {
            about: "A default.",
            mapping: "root.name = this.name.or(\"nobody\")",
            cases: &[("{}", r#"{"name":"nobody"}"#)],
        }],
    )
    .sourceless(),
    core(
        "sort",
        "The elements of an array in order: numbers or strings, or as a query says, which sees `left` and `right` and tells whether left comes first.",
        &[Param::new("compare", ParamKind::Query, "Whether `left` comes first.").optional()],
        &[Example {
            about: "Up, and down.",
            mapping: "root.up = this.sort()\nroot.down = this.sort(i -> i.left > i.right)",
            cases: &[("[2,3,1]", r#"{"down":[3,2,1],"up":[1,2,3]}"#)],
        }],
    ),
    core(
        "sort_by",
        "The elements of an array, ordered by the numbers or strings that a query makes of them.",
        QUERY,
        &[Example {
            about: "By id.",
            mapping: "root = this.sort_by(e -> e.id)",
            cases: &[(r#"[{"id":2},{"id":1}]"#, r#"[{"id":1},{"id":2}]"#)],
        }],
    ),
    core(
        "split_by",
        "Cuts an array at the elements, or a string at the characters, for which a query holds; those are left out.",
        &[Param::new("predicate", ParamKind::Query, "Whether to cut here.")],
        &[Example {
            about: "At commas and dots.",
            mapping: "root.parts = this.text.split_by(c -> c == \",\" || c == \".\")",
            cases: &[(r#"{"text":"a,b.c"}"#, r#"{"parts":["a","b","c"]}"#)],
        }],
    )
    .status(Status::Experimental),
    core(
        "type",
        "The name of the value's type: `string`, `bytes`, `number`, `bool`, `timestamp`, `array`, `object` or `null`.",
        &[],
        &[Example {
            about: "Types.",
            mapping: "root = this.map_each(v -> v.type())",
            cases: &[(r#"[1,"a",[],null]"#, r#"["number","string","array","null"]"#)],
        }],
    ),
    core(
        "unique",
        "The elements of an array without repetitions, by themselves or by what a query makes of them: numbers or strings.",
        &[Param::new("emit", ParamKind::Query, "What to compare.").optional()],
        &[Example {
            about: "Of equal ones the first stays.",
            mapping: "root = this.unique()",
            cases: &[(r#"["a","b","a"]"#, r#"["a","b"]"#)],
        }],
    ),
];
