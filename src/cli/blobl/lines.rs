//! A mapping over lines, on several threads: what comes out has the order of what went in.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::{
    bloblang::{Mapped, Mapping, STACK_SIZE},
    codec::json_text::{self, Layout},
    message::Message,
    value::Value,
};

/// Lines that go to a thread at once, if they have been read already.
const LINES_AT_ONCE: usize = 256;
/// How much is read at once, in bytes.
const BUFFER: usize = 64 << 10;
/// Groups of lines that wait for each thread, or for their turn to be printed.
const WAITING: usize = 4;

/// How lines are taken and printed.
#[derive(clap::Args, Debug)]
pub(super) struct Options {
    /// Takes lines as text instead of as JSON documents
    #[arg(short, long)]
    raw: bool,
    /// Lays documents out over several lines
    #[arg(short, long)]
    pretty: bool,
    /// How many threads map lines
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// The longest line, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    max_token_length: u64,
}

/// What became of a group of lines.
struct Made {
    output: Vec<u8>,
    errors: Vec<u8>,
}

/// A group of lines on its way to a thread, and where that puts what it makes.
type Job = (Vec<Vec<u8>>, SyncSender<Made>);

/// Maps the lines of standard input. An error is one of reading or writing, or a line that is too long.
pub(super) fn run(mapping: &Mapping, options: &Options) -> anyhow::Result<()> {
    let threads = usize::from(options.threads);
    let (jobs, queue) = sync_channel::<Job>(threads * WAITING);
    let (turns, in_turn) = sync_channel::<Receiver<Made>>(threads * WAITING);
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..threads {
            let work = || {
                loop {
                    let Ok((lines, done)) = queue.lock().recv() else {
                        return;
                    };
                    // Nobody waits for it once nobody reads the output any more.
                    let _ = done.send(make(mapping, options, lines));
                }
            };
            thread::Builder::new()
                .stack_size(STACK_SIZE)
                .spawn_scoped(scope, work)?;
        }
        let printer = scope.spawn(move || print(&in_turn));
        let read = read(options, &jobs, &turns);
        drop((jobs, turns));
        let printed = printer.join().expect("the printer does not panic");
        printed?;
        read
    })
}

/// Reads lines until they end, or nobody takes them any more.
fn read(
    options: &Options,
    jobs: &SyncSender<Job>,
    turns: &SyncSender<Receiver<Made>>,
) -> anyhow::Result<()> {
    let mut input = BufReader::with_capacity(BUFFER, io::stdin().lock());
    let longest = options.max_token_length;
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        let read = (&mut input).take(longest + 1).read_until(b'\n', &mut line)?;
        let is_end = read == 0;
        let is_too_long = read as u64 > longest && !line.ends_with(b"\n");
        while line.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            line.pop();
        }
        if !is_end && !is_too_long && (!line.is_empty() || options.raw) {
            lines.push(line);
        }
        // What has come is not kept waiting for what may come.
        let waits = input.buffer().contains(&b'\n') && lines.len() < LINES_AT_ONCE && !is_too_long;
        if !waits && !lines.is_empty() {
            let (done, made) = sync_channel(1);
            let job = (std::mem::take(&mut lines), done);
            if turns.send(made).is_err() || jobs.send(job).is_err() {
                return Ok(());
            }
        }
        anyhow::ensure!(
            !is_too_long,
            "a line is longer than {longest} bytes (see --max-token-length)"
        );
        if is_end {
            return Ok(());
        }
    }
}

/// Prints what was made, in turn, until there is no more; well ended too if nobody reads it any more.
fn print(in_turn: &Receiver<Receiver<Made>>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for made in in_turn {
        let Ok(made) = made.recv() else { break };
        let written = output.write_all(&made.output).and_then(|()| output.flush());
        match written {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
        io::stderr().write_all(&made.errors)?;
    }
    Ok(())
}

fn make(mapping: &Mapping, options: &Options, lines: Vec<Vec<u8>>) -> Made {
    let mut made = Made {
        output: Vec::new(),
        errors: Vec::new(),
    };
    for line in lines {
        match made_of(mapping, options, Message::new(line)) {
            Ok(Some(bytes)) => {
                made.output.extend_from_slice(&bytes);
                made.output.push(b'\n');
            }
            Ok(None) => {}
            Err(why) => {
                made.errors.extend_from_slice(why.as_bytes());
                made.errors.push(b'\n');
            }
        }
    }
    made
}

/// What to print for a line; none if the mapping deletes it.
fn made_of(mapping: &Mapping, options: &Options, message: Message) -> Result<Option<Bytes>, String> {
    if !options.raw {
        message
            .value()
            .map_err(|e| format!("failed to parse the line as JSON: {e}"))?;
    }
    let mapped = mapping
        .map(std::slice::from_ref(&message), 0)
        .map_err(|e| e.to_string())?;
    let Mapped::Message(made) = mapped else {
        return Ok(None);
    };
    Ok(Some(match options.pretty {
        true => pretty(&made),
        false => made.bytes().clone(),
    }))
}

/// The content, laid out over several lines if it is an object or an array.
pub(super) fn pretty(message: &Message) -> Bytes {
    let layout = Layout {
        indent: Some("  ".to_owned()),
        escape_html: false,
    };
    match message.value() {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => {
            json_text::format(value, &layout).into()
        }
        _ => message.bytes().clone(),
    }
}
