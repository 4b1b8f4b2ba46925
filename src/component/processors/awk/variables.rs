//! What a program's variables hold, and the elements of its arrays.

use super::machine::{Cell, MAX_FIELDS, Machine, Stop, Table};
use super::syntax::{Expr, Place, Var, special};
use super::values::{Text, Val};
use std::{cell::RefCell, rc::Rc};

/// How many elements all arrays may have together.
const MAX_ELEMENTS: usize = 1_000_000;

impl<'p> Machine<'p, '_> {
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

    pub(super) fn set_global(&mut self, slot: usize, value: Val) -> Result<(), String> {
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
}
