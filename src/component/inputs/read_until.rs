//! `read_until`: an input that ends at a certain message.

use crate::bloblang::Mapping;
use crate::component::{Ack, BuildInput, Context, Input, InputConfig, Run, Source};
use crate::config::Span;
use crate::value::Str;
use async_trait::async_trait;
use std::time::Duration;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};

crate::fields! {
    /// The input, and where it ends.
    pub struct Config {
        /// The input.
        input: InputConfig,
        /// A query that says whether a batch is the last, asked of its first message.
        check: Option<Mapping>,
        /// Ends after this time without a message.
        idle_timeout: Span,
        /// Whether to begin with the input anew if it ends before the check passes.
        restart_input: bool = "false",
        /// The pauses before it begins anew.
        restart_backoff: Backoff = "{}" [advanced],
    }
}

crate::fields! {
    /// Pauses that grow by half each time, as long as nothing is read.
    pub struct Backoff {
        /// The first pause.
        initial_interval: Duration = "1ms",
        /// The longest pause.
        max_interval: Duration = "100ms",
    }
}

crate::spec! {
    /// Reads an input up to the message that passes a check, and ends once that is delivered. The message has the metadata
    /// `bento_read_until: final`.
    dyn BuildInput, "read_until", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        anyhow::ensure!(
            self.check.is_some() || self.idle_timeout.0.is_some(),
            "read_until needs a check or an idle_timeout"
        );
        Ok(Input::Source(Box::new(ReadUntil {
            child: Some(cx.input(&self.input)?),
            config: self.clone(),
            cx: cx.clone(),
            last: None,
            idle_since: None,
            pause: self.restart_backoff.initial_interval,
            resume_at: None,
        })))
    }
}

struct ReadUntil {
    config: Config,
    cx: Context,
    /// None between its end and its new beginning.
    child: Option<Box<dyn Source>>,
    /// Whether the last message was delivered, once that was sent.
    last: Option<oneshot::Receiver<bool>>,
    idle_since: Option<Instant>,
    pause: Duration,
    resume_at: Option<Instant>,
}

impl ReadUntil {
    /// Cuts a run off after the batch that passes the check. What comes after it isn't taken from the input.
    fn cut(&mut self, run: &mut Run) {
        let Some(check) = &self.config.check else {
            return;
        };
        let passes = |batch: &[crate::message::Message]| {
            check.check(batch, 0).unwrap_or_else(|error| {
                tracing::error!(path = %self.cx.name.path, "Failed to execute check query: {error}");
                false
            })
        };
        let Some(at) = run.iter().position(|t| passes(&t.batch)) else {
            return;
        };
        run.truncate(at + 1);
        let last = run.last_mut().expect("the batch that passed");
        if let Some(first) = last.batch.first_mut() {
            let key = Str::from_static("bento_read_until");
            first.metadata_mut().set(key, "final");
        }
        let (sender, receiver) = oneshot::channel();
        let ack = std::mem::replace(&mut last.ack, Ack::none());
        last.ack = Ack::once(move |answer| {
            // Nobody listens any more if the stream has stopped.
            let _ = sender.send(answer.is_ok());
            ack.answer(answer);
        });
        self.last = Some(receiver);
    }

    /// When the input has been idle for too long.
    fn deadline(&mut self) -> Option<Instant> {
        let limit = self.config.idle_timeout.0?;
        Some(*self.idle_since.get_or_insert_with(Instant::now) + limit)
    }

    /// Begins with the input anew, after a pause.
    async fn restart(&mut self) -> anyhow::Result<()> {
        let resume_at = *self
            .resume_at
            .get_or_insert_with(|| Instant::now() + self.pause);
        let stop = self.cx.wiring.soft_stop();
        tokio::select! {
            () = sleep_until(resume_at) => {}
            () = stop.cancelled() => return Ok(()),
        }
        self.resume_at = None;
        let longest = self.config.restart_backoff.max_interval;
        self.pause = (self.pause + self.pause / 2).min(longest);
        self.child = Some(self.cx.input(&self.config.input)?);
        Ok(())
    }
}

#[async_trait]
impl Source for ReadUntil {
    async fn next(&mut self) -> Option<Run> {
        loop {
            // A last message that wasn't delivered is sent again by the input, so reading goes on then.
            if let Some(last) = &mut self.last {
                if last.await.unwrap_or(false) {
                    return None;
                }
                self.last = None;
            }
            if self.child.is_none() {
                if self.cx.wiring.soft_stop().is_cancelled() {
                    return None;
                }
                if let Err(error) = self.restart().await {
                    tracing::error!(path = %self.cx.name.path, %error, "an input can't begin anew");
                    return None;
                }
            }
            let deadline = self.deadline();
            let Some(child) = &mut self.child else {
                return None;
            };
            let idle = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            let run = tokio::select! {
                biased;
                run = child.next() => run,
                () = idle => return None,
            };
            match run {
                Some(mut run) => {
                    self.idle_since = Some(Instant::now());
                    self.pause = self.config.restart_backoff.initial_interval;
                    self.cut(&mut run);
                    return Some(run);
                }
                None if self.config.restart_input => {
                    child.close().await;
                    self.child = None;
                }
                None => return None,
            }
        }
    }

    async fn close(&mut self) {
        if let Some(child) = &mut self.child {
            child.close().await;
        }
    }

    fn is_connected(&self) -> bool {
        self.child.as_ref().is_some_and(|c| c.is_connected())
    }
}
