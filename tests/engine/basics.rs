//! Answers, order, replay, stopping: streams of scripted components.

use super::scripted::{Record, Script, Step, batch, empty_config, start, text};
use super::wait_until;
use airtruct::component::{BatchError, WriteError};
use airtruct::engine::{Outcome, Services, Stream};

fn singles(n: usize) -> Vec<Vec<airtruct::message::Batch>> {
    let run = |i: usize| {
        (0..10)
            .map(|j| batch([format!("{}", i * 10 + j).as_str()]))
            .collect()
    };
    (0..n / 10).map(run).collect()
}

#[tokio::test]
async fn messages_arrive_in_order_and_each_is_answered_once() {
    let mut config = empty_config("");
    let (input, output) = (Script::new(singles(100)), Record::new(|_, _| Ok(())));
    input.put(&mut config);
    output.put(&mut config);
    assert_eq!(start(&config).wait().await, Outcome::Completed);
    let want: Vec<String> = (0..100).map(|i| i.to_string()).collect();
    assert_eq!(output.messages(), want);
    for token in 0..100 {
        assert_eq!(input.answers.of(token), vec![Ok(())]);
    }
}

#[tokio::test]
async fn only_the_messages_that_failed_are_sent_again() {
    let mut config = empty_config("");
    let input = Script::new(vec![vec![batch(["a", "b", "c"])]]);
    let output = Record::new(|batch, attempt| match attempt {
        0 => {
            let failed = batch.iter().filter(|m| text(m) == "b");
            Err(WriteError::Failed(BatchError::of_messages(
                failed.map(|m| (m, "no".into())),
            )))
        }
        1..5 => Err(WriteError::Failed(BatchError::whole("still no"))),
        5 => Err(WriteError::NotConnected),
        _ => Ok(()),
    });
    input.put(&mut config);
    output.put(&mut config);
    assert_eq!(start(&config).wait().await, Outcome::Completed);
    assert_eq!(*output.written.lock(), vec![vec!["a", "c"], vec!["b"]]);
    assert_eq!(input.answers.of(0), vec![Ok(())]);
}

#[tokio::test]
async fn without_replay_the_source_hears_of_failures() {
    let mut config = empty_config("");
    let mut input = Script::new(vec![vec![batch(["a"]), batch(["b"])]]);
    input.auto_replay = false;
    let output = Record::new(|batch, _| match text(&batch[0]).as_str() {
        "a" => Err(WriteError::Failed(BatchError::whole("no"))),
        _ => Ok(()),
    });
    input.put(&mut config);
    output.put(&mut config);
    assert_eq!(start(&config).wait().await, Outcome::Completed);
    assert_eq!(input.answers.of(0), vec![Err(BatchError::whole("no"))]);
    assert_eq!(input.answers.of(1), vec![Ok(())]);
}

#[tokio::test]
async fn split_filtered_and_grouped_batches_are_answered_when_all_parts_are() {
    let mut config = empty_config("pipeline: {threads: 3}");
    let input = Script::new(vec![vec![batch(["a", "b", "c", "drop"]), batch(["drop"])]]);
    let output = Record::new(|batch, attempt| match (text(&batch[0]).as_str(), attempt) {
        ("b", 0..4) => Err(WriteError::Failed(BatchError::whole("not yet"))),
        _ => Ok(()),
    });
    input.put(&mut config);
    Step::new(|batch, out| {
        let kept = batch.into_iter().filter(|m| text(m) != "drop");
        out.extend(kept.map(|m| smallvec::smallvec![m]));
    })
    .put(&mut config);
    output.put(&mut config);
    assert_eq!(start(&config).wait().await, Outcome::Completed);
    let mut messages = output.messages();
    messages.sort();
    assert_eq!(messages, ["a", "b", "c"]);
    assert_eq!(input.answers.of(0), vec![Ok(())]);
    assert_eq!(input.answers.of(1), vec![Ok(())]);
}

