//! What names mean at a place in the text.

use crate::bloblang::expr::Base;
use crate::value::Str;

/// Contexts and variables in reach.
pub(super) struct Scope {
    /// What `this` means, innermost last; a lambda takes the last away and gives it a name. Where none is left it is
    /// the message.
    pub(super) values: Vec<Base>,
    /// Contexts with names, innermost last.
    pub(super) named: Vec<(Str, Base)>,
    /// How many slots are in use.
    pub(super) slots: usize,
    /// Variables by slot.
    pub(super) variables: Vec<Str>,
}

impl Default for Scope {
    fn default() -> Scope {
        Scope {
            values: vec![Base::This],
            named: Vec::new(),
            slots: 0,
            variables: Vec::new(),
        }
    }
}

impl Scope {
    pub(super) fn this(&self) -> Base {
        self.values.last().copied().unwrap_or(Base::This)
    }

    pub(super) fn named(&self, name: &str) -> Option<(Str, Base)> {
        let mut all = self.named.iter().rev();
        all.find(|(n, _)| &**n == name).cloned()
    }

    /// The slot of a variable.
    pub(super) fn variable(&mut self, name: &str) -> usize {
        match self.variables.iter().position(|v| &**v == name) {
            Some(slot) => slot,
            None => {
                self.variables.push(name.into());
                self.variables.len() - 1
            }
        }
    }
}
