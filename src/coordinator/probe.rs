//! Whether a worker's process is still there, asked at its own address.

use std::time::Duration;

use tokio::{net::TcpStream, time};
use tonic::transport::Endpoint;

use super::event::Event;
use crate::{
    ids::{Incarnation, WorkerId},
    proto::{Nothing, worker_client::WorkerClient},
};

const TIMEOUT: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// Tells the loop if the worker answers at its address under this incarnation. Only then can a refused connection prove
/// anything: an address that is not the worker's own refuses too.
pub(super) fn identify(
    events: tokio::sync::mpsc::Sender<Event>,
    address: String,
    worker: WorkerId,
    incarnation: Incarnation,
) {
    tokio::spawn(async move {
        match time::timeout(TIMEOUT * 4, who_is_at(&address)).await {
            Ok(Ok((id, found))) if id == worker.as_str() && found == incarnation.to_string() => {
                let _ = events.send(Event::Reached(worker, incarnation)).await;
            }
            Ok(Ok((id, _))) => tracing::warn!(
                %worker, %address,
                "another worker, {id}, answers at the worker's address: set its advertise-addr, or it is taken over slowly when it dies"
            ),
            Ok(Err(error)) => tracing::warn!(
                %worker, %address,
                "the worker can't be reached at its address: set its advertise-addr, or it is taken over slowly when it dies: {error}"
            ),
            Err(_) => tracing::warn!(
                %worker, %address,
                "the worker doesn't answer at its address: set its advertise-addr, or it is taken over slowly when it dies"
            ),
        }
    });
}

async fn who_is_at(address: &str) -> anyhow::Result<(String, String)> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?.connect_timeout(TIMEOUT);
    let mut client = WorkerClient::new(endpoint.connect().await?);
    let identity = client.identify(Nothing {}).await?.into_inner();
    Ok((identity.worker, identity.incarnation))
}

/// Tells the loop if the worker's port refuses connections, for as long as that is of interest.
pub(super) fn watch_exit(
    events: tokio::sync::mpsc::Sender<Event>,
    address: String,
    worker: WorkerId,
    incarnation: Incarnation,
    for_how_long: Duration,
) {
    tokio::spawn(async move {
        let end = time::Instant::now() + for_how_long;
        let mut pause = Duration::from_millis(5);
        while time::Instant::now() < end {
            if is_refused(&address).await {
                let _ = events.send(Event::Refused(worker, incarnation)).await;
                return;
            }
            time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    });
}

/// Whether nobody listens there: every address that the name stands for refuses.
async fn is_refused(address: &str) -> bool {
    let Ok(Ok(all)) = time::timeout(TIMEOUT, tokio::net::lookup_host(address)).await else {
        return false;
    };
    let mut count = 0;
    for one in all {
        count += 1;
        match time::timeout(TIMEOUT, TcpStream::connect(one)).await {
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {}
            _ => return false,
        }
    }
    count > 0
}
