//! Evaluates expressions: operators, and the functions of the language.

use super::expressions::compile;
use super::machine::{Cell, Flow, MAX_BYTES, MAX_CALLS, Machine, Stop};
use super::syntax::{Builtin, Comparison, Expr, Function, Operator, Place, Var, special};
use super::values::{self, Text, Val};
use crate::bloblang::here;
use std::cmp::Ordering;
use std::{cell::RefCell, rc::Rc, sync::Arc};

/// How many patterns made at run time are kept compiled.
const MAX_PATTERNS: usize = 100;

type Pattern = Arc<regex::bytes::Regex>;

impl<'p> Machine<'p, '_> {
    pub(super) fn eval_text(&mut self, expr: &'p Expr) -> Result<Text, Stop> {
        let value = self.eval(expr)?;
        Ok(match value {
            Val::Text(text) | Val::Input(text) => text,
            other => other.to_text(&self.convert()),
        })
    }

    fn eval_number(&mut self, expr: &'p Expr) -> Result<f64, Stop> {
        Ok(self.eval(expr)?.number())
    }

    pub(super) fn eval(&mut self, expr: &'p Expr) -> Result<Val, Stop> {
        if here() < self.stack_end {
            return Err(Stop::Fault(
                "the program's calls and expressions nest too deep".into(),
            ));
        }
        Ok(match expr {
            Expr::Number(number) => Val::Number(*number),
            Expr::Text(text) => Val::Text(text.clone()),
            Expr::Regex(regex) => Val::from(regex.is_match(&self.whole_line())),
            Expr::Read(place) => self.get(place)?,
            Expr::Assign(place, value) => {
                let value = self.eval(value)?;
                self.set(place, value.clone())?;
                value
            }
            Expr::Update(place, operator, value) => {
                let by = self.eval_number(value)?;
                let old = self.get(place)?.number();
                let new = Val::Number(compute(*operator, old, by)?);
                self.set(place, new.clone())?;
                new
            }
            Expr::Step { place, by, after } => {
                let old = self.get(place)?.number();
                self.set(place, Val::Number(old + by))?;
                Val::Number(if *after { old } else { old + by })
            }
            Expr::Choose(parts) => {
                let [condition, then, otherwise] = &**parts;
                let holds = self.eval(condition)?.truth();
                self.eval(if holds { then } else { otherwise })?
            }
            Expr::And(parts) => {
                let [left, right] = &**parts;
                (self.eval(left)?.truth() && self.eval(right)?.truth()).into()
            }
            Expr::Or(parts) => {
                let [left, right] = &**parts;
                (self.eval(left)?.truth() || self.eval(right)?.truth()).into()
            }
            Expr::Not(inner) => (!self.eval(inner)?.truth()).into(),
            Expr::Negate(inner) => Val::Number(-self.eval_number(inner)?),
            Expr::Plus(inner) => Val::Number(self.eval_number(inner)?),
            Expr::Compute(operator, parts) => {
                let [left, right] = &**parts;
                let (left, right) = (self.eval_number(left)?, self.eval_number(right)?);
                Val::Number(compute(*operator, left, right)?)
            }
            Expr::Compare(comparison, parts) => {
                let [left, right] = &**parts;
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                let order = left.compare(&right, &self.convert());
                Val::from(match comparison {
                    Comparison::Less => order == Some(Ordering::Less),
                    Comparison::LessOrEqual => order.is_some_and(Ordering::is_le),
                    Comparison::Equal => order == Some(Ordering::Equal),
                    Comparison::NotEqual => order != Some(Ordering::Equal),
                    Comparison::Greater => order == Some(Ordering::Greater),
                    Comparison::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
                })
            }
            Expr::Concat(parts) => {
                let [left, right] = &**parts;
                let (left, right) = (self.eval_text(left)?, self.eval_text(right)?);
                if left.len() + right.len() > MAX_BYTES {
                    return Err(too_long());
                }
                Val::text([&left[..], &right[..]].concat())
            }
            Expr::Match(parts) => {
                let [text, pattern] = &**parts;
                let text = self.eval_text(text)?;
                Val::from(self.eval_pattern(pattern)?.is_match(&text))
            }
            Expr::In(keys, array) => {
                let (key, table) = (self.key(keys)?, self.table(*array)?);
                Val::from(table.borrow().contains_key(&key))
            }
            Expr::Call(callee, args) => {
                let callee = &self.program.callees[*callee];
                if let Some(function) = &callee.function {
                    return self.call(function, &callee.name, args);
                }
                let values = args
                    .iter()
                    .map(|a| self.eval(a))
                    .collect::<Result<Vec<_>, _>>()?;
                let convert = self.convert();
                match callee.native {
                    Some(native) => self.host.call(native, &values, &convert)?,
                    None => Val::Unset,
                }
            }
            Expr::Builtin(builtin, args) => self.builtin(*builtin, args)?,
            Expr::Length(None) => Val::Number(self.whole_line().len() as f64),
            Expr::Length(Some(of)) => {
                if let Expr::Read(Place::Var(var)) = &**of
                    && let Some(length) = self.array_length(*var)
                {
                    return Ok(Val::Number(length as f64));
                }
                Val::Number(self.eval_text(of)?.len() as f64)
            }
            Expr::Substitute {
                all,
                pattern,
                with,
                target,
            } => self.substitute(*all, pattern, with, target)?,
            Expr::Split { text, into, by } => {
                let text = self.eval_text(text)?;
                let parts = match by.as_deref() {
                    None => self.split(&text, &self.global_text(special::FS), false)?,
                    Some(Expr::Regex(regex)) => split_by(regex, &text),
                    Some(by) => {
                        let by = self.eval_text(by)?;
                        self.split(&text, &by, false)?
                    }
                };
                let table = self.table(*into)?;
                self.forget(&table);
                let count = parts.len();
                for (i, part) in parts.into_iter().enumerate() {
                    self.put(&table, Text::from((i + 1).to_string().into_bytes()), part)?;
                }
                Val::Number(count as f64)
            }
            Expr::Getline(place) => match self.read_record()? {
                None => Val::Number(0.0),
                Some(record) => {
                    match place {
                        Some(place) => self.set(place, Val::Input(record))?,
                        None => self.set_line(record),
                    }
                    Val::Number(1.0)
                }
            },
            Expr::List(_) => {
                return Err(Stop::Fault("unexpected comma-separated expression".into()));
            }
        })
    }

    fn array_length(&self, var: Var) -> Option<usize> {
        let cell = match var {
            Var::Global(slot) => &self.globals[slot],
            Var::Local(slot) => &self.locals[self.frame + slot],
        };
        match cell {
            Cell::Array(table) => Some(table.borrow().len()),
            _ => None,
        }
    }

    fn call(&mut self, function: &'p Function, name: &str, args: &'p [Expr]) -> Result<Val, Stop> {
        self.step()?;
        if self.calls >= MAX_CALLS {
            let fault = format!("calling {name:?} exceeded maximum call depth of {MAX_CALLS}");
            return Err(Stop::Fault(fault));
        }
        if args.len() > function.arrays.len() {
            let fault = format!("too many arguments in call to {name:?}");
            return Err(Stop::Fault(fault));
        }
        let mut cells = Vec::with_capacity(function.arrays.len());
        for (i, is_array) in function.arrays.iter().enumerate() {
            cells.push(match args.get(i) {
                Some(Expr::Read(Place::Var(var))) if *is_array => Cell::Array(self.table(*var)?),
                Some(arg) => Cell::Val(self.eval(arg)?),
                None if *is_array => Cell::Array(Rc::new(RefCell::default())),
                None => Cell::Unset,
            });
        }
        let outer = std::mem::replace(&mut self.frame, self.locals.len());
        self.locals.extend(cells);
        self.calls += 1;
        let flow = self.block(&function.body);
        self.calls -= 1;
        self.locals.truncate(self.frame);
        self.frame = outer;
        Ok(match flow? {
            Flow::Return(value) => value,
            _ => Val::Unset,
        })
    }

    // ---- patterns ----

    /// A pattern that is given as a text, compiled.
    pub(super) fn pattern(&mut self, text: &[u8]) -> Result<Pattern, String> {
        if let Some(found) = self.patterns.get(text) {
            return Ok(found.clone());
        }
        let compiled = Arc::new(compile(&String::from_utf8_lossy(text))?);
        if self.patterns.len() >= MAX_PATTERNS {
            self.patterns.clear();
        }
        self.patterns.insert(text.into(), Arc::clone(&compiled));
        Ok(compiled)
    }

    fn eval_pattern(&mut self, expr: &'p Expr) -> Result<Pattern, Stop> {
        match expr {
            Expr::Regex(regex) => Ok(regex.clone()),
            other => {
                let text = self.eval_text(other)?;
                Ok(self.pattern(&text)?)
            }
        }
    }

    /// A text's parts as `FS` separates them; in paragraphs, line ends separate as well.
    pub(super) fn split(
        &mut self,
        text: &[u8],
        by: &[u8],
        paragraphs: bool,
    ) -> Result<Vec<Val>, String> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        Ok(match by {
            b" " => {
                let parts = text.split(u8::is_ascii_whitespace);
                parts.filter(|p| !p.is_empty()).map(Val::input).collect()
            }
            [] => match std::str::from_utf8(text) {
                Ok(text) => text
                    .chars()
                    .map(|c| Val::input(c.to_string().into_bytes()))
                    .collect(),
                Err(_) => text.iter().map(|b| Val::input([*b])).collect(),
            },
            [byte] => text
                .split(|b| b == byte || paragraphs && *b == b'\n')
                .map(Val::input)
                .collect(),
            pattern if paragraphs => {
                let pattern = [b"(", pattern, b")|\n"].concat();
                split_by(&*self.pattern(&pattern)?, text)
            }
            pattern => split_by(&*self.pattern(pattern)?, text),
        })
    }

    /// `sub` and `gsub`: the number of replacements.
    fn substitute(
        &mut self,
        all: bool,
        pattern: &'p Expr,
        with: &'p Expr,
        target: &'p Place,
    ) -> Result<Val, Stop> {
        let pattern = self.eval_pattern(pattern)?;
        let with = self.eval_text(with)?;
        let old = self.get(target)?.to_text(&self.convert());
        let (mut new, mut copied, mut count) = (Vec::new(), 0, 0.0);
        for found in pattern.find_iter(&old) {
            new.extend_from_slice(&old[copied..found.start()]);
            replacement(&with, found.as_bytes(), &mut new);
            if new.len() > MAX_BYTES {
                return Err(too_long());
            }
            copied = found.end();
            count += 1.0;
            if !all {
                break;
            }
        }
        if count > 0.0 {
            new.extend_from_slice(&old[copied..]);
            self.set(target, Val::text(new))?;
        }
        Ok(Val::Number(count))
    }

    // ---- functions ----

    fn builtin(&mut self, builtin: Builtin, args: &'p [Expr]) -> Result<Val, Stop> {
        // Its second argument is a pattern, and no value.
        if builtin == Builtin::Match {
            return self.find(args);
        }
        let values = args
            .iter()
            .map(|a| self.eval(a))
            .collect::<Result<Vec<_>, _>>()?;
        let convert = self.convert();
        let number = |i: usize| values.get(i).map_or(0.0, Val::number);
        let text = |i: usize| {
            values
                .get(i)
                .map(|v| v.to_text(&convert))
                .unwrap_or_default()
        };
        Ok(match builtin {
            Builtin::Atan2 => number(0).atan2(number(1)).into(),
            Builtin::Cos => number(0).cos().into(),
            Builtin::Sin => number(0).sin().into(),
            Builtin::Exp => number(0).exp().into(),
            Builtin::Log => number(0).ln().into(),
            Builtin::Sqrt => number(0).sqrt().into(),
            Builtin::Int => number(0).trunc().into(),
            Builtin::Index => {
                let found = memchr::memmem::find(&text(0), &text(1));
                Val::Number(found.map_or(0.0, |at| at as f64 + 1.0))
            }
            Builtin::Sprintf => Val::text(values::format(&text(0), &values[1..], &convert)?),
            Builtin::Substr => {
                let text = text(0);
                let start = number(1).round_ties_even();
                let end = match values.get(2) {
                    Some(length) => start + length.number().round_ties_even(),
                    None => f64::INFINITY,
                };
                let bound = |at: f64| (at - 1.0).clamp(0.0, text.len() as f64) as usize;
                let (start, end) = (bound(start), bound(end));
                Val::text(text.get(start..end).unwrap_or_default())
            }
            Builtin::ToLower => Val::text(cased(&text(0), str::to_lowercase)),
            Builtin::ToUpper => Val::text(cased(&text(0), str::to_uppercase)),
            Builtin::Rand => Val::Number(self.next_random()),
            Builtin::Srand => {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                let seed = match values.first() {
                    Some(seed) => seed.number(),
                    None => now.map_or(0.0, |t| t.as_secs() as f64),
                };
                self.random = seed.to_bits();
                Val::Number(std::mem::replace(&mut self.seed, seed))
            }
            // There is nothing to close or to flush.
            Builtin::Close => Val::Number(-1.0),
            Builtin::Fflush => Val::Number(0.0),
            Builtin::Match => Val::Unset,
        })
    }

    /// `match`: where a pattern is found first, also in `RSTART` and `RLENGTH`.
    fn find(&mut self, args: &'p [Expr]) -> Result<Val, Stop> {
        let [text, pattern] = args else {
            return Err(Stop::Fault("match takes two arguments".into()));
        };
        let text = self.eval_text(text)?;
        let found = self
            .eval_pattern(pattern)?
            .find(&text)
            .map(|m| (m.start(), m.len()));
        let (start, length) =
            found.map_or((0.0, -1.0), |(start, len)| (start as f64 + 1.0, len as f64));
        self.set_var(Var::Global(special::RSTART), start.into())?;
        self.set_var(Var::Global(special::RLENGTH), length.into())?;
        Ok(start.into())
    }

    /// A number from 0 up to 1 (SplitMix64).
    fn next_random(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn too_long() -> Stop {
    Stop::Fault(format!("a text is longer than {MAX_BYTES} bytes"))
}

fn compute(operator: Operator, left: f64, right: f64) -> Result<f64, Stop> {
    Ok(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide if right == 0.0 => return Err(Stop::Fault("division by zero".into())),
        Operator::Divide => left / right,
        Operator::Modulo if right == 0.0 => {
            return Err(Stop::Fault("division by zero in %".into()));
        }
        Operator::Modulo => left % right,
        Operator::Power => left.powf(right),
    })
}

fn split_by(regex: &regex::bytes::Regex, text: &[u8]) -> Vec<Val> {
    if text.is_empty() {
        return Vec::new();
    }
    regex.split(text).map(Val::input).collect()
}

/// What takes the place of `found`: `&` is what was found, `\&` an ampersand.
fn replacement(with: &[u8], found: &[u8], out: &mut Vec<u8>) {
    let mut bytes = with.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next_if(|b| matches!(b, b'&' | b'\\')) {
                Some(escaped) => out.push(escaped),
                None => out.push(b'\\'),
            },
            b'&' => out.extend_from_slice(found),
            byte => out.push(byte),
        }
    }
}

fn cased(text: &[u8], change: fn(&str) -> String) -> Vec<u8> {
    change(&String::from_utf8_lossy(text)).into_bytes()
}
