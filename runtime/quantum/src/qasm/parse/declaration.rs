//! Declarations: registers, variables, gates, subroutines.

use std::sync::Arc;

use super::super::Version;
use super::super::diagnostic::{Fault, Located};
use super::super::lexer::Kind;
use super::super::syntax::{GateDefinition, Name, Source, StatementKind, Subroutine, Type, TypeKind};
use super::{DEFINITIONS, Parser};

const TYPES: &[(&str, TypeKind)] = &[
    ("qubit", TypeKind::Qubit),
    ("bit", TypeKind::Bit),
    ("bool", TypeKind::Bool),
    ("int", TypeKind::Int),
    ("uint", TypeKind::Uint),
    ("float", TypeKind::Float),
    ("angle", TypeKind::Angle),
    // a register of version 2 as the type of an argument
    ("qreg", TypeKind::Qubit),
    ("creg", TypeKind::Bit),
];

const TIMES: &[&str] = &["duration", "stretch"];

impl<'a> Parser<'a> {
    /// Whether a type begins here, one that a circuit cannot hold included.
    pub(super) fn is_type(&self) -> bool {
        let text = self.lexer.slice(self.token.span);
        let others = ["array", "complex", "readonly", "mutable"];
        self.token.kind == Kind::Word
            && (TYPES.iter().any(|(name, _)| *name == text)
                || TIMES.contains(&text)
                || others.contains(&text))
    }

