//! Runs a program: its variables, the input as records and fields, and statements.

use super::natives::Host;
use super::syntax::{Block, Expr, Pattern, Place, Program, Statement, Var, special};
use super::values::{Text, Val};
use std::collections::{BTreeMap, HashMap};
use std::{cell::RefCell, rc::Rc, sync::Arc};

/// What a run may take: statements and calls, bytes of output or of one text, elements of arrays, fields, calls in calls.
const MAX_STEPS: u64 = 50_000_000;
pub(super) const MAX_BYTES: usize = 64 << 20;
const MAX_ELEMENTS: usize = 1_000_000;
const MAX_FIELDS: usize = 1_000_000;
pub(super) const MAX_CALLS: usize = 1000;

pub(super) type Table = BTreeMap<Text, Val>;

/// What a variable holds.
#[derive(Clone, Debug, Default)]
pub(super) enum Cell {
    #[default]
    Unset,
    Val(Val),
    Array(Rc<RefCell<Table>>),
}

/// Why a run doesn't go on with the next statement.
#[derive(Debug)]
pub(super) enum Stop {
    Fault(String),
    NextRecord,
    Exit,
}

impl From<String> for Stop {
    fn from(fault: String) -> Stop {
        Stop::Fault(fault)
    }
}

/// Where a statement leaves off.
pub(super) enum Flow {
    On,
    Break,
    Continue,
    Return(Val),
}

pub(super) struct Machine<'p, 'h> {
    pub program: &'p Program,
    pub host: Host<'h>,
    pub globals: Vec<Cell>,
    /// The variables of the functions under way, one after the other, and where those of the innermost begin.
    pub locals: Vec<Cell>,
    pub frame: usize,
    pub calls: usize,
    pub stack_end: usize,
    input: &'p [u8],
    /// The record, and its fields once somebody wants them.
    line: Text,
    fields: Vec<Val>,
    is_split: bool,
    is_dirty: bool,
    /// The separator that was set when the record was read.
    separator: Text,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    status: f64,
    steps: u64,
    elements: usize,
    pub patterns: HashMap<Text, Arc<regex::bytes::Regex>>,
    pub seed: f64,
    pub random: u64,
}

impl<'p, 'h> Machine<'p, 'h> {
    pub(super) fn new(
        program: &'p Program,
        host: Host<'h>,
        input: &'p [u8],
        stack_end: usize,
    ) -> Self {
        let mut globals = vec![Cell::Unset; program.globals.len()];
        for (slot, text) in [
            (special::FS, " "),
            (special::OFS, " "),
            (special::ORS, "\n"),
            (special::RS, "\n"),
            (special::SUBSEP, "\x1c"),
            (special::CONVFMT, "%.6g"),
            (special::OFMT, "%.6g"),
        ] {
            globals[slot] = Cell::Val(Val::text(text.as_bytes()));
        }
        globals[special::RLENGTH] = Cell::Val(Val::Number(-1.0));
        let arg = Table::from([(Text::from(*b"0"), Val::text(*b"awk"))]);
        globals[special::ARGC] = Cell::Val(Val::Number(1.0));
        globals[special::ARGV] = Cell::Array(Rc::new(RefCell::new(arg)));
        let environment = std::env::vars_os().map(|(name, value)| {
            let bytes = |s: std::ffi::OsString| s.to_string_lossy().into_owned().into_bytes();
            (Text::from(bytes(name)), Val::input(bytes(value)))
        });
        globals[special::ENVIRON] =
            Cell::Array(Rc::new(RefCell::new(match program.uses_environment {
                true => environment.collect(),
                false => Table::new(),
            })));
        Machine {
            program,
            host,
            globals,
            locals: Vec::new(),
            frame: 0,
            calls: 0,
            stack_end,
            input,
            line: Text::default(),
            fields: Vec::new(),
            is_split: true,
            is_dirty: false,
            separator: Text::from(*b" "),
            out: Vec::new(),
            err: Vec::new(),
            status: 0.0,
            steps: 0,
            elements: 0,
            patterns: HashMap::new(),
            seed: 1.0,
            random: 1,
        }
    }

    /// Sets a global variable before the run; of a name that the program doesn't use, nothing.
    pub(super) fn define(&mut self, name: &str, value: Val) -> Result<(), String> {
        let Some(slot) = self.program.globals.iter().position(|g| g == name) else {
            return Ok(());
        };
        match self.globals[slot] {
            Cell::Array(_) => Ok(()),
            _ => self.set_global(slot, value),
        }
    }

