//! The documents of the benchmarks: orders of about 300 B, 1 KB and 10 KB, with keys in natural order.

use bytes::Bytes;

/// The sizes, by the names that the benchmarks print.
pub const SIZES: &[&str] = &["300b", "1k", "10k"];

/// Many different documents of a size, so that no branch predictor learns one by heart.
pub fn orders(size: &str) -> Vec<Bytes> {
    let (words, items) = match size {
        "300b" => (3, 0),
        "1k" => (30, 8),
        _ => (700, 80),
    };
    let mut dice = Dice(7);
    (0..256)
        .map(|i| order(&mut dice, i, words, items).into())
        .collect()
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }

    fn word(&mut self) -> &'static str {
        const WORDS: [&str; 16] = [
            "amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "haven", "iris", "jade",
            "koala", "lemon", "mango", "nylon", "ocean", "pearl",
        ];
        WORDS[self.roll(16) as usize]
    }

    fn words(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| self.word())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn price(&mut self, below: u64) -> f64 {
        self.roll(below * 100) as f64 / 100.0
    }
}

fn order(dice: &mut Dice, i: usize, words: usize, items: usize) -> String {
    let level = if i.is_multiple_of(10) {
        "error"
    } else {
        "info"
    };
    let mut text = format!(
        r#"{{"id":"o-{i:09}","ts":"2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z","level":"{level}","price":{},"qty":{},"user":{{"id":{},"name":"{}","email":"u{i}@example.com","vip":{}}},"tags":["{}","{}","{}"]"#,
        1 + i % 12,
        1 + i % 28,
        i % 24,
        i % 60,
        i * 7 % 60,
        i,
        dice.price(500),
        1 + dice.roll(9),
        1 + dice.roll(10_000_000),
        dice.words(2),
        i.is_multiple_of(7),
        dice.word(),
        dice.word(),
        dice.word(),
    );
    let all: Vec<String> = (0..items)
        .map(|_| {
            format!(
                r#"{{"sku":"sku-{:05}","name":"{}","price":{},"qty":{}}}"#,
                dice.roll(99_999),
                dice.word(),
                dice.price(99),
                1 + dice.roll(5)
            )
        })
        .collect();
    if items > 0 {
        text += &format!(r#","items":[{}]"#, all.join(","));
    }
    text + &format!(r#","note":"{}"}}"#, dice.words(words))
}