    /// A type such as `uint[4]` or `array[float, 2, 3]`.
    pub(super) fn type_name(&mut self) -> Result<Type<'a>, Located> {
        let (start, text) = (self.token.span, self.lexer.slice(self.token.span));
        if TIMES.contains(&text) {
            return self.unsupported(text, "a circuit has no durations");
        }
        if ["complex", "readonly", "mutable"].contains(&text) {
            return self.unsupported(text, "a circuit has no variables at run time");
        }
        if self.accept_word("array")? {
            self.expect("[")?;
            let inner = self.nested(Self::type_name)?;
            self.expect(",")?;
            let shape = self.list("]")?;
            return Ok(Type { shape, span: start.to(self.last), ..inner });
        }
        let Some((_, kind)) = TYPES.iter().find(|(name, _)| *name == text) else {
            return Err(self.unexpected("a type"));
        };
        self.advance()?;
        let mut width = None;
        if self.accept("[")? {
            width = Some(Box::new(self.expression()?));
            self.expect("]")?;
        }
        Ok(Type { kind: *kind, width, shape: Vec::new(), span: start.to(self.last) })
    }

    /// `qreg q[2]` and `creg c[2]`.
    pub(super) fn register(&mut self, kind: TypeKind) -> Result<StatementKind<'a>, Located> {
        let start = self.advance()?.span;
        let name = self.name()?;
        let mut width = None;
        if self.accept("[")? {
            width = Some(Box::new(self.expression()?));
            self.expect("]")?;
        }
        let of = Type { kind, width, shape: Vec::new(), span: start.to(self.last) };
        Ok(StatementKind::Declare { name, of, value: None, constant: false })
    }

    /// `uint[4] x = 1`, with `const` or without.
    pub(super) fn variable(&mut self, constant: bool) -> Result<StatementKind<'a>, Located> {
        let of = self.type_name()?;
        let name = self.name()?;
        let value = if self.accept("=")? { Some(self.source()?) } else { None };
        if constant && value.is_none() {
            return Err(self.unexpected("`=`"));
        }
        Ok(StatementKind::Declare { name, of, value, constant })
    }

    /// What is right of `=`.
    pub(super) fn source(&mut self) -> Result<Source<'a>, Located> {
        if self.accept_word("measure")? {
            return Ok(Source::Measure(self.postfix()?));
        }
        if self.is("{") {
            return self.unsupported("{", "a circuit has no arrays of classical values");
        }
        self.expression().map(Source::Value)
    }

    /// Names with commas up to `close`, which is left.
    fn names(&mut self, close: &str) -> Result<Vec<Name<'a>>, Located> {
        let mut names: Vec<Name<'a>> = Vec::new();
        while !self.is(close) {
            let name = self.name()?;
            if names.iter().any(|other| other.text == name.text) {
                return Err(Fault::DeclaredTwice { name: name.text.to_owned(), help: "" }.at(name.span));
            }
            names.push(name);
            if !self.accept(",")? && !self.is(close) {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
        Ok(names)
    }

    fn head(&mut self, close: &str) -> Result<(Name<'a>, Vec<Name<'a>>, Vec<Name<'a>>), Located> {
        let name = self.name()?;
        let mut angles = Vec::new();
        if self.accept("(")? {
            angles = self.names(")")?;
            self.expect(")")?;
        }
        let qubits = self.names(close)?;
        if let Some(twice) = qubits.iter().find(|qubit| angles.iter().any(|angle| angle.text == qubit.text)) {
            return Err(Fault::DeclaredTwice { name: twice.text.to_owned(), help: "" }.at(twice.span));
        }
        Ok((name, angles, qubits))
    }

    pub(super) fn gate(&mut self) -> Result<StatementKind<'a>, Located> {
        let before = self.tokens;
        self.advance()?;
        let (name, angles, qubits) = self.head("{")?;
        let body = self.block()?;
        self.keep(before)?;
        Ok(StatementKind::Gate(Arc::new(GateDefinition { name, angles, qubits, body })))
    }

    pub(super) fn opaque(&mut self) -> Result<StatementKind<'a>, Located> {
        self.advance()?;
        let (name, ..) = self.head(";")?;
        self.expect(";")?;
        Ok(StatementKind::Opaque(name))
    }

    /// A function of another program: its name is kept so that its use can be refused.
    pub(super) fn external(&mut self) -> Result<StatementKind<'a>, Located> {
        self.advance()?;
        let name = self.name()?;
        while !self.accept(";")? {
            if self.token.kind == Kind::End {
                return Err(self.unexpected("`;`"));
            }
            self.advance()?;
        }
        Ok(StatementKind::Extern(name))
    }

    pub(super) fn subroutine(&mut self) -> Result<StatementKind<'a>, Located> {
        let before = self.tokens;
        self.advance()?;
        let name = self.name()?;
        self.expect("(")?;
        let mut arguments: Vec<(Type<'a>, Name<'a>)> = Vec::new();
        while !self.accept(")")? {
            let of = self.type_name()?;
            let argument = self.name()?;
            if arguments.iter().any(|(_, other)| other.text == argument.text) {
                return Err(
                    Fault::DeclaredTwice { name: argument.text.to_owned(), help: "" }.at(argument.span)
                );
            }
            arguments.push((of, argument));
            if !self.accept(",")? && !self.is(")") {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
        let result = if self.accept("->")? { Some(self.type_name()?) } else { None };
        let body = self.block()?;
        self.keep(before)?;
        Ok(StatementKind::Subroutine(Arc::new(Subroutine { name, arguments, result, body })))
    }

    /// Counts the tokens of a definition, which stays in memory.
    fn keep(&mut self, before: usize) -> Result<(), Located> {
        self.defined += self.tokens - before;
        if self.defined > DEFINITIONS {
            return Err(Fault::Limit { what: "tokens of definitions", limit: DEFINITIONS }.at(self.last));
        }
        Ok(())
    }

    /// `input float theta` and `output bit[2] c`.
    pub(super) fn port(&mut self, input: bool) -> Result<StatementKind<'a>, Located> {
        self.advance()?;
        let of = match self.token.kind {
            Kind::Word if self.is_word("creg") && self.version == Version::Three => {
                return Err(self.unexpected("a type"));
            }
            _ => self.type_name()?,
        };
        let name = self.name()?;
        Ok(if input { StatementKind::Input { name, of } } else { StatementKind::Output { name, of } })
    }
}