#[tokio::test]
async fn an_output_that_is_down_stops_the_input() {
    let mut config = empty_config("");
    let input = Script::new(singles(1000));
    let output = Record::new(|_, _| Ok(()));
    input.put(&mut config);
    output.put(&mut config);
    let closed = output.gate.clone().lock_owned().await;
    let stream = start(&config);
    wait_until(|| input.answers.handed_out() > 0).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    let handed_out = input.answers.handed_out();
    assert!(handed_out <= 50, "{handed_out}");
    drop(closed);
    assert_eq!(stream.wait().await, Outcome::Completed);
    assert_eq!(output.messages().len(), 1000);
}

#[tokio::test]
async fn a_stop_delivers_what_is_under_way_and_a_second_one_hands_it_back() {
    for at_once in [false, true] {
        let mut config = empty_config("");
        let mut input = Script::new(singles(10));
        (input.endless, input.auto_replay) = (true, false);
        let output = Record::new(|_, _| Ok(()));
        input.put(&mut config);
        output.put(&mut config);
        let closed = output.gate.clone().lock_owned().await;
        let stream = start(&config);
        wait_until(|| input.answers.handed_out() == 10).await;
        stream.stop();
        tokio::task::yield_now().await;
        if at_once {
            stream.stop_now();
        } else {
            drop(closed);
        }
        assert_eq!(stream.wait().await, Outcome::Stopped);
        let delivered = (0..10).filter(|i| input.answers.of(*i) == [Ok(())]).count();
        assert_eq!(delivered, if at_once { 0 } else { 10 });
        assert_eq!(input.answers.count(), 10);
    }
}

#[tokio::test]
async fn what_cannot_be_delivered_in_time_is_handed_back() {
    let mut config = empty_config("shutdown_timeout: 400ms");
    let mut input = Script::new(singles(10));
    input.endless = true;
    let output = Record::new(|_, _| Err(WriteError::Failed(BatchError::whole("no"))));
    input.put(&mut config);
    output.put(&mut config);
    let stream = start(&config);
    wait_until(|| *output.attempts.lock() > 10).await;
    stream.stop();
    assert!(matches!(
        stream.wait().await,
        Outcome::Failed {
            permanent: false,
            ..
        }
    ));
    drop(stream);
    assert_eq!(input.answers.count(), 10);
    assert!((0..10).all(|i| input.answers.of(i)[0].is_err()));
}

