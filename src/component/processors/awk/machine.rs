//! Runs a program: its variables, the input as records and fields, and statements.

use super::natives::Host;
use super::syntax::{Block, Expr, Pattern, Program, Statement, special};
use super::values::{Text, Val};
use std::collections::{BTreeMap, HashMap};
use std::{cell::RefCell, rc::Rc, sync::Arc};

/// What a run may take: statements and calls, bytes of output or of one text, fields, calls in calls.
const MAX_STEPS: u64 = 50_000_000;
pub(super) const MAX_BYTES: usize = 64 << 20;
pub(super) const MAX_FIELDS: usize = 1_000_000;
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
    pub input: &'p [u8],
    /// The record, and its fields once somebody wants them.
    pub line: Text,
    pub fields: Vec<Val>,
    pub is_split: bool,
    pub is_dirty: bool,
    /// The separator that was set when the record was read.
    pub separator: Text,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    status: f64,
    steps: u64,
    pub elements: usize,
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
        let reads = !program.rules.is_empty() || !program.end.is_empty();
        if reads && !ended {
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
}
