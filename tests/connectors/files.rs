//! Files, programs and buffers.

use super::Folder;
use crate::engine::{run_stream, start, wait_until};
use airtruct::engine::Outcome;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_through_byte_for_byte_and_is_removed() {
    let folder = Folder::new();
    let lines: String = (0..50_000)
        .map(|n| format!("line {n} {}\n", "x".repeat(n % 97)))
        .collect();
    folder.write("in.txt", &lines);
    let (from, to) = (folder.path("*.txt"), folder.path("sub/out"));
    let config = format!(
        "input: {{file: {{paths: ['{from}'], delete_on_finish: true}}}}\noutput: {{file: {{path: '{to}'}}}}"
    );
    assert_eq!(run_stream(&config).await, Outcome::Completed);
    assert!(folder.read("sub/out") == lines);
    assert!(!folder.has("in.txt"));
}

#[tokio::test]
async fn a_fault_in_a_file_ends_that_file_only() {
    let folder = Folder::new();
    folder.write("a.csv", "x,y\n1,2\n3\"z,1\n4,5\n");
    folder.write("b.csv", "x\n9\n");
    let (from, to) = (folder.path("*.csv"), folder.path("out"));
    let config =
        format!("input: {{csv: {{paths: ['{from}']}}}}\noutput: {{file: {{path: '{to}'}}}}");
    assert_eq!(run_stream(&config).await, Outcome::Completed);
    assert_eq!(
        folder.read("out"),
        "{\"x\":\"1\",\"y\":\"2\"}\n{\"x\":\"9\"}\n"
    );
}

#[tokio::test]
async fn lines_of_one_program_go_to_another() {
    let folder = Folder::new();
    let to = folder.path("out");
    let config = format!(
        "input: {{subprocess: {{name: sh, args: ['-c', 'echo one; echo two']}}}}\noutput: {{subprocess: {{name: sh, args: ['-c', 'cat > {to}']}}}}"
    );
    assert_eq!(run_stream(&config).await, Outcome::Completed);
    assert_eq!(folder.read("out"), "one\ntwo\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_buffer_keeps_outlives_the_stream() {
    let folder = Folder::new();
    let (file, to) = (folder.path("buffer.db"), folder.path("out"));
    let config = |input: &str, output: &str| {
        format!("input: {input}\nbuffer: {{sqlite: {{path: '{file}'}}}}\noutput: {output}")
    };
    let generate =
        "{generate: {count: 3, interval: '', mapping: 'root = \"m%v\".format(counter())'}}";
    // What leaves the buffer is seen, and yet not delivered.
    let seen = folder.path("seen");
    let output = format!(
        "{{broker: {{pattern: fan_out_sequential_fail_fast, outputs: [{{file: {{path: '{seen}'}}}}, {{reject: 'not now'}}]}}}}"
    );
    let stream = start(&config(generate, &output));
    wait_until(|| folder.read("seen").contains("m3")).await;
    stream.stop();
    stream.stop_now();
    stream.wait().await;
    let nothing = "{generate: {count: 1, interval: '', mapping: 'root = \"last\"'}}";
    let output = format!("{{file: {{path: '{to}'}}}}");
    assert_eq!(
        run_stream(&config(nothing, &output)).await,
        Outcome::Completed
    );
    assert_eq!(folder.read("out"), "m1\nm2\nm3\nlast\n");
}

#[tokio::test]
async fn a_memory_buffer_sends_again_what_failed() {
    let folder = Folder::new();
    let to = folder.path("out");
    let config = format!(
        "input: {{generate: {{count: 20, interval: '', mapping: 'root = counter()'}}}}
buffer: {{memory: {{limit: 5}}}}
output:
  switch:
    cases:
      - check: 'random_int(seed: timestamp_unix_nano(), max: 1) == 0'
        output: {{reject: 'by chance'}}
      - output: {{file: {{path: '{to}'}}}}"
    );
    assert_eq!(run_stream(&config).await, Outcome::Completed);
    let out = folder.read("out");
    let mut numbers: Vec<u32> = out.lines().map(|l| l.parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<u32>>());
}
