//! `inproc`: hands messages to an input of the same process.

use crate::component::{
    Ack, Answer, BatchError, BuildOutput, Context, Output, Pipe, Sink, Transaction,
};
use crate::message::Batch;
use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

crate::single! {
    /// The name of the pipe.
    pub struct Config(String);
}

crate::spec! {
    /// Sends to the `inproc` input of the same name, and answers what that answers. Waits where there is none.
    dyn BuildOutput, "inproc", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        Ok(Output::Sink(Box::new(Inproc {
            pipe: cx.wiring.pipe(&self.0),
            stop: cx.wiring.hard_stop(),
        })))
    }
}

struct Inproc {
    pipe: Pipe,
    stop: CancellationToken,
}

#[async_trait]
impl Sink for Inproc {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let stopped = || BatchError::whole("the stream stopped before the message was taken");
        let count = run.len();
        let (transactions, answers): (Vec<_>, Vec<_>) = run
            .into_iter()
            .map(|batch| {
                let (sender, receiver) = oneshot::channel();
                let ack = Ack::once(move |answer| {
                    // Nobody listens any more once the stream has stopped.
                    let _ = sender.send(answer);
                });
                (Transaction { batch, ack }, receiver)
            })
            .unzip();
        tokio::select! {
            () = self.pipe.send(transactions) => {}
            () = self.stop.cancelled() => return vec![Err(stopped()); count],
        }
        let mut all = Vec::with_capacity(count);
        for answer in answers {
            all.push(answer.await.unwrap_or_else(|_| Err(stopped())));
        }
        all
    }
}
