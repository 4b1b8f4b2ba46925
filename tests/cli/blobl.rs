//! `airtruct blobl`: lines on several threads, files beside the mapping, and the playground.

use std::{
    io::Write,
    process::{Output, Stdio},
};

use serde_json::{Value as Json, json};

use super::{Folder, Process, client, program};

fn over(folder: &Folder, arguments: &[&str], input: &str) -> Output {
    let mut child = program(folder)
        .arg("blobl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("its input");
    let input = input.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("its output");
    // It may have ended before it read all.
    let _ = feeder.join().expect("the feeder does not panic");
    output
}

#[test]
fn lines_keep_their_order_on_many_threads_and_a_long_one_is_refused() {
    let folder = Folder::new();
    let input: String = (0..5_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let mapping = "root = if this.n % 1000 == 7 { throw(\"no\") } else { this.n }";
    let made = over(&folder, &["--threads", "4", mapping], &input);
    let numbers: Vec<usize> = String::from_utf8_lossy(&made.stdout)
        .lines()
        .map(|line| line.parse().expect("a number"))
        .collect();
    let expected: Vec<usize> = (0..5_000).filter(|n| n % 1_000 != 7).collect();
    assert_eq!(numbers, expected);
    assert_eq!(String::from_utf8_lossy(&made.stderr).lines().count(), 5);

    let long = over(
        &folder,
        &["--max-token-length", "20", "root = this"],
        "{\"a\":1}\n{\"a\":\"0123456789012345\"}\n",
    );
    assert!(!long.status.success());
    assert_eq!(String::from_utf8_lossy(&long.stdout), "{\"a\":1}\n");
    let error = String::from_utf8_lossy(&long.stderr).into_owned();
    assert!(
        error.contains("a line is longer than 20 bytes (see --max-token-length)"),
        "{error}"
    );
}

#[test]
fn paths_in_a_file_begin_in_its_folder() {
    let folder = Folder::new();
    folder.write("maps/main.blobl", "import \"more/shout.blobl\"\nroot = this.apply(\"shout\") + file_rel(\"end.txt\").string()\n");
    folder.write("maps/more/shout.blobl", "import \"../deep/up.blobl\"\nmap shout { root = this.a.apply(\"up\") + file_rel(\"mid.txt\").string() }\n");
    folder.write("maps/deep/up.blobl", "map up { root = this.uppercase() }\n");
    folder.write("maps/more/mid.txt", "-mid");
    folder.write("maps/end.txt", "-end");
    let made = over(&folder, &["-f", "maps/main.blobl"], "{\"a\":\"x\"}\n");
    assert_eq!(
        String::from_utf8_lossy(&made.stdout),
        "X-mid-end\n",
        "{made:?}"
    );
}

#[tokio::test]
async fn the_playground_answers_with_results_and_faults() {
    let folder = Folder::new();
    let file = folder.write("m.blobl", "root = this.a # </script>");
    let mut command = program(&folder);
    command.args([
        "blobl",
        "server",
        "--no-open",
        "--port",
        "0",
        "-m",
        "m.blobl",
        "--write",
    ]);
    let server = Process::start(&folder, "playground", command);
    let address = server.listening("playground")["http"].clone();
    let http = client();

    let page = http
        .get(format!("http://{address}/"))
        .send()
        .await
        .expect("an answer");
    assert!(page.headers().contains_key("content-security-policy"));
    let page = page.text().await.expect("a page");
    assert!(
        page.contains(r"root = this.a # \u003c/script>"),
        "the text can't end the script"
    );

    let execute = async |mapping: &str, input: &str| -> Json {
        let body = json!({"mapping": mapping, "input": input}).to_string();
        let request = http.post(format!("http://{address}/execute"));
        let answer = request
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await;
        answer.expect("an answer").json().await.expect("JSON")
    };
    let good = execute("root.b = this.a\nmeta k = 5", "{\"a\":1}").await;
    assert_eq!(good["result"], "{\n  \"b\": 1\n}");
    assert_eq!(good["metadata"], json!({"k": 5}));
    assert_eq!(execute("root = deleted()", "x").await["deleted"], true);
    let fault = execute("root = this.a.upercase()", "{}").await;
    let fault = fault["parse_error"].as_str().unwrap_or_default();
    assert!(
        fault.starts_with(
            "line 1 char 15: unrecognised method 'upercase' (did you mean `uppercase`?)"
        ),
        "{fault}"
    );
    let failed = execute("root = this.a.uppercase()", "{\"a\":1}").await;
    assert!(
        failed["mapping_error"]
            .as_str()
            .is_some_and(|e| e.contains("expected string value")),
        "{failed}"
    );
    let secret = execute("root = env(\"PATH\")", "{}").await;
    assert!(
        secret["parse_error"]
            .as_str()
            .is_some_and(|e| e.contains("unrecognised function 'env'")),
        "{secret}"
    );
    assert_eq!(
        std::fs::read_to_string(&file).expect("the file"),
        "root = env(\"PATH\")",
        "--write keeps the edit"
    );

    // A page of another site must not reach it, and what is too large is refused.
    let foreign = http
        .post(format!("http://{address}/execute"))
        .header("origin", "http://evil.example")
        .body("{}");
    assert_eq!(foreign.send().await.expect("an answer").status(), 403);
    let large = http
        .post(format!("http://{address}/execute"))
        .header("content-type", "application/json")
        .body("x".repeat(9 << 20));
    assert!(
        large
            .send()
            .await
            .map_or(true, |answer| answer.status() == 413)
    );
}
