//! Names and what they stand for.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::super::diagnostic::{Fault, Located};
use super::super::syntax::{GateDefinition, Name, Subroutine, TypeKind};
use super::library::Standard;
use super::value::{Bit, Shape, Value};
use crate::gate::Row;

/// A bit of a variable: what it holds, and the slot that was made for it; a bit that is put out gets one when it needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) bit: Bit,
    pub(super) home: Option<usize>,
}

/// A gate that the text defines.
#[derive(Debug)]
pub(super) struct Custom<'a> {
    pub(super) definition: Arc<GateDefinition<'a>>,
    /// How many gates were defined before: a body may use only those.
    pub(super) number: usize,
    /// At least so many gates are gone through to expand it.
    pub(super) size: usize,
    /// Whether a library defines it, not the text.
    pub(super) library: bool,
    /// The row of the gate table that it turned out to be.
    pub(super) row: OnceCell<Option<&'static Row>>,
}

#[derive(Debug, Clone)]
pub(super) enum Symbol<'a> {
    Qubits {
        list: Arc<[usize]>,
        single: bool,
    },
    /// Bits, made at this depth of conditions.
    Bits {
        cells: Vec<Cell>,
        single: bool,
        branch: usize,
    },
    Number {
        value: Option<Value>,
        shape: Shape,
        constant: bool,
        branch: usize,
    },
    Inputs {
        offset: usize,
        shape: Vec<usize>,
    },
    Standard(Standard),
    Custom(Rc<Custom<'a>>),
    Opaque,
    Extern,
    Subroutine(Arc<Subroutine<'a>>),
}

impl Symbol<'_> {
    /// A number that nothing changes.
    pub(super) fn constant(value: Value) -> Self {
        let shape = Shape { kind: TypeKind::Float, width: None };
        Self::Number { value: Some(value), shape, constant: true, branch: 0 }
    }

    /// Whether a gate or subroutine sees it from inside: definitions and constants, no state.
    fn is_global(&self) -> bool {
        !matches!(
            self,
            Self::Qubits { .. }
                | Self::Bits { .. }
                | Self::Inputs { .. }
                | Self::Number { constant: false, .. }
        )
    }

    pub(super) fn is_gate(&self) -> bool {
        matches!(self, Self::Standard(_) | Self::Custom(_) | Self::Opaque)
    }
}

/// Open scopes, the global one first.
#[derive(Debug)]
pub(super) struct Scopes<'a> {
    frames: Vec<HashMap<&'a str, Symbol<'a>>>,
    /// The first frame of the gate or subroutine that is being expanded; those between it and the global one are hidden.
    base: usize,
}

impl<'a> Scopes<'a> {
    pub(super) fn new() -> Self {
        Self { frames: vec![HashMap::new()], base: 0 }
    }

    pub(super) fn open(&mut self) {
        self.frames.push(HashMap::new());
    }

    pub(super) fn close(&mut self) {
        self.frames.pop();
    }

    /// Opens the scope of a gate or subroutine; what it returns closes it.
    pub(super) fn enter(&mut self) -> usize {
        self.frames.push(HashMap::new());
        std::mem::replace(&mut self.base, self.frames.len() - 1)
    }

    pub(super) fn leave(&mut self, base: usize) {
        self.frames.truncate(self.base);
        self.base = base;
    }

    pub(super) fn is_top(&self) -> bool {
        self.frames.len() == 1
    }

    pub(super) fn get(&self, name: &str) -> Option<&Symbol<'a>> {
        let local = self.frames[self.base..].iter().rev().find_map(|frame| frame.get(name));
        local.or_else(|| self.frames[0].get(name).filter(|symbol| symbol.is_global()))
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Symbol<'a>> {
        self.frames[self.base..].iter_mut().rev().find_map(|frame| frame.get_mut(name))
    }

    /// Declares a name in the innermost scope.
    pub(super) fn declare(&mut self, name: Name<'a>, symbol: Symbol<'a>) -> Result<(), Located> {
        let twice = |frame: &HashMap<&str, Symbol<'_>>| match frame.get(name.text) {
            // what the library adds to the published one may be in the way of a definition that is older
            Some(Symbol::Standard(standard)) => standard.core || !symbol.is_gate(),
            Some(Symbol::Custom(custom)) => !custom.library || !symbol.is_gate(),
            Some(_) => true,
            None => false,
        };
        match self.frames.last_mut() {
            Some(frame) if twice(frame) => {
                let library = matches!(frame.get(name.text), Some(Symbol::Standard(_)));
                let help = if library { ": the included file has a gate of this name" } else { "" };
                Err(Fault::DeclaredTwice { name: name.text.to_owned(), help }.at(name.span))
            }
            Some(frame) => {
                frame.insert(name.text, symbol);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Declares without a look at what was there.
    pub(super) fn insert(&mut self, name: &'a str, symbol: Symbol<'a>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.insert(name, symbol);
        }
    }

    /// A name of the outermost scope.
    pub(super) fn global(&self, name: &str) -> Option<&Symbol<'a>> {
        self.frames[0].get(name)
    }
}
