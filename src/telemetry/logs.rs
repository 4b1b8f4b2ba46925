//! Where logs go: standard error, as text for people or as JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging for the process. `filter` is a level or a list such as `info,airtruct::worker=debug`; an error says what
/// of it can't be read. Called once, before anything logs.
pub fn init(filter: &str, json: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(|e| anyhow::anyhow!("log level `{filter}`: {e}"))?;
    let registry = tracing_subscriber::registry().with(filter);
    let stderr = std::io::stderr;
    if json {
        let layer = fmt::layer().json().flatten_event(true).with_writer(stderr);
        registry.with(layer).try_init()?;
    } else {
        let layer = fmt::layer()
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(stderr);
        registry.with(layer).try_init()?;
    }
    Ok(())
}
