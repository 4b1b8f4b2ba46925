//! Reading a line from left to right.

use crate::value::{Object, Value};

/// A line and how far it was read.
pub(super) struct Scan<'l> {
    pub line: &'l str,
    pub at: usize,
}

impl<'l> Scan<'l> {
    pub fn new(line: &'l str) -> Scan<'l> {
        Scan { line, at: 0 }
    }

    pub fn rest(&self) -> &'l str {
        &self.line[self.at..]
    }

    /// Goes over `text`, if it is next.
    pub fn take(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    /// Goes over what is next as long as it fits, `max` bytes at most.
    pub fn take_while(&mut self, max: usize, fits: impl Fn(u8) -> bool) -> &'l str {
        let rest = self.rest();
        let fitting = rest
            .bytes()
            .take(max)
            .take_while(|b| b.is_ascii() && fits(*b))
            .count();
        self.at += fitting;
        &rest[..fitting]
    }

    /// What was expected here and isn't.
    pub fn expecting(&self, what: &str) -> String {
        format!("expecting {what} [col {}]", self.at)
    }

    /// `<165>`: the priority, which is facility and severity.
    pub fn priority(&mut self, found: &mut Object) -> Result<(), String> {
        if !self.take("<") {
            return Err(self.expecting("a priority value within angle brackets"));
        }
        let range = "a priority value in the range 1-191 or equal to 0";
        let mut priority = 0i64;
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        for digit in self.rest().bytes().take(digits) {
            priority = priority * 10 + i64::from(digit - b'0');
            if priority > 191 {
                return Err(self.expecting(range));
            }
            self.at += 1;
            // A priority has no zeros before it.
            if priority == 0 && digits > 1 {
                return Err(self.expecting(range));
            }
        }
        if digits == 0 {
            return Err(self.expecting(range));
        }
        if !self.take(">") {
            return Err(self.expecting("a priority value within angle brackets"));
        }
        found.insert("priority", Value::Int(priority));
        found.insert("facility", Value::Int(priority / 8));
        found.insert("severity", Value::Int(priority % 8));
        Ok(())
    }
}
