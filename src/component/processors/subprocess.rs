//! `subprocess`: hands messages to a program that keeps running.

use super::flow::fail;
use crate::component::{BuildProcessor, Context, ProcessAsync, Processor};
use crate::message::{Batch, ComponentName};
use async_trait::async_trait;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

crate::fields! {
    /// Which program, and how it is talked to.
    pub struct Config {
        /// The program: a path, or a name that is looked up in `PATH`.
        name: String,
        /// Its arguments.
        args: Vec<String> = "[]",
        /// The longest answer in bytes.
        max_buffer: usize = "65536",
        /// How messages are written to its standard input.
        codec_send: Codec = "lines" [advanced],
        /// How its answers are read from its standard output.
        codec_recv: Codec = "lines" [advanced],
    }
}

crate::choice! {
    /// How one message is told from the next.
    pub enum Codec {
        /// A line each. A message that has several is sent line by line, and its answers are put together again.
        Lines = "lines",
        /// Behind its length as a 32-bit big-endian number.
        Prefixed = "length_prefixed_uint32_be",
        /// As a netstring: `5:hello,`.
        Netstring = "netstring",
    }
}

crate::spec! {
    /// Starts a program once, writes each message to it, and replaces the message by its answer. The program must give one answer for each
    /// message, and must not hold it back in a buffer. One that ends is started again for the next message.
    dyn BuildProcessor, "subprocess", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Async(Box::new(Subprocess {
            config: self.clone(),
            running: Mutex::new(None),
            stop: cx.wiring.hard_stop(),
            name: cx.name.clone(),
        })))
    }
}

struct Subprocess {
    config: Config,
    running: Mutex<Option<Running>>,
    stop: CancellationToken,
    name: ComponentName,
}

struct Running {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

#[async_trait]
impl ProcessAsync for Subprocess {
    async fn process(&self, mut batch: Batch) -> Vec<Batch> {
        // One conversation at a time.
        let mut running = self.running.lock().await;
        for message in &mut batch {
            let content = message.bytes().clone();
            let answered = tokio::select! {
                answered = self.ask(&mut running, &content) => answered,
                () = self.stop.cancelled() => Err("the stream stopped".into()),
            };
            match answered {
                Ok(answer) => message.set_bytes(answer),
                Err(reason) => {
                    // What it answers next may belong to this message: a new one starts clean.
                    *running = None;
                    fail(message, reason);
                }
            }
        }
        vec![batch]
    }

    async fn close(&self) {
        if let Some(Running {
            mut child, stdin, ..
        }) = self.running.lock().await.take()
        {
            drop(stdin);
            // It sees the end of its input and has this long to end by itself; then it is killed.
            let grace = std::time::Duration::from_millis(500);
            let _ = tokio::time::timeout(grace, child.wait()).await;
        }
    }
}

impl Subprocess {
    fn start(&self) -> Result<Running, String> {
        let mut child = Command::new(&self.config.name)
            .args(&self.config.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("failed to start {}: {e}", self.config.name))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("the program has no pipes".into());
        };
        let name = self.name.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr.take(1 << 30)).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                tracing::error!(target: "stream", label = %name.label, path = %name.path, "stderr of the program: {line}");
            }
        });
        Ok(Running {
            child,
            stdin,
            stdout: BufReader::new(stdout),
        })
    }

    async fn ask(&self, running: &mut Option<Running>, content: &[u8]) -> Result<Vec<u8>, String> {
        let ended = match running {
            None => true,
            Some(running) => !matches!(running.child.try_wait(), Ok(None)),
        };
        if ended {
            *running = Some(self.start()?);
        }
        let running = running.as_mut().expect("it was just started");
        if self.config.codec_send != Codec::Lines {
            return self.exchange(running, content).await;
        }
        let mut answer = Vec::new();
        for (i, line) in content.split(|b| *b == b'\n').enumerate() {
            if i > 0 {
                answer.push(b'\n');
            }
            answer.extend(self.exchange(running, line).await?);
        }
        Ok(answer)
    }

    /// Sends one piece and reads its answer.
    async fn exchange(&self, running: &mut Running, piece: &[u8]) -> Result<Vec<u8>, String> {
        let mut sent = Vec::with_capacity(piece.len() + 16);
        match self.config.codec_send {
            Codec::Lines => {
                sent.extend_from_slice(piece);
                sent.push(b'\n');
            }
            Codec::Prefixed => {
                let length = u32::try_from(piece.len()).map_err(|_| "the message is too long")?;
                sent.extend_from_slice(&length.to_be_bytes());
                sent.extend_from_slice(piece);
            }
            Codec::Netstring => {
                sent.extend_from_slice(format!("{}:", piece.len()).as_bytes());
                sent.extend_from_slice(piece);
                sent.push(b',');
            }
        }
        // Written and read at the same time: a program may answer while it still reads.
        let Running { stdin, stdout, .. } = running;
        let write = async {
            stdin.write_all(&sent).await?;
            stdin.flush().await
        };
        let (written, answer) = tokio::join!(write, self.receive(stdout));
        let answer = answer?;
        written.map_err(|e| format!("failed to write to the program: {e}"))?;
        Ok(answer)
    }

    async fn receive(&self, stdout: &mut BufReader<ChildStdout>) -> Result<Vec<u8>, String> {
        let max = self.config.max_buffer;
        let too_long = || format!("the answer is longer than {max} bytes (max_buffer)");
        let failed = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => "the program ended without an answer".to_owned(),
            _ => format!("failed to read the program's answer: {e}"),
        };
        match self.config.codec_recv {
            Codec::Lines => {
                let mut line = Vec::new();
                let mut limited = stdout.take(max as u64 + 1);
                limited.read_until(b'\n', &mut line).await.map_err(failed)?;
                if line.pop_if(|b| *b == b'\n').is_some() {
                    line.pop_if(|b| *b == b'\r');
                    return Ok(line);
                }
                Err(if line.len() > max {
                    too_long()
                } else {
                    "the program ended without an answer".into()
                })
            }
            Codec::Prefixed => {
                let length = stdout.read_u32().await.map_err(failed)? as usize;
                if length > max {
                    return Err(too_long());
                }
                let mut answer = vec![0; length];
                stdout.read_exact(&mut answer).await.map_err(failed)?;
                Ok(answer)
            }
            Codec::Netstring => {
                let mut length = 0usize;
                loop {
                    match stdout.read_u8().await.map_err(failed)? {
                        b':' => break,
                        digit @ b'0'..=b'9' => length = length * 10 + usize::from(digit - b'0'),
                        _ => return Err("the program's answer is no netstring".into()),
                    }
                    if length > max {
                        return Err(too_long());
                    }
                }
                let mut answer = vec![0; length + 1];
                stdout.read_exact(&mut answer).await.map_err(failed)?;
                match answer.pop() {
                    Some(b',') => Ok(answer),
                    _ => Err("the program's answer is no netstring".into()),
                }
            }
        }
    }
}
