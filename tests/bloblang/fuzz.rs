//! No text and no document makes the language panic, hang or run out of stack.
//!
//! Seconds by default; `AIRTRUCT_FUZZ_SECONDS` says how many, as `make fuzz` does, and `AIRTRUCT_FUZZ_SEED` where to begin. A case is its
//! seed: a failure names it, and with `AIRTRUCT_FUZZ_TRACE` set each one is printed before it runs, for what ends the process.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use airtruct::{
    bloblang::{Environment, Interpolated, Mapping, functions::FUNCTIONS, methods::METHODS},
    message::Message,
};

use super::generate::{Chance, Writer};

/// What a case may take of the processor. Limits on sizes allow some work; what takes longer is as good as hanging.
const LONGEST: Duration = if cfg!(debug_assertions) {
    Duration::from_secs(20)
} else {
    Duration::from_secs(5)
};

/// A case that takes so long by the clock hangs.
const HUNG: Duration = Duration::from_secs(120);

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// Runs cases by their seeds for a while.
fn fuzz(what: &str, case: impl Fn(&mut Chance) -> String) {
    let seconds = setting("AIRTRUCT_FUZZ_SECONDS").unwrap_or(3);
    let first = setting("AIRTRUCT_FUZZ_SEED").unwrap_or(1);
    let traces = std::env::var_os("AIRTRUCT_FUZZ_TRACE").is_some();
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut seed = first;
    let mut longest = (Duration::ZERO, seed);
    let now = watch(what);
    while Instant::now() < until || seed == first {
        if traces {
            eprintln!("{what} {seed}");
        }
        now.store(seed, Ordering::Relaxed);
        let began = processor_time();
        let text = std::cell::RefCell::new(String::new());
        let done = catch_unwind(AssertUnwindSafe(|| {
            let made = case(&mut Chance::new(seed));
            *text.borrow_mut() = made;
        }));
        let took = processor_time() - began;
        assert!(done.is_ok(), "{what}: seed {seed} panics");
        assert!(
            took < LONGEST,
            "{what}: seed {seed} took {took:?}:\n{}",
            text.borrow()
        );
        longest = longest.max((took, seed));
        seed += 1;
    }
    println!(
        "{what}: {} cases from seed {first}, the longest {:?} (seed {})",
        seed - first,
        longest.0,
        longest.1
    );
}

/// Ends the process if the case whose seed stands in what it returns stays the same for too long; 0 is none.
fn watch(what: &str) -> Arc<AtomicU64> {
    let now = Arc::new(AtomicU64::new(0));
    let (what, watched) = (what.to_owned(), Arc::downgrade(&now));
    std::thread::spawn(move || {
        let (mut last, mut since) = (0, Instant::now());
        while let Some(now) = watched.upgrade() {
            let seed = now.load(Ordering::Relaxed);
            if seed != last {
                (last, since) = (seed, Instant::now());
            }
            if since.elapsed() > HUNG {
                eprintln!("{what}: seed {seed} hangs");
                std::process::abort();
            }
            drop(now);
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    now
}

/// What this thread has had of the processor.
fn processor_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a value of our own.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn no_text_hurts_the_parser() {
    let functions = FUNCTIONS
        .iter()
        .flat_map(|(_, table)| table.iter())
        .map(|f| f.examples);
    let methods = METHODS
        .iter()
        .flat_map(|(_, table)| table.iter())
        .map(|m| m.examples);
    let examples: Vec<&str> = functions
        .chain(methods)
        .flatten()
        .map(|example| example.mapping)
        .collect();
    fuzz("parser", |chance| {
        let base = match chance.one_in(2) {
            true => chance.pick(&examples).to_owned(),
            false => Writer::new(chance).mapping(),
        };
        let text = Writer::new(chance).spoilt(&base);
        if let Err(error) = Mapping::parse(&text, &Environment::without_impure()) {
            // Its place is in the text, and it can be shown.
            assert!(error.line >= 1 && error.column >= 1);
            let _ = error.render(&text);
        }
        let _ = Interpolated::parse(
            &format!("a ${{! {text} }} b"),
            &Environment::without_impure(),
        );
        text
    });
}

#[test]
fn no_mapping_hurts_the_evaluator() {
    fuzz("evaluator", |chance| {
        let mut writer = Writer::new(chance);
        let text = writer.mapping();
        if std::env::var_os("AIRTRUCT_FUZZ_TRACE").is_some() {
            eprintln!("{text}");
        }
        let Ok(mapping) = Mapping::parse(&text, &Environment::without_impure()) else {
            return text;
        };
        let mut batch: Vec<Message> = (0..=writer.chance.below(2))
            .map(|_| Message::new(writer.document()))
            .collect();
        let inputs: Vec<String> = batch
            .iter()
            .map(|m| String::from_utf8_lossy(m.bytes()).into_owned())
            .collect();
        for index in 0..batch.len() {
            let before: Vec<_> = batch.iter().map(|m| m.bytes().clone()).collect();
            let _ = mapping.map(&batch, index);
            let after: Vec<_> = batch.iter().map(|m| m.bytes().clone()).collect();
            assert_eq!(
                before, after,
                "a mapping leaves what it reads alone:\n{text}"
            );
        }
        let _ = mapping.mutate(&mut batch, 0);
        format!("{text}\n{}", inputs.join("\n"))
    });
}
