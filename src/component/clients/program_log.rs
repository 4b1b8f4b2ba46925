//! What a program that runs beside a stream says, as lines of the log.

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

/// How much of a line is logged at a time; the rest of a longer one follows as further lines.
const MAX_LINE: u64 = 16 * 1024;

/// Reads `output` to its end, however much that is: a program whose output nobody reads stands still.
pub(crate) async fn follow(output: impl AsyncRead + Unpin, mut say: impl FnMut(&str)) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut output)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(0) | Err(_) => return,
            Ok(_) => say(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n'])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_of_any_length_and_any_bytes_are_logged() {
        let long = "x".repeat(MAX_LINE as usize + 3);
        let mut bytes = format!("one\r\n\n{long}\n").into_bytes();
        bytes.extend_from_slice(b"\xff end");
        let mut said = Vec::new();
        follow(&bytes[..], |line| said.push(line.to_owned())).await;
        let wanted = ["one", "", &long[3..], "xxx", "\u{fffd} end"];
        assert_eq!(said, wanted);
    }
}
