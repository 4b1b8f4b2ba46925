//! `inproc`: messages of an output of the same process.

use crate::component::{BuildInput, Context, Input, Pipe, Run, Source};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

crate::single! {
    /// The name of the pipe.
    pub struct Config(String);
}

crate::spec! {
    /// Takes the messages of the `inproc` output of the same name, and hands back what becomes of them.
    dyn BuildInput, "inproc", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        Ok(Input::Source(Box::new(Inproc {
            pipe: cx.wiring.pipe(&self.0),
            stop: cx.wiring.soft_stop(),
        })))
    }
}

struct Inproc {
    pipe: Pipe,
    stop: CancellationToken,
}

#[async_trait]
impl Source for Inproc {
    async fn next(&mut self) -> Option<Run> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            run = self.pipe.receive() => Some(run),
        }
    }
}
