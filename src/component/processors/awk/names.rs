//! What names stand for: variables, parameters and functions.

use super::lexer::At;
use super::natives::Native;
use super::parser::Parser;
use super::syntax::{Callee, Expr, Place, Program, Var, special};

impl Parser<'_> {
    pub fn callee(&mut self, name: &str, at: At) -> usize {
        let callees = &mut self.program.callees;
        callees
            .iter()
            .position(|c| c.name == name)
            .unwrap_or_else(|| {
                let native = Native::by_name(name);
                callees.push(Callee {
                    name: name.to_owned(),
                    function: None,
                    native,
                });
                self.first_call.push(at);
                callees.len() - 1
            })
    }

    /// A variable, whatever it holds.
    pub fn var(&mut self, name: &str) -> Var {
        if let Some(local) = self.locals.iter().position(|l| l == name) {
            return Var::Local(local);
        }
        let globals = &mut self.program.globals;
        Var::Global(globals.iter().position(|g| g == name).unwrap_or_else(|| {
            globals.push(name.to_owned());
            globals.len() - 1
        }))
    }

    /// A variable that is used as an array.
    pub fn array(&mut self, name: &str) -> Result<Var, String> {
        let var = self.var(name);
        match var {
            Var::Local(local) => self.arrays[local] = true,
            Var::Global(global) => {
                self.program.uses_environment |= global == special::ENVIRON;
                if self.kinds.insert(global, true) == Some(false) || (global < special::ARGV) {
                    return Err(self.fault(format!("can't use scalar {name:?} as array")));
                }
            }
        }
        Ok(var)
    }

    /// Notes that a variable is used as a single value.
    pub fn scalar(&mut self, var: Var, name: &str) -> Result<(), String> {
        if let Var::Global(global) = var
            && self.kinds.insert(global, false) == Some(true)
        {
            return Err(self.fault(format!("can't use array {name:?} as scalar")));
        }
        Ok(())
    }

    /// Notes what a call is given, so that parameters that are arrays become known.
    pub fn passes(&mut self, callee: usize, args: &[Expr]) {
        let Some(inside) = self.inside else { return };
        self.calls.push((inside, callee));
        for (i, arg) in args.iter().enumerate() {
            if let Expr::Read(Place::Var(Var::Local(local))) = arg {
                self.passed.push((inside, *local, callee, i));
            }
        }
    }

    /// Checks the calls, now that all functions are known.
    pub fn finish(mut self) -> Result<Program, String> {
        for (callee, at) in self.program.callees.iter().zip(&self.first_call) {
            if callee.function.is_none() && callee.native.is_none() {
                return Err(at.fault(format!("undefined function {:?}", callee.name)));
            }
        }
        loop {
            let mut changed = false;
            for (inside, local, callee, arg) in &self.passed {
                let callees = &mut self.program.callees;
                let is_array = callees[*callee]
                    .function
                    .as_ref()
                    .and_then(|f| f.arrays.get(*arg));
                let is_array = is_array.copied().unwrap_or(false);
                if let Some(own) = callees[*inside]
                    .function
                    .as_mut()
                    .and_then(|f| f.arrays.get_mut(*local))
                    && is_array
                    && !*own
                {
                    *own = true;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        self.program.recursive = (0..self.program.callees.len()).any(|f| self.reaches(f, f));
        Ok(self.program)
    }

    /// Whether a call of `from` may end up in a call of `to`.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let (mut seen, mut open) = (vec![false; self.program.callees.len()], vec![from]);
        while let Some(at) = open.pop() {
            for (_, next) in self.calls.iter().filter(|(caller, _)| *caller == at) {
                if *next == to {
                    return true;
                }
                if !std::mem::replace(&mut seen[*next], true) {
                    open.push(*next);
                }
            }
        }
        false
    }
}
