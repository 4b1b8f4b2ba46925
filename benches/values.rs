//! What it costs to parse, read, edit and write a message's content, beside what the fastest JSON crate needs to parse and write it.
//!
//! `cargo bench --bench values`. Each measured call handles the next of many documents; times are for one message.

mod documents;

use airtruct::message::Message;
use airtruct::value::{Object, Value};
use bytes::Bytes;
use divan::{Bencher, black_box};
use documents::{SIZES, orders};

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler<mimalloc::MiMalloc> =
    divan::AllocProfiler::new(mimalloc::MiMalloc);

fn main() {
    divan::main();
}

/// Runs `work` on one document after the other.
fn each(bencher: Bencher<'_, '_>, size: &str, work: impl Fn(&Bytes) -> usize + Sync) {
    let documents = orders(size);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let (sum, count) = (
        documents.iter().map(Bytes::len).sum::<usize>(),
        documents.len(),
    );
    bencher
        .counter(divan::counter::BytesCount::new(sum / count))
        .bench(|| {
            let at = next.load(std::sync::atomic::Ordering::Relaxed);
            next.store((at + 1) % count, std::sync::atomic::Ordering::Relaxed);
            black_box(work(&documents[at]))
        });
}

mod limit {
    use super::*;

    /// The limit of everything that changes a message: parse into the fastest tree there is and write it.
    #[divan::bench(args = SIZES, sample_size = 256)]
    fn sonic_parse_and_write(bencher: Bencher<'_, '_>, size: &str) {
        each(bencher, size, |text| {
            let value: sonic_rs::Value = sonic_rs::from_slice(text).expect("JSON");
            sonic_rs::to_vec(&value).expect("JSON").len()
        });
    }

    #[divan::bench(args = SIZES, sample_size = 256)]
    fn sonic_parse(bencher: Bencher<'_, '_>, size: &str) {
        each(bencher, size, |text| {
            let value: sonic_rs::Value = sonic_rs::from_slice(text).expect("JSON");
            black_box(&value);
            1
        });
    }

    #[divan::bench(args = SIZES, sample_size = 256)]
    fn serde_parse(bencher: Bencher<'_, '_>, size: &str) {
        each(bencher, size, |text| {
            let value: serde_json::Value = serde_json::from_slice(text).expect("JSON");
            black_box(&value);
            1
        });
    }

    #[divan::bench(args = SIZES, sample_size = 256)]
    fn copy(bencher: Bencher<'_, '_>, size: &str) {
        each(bencher, size, |text| black_box(text.to_vec()).len());
    }
}

mod ours {
    use super::*;

    fn content(text: &Bytes) -> Value {
        airtruct::value::parse(text).expect("JSON")
    }

    fn object(value: Value) -> Object {
        match value {
            Value::Object(object) => object,
            other => panic!("{other:?} isn't an object"),
        }
    }

    /// Parsing to read one field: what a filter costs.
    #[divan::bench(args = SIZES, sample_size = 256)]
    fn read_one_field(bencher: Bencher<'_, '_>, size: &str) {
        each(bencher, size, |text| {
            let level = content(text).get_path(&["level"]);
            level.as_ref().and_then(Value::as_str).map_or(0, str::len)
        });
    }

    #[divan::bench(args = SIZES, sample_size = 256)]
    fn message_read_one_field(bencher: Bencher<'_, '_>, size: &str) {
        each(bencher, size, |text| {
            let message = Message::new(text.clone());
            let level = message.value().expect("JSON").get_path(&["level"]);
            level.as_ref().and_then(Value::as_str).map_or(0, str::len)
        });
    }

    /// Parsing and writing in canonical form, nothing changed.
    #[divan::bench(args = SIZES, sample_size = 256)]
    fn parse_and_write(bencher: Bencher<'_, '_>, size: &str) {
        each(bencher, size, |text| content(text).to_json().len());
    }

    /// Two fields set, one of them nested, one deleted, and written: `benches/streams/edit_*.yaml`.
    #[divan::bench(args = SIZES, sample_size = 256)]
    fn edit(bencher: Bencher<'_, '_>, size: &str) {
        each(bencher, size, |text| {
            let this = content(text);
            let price = this
                .get_path(&["price"])
                .and_then(|v| v.as_f64())
                .expect("a number");
            let qty = this
                .get_path(&["qty"])
                .and_then(|v| v.as_f64())
                .expect("a number");
            let name = this.get_path(&["user", "name"]).expect("a name");
            let name = name.as_str().expect("text").to_uppercase();
            let mut root = object(this);
            root.insert("total", (price * qty).into());
            if let Some(Value::Object(user)) = root.get_mut("user") {
                user.insert("name", name.into());
            }
            root.remove("level");
            Value::Object(root).to_json().len()
        });
    }

    /// A new document of twelve fields of the old one, and written.
    #[divan::bench(args = SIZES, sample_size = 256)]
    fn rebuild(bencher: Bencher<'_, '_>, size: &str) {
        each(bencher, size, |text| {
            let this = content(text);
            let mut root = Object::new();
            for (to, from) in [
                ("order_id", &["id"][..]),
                ("at", &["ts"]),
                ("customer", &["user", "name"]),
                ("email", &["user", "email"]),
                ("vip", &["user", "vip"]),
                ("user_id", &["user", "id"]),
                ("gross", &["price"]),
                ("count", &["qty"]),
                ("words", &["tags"]),
                ("lines", &["items"]),
                ("text", &["note"]),
                ("severity", &["level"]),
            ] {
                root.insert(to, this.get_path(from).unwrap_or(Value::Null));
            }
            Value::Object(root).to_json().len()
        });
    }

    /// Every value of the document looked at.
    #[divan::bench(args = SIZES, sample_size = 256)]
    fn walk(bencher: Bencher<'_, '_>, size: &str) {
        fn count(value: &Value) -> usize {
            match value {
                Value::Array(items) => items.iter().map(|v| count(&v)).sum(),
                Value::Object(fields) => fields.iter().map(|(k, v)| k.len() + count(&v)).sum(),
                _ => 1,
            }
        }
        each(bencher, size, |text| count(&content(text)));
    }
}
