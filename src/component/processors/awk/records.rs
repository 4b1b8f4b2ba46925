//! The input as records, and a record as fields.

use super::machine::{Cell, MAX_FIELDS, Machine, Stop};
use super::syntax::{Expr, special};
use super::values::{Text, Val};

impl<'p> Machine<'p, '_> {
    pub(super) fn index(&mut self, index: &'p Expr) -> Result<usize, Stop> {
        let index = self.eval(index)?.number();
        if index <= -1.0 {
            return Err(Stop::Fault(format!(
                "field index negative: {}",
                index.trunc()
            )));
        }
        if index > MAX_FIELDS as f64 {
            return Err(Stop::Fault(format!(
                "field index too large: {}",
                index.trunc()
            )));
        }
        Ok(index as usize)
    }

    pub(super) fn field(&mut self, index: usize) -> Result<Val, Stop> {
        if index == 0 {
            return Ok(Val::Input(self.whole_line()));
        }
        self.split_line()?;
        Ok(self.fields.get(index - 1).cloned().unwrap_or_default())
    }

    pub(super) fn set_field(&mut self, index: usize, value: Val) -> Result<(), Stop> {
        let text = value.to_text(&self.convert());
        if index == 0 {
            self.set_line(text);
            return Ok(());
        }
        self.split_line()?;
        if self.fields.len() < index {
            self.fields.resize(index, Val::text([]));
            self.globals[special::NF] = Cell::Val(Val::Number(index as f64));
        }
        self.fields[index - 1] = Val::Input(text);
        self.is_dirty = true;
        Ok(())
    }

    pub(super) fn set_line(&mut self, line: Text) {
        self.line = line;
        self.separator = self.global_text(special::FS);
        (self.is_split, self.is_dirty) = (false, false);
    }

    /// The record as text, joined anew if its fields have changed.
    pub(super) fn whole_line(&mut self) -> Text {
        if std::mem::take(&mut self.is_dirty) {
            let (between, format) = (self.global_text(special::OFS), self.convert());
            let texts: Vec<Text> = self.fields.iter().map(|f| f.to_text(&format)).collect();
            self.line = texts.join(&between[..]).into();
        }
        self.line.clone()
    }

    pub(super) fn split_line(&mut self) -> Result<(), String> {
        if std::mem::replace(&mut self.is_split, true) {
            return Ok(());
        }
        let (line, separator) = (self.line.clone(), self.separator.clone());
        let paragraphs = self.global_text(special::RS).is_empty();
        let parts = self.split(&line, &separator, paragraphs)?;
        self.globals[special::NF] = Cell::Val(Val::Number(parts.len() as f64));
        self.fields = parts;
        Ok(())
    }

    /// The next record as the current one; false at the end.
    pub(super) fn next_record(&mut self) -> Result<bool, String> {
        let Some(record) = self.read_record()? else {
            return Ok(false);
        };
        self.set_line(record);
        Ok(true)
    }

    /// Reads a record and counts it.
    pub(super) fn read_record(&mut self) -> Result<Option<Text>, String> {
        let separator = self.global_text(special::RS);
        if separator.is_empty() {
            let blank = self.input.iter().take_while(|b| **b == b'\n').count();
            self.input = &self.input[blank..];
        }
        if self.input.is_empty() {
            return Ok(None);
        }
        let found = match &*separator {
            [] => find(self.input, b"\n\n"),
            [byte] => memchr::memchr(*byte, self.input).map(|at| (at, at + 1)),
            pattern => {
                let regex = self.pattern(pattern)?;
                let found = regex.find_iter(self.input).find(|m| !m.is_empty());
                found.map(|m| (m.start(), m.end()))
            }
        };
        let (mut end, next) = found.unwrap_or((self.input.len(), self.input.len()));
        let record = &self.input[..end];
        if &*separator == b"\n" && record.ends_with(b"\r")
            || separator.is_empty() && record.ends_with(b"\n")
        {
            end -= 1;
        }
        let record = Text::from(&self.input[..end]);
        self.input = &self.input[next..];
        for slot in [special::NR, special::FNR] {
            let count = self.global(slot).number() + 1.0;
            self.globals[slot] = Cell::Val(Val::Number(count));
        }
        Ok(Some(record))
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<(usize, usize)> {
    memchr::memmem::find(text, part).map(|at| (at, at + part.len()))
}
