//! Pipes from an output to an input of the same process, by name (`inproc`).

use super::Run;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// A pipe that holds nothing: a run leaves it as soon as it enters.
#[derive(Clone)]
pub struct Pipe {
    sender: mpsc::Sender<Run>,
    receiver: Arc<Mutex<mpsc::Receiver<Run>>>,
}

impl Default for Pipe {
    fn default() -> Pipe {
        let (sender, receiver) = mpsc::channel(1);
        Pipe {
            sender,
            receiver: Arc::new(Mutex::new(receiver)),
        }
    }
}

impl Pipe {
    /// Hands a run over, once there is room.
    pub async fn send(&self, run: Run) {
        self.sender
            .send(run)
            .await
            .expect("the pipe holds its receiver");
    }

    /// The next run; runs go to whoever asked first. Dropping the future loses nothing.
    pub async fn receive(&self) -> Run {
        let mut receiver = self.receiver.lock().await;
        receiver.recv().await.expect("the pipe holds its sender")
    }
}
