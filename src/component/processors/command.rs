//! `command`: runs a program for each message.

use super::flow::fail;
use crate::bloblang::{Interpolated, Mapping};
use crate::component::{BuildProcessor, Context, ProcessAsync, Processor};
use crate::message::{Batch, Message};
use crate::value::Value;
use async_trait::async_trait;
use std::{os::unix::process::ExitStatusExt, process::Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

crate::fields! {
    /// Which program, with which arguments.
    pub struct Config {
        /// The program: a path, or a name that is looked up in `PATH`.
        name: Interpolated,
        /// A mapping to an array of its arguments. They go to the program as they are; no shell is in between.
        args_mapping: Option<Mapping>,
    }
}

crate::spec! {
    /// Runs a program for each message, with the content as its standard input, and replaces the content by what it writes. If it
    /// ends with another status than zero, the message is flagged with what it wrote to its standard error.
    ///
    /// Starting a process costs about a millisecond: for many messages `subprocess` is much faster.
    dyn BuildProcessor, "command", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Async(Box::new(Run {
            config: self.clone(),
            stop: cx.wiring.hard_stop(),
        })))
    }
}

/// The most bytes that a program may write.
const MAX_OUTPUT: u64 = 1 << 30;

struct Run {
    config: Config,
    stop: CancellationToken,
}

#[async_trait]
impl ProcessAsync for Run {
    async fn process(&self, mut batch: Batch) -> Vec<Batch> {
        let commands: Vec<_> = batch.iter().map(|message| self.command(message)).collect();
        for (message, command) in batch.iter_mut().zip(commands) {
            let done = match command {
                Ok(command) => self.run(command, message).await,
                Err(reason) => Err(reason),
            };
            match done {
                Ok(output) => message.set_bytes(output),
                Err(reason) => fail(message, reason),
            }
        }
        vec![batch]
    }
}

impl Run {
    /// The command for a message: queries see it as a batch of its own.
    fn command(&self, message: &Message) -> Result<(String, Command), String> {
        let batch = std::slice::from_ref(message);
        let name = self.config.name.text(batch, 0);
        let name = name.map_err(|e| format!("name interpolation error: {e}"))?;
        let mut command = Command::new(&*name);
        if let Some(mapping) = &self.config.args_mapping {
            let args = mapping.value(batch, 0);
            match args.map_err(|e| format!("args mapping error: {e}"))? {
                Some(Value::Array(args)) => {
                    for arg in args.iter() {
                        command.arg(argument(&arg));
                    }
                }
                other => {
                    let got = other.as_ref().map_or("delete", Value::type_name);
                    return Err(format!(
                        "args mapping error: expected array value, got {got}"
                    ));
                }
            }
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok((name.to_string(), command))
    }

    async fn run(
        &self,
        (name, mut command): (String, Command),
        message: &mut Message,
    ) -> Result<Vec<u8>, String> {
        let mut child = command.spawn().map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                format!("execution error: exec: {name:?}: executable file not found in $PATH: ")
            }
            _ => format!("execution error: {e}"),
        })?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("execution error: the program has no pipes".into());
        };
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let (mut stdout, mut stderr) = (stdout.take(MAX_OUTPUT + 1), stderr.take(1 << 16));
        let content = message.bytes().clone();
        let work = async {
            // The program may end without having read everything: that is its business.
            let write = async move {
                let _ = stdin.write_all(&content).await;
            };
            let errors_read = async {
                let read = stderr.read_to_end(&mut errors).await;
                // What is beyond the part that is shown has to be read too, or the program would wait.
                let mut rest = stderr.into_inner();
                let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
                read
            };
            let (_, read, errors_read) =
                tokio::join!(write, stdout.read_to_end(&mut output), errors_read);
            read.and(errors_read)
                .map_err(|e| format!("execution error: {e}"))?;
            child
                .wait()
                .await
                .map_err(|e| format!("execution error: {e}"))
        };
        let status = tokio::select! {
            status = work => status?,
            () = self.stop.cancelled() => return Err("execution error: the stream stopped".into()),
        };
        if output.len() as u64 > MAX_OUTPUT {
            return Err(format!(
                "execution error: the program wrote more than {MAX_OUTPUT} bytes"
            ));
        }
        if status.success() {
            if !errors.is_empty() {
                let errors = String::from_utf8_lossy(&errors);
                message.metadata_mut().set("command_stderr", &*errors);
            }
            return Ok(output);
        }
        let ended = match (status.code(), status.signal()) {
            (None, Some(signal)) => format!("signal: {}", signal_name(signal)),
            (code, _) => format!("exit status {}", code.unwrap_or_default()),
        };
        let errors = String::from_utf8_lossy(&errors);
        Err(format!("execution error: {ended}: {errors}"))
    }
}

/// What the operating system calls a signal.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGHUP => "hangup",
        libc::SIGINT => "interrupt",
        libc::SIGQUIT => "quit",
        libc::SIGILL => "illegal instruction",
        libc::SIGABRT => "aborted",
        libc::SIGFPE => "floating point exception",
        libc::SIGKILL => "killed",
        libc::SIGSEGV => "segmentation fault",
        libc::SIGPIPE => "broken pipe",
        libc::SIGALRM => "alarm clock",
        libc::SIGTERM => "terminated",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

/// A value as an argument: text as it is, anything else as JSON.
fn argument(value: &Value) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(match value {
        Value::String(s) => s.as_bytes().to_vec(),
        Value::Bytes(b) | Value::IllFormed(b) => b.to_vec(),
        other => other.to_json(),
    })
}
