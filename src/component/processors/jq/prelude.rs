//! The functions that are defined in jq itself.

/// Each function under its name and the number of its parameters.
const DEFINITIONS: &[(&str, usize, &str)] = &[
    (
        "in",
        1,
        "def in(container): . as $key | container | has($key);",
    ),
    (
        "inside",
        1,
        "def inside(container): . as $part | container | contains($part);",
    ),
    ("map", 1, "def map(f): [.[] | f];"),
    ("map_values", 1, "def map_values(f): .[] |= f;"),
    (
        "with_entries",
        1,
        "def with_entries(f): to_entries | map(f) | from_entries;",
    ),
    ("select", 1, "def select(f): if f then . else empty end;"),
    ("recurse", 1, "def recurse(f): def go: ., (f | go); go;"),
    (
        "recurse",
        2,
        "def recurse(f; while): def go: ., (f | if while then go else empty end); go;",
    ),
    ("recurse_down", 0, "def recurse_down: recurse;"),
    (
        "while",
        2,
        "def while(test; next): def go: if test then ., (next | go) else empty end; go;",
    ),
    (
        "until",
        2,
        "def until(test; next): def go: if test then . else (next | go) end; go;",
    ),
    ("repeat", 1, "def repeat(f): def go: f, go; go;"),
    ("add", 1, "def add(f): [f] | add;"),
    ("min_by", 1, "def min_by(f): _min_by(map([f]));"),
    ("max_by", 1, "def max_by(f): _max_by(map([f]));"),
    ("sort_by", 1, "def sort_by(f): _sort_by(map([f]));"),
    ("group_by", 1, "def group_by(f): _group_by(map([f]));"),
    ("unique_by", 1, "def unique_by(f): _unique_by(map([f]));"),
    ("arrays", 0, "def arrays: select(type == \"array\");"),
    ("objects", 0, "def objects: select(type == \"object\");"),
    (
        "iterables",
        0,
        "def iterables: select(type == (\"array\", \"object\"));",
    ),
    ("booleans", 0, "def booleans: select(type == \"boolean\");"),
    ("numbers", 0, "def numbers: select(type == \"number\");"),
    ("finites", 0, "def finites: select(isfinite);"),
    ("normals", 0, "def normals: select(isnormal);"),
    ("strings", 0, "def strings: select(type == \"string\");"),
    ("nulls", 0, "def nulls: select(. == null);"),
    ("values", 0, "def values: select(. != null);"),
    (
        "scalars",
        0,
        "def scalars: select(type | . != \"array\" and . != \"object\");",
    ),
    (
        "combinations",
        0,
        "def combinations: if length == 0 then [] else .[0][] as $first | .[1:] | combinations | [$first] + . end;",
    ),
    (
        "combinations",
        1,
        "def combinations(n): [limit(n; repeat(.))] | combinations;",
    ),
    (
        "walk",
        1,
        "def walk(f): def go: if type == \"array\" then map(go) elif type == \"object\" then map_values(go) end | f; go;",
    ),
    ("first", 0, "def first: .[0];"),
    ("first", 1, "def first(f): label $end | f | ., break $end;"),
    ("last", 0, "def last: .[-1];"),
    (
        "last",
        1,
        "def last(f): reduce f as $item ([]; [$item]) | .[];",
    ),
    (
        "isempty",
        1,
        "def isempty(f): label $end | (f | false, break $end), true;",
    ),
    ("all", 0, "def all: all(.[]; .);"),
    ("all", 1, "def all(test): all(.[]; test);"),
    (
        "all",
        2,
        "def all(f; test): isempty(f | if test then empty else . end);",
    ),
    ("any", 0, "def any: any(.[]; .);"),
    ("any", 1, "def any(test): any(.[]; test);"),
    (
        "any",
        2,
        "def any(f; test): isempty(f | if test then . else empty end) | not;",
    ),
    (
        "limit",
        2,
        "def limit($n; f): if $n > 0 then label $end | foreach f as $item ($n; . - 1; $item, if . <= 0 then break $end else empty end) elif $n == 0 then empty else error(\"limit doesn't support negative count\") end;",
    ),
    (
        "skip",
        2,
        "def skip($n; f): if $n > 0 then foreach f as $item ($n; . - 1; if . < 0 then $item else empty end) elif $n == 0 then f else error(\"skip doesn't support negative count\") end;",
    ),
    ("nth", 1, "def nth($n): .[$n];"),
    (
        "nth",
        2,
        "def nth($n; f): if $n >= 0 then first(skip($n; f)) else error(\"nth doesn't support negative index\") end;",
    ),
    (
        "truncate_stream",
        1,
        "def truncate_stream(f): . as $depth | null | f | if .[0] | length > $depth then .[0] |= .[$depth:] else empty end;",
    ),
    (
        "fromstream",
        1,
        "def fromstream(f): foreach f as $event (null; if .done then null end | if $event | length == 2 then setpath([\"value\"] + $event[0]; $event[1]) | .done = ($event[0] | length == 0) else .done = ($event[0] | length == 1) end; if .done then .value else empty end);",
    ),
    (
        "tostream",
        0,
        "def tostream: path(def go: (.[]? | go), .; go) as $path | getpath($path) | reduce path(.[]?) as $step ([$path, .]; [$path + $step]);",
    ),
    ("del", 1, "def del(f): delpaths([path(f)]);"),
    ("paths", 0, "def paths: path(..) | select(. != []);"),
    (
        "paths",
        1,
        "def paths(test): path(.. | select(test)) | select(. != []);",
    ),
    ("leaf_paths", 0, "def leaf_paths: paths(scalars);"),
    (
        "pick",
        1,
        "def pick(f): . as $all | reduce path(f) as $path (null; setpath($path; $all | getpath($path)));",
    ),
    ("debug", 1, "def debug(f): (f | empty), .;"),
    (
        "fromdateiso8601",
        0,
        "def fromdateiso8601: strptime(\"%Y-%m-%dT%H:%M:%S%z\") | mktime;",
    ),
    (
        "todateiso8601",
        0,
        "def todateiso8601: strftime(\"%Y-%m-%dT%H:%M:%SZ\");",
    ),
    ("dateadd", 2, "def dateadd(unit; $n): . + $n;"),
    ("datesub", 2, "def datesub(unit; $n): . - $n;"),
    ("date", 0, "def date: todate;"),
    ("fromdate", 0, "def fromdate: fromdateiso8601;"),
    ("todate", 0, "def todate: todateiso8601;"),
    ("match", 1, "def match($regex): match($regex; null);"),
    (
        "match",
        2,
        "def match($regex; $flags): _match($regex; $flags) | .[];",
    ),
    ("test", 1, "def test($regex): test($regex; null);"),
    ("capture", 1, "def capture($regex): capture($regex; null);"),
    (
        "capture",
        2,
        "def capture($regex; $flags): match($regex; $flags) | _capture;",
    ),
    ("scan", 1, "def scan($regex): scan($regex; null);"),
    (
        "scan",
        2,
        "def scan($regex; $flags): match($regex; $flags + \"g\") | if .captures == [] then .string else [.captures[].string] end;",
    ),
    ("splits", 1, "def splits($regex): splits($regex; null);"),
    (
        "splits",
        2,
        "def splits($regex; $flags): split($regex; $flags) | .[];",
    ),
    ("sub", 2, "def sub($regex; text): sub($regex; text; null);"),
    (
        "sub",
        3,
        "def sub($regex; text; $flags): . as $all | def go: if .left == [] then $all[:.end] + .made else .left[-1] as $match | ($match | _capture | text) as $new | {made: ($new + $all[$match.offset + $match.length:.end] + .made), end: $match.offset, left: .left[:-1]} | go end; {made: \"\", end: null, left: [match($regex; $flags)]} | go;",
    ),
    (
        "gsub",
        2,
        "def gsub($regex; text): sub($regex; text; \"g\");",
    ),
    (
        "gsub",
        3,
        "def gsub($regex; text; $flags): sub($regex; text; $flags + \"g\");",
    ),
    ("inputs", 0, "def inputs: repeat(input);"),
    ("INDEX", 1, "def INDEX(key): INDEX(.[]; key);"),
    (
        "INDEX",
        2,
        "def INDEX(f; key): reduce f as $row ({}; .[$row | key | tostring] = $row);",
    ),
    ("IN", 1, "def IN(f): any(f == .; .);"),
    ("IN", 2, "def IN(f; g): any(f == g; .);"),
    (
        "JOIN",
        2,
        "def JOIN($index; key): [.[] | [., $index[key]]];",
    ),
    ("JOIN", 3, "def JOIN($index; f; key): f | [., $index[key]];"),
    (
        "JOIN",
        4,
        "def JOIN($index; f; key; join): f | [., $index[key]] | join;",
    ),
    ("get_search_list", 0, "def get_search_list: [];"),
];

/// The definition of a function.
pub(super) fn find(name: &str, arity: usize) -> Option<&'static str> {
    let is = |entry: &&(&str, usize, &str)| entry.0 == name && entry.1 == arity;
    DEFINITIONS.iter().find(is).map(|entry| entry.2)
}

/// The functions by name and number of parameters.
pub(super) fn names() -> impl Iterator<Item = (&'static str, usize)> {
    DEFINITIONS.iter().map(|entry| (entry.0, entry.1))
}
