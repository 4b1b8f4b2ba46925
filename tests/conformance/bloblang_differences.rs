//! Recorded cases that we differ from on purpose, or that can't be right, with the reason.

/// Ids of rows, with why they don't count.
const REASONED: &[(&str, &str)] = &[
    (
        "o/-",
        "two mappings of this id were recorded, and the results are those of the other one",
    ),
    ("m/map_each/5", UNORDERED),
    ("m/map_each/8", UNORDERED),
    ("m/key_values/0", UNORDERED),
    ("m/values/0", UNORDERED),
];

/// Ours are in the order of the keys.
const UNORDERED: &str = "the real thing goes through an object's fields in random order";

/// Whether the row of this id is listed.
pub fn is_reasoned(id: &str) -> bool {
    REASONED.iter().any(|(listed, _)| *listed == id)
}
