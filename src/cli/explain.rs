//! `airtruct explain`: why a stream is where it is.

use std::process::ExitCode;

use serde_json::Value as Json;

use super::{
    client::{Client, EXIT_CODES, Format, Remote, report},
    show::{self, age, text},
};

/// Explain what holds a stream, since when, what was tried, and what would help
#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Explain one stream, shard by shard
    Stream { name: String },
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.remote)?;
    let What::Stream { name } = args.what;
    match client.get(&["streams", &name, "explain"], &[]).await {
        Ok(answer) => {
            match args.remote.output {
                Format::Json => show::json(&answer),
                Format::Table => print!("{}", for_people(&answer)),
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => report(failure.into()),
    }
}

fn for_people(answer: &Json) -> String {
    let mut out = format!("{}: {}\n", text(&answer["stream"]), text(&answer["summary"]));
    if let Some(why) = answer["frozen"].as_str() {
        out.push_str(&format!("moves for balance are frozen: {why}\n"));
    }
    if let Some(how) = answer["scaling"].as_str() {
        out.push_str(&format!("{how}\n"));
    }
    for shard in answer["shards"].as_array().into_iter().flatten() {
        out.push_str(&format!("shard {}: {}", shard["shard"], text(&shard["hold"])));
        if !shard["since"].is_null() {
            out.push_str(&format!(", for {}", age(&shard["since"])));
        }
        if let Some(until) = shard["until"].as_str() {
            out.push_str(&format!(", until {until}"));
        }
        out.push_str(&format!("\n  {}\n", text(&shard["reason"])));
        for (heading, key) in [("tried", "tried"), ("would help", "help")] {
            for line in shard[key].as_array().into_iter().flatten() {
                out.push_str(&format!("  {heading}: {}\n", text(line)));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_cause_and_cure() {
        let answer = serde_json::json!({"stream": "s", "summary": "no worker has come", "frozen": null, "scaling": "1 shards of 1 to 2", "shards": [
            {"shard": 0, "hold": "no_worker", "since": null, "until": null, "reason": "no worker has come",
             "tried": [], "help": ["start a worker"]}]});
        let expected = "s: no worker has come\n1 shards of 1 to 2\nshard 0: no_worker\n  no worker has come\n  would help: start a worker\n";
        assert_eq!(for_people(&answer), expected);
    }
}