    /// Runs all of it; gives the exit status.
    pub(super) fn run(&mut self) -> Result<f64, String> {
        let program = self.program;
        let mut ended = false;
        for block in &program.begin {
            ended = ended || self.part(block)?;
        }
        if !ended && !(program.rules.is_empty() && program.end.is_empty()) {
            let mut ranges = vec![false; program.rules.len()];
            while !ended && self.next_record()? {
                ended = self.record(&mut ranges)?;
            }
        }
        for block in &program.end {
            if self.part(block)? {
                break;
            }
        }
        Ok(self.status)
    }

    /// Runs a block on its own; says whether that was the end.
    fn part(&mut self, block: &'p Block) -> Result<bool, String> {
        match self.block(block) {
            Ok(_) | Err(Stop::NextRecord) => Ok(false),
            Err(Stop::Exit) => Ok(true),
            Err(Stop::Fault(fault)) => Err(fault),
        }
    }

    /// Runs the rules on the record; says whether that was the end.
    fn record(&mut self, ranges: &mut [bool]) -> Result<bool, String> {
        for (rule, inside) in self.program.rules.iter().zip(ranges) {
            let outcome =
                self.matches(&rule.pattern, inside)
                    .and_then(|matches| match &rule.action {
                        _ if !matches => Ok(()),
                        Some(action) => self.block(action).map(|_| ()),
                        None => self.print(&[], None),
                    });
            match outcome {
                Ok(()) => {}
                Err(Stop::NextRecord) => return Ok(false),
                Err(Stop::Exit) => return Ok(true),
                Err(Stop::Fault(fault)) => return Err(fault),
            }
        }
        Ok(false)
    }

    fn matches(&mut self, pattern: &'p Pattern, inside: &mut bool) -> Result<bool, Stop> {
        match pattern {
            Pattern::Always => Ok(true),
            Pattern::When(when) => Ok(self.eval(when)?.truth()),
            Pattern::Range(from, to) => {
                let matches = *inside || self.eval(from)?.truth();
                *inside = matches && !self.eval(to)?.truth();
                Ok(matches)
            }
        }
    }

    // ---- statements ----

    pub(super) fn block(&mut self, block: &'p Block) -> Result<Flow, Stop> {
        for statement in block {
            match self.statement(statement)? {
                Flow::On => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::On)
    }

    /// Counts a step of the program.
    pub(super) fn step(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(Stop::Fault(format!(
                "the program didn't end within {MAX_STEPS} steps"
            )));
        }
        Ok(())
    }

    fn statement(&mut self, statement: &'p Statement) -> Result<Flow, Stop> {
        self.step()?;
        match statement {
            Statement::Expr(expr) => {
                self.eval(expr)?;
            }
            Statement::Print(args, to) => self.print(args, to.as_ref())?,
            Statement::Printf(args, to) => {
                let values = args
                    .iter()
                    .map(|a| self.eval(a))
                    .collect::<Result<Vec<_>, _>>()?;
                let format = self.convert();
                let text =
                    super::values::format(&values[0].to_text(&format), &values[1..], &format)?;
                self.write(&text, to.as_ref())?;
            }
            Statement::If(condition, then, otherwise) => {
                let holds = self.eval(condition)?.truth();
                return self.block(if holds { then } else { otherwise });
            }
            Statement::While(condition, body) => {
                while self.eval(condition)?.truth() {
                    if let Some(flow) = self.round(body)? {
                        return Ok(flow);
                    }
                }
            }
            Statement::Do(body, condition) => loop {
                if let Some(flow) = self.round(body)? {
                    return Ok(flow);
                }
                if !self.eval(condition)?.truth() {
                    break;
                }
            },
            Statement::For(first, condition, next, body) => {
                if let Some(first) = first {
                    self.statement(first)?;
                }
                loop {
                    if let Some(condition) = condition
                        && !self.eval(condition)?.truth()
                    {
                        break;
                    }
                    if let Some(flow) = self.round(body)? {
                        return Ok(flow);
                    }
                    if let Some(next) = next {
                        self.statement(next)?;
                    }
                }
            }
            Statement::ForIn(var, array, body) => {
                let keys: Vec<Text> = self.table(*array)?.borrow().keys().cloned().collect();
                for key in keys {
                    // What was deleted meanwhile isn't visited.
                    if !self.table(*array)?.borrow().contains_key(&key) {
                        continue;
                    }
                    self.set_var(*var, Val::input(key))?;
                    if let Some(flow) = self.round(body)? {
                        return Ok(flow);
                    }
                }
            }
            Statement::Block(block) => return self.block(block),
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Next => return Err(Stop::NextRecord),
            Statement::NextFile => {
                self.input = &[];
                return Err(Stop::NextRecord);
            }
            Statement::Exit(status) => {
                if let Some(status) = status {
                    self.status = self.eval(status)?.number().trunc();
                }
                return Err(Stop::Exit);
            }
            Statement::Return(value) => {
                return Ok(Flow::Return(match value {
                    Some(value) => self.eval(value)?,
                    None => Val::Unset,
                }));
            }
            Statement::Delete(array, keys) => {
                let table = self.table(*array)?;
                if keys.is_empty() {
                    self.elements = self.elements.saturating_sub(table.borrow().len());
                    table.borrow_mut().clear();
                } else {
                    let key = self.key(keys)?;
                    let gone = table.borrow_mut().remove(&key).is_some();
                    self.elements = self.elements.saturating_sub(usize::from(gone));
                }
            }
        }
        Ok(Flow::On)
    }

