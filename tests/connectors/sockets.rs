//! Sockets of all kinds, from one stream to another.

use super::{Folder, free_port};
use crate::engine::{run_stream, start, wait_until};
use airtruct::engine::Outcome;

const SENT: &str = "{generate: {count: 3, interval: '', mapping: 'root = if counter() == 3 { \"end\" } else { \"m%v\".format(counter()) }'}}";

/// Sends three messages from an output to an input, and returns what came.
async fn send(input: &str, output: &str) -> String {
    let folder = Folder::new();
    let to = folder.path("out");
    let reading = start(&format!(
        "input: {{read_until: {{check: 'content() == \"end\"', input: {input}}}}}\noutput: {{file: {{path: '{to}'}}}}"
    ));
    wait_until(|| reading.is_input_connected()).await;
    let sent = run_stream(&format!("input: {SENT}\noutput: {output}")).await;
    assert_eq!(sent, Outcome::Completed);
    assert_eq!(reading.wait().await, Outcome::Completed);
    folder.read("out")
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_over_each_kind_of_socket() {
    let folder = Folder::new();
    for network in ["tcp", "udp", "unix"] {
        let address = match network {
            "unix" => folder.path("socket"),
            _ => format!("127.0.0.1:{}", free_port()),
        };
        let input = format!("{{socket_server: {{network: {network}, address: '{address}'}}}}");
        let output = format!("{{socket: {{network: {network}, address: '{address}'}}}}");
        assert_eq!(send(&input, &output).await, "m1\nm2\nend\n", "{network}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_over_a_websocket() {
    let address = format!("127.0.0.1:{}", free_port());
    let input = format!("{{http_server: {{address: '{address}', ws_path: /ws}}}}");
    let output = format!("{{websocket: {{url: 'ws://{address}/ws'}}}}");
    assert_eq!(send(&input, &output).await, "m1\nm2\nend\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_websocket_server_are_read() {
    let (folder, address) = (Folder::new(), format!("127.0.0.1:{}", free_port()));
    let to = folder.path("out");
    let serving = start(&format!(
        "input: {SENT}\noutput: {{http_server: {{address: '{address}', ws_message_type: text}}}}"
    ));
    let reading = format!(
        "input: {{read_until: {{check: 'content() == \"end\"', input: {{websocket: {{url: 'ws://{address}/get/ws'}}}}}}}}\noutput: {{file: {{path: '{to}'}}}}"
    );
    assert_eq!(run_stream(&reading).await, Outcome::Completed);
    assert_eq!(serving.wait().await, Outcome::Completed);
    assert_eq!(folder.read("out"), "m1\nm2\nend\n");
}