#[tokio::test]
async fn a_config_is_read_and_run_from_its_text() {
    let file = std::env::temp_dir().join(format!("airtruct-basics-{}", std::process::id()));
    std::fs::write(&file, "a\nb\n").expect("written");
    let config = format!(
        "input: {{file: {{paths: ['{}']}}}}\noutput: {{drop: {{}}}}",
        file.display()
    );
    assert_eq!(super::run_stream(&config).await, Outcome::Completed);
    std::fs::remove_file(file).expect("removed");
    let wrong = Stream::start(&super::spec("output:\n  dorp: {}\n"), Services::default());
    let error = wrong.err().expect("a wrong config");
    assert!(error.permanent);
    assert!(
        error.message.contains(
            "2:3: unable to infer output type from candidates: [dorp] (did you mean `drop`?)"
        ),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mappings_reach_the_caches_of_their_stream_also_those_that_wait() {
    let dir = std::env::temp_dir().join(format!("airtruct-caches-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let config = format!(
        r#"
cache_resources:
  - {{ label: memory, memory: {{}} }}
  - {{ label: disk, file: {{ directory: '{dir}' }} }}
input: {{ generate: {{ count: 1, interval: "", mapping: 'root.id = 7' }} }}
pipeline:
  processors:
    - mapping: |
        let a = cache_set("memory", "k", "one")
        let b = cache_set(resource: "disk", key: "k", value: content())
        root.memory = cache_get("memory", "k").string()
        root.disk = cache_get("disk", "k").parse_json()
        root.twice = cache_add("disk", "k", "x").catch(why -> why)
        let c = cache_delete("disk", "k")
        root.deleted = cache_get("disk", "k").catch(why -> why)
        root.unknown = cache_get("nope", "k").catch(why -> why)
output: {{ file: {{ path: '{dir}/out', codec: lines }} }}
"#,
        dir = dir.display()
    );
    assert_eq!(super::run_stream(&config).await, Outcome::Completed);
    let out = std::fs::read_to_string(dir.join("out")).expect("it is written");
    std::fs::remove_dir_all(dir).expect("removed");
    let expected = concat!(
        r#"{"deleted":"key does not exist","disk":{"id":7},"memory":"one","twice":"key already exists","#,
        r#""unknown":"cache resource 'nope' was not found"}"#,
        "\n"
    );
    assert_eq!(out, expected);
}

#[tokio::test]
async fn a_message_keeps_its_flow_id_wherever_it_goes() {
    let file = std::env::temp_dir().join(format!("airtruct-flow-{}", std::process::id()));
    let config = format!(
        r#"
input: {{generate: {{count: 2, interval: "", mapping: 'root = {{"list": [1, 2]}}'}}}}
pipeline:
  processors:
    - branch: {{request_map: 'root = {{}}', processors: [{{mapping: 'root = flow_id()'}}], result_map: 'meta first = content().string()'}}
    - mapping: 'root = this.list'
    - unarchive: {{format: json_array}}
    - mapping: 'root = [@first, flow_id()]'
output: {{file: {{path: "{}", codec: lines}}}}
"#,
        file.display()
    );
    assert_eq!(super::run_stream(&config).await, Outcome::Completed);
    let lines = std::fs::read_to_string(&file).expect("the output");
    let _ = std::fs::remove_file(&file);
    let pairs: Vec<[String; 2]> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a pair"))
        .collect();
    assert_eq!(pairs.len(), 4);
    for [first, second] in &pairs {
        assert_eq!(first, second);
    }
    assert_eq!(pairs[0], pairs[1]);
    assert_ne!(pairs[1], pairs[2]);
}

#[tokio::test]
async fn codecs_of_older_configs_cut_and_gather_as_they_did() {
    let file = |name: &str| {
        std::env::temp_dir().join(format!("airtruct-codec-{}-{name}", std::process::id()))
    };
    let (input, output) = (file("in"), file("out"));
    for (codec, content, wanted) in [
        (
            "lines/multipart",
            "a\nb\n\n\nc\n",
            "0:a {}\n1:b {}\n0:c {}\n",
        ),
        (
            "lines/multipart/multipart",
            "a\n\n\nb\n",
            "0:a {}\n1:b {}\n",
        ),
        (
            "skipbom/delim:X/multipart",
            "\u{feff}aXXbXcX",
            "0:a {}\n0:b {}\n1:c {}\n",
        ),
        ("csv", "k\n1\n", "0:{\"k\":\"1\"} {}\n"),
        (
            "csv-safe:;",
            "k;l\n1;2\n ;3\n4\n",
            concat!(
                r#"0:{"k":"1","l":"2"} {"row_empty":false,"row_number":2}"#,
                "\n",
                r#"0:{"k":" ","l":"3"} {"row_empty":true,"row_number":3}"#,
                "\n",
                r#"0:{} {"row_empty":false,"row_number":4,"row_parse_error":"record on line 4: wrong number of fields"}"#,
                "\n",
            ),
        ),
    ] {
        std::fs::write(&input, content).expect("written");
        let config = format!(
            r#"
input: {{ file: {{ paths: ['{}'], codec: '{codec}' }} }}
pipeline:
  threads: 1
  processors:
    - mapping: |
        let rows = metadata().filter(m -> m.key.has_prefix("row_"))
        root = batch_index().string() + ":" + content() + " " + $rows.format_json(no_indent: true)
output: {{ file: {{ path: '{}', codec: lines }} }}
"#,
            input.display(),
            output.display()
        );
        let _ = std::fs::remove_file(&output);
        assert_eq!(
            super::run_stream(&config).await,
            Outcome::Completed,
            "{codec}"
        );
        let written = std::fs::read_to_string(&output).expect("the output");
        assert_eq!(written, wanted, "{codec}");
    }
    let _ = (std::fs::remove_file(&input), std::fs::remove_file(&output));
}