    /// One round of a loop. Some flow ends the loop.
    fn round(&mut self, body: &'p Block) -> Result<Option<Flow>, Stop> {
        self.step()?;
        Ok(match self.block(body)? {
            Flow::On | Flow::Continue => None,
            Flow::Break => Some(Flow::On),
            Flow::Return(value) => Some(Flow::Return(value)),
        })
    }

    fn print(&mut self, args: &'p [Expr], to: Option<&'p Expr>) -> Result<(), Stop> {
        let format = self.global(special::OFMT);
        let mut line = Vec::new();
        if args.is_empty() {
            line.extend_from_slice(&self.whole_line());
        }
        for (i, arg) in args.iter().enumerate() {
            if i > 0 {
                line.extend_from_slice(&self.global_text(special::OFS));
            }
            let value = self.eval(arg)?;
            line.extend_from_slice(&value.to_text(&format));
        }
        line.extend_from_slice(&self.global_text(special::ORS));
        self.write(&line, to)
    }

    fn write(&mut self, text: &[u8], to: Option<&'p Expr>) -> Result<(), Stop> {
        let name = match to {
            Some(to) => self.eval_text(to)?,
            None => Text::from(*b"-"),
        };
        let out = match &*name {
            b"-" | b"/dev/stdout" => &mut self.out,
            b"/dev/stderr" => &mut self.err,
            other => {
                let other = super::natives::string(other);
                let fault = format!("can't write to {other}: programs here have no files");
                return Err(Stop::Fault(fault));
            }
        };
        if out.len() + text.len() > MAX_BYTES {
            return Err(Stop::Fault(format!(
                "the output is longer than {MAX_BYTES} bytes"
            )));
        }
        out.extend_from_slice(text);
        Ok(())
    }

    // ---- variables ----

    pub(super) fn global(&self, slot: usize) -> Val {
        match &self.globals[slot] {
            Cell::Val(value) => value.clone(),
            _ => Val::Unset,
        }
    }

    /// How numbers become text.
    pub(super) fn convert(&self) -> Val {
        self.global(special::CONVFMT)
    }

    pub(super) fn global_text(&self, slot: usize) -> Text {
        self.global(slot).to_text(&self.convert())
    }

    fn cell(&mut self, var: Var) -> &mut Cell {
        match var {
            Var::Global(slot) => &mut self.globals[slot],
            Var::Local(slot) => &mut self.locals[self.frame + slot],
        }
    }

    fn name(&self, var: Var) -> &str {
        match var {
            Var::Global(slot) => &self.program.globals[slot],
            Var::Local(_) => "parameter",
        }
    }

    pub(super) fn get_var(&mut self, var: Var) -> Result<Val, Stop> {
        if var == Var::Global(special::NF) {
            self.split_line()?;
        }
        match self.cell(var) {
            Cell::Unset => Ok(Val::Unset),
            Cell::Val(value) => Ok(value.clone()),
            Cell::Array(_) => Err(Stop::Fault(format!(
                "can't use array {:?} as scalar",
                self.name(var)
            ))),
        }
    }

