//! Whole streams in this process: what comes in, what goes out, what is answered.

mod basics;
mod property;
mod scripted;

use airtruct::engine::{Outcome, Services, Stream, StreamSpec};

/// What a stream runs as in tests.
pub fn spec(text: &str) -> StreamSpec {
    StreamSpec {
        name: "test".into(),
        shard: 0,
        shards: 1,
        epoch: 1,
        text: text.into(),
        secrets: Default::default(),
        resources: Vec::new(),
    }
}

/// Starts a stream.
///
/// # Panics
/// If its config is wrong.
pub fn start(config: &str) -> Stream {
    let stream = Stream::start(&spec(config), Services::default());
    stream.unwrap_or_else(|e| panic!("{e}\n{config}"))
}

/// Runs a stream to its end.
pub async fn run_stream(config: &str) -> Outcome {
    start(config).wait().await
}

/// Waits until something is so.
///
/// # Panics
/// If it takes more than ten seconds.
pub async fn wait_until(is_so: impl Fn() -> bool) {
    let since = std::time::Instant::now();
    while !is_so() {
        assert!(since.elapsed().as_secs() < 10, "waited too long");
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
