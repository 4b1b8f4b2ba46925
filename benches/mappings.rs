//! Whole mappings over messages, from bytes to bytes, beside what the fastest JSON crate needs to parse and write the same bytes.
//!
//! `cargo bench --bench mappings [-- NAME]`. All rows of a size are measured in turn, round after round, so that what else the machine
//! does hits them alike. Printed are the median of the rounds, how far the middle half of them spreads, the share of the limit (100 %: as
//! fast as only parsing and writing), and allocations.

mod documents;

use airtruct::bloblang::{Environment, Mapped, Mapping};
use airtruct::message::Message;
use bytes::Bytes;
use documents::{SIZES, orders};
use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

const ROUNDS: usize = 200;

const MAPPINGS: &[(&str, &str)] = &[
    (
        "filter on one field",
        r#"root = if this.level != "error" { deleted() }"#,
    ),
    ("copy", "root = this"),
    (
        "set two, delete one",
        "root = this
         root.total = this.price * this.qty
         root.user.name = this.user.name.uppercase()
         root.level = deleted()",
    ),
    (
        "rebuild, 12 fields",
        r#"root.order_id = this.id
           root.at = this.ts.ts_parse("2006-01-02T15:04:05.000Z").ts_unix()
           root.customer = this.user.name.capitalize()
           root.email = this.user.email.lowercase()
           root.vip = this.user.vip || this.price > 400
           root.gross = this.price * this.qty
           root.tags = this.tags.map_each(t -> t.uppercase()).sort()
           root.items = this.items | []
           root.first = this.items.index(0).name | "none"
           root.size = match { this.qty > 6 => "large", this.qty > 3 => "medium", _ => "small" }
           root.note = this.note
           root.severity = this.level"#,
    ),
    (
        "array map and fold",
        r#"let items = this.items | []
           root.skus = $items.map_each(i -> i.sku)
           root.sum = $items.fold(0, i -> i.tally + i.value.price * i.value.qty)"#,
    ),
    (
        "strings and regexes",
        r#"root.name = this.user.name.uppercase().replace_all(" ", "_")
           root.note = this.note.re_replace_all("ce.ar", "tree")
           root.mail = this.user.email.re_match("^u[0-9]+@")"#,
    ),
    (
        "timestamps",
        r#"let at = this.ts.ts_parse("2006-01-02T15:04:05.000Z")
           root.day = $at.ts_format("2006-01-02")
           root.unix = $at.ts_unix()"#,
    ),
];

/// Counts allocations.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is passed on to an allocator that is one.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { mimalloc::MiMalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { mimalloc::MiMalloc.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { mimalloc::MiMalloc.realloc(at, layout, size) }
    }
}

/// A row of the table.
struct Row<'a> {
    name: &'a str,
    run: Box<dyn Fn(&Bytes)>,
    /// Nanoseconds a message, one entry a round.
    rounds: Vec<f64>,
    allocations: f64,
}

impl<'a> Row<'a> {
    fn new(name: &'a str, run: impl Fn(&Bytes) + 'static) -> Row<'a> {
        Row {
            name,
            run: Box::new(run),
            rounds: Vec::new(),
            allocations: 0.0,
        }
    }

    fn round(&mut self, documents: &[Bytes]) {
        let (before, start) = (ALLOCATIONS.load(Relaxed), Instant::now());
        documents.iter().for_each(&self.run);
        let each = |n: f64| n / documents.len() as f64;
        let elapsed = each(start.elapsed().as_nanos() as f64);
        self.allocations = each((ALLOCATIONS.load(Relaxed) - before) as f64);
        self.rounds.push(elapsed);
    }

    /// The quarter, half and three quarter points of the rounds.
    fn quartiles(&self) -> [f64; 3] {
        let mut rounds = self.rounds.clone();
        rounds.sort_by(f64::total_cmp);
        [1, 2, 3].map(|n| rounds[rounds.len() * n / 4])
    }
}

fn main() {
    let wanted = std::env::args()
        .skip(1)
        .find(|arg| !arg.starts_with('-'))
        .unwrap_or_default();
    for size in SIZES {
        let documents = orders(size);
        let bytes: usize = documents.iter().map(Bytes::len).sum();
        println!("\n{size}, {} bytes", bytes / documents.len());
        println!(
            "{:24}{:>12}{:>10}{:>12}{:>14}",
            "", "ns/message", "spread", "of limit", "allocations"
        );
        let mut rows = vec![
            Row::new("parse + write (limit)", |text| {
                let value: sonic_rs::Value = sonic_rs::from_slice(text).expect("JSON");
                black_box(sonic_rs::to_vec(&value).expect("JSON"));
            }),
            Row::new("parse (serde_json)", |text| {
                black_box::<serde_json::Value>(serde_json::from_slice(text).expect("JSON"));
            }),
        ];
        for (name, source) in MAPPINGS.iter().filter(|(name, _)| name.contains(&wanted)) {
            let mapping = Mapping::parse(source, &Environment::default()).expect("a mapping");
            rows.push(Row::new(name, move |text| {
                let batch = [Message::new(text.clone())];
                match mapping.map(&batch, 0).expect("maps") {
                    Mapped::Message(message) => drop(black_box(message.bytes().clone())),
                    Mapped::Deleted => {}
                }
            }));
        }
        for _ in 0..ROUNDS {
            rows.iter_mut().for_each(|row| row.round(&documents));
        }
        let limit = rows[0].quartiles()[1];
        for row in &rows {
            let [low, median, high] = row.quartiles();
            println!(
                "{:24}{median:>12.0}{:>9.1}%{:>11.0}%{:>14.1}",
                row.name,
                100.0 * (high - low) / median,
                100.0 * limit / median,
                row.allocations
            );
        }
    }
}
