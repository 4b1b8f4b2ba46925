//! What the operating system says went wrong, as Go words it: configs match on such texts.

use std::io;

/// The reason without its number and capital: `no such file or directory`.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = plain.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_and_the_capital_go() {
        let error = io::Error::from_raw_os_error(2);
        assert_eq!(reason(&error), "no such file or directory");
        let own = io::Error::other("The disk is off");
        assert_eq!(reason(&own), "the disk is off");
    }
}