    pub(super) fn set_var(&mut self, var: Var, value: Val) -> Result<(), Stop> {
        match var {
            Var::Global(slot) => Ok(self.set_global(slot, value)?),
            Var::Local(_) => match self.cell(var) {
                Cell::Array(_) => Err(Stop::Fault("can't use array parameter as scalar".into())),
                cell => {
                    *cell = Cell::Val(value);
                    Ok(())
                }
            },
        }
    }

    fn set_global(&mut self, slot: usize, value: Val) -> Result<(), String> {
        if slot == special::NF {
            self.split_line()?;
            let count = value.number();
            if !(0.0..=MAX_FIELDS as f64).contains(&count) {
                return Err(format!(
                    "NF set to a value that is negative or too large: {count}"
                ));
            }
            self.fields.resize(count as usize, Val::text([]));
            self.is_dirty = true;
            self.globals[slot] = Cell::Val(Val::Number(count.trunc()));
            return Ok(());
        }
        if let Cell::Array(_) = self.globals[slot] {
            return Err(format!(
                "can't use array {:?} as scalar",
                self.program.globals[slot]
            ));
        }
        self.globals[slot] = Cell::Val(value);
        Ok(())
    }

    /// The array in a variable, made if there is none yet.
    pub(super) fn table(&mut self, var: Var) -> Result<Rc<RefCell<Table>>, Stop> {
        let cell = self.cell(var);
        match cell {
            Cell::Array(table) => Ok(table.clone()),
            Cell::Unset => {
                let table = Rc::default();
                *cell = Cell::Array(Rc::clone(&table));
                Ok(table)
            }
            Cell::Val(_) => Err(Stop::Fault(format!(
                "can't use scalar {:?} as array",
                self.name(var)
            ))),
        }
    }

    /// The key that one or several subscripts make.
    pub(super) fn key(&mut self, keys: &'p [Expr]) -> Result<Text, Stop> {
        if let [one] = keys {
            return self.eval_text(one);
        }
        let mut joined = Vec::new();
        for (i, key) in keys.iter().enumerate() {
            if i > 0 {
                joined.extend_from_slice(&self.global_text(special::SUBSEP));
            }
            joined.extend_from_slice(&self.eval_text(key)?);
        }
        Ok(joined.into())
    }

    pub(super) fn get(&mut self, place: &'p Place) -> Result<Val, Stop> {
        match place {
            Place::Var(var) => self.get_var(*var),
            Place::Field(index) => {
                let index = self.index(index)?;
                self.field(index)
            }
            Place::Element(array, keys) => {
                let (key, table) = (self.key(keys)?, self.table(*array)?);
                let found = table.borrow().get(&key).cloned();
                match found {
                    Some(value) => Ok(value),
                    // Reading makes the element.
                    None => self.put(&table, key, Val::Unset).map(|()| Val::Unset),
                }
            }
        }
    }

    pub(super) fn set(&mut self, place: &'p Place, value: Val) -> Result<(), Stop> {
        match place {
            Place::Var(var) => self.set_var(*var, value),
            Place::Field(index) => {
                let index = self.index(index)?;
                self.set_field(index, value)
            }
            Place::Element(array, keys) => {
                let (key, table) = (self.key(keys)?, self.table(*array)?);
                self.put(&table, key, value)
            }
        }
    }

    pub(super) fn put(
        &mut self,
        table: &RefCell<Table>,
        key: Text,
        value: Val,
    ) -> Result<(), Stop> {
        if table.borrow_mut().insert(key, value).is_none() {
            self.elements += 1;
            if self.elements > MAX_ELEMENTS {
                return Err(Stop::Fault(format!(
                    "more than {MAX_ELEMENTS} elements in arrays"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn forget(&mut self, table: &RefCell<Table>) {
        self.elements = self.elements.saturating_sub(table.borrow().len());
        table.borrow_mut().clear();
    }

    // ---- records and fields ----

    fn index(&mut self, index: &'p Expr) -> Result<usize, Stop> {
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

    fn field(&mut self, index: usize) -> Result<Val, Stop> {
        if index == 0 {
            return Ok(Val::Input(self.whole_line()));
        }
        self.split_line()?;
        Ok(self.fields.get(index - 1).cloned().unwrap_or_default())
    }

    fn set_field(&mut self, index: usize, value: Val) -> Result<(), Stop> {
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

    fn split_line(&mut self) -> Result<(), String> {
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
