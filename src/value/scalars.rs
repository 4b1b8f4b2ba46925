//! Whether strings, numbers and words of a JSON text are what JSON allows.

use super::{
    document::{DIRTY, Faulty, Node, SPECIAL, byte},
    scan, unescape,
};

/// Looks closely at the string that was just noted.
#[inline(never)]
pub(super) fn check_string(bytes: &[u8], tape: &mut [Node], parent: u32) -> Result<(), Faulty> {
    let node = tape.last_mut().expect("a string was noted");
    node.flags = string_flags(bytes, node.start as usize, node.end as usize)?;
    if node.flags != 0 {
        tape[parent as usize].flags |= DIRTY;
    }
    Ok(())
}

/// Checks the string between two quotes, which has to be looked at closely, and returns its flags.
#[inline(never)]
pub(super) fn string_flags(bytes: &[u8], start: usize, end: usize) -> Result<u8, Faulty> {
    let mut at = scan::plain(bytes, start);
    if at == end {
        return Ok(0);
    }
    let (mut escapes, mut foreign) = (false, false);
    loop {
        match byte(bytes, at) {
            b'"' => break,
            b'\\' => {
                escapes = true;
                at += match byte(bytes, at + 1) {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                    b'u' => {
                        let hex = bytes.get(at + 2..at + 6).ok_or(Faulty)?;
                        if !hex.iter().all(u8::is_ascii_hexdigit) {
                            return Err(Faulty);
                        }
                        6
                    }
                    _ => return Err(Faulty),
                };
            }
            0x80.. => {
                foreign = true;
                while byte(bytes, at) >= 0x80 {
                    at += 1;
                }
            }
            ..0x20 => return Err(Faulty),
            _ => at = scan::plain(bytes, at),
        }
    }
    let special = escapes || foreign && unescape::needs_rewrite(&bytes[start..at]);
    Ok(if special { SPECIAL } else { 0 })
}

/// Where the number that begins at `at` ends.
#[inline(always)]
pub(super) fn number(bytes: &[u8], at: usize) -> Result<usize, Faulty> {
    let first = at + usize::from(byte(bytes, at) == b'-');
    let Some(block) = bytes.get(first..).and_then(<[u8]>::first_chunk::<16>) else {
        return any_number(bytes, at);
    };
    // Most numbers lie in one block, with at most one sign in it that isn't a digit, the decimal point.
    let others = scan::not_digit(block);
    let mut end = others.trailing_zeros() as usize;
    if end < 16 && block[end] == b'.' {
        let whole = end;
        end = (others & (others - 1)).trailing_zeros() as usize;
        if end == whole + 1 {
            return Err(Faulty);
        }
    }
    let plain = end < 16
        && block[end] | 0x20 != b'e'
        && matches!((block[0], block[1]), (b'1'..=b'9', _) | (b'0', ..b'0' | b':'..));
    match plain {
        true => Ok(first + end),
        false => any_number(bytes, at),
    }
}

/// The same for numbers that are long, have an exponent, or stand at the end of the text.
#[inline(never)]
fn any_number(bytes: &[u8], at: usize) -> Result<usize, Faulty> {
    let first = at + usize::from(byte(bytes, at) == b'-');
    let mut end = scan::digits(bytes, first);
    if end == first {
        return Err(Faulty);
    }
    // A leading zero stands alone; what follows it is then found to be out of place.
    if bytes[first] == b'0' {
        end = first + 1;
    }
    if byte(bytes, end) == b'.' {
        let fraction = end + 1;
        end = scan::digits(bytes, fraction);
        if end == fraction {
            return Err(Faulty);
        }
    }
    if matches!(byte(bytes, end), b'e' | b'E') {
        let exponent = end + 1 + usize::from(matches!(byte(bytes, end + 1), b'+' | b'-'));
        end = scan::digits(bytes, exponent);
        if end == exponent {
            return Err(Faulty);
        }
    }
    Ok(end)
}

#[inline(always)]
pub(super) fn word(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, Faulty> {
    if bytes.get(at..at + word.len()) == Some(word) {
        Ok(at + word.len())
    } else {
        Err(Faulty)
    }
}
