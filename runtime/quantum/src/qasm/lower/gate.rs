//! Gate calls: rows of the table, definitions expanded, registers taken qubit by qubit.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use super::super::diagnostic::{Fault, Located, Span};
use super::super::syntax::{GateCall, GateDefinition, Name, Statement, StatementKind};
use super::super::{Version, lexer};
use super::library::{self, Standard};
use super::scope::{Custom, Symbol};
use super::unitary::{close, dense};
use super::value::Value;
use super::{Flow, Lowering, undefined};
use crate::gate::{Call, Gate, Row};
use crate::{Angle, Error, Instruction};

/// What a name of a gate stands for.
#[derive(Debug, Clone)]
pub(super) enum Target<'a> {
    Standard(Standard),
    Custom(Rc<Custom<'a>>),
}

impl<'a> Lowering<'a> {
    /// Makes the gates of a file known.
    pub(super) fn include(&mut self, file: &str, span: Span) -> Result<(), Located> {
        if !self.scopes.is_top() {
            return Err(Fault::unsupported("`include`", "it stands at the top level").at(span));
        }
        let version = match (file.rsplit('/').next(), self.version) {
            (Some("qelib1.inc"), _) => Version::Two,
            (Some("stdgates.inc"), Version::Three) => Version::Three,
            _ => return Err(Fault::Include { file: lexer::cut(file) }.at(span)),
        };
        for (name, standard) in library::gates(version) {
            match self.scopes.global(name) {
                // the text may include twice, or both files
                None | Some(Symbol::Standard(_)) => self.scopes.insert(name, Symbol::Standard(standard)),
                Some(_) if !standard.core => {}
                Some(_) => return Err(Fault::DeclaredTwice { name: name.into(), help: "" }.at(span)),
            }
        }
        if version == Version::Two {
            for definition in library::definitions() {
                if self.scopes.global(definition.name.text).is_none() {
                    let (definition, row) = (definition.clone(), OnceCell::new());
                    let custom = Custom { definition, number: 0, size: 1, library: true, row };
                    self.scopes.insert(custom.definition.name.text, Symbol::Custom(Rc::new(custom)));
                }
            }
        }
        Ok(())
    }

    pub(super) fn define(&mut self, definition: &Arc<GateDefinition<'a>>) -> Result<(), Located> {
        if !self.scopes.is_top() {
            return Err(
                Fault::unsupported("`gate`", "gates are defined at the top level").at(definition.name.span)
            );
        }
        self.gates += 1;
        let number = self.gates;
        // definitions that double each other are refused before they are expanded
        let size = |statement: &Statement<'a>| match &statement.kind {
            StatementKind::Call(call) => match self.scopes.global(call.name.text) {
                Some(Symbol::Custom(custom)) => custom.size,
                _ => 1,
            },
            _ => 0,
        };
        let size = definition.body.iter().map(size).fold(1, usize::saturating_add);
        let (definition, row) = (definition.clone(), OnceCell::new());
        let custom = Custom { definition, number, size, library: false, row };
        self.scopes.declare(custom.definition.name, Symbol::Custom(Rc::new(custom)))
    }

    fn gate_named(&self, name: Name<'a>) -> Result<Target<'a>, Located> {
        match self.scopes.get(name.text) {
            Some(Symbol::Standard(standard)) => Ok(Target::Standard(*standard)),
            Some(Symbol::Custom(custom)) if custom.number < self.newest => Ok(Target::Custom(custom.clone())),
            Some(Symbol::Opaque) => {
                let reason = "an opaque gate has no definition, so what it does is not known";
                Err(Fault::unsupported(format!("`{}`", lexer::cut(name.text)), reason).at(name.span))
            }
            Some(Symbol::Subroutine(_)) => {
                let reason = "it is a subroutine: its arguments, qubits too, stand in parentheses";
                Err(Fault::unsupported(format!("`{}`", lexer::cut(name.text)), reason).at(name.span))
            }
            Some(Symbol::Custom(_)) | None => library::builtin(name.text, self.version)
                .map(Target::Standard)
                .ok_or_else(|| undefined("gate", name.text, name.span)),
            Some(_) => Err(Fault::mismatch(format!("`{}`", lexer::cut(name.text)), "a gate").at(name.span)),
        }
    }

    pub(super) fn gate_call(&mut self, call: &GateCall<'a>, span: Span) -> Result<(), Located> {
        let gate = self.gate_named(call.name)?;
        let (angles, operands) = match &gate {
            Target::Standard(standard) => (standard.angles, standard.row.operands.len() + standard.controls),
            Target::Custom(custom) => (custom.definition.angles.len(), custom.definition.qubits.len()),
        };
        let mut values = Vec::with_capacity(call.angles.len());
        for expression in &call.angles {
            values.push(self.angle(expression)?);
        }
        let count = |what, found, expected| {
            let name = lexer::cut(call.name.text);
            Err(Fault::Count { name, what, found, expected }.at(call.name.span))
        };
        if values.len() != angles {
            return count("angles", values.len(), angles);
        }
        let (modifiers, controls) = self.modifiers(&call.modifiers, span)?;
        if call.operands.len() != operands + controls {
            return count("qubits", call.operands.len(), operands + controls);
        }
        let mut places = Vec::with_capacity(call.operands.len());
        let mut turns = None;
        for operand in &call.operands {
            let (qubits, single) = self.qubits(operand)?;
            if !single {
                let length = *turns.get_or_insert(qubits.len());
                if length != qubits.len() {
                    let found = format!("a register of {} qubits", qubits.len());
                    return Err(Fault::mismatch(found, format!("one of {length}")).at(operand.span));
                }
            }
            places.push((qubits, single));
        }
        for turn in 0..turns.unwrap_or(1) {
            self.spend(1, span)?;
            let qubits: Vec<_> =
                places.iter().map(|(list, single)| list[if *single { 0 } else { turn }]).collect();
            if modifiers.is_empty() {
                self.apply(&gate, &values, &qubits, call.name.span)?;
            } else {
                let steps = self.collect(|lowering| {
                    lowering.apply(&gate, &values, &qubits[controls..], call.name.span)
                })?;
                for step in self.modified(steps, &modifiers, &qubits[..controls], span)? {
                    self.push(step, span)?;
                }
            }
        }
        Ok(())
    }

    /// A gate on its own qubits.
    fn apply(
        &mut self,
        gate: &Target<'a>,
        angles: &[Angle],
        qubits: &[usize],
        span: Span,
    ) -> Result<(), Located> {
        match gate {
            Target::Standard(standard) => self.standard(standard, angles, qubits, span),
            Target::Custom(custom) => {
                if custom.size > self.limits.work {
                    self.spend(custom.size, span)?;
                }
                if let Some(at) = (1..qubits.len()).find(|at| qubits[..*at].contains(&qubits[*at])) {
                    let gate = lexer::cut(custom.definition.name.text);
                    let error = Error::SameQubit { gate, qubit: qubits[at], step: self.steps.len() };
                    return Err(Fault::Step(Box::new(error)).at(span));
                }
                if let Some(row) = self.recognise(custom, span) {
                    let call = Call::new(Gate::Standard(row), angles, qubits);
                    return self.push(Instruction::Gate(call), span);
                }
                let expanded = self.expand(custom, angles, qubits, span);
                // the text of a library is not the one that is looked at
                expanded.map_err(|located| if custom.library { located.fault.at(span) } else { located })
            }
        }
    }

    fn standard(
        &mut self,
        standard: &Standard,
        angles: &[Angle],
        qubits: &[usize],
        span: Span,
    ) -> Result<(), Located> {
        let phase = (standard.phase)(angles);
        if phase != Angle::ZERO
            && let Some(gate) = Gate::named("gphase")
        {
            self.push(Instruction::Gate(Call::new(gate, [phase], [])), span)?;
        }
        let (controls, rest) = qubits.split_at(standard.controls);
        let call =
            Call::new(Gate::Standard(standard.row), (standard.arrange)(angles), rest).controlled(controls);
        self.push(Instruction::Gate(call), span)
    }

    /// The body of a definition on these qubits.
    fn expand(
        &mut self,
        custom: &Custom<'a>,
        angles: &[Angle],
        qubits: &[usize],
        span: Span,
    ) -> Result<(), Located> {
        self.spend(1, span)?;
        self.nested(span, |lowering| {
            let base = lowering.scopes.enter();
            let newest = std::mem::replace(&mut lowering.newest, custom.number.max(1));
            lowering.unitary += 1;
            for (name, angle) in custom.definition.angles.iter().zip(angles) {
                let value =
                    if angle.is_constant() { Value::Float(angle.offset()) } else { Value::Angle(*angle) };
                lowering.scopes.insert(name.text, Symbol::constant(value));
            }
            for (name, qubit) in custom.definition.qubits.iter().zip(qubits) {
                lowering.scopes.insert(name.text, Symbol::Qubits { list: Arc::new([*qubit]), single: true });
            }
            let mut result = Ok(());
            for statement in &custom.definition.body {
                result =
                    match lowering.execute(statement) {
                        Ok(Flow::Next) => Ok(()),
                        Ok(_) => Err(Fault::unsupported("leaving a gate", "a gate consists of gates")
                            .at(statement.span)),
                        Err(located) => Err(located),
                    };
                if result.is_err() {
                    break;
                }
            }
            lowering.unitary -= 1;
            lowering.newest = newest;
            lowering.scopes.leave(base);
            result
        })
    }

    /// The row of the table that a definition of its name is, if it does the same; then it need not be expanded.
    fn recognise(&mut self, custom: &Custom<'a>, span: Span) -> Option<&'static Row> {
        if let Some(row) = custom.row.get() {
            return *row;
        }
        let row = self.matching(custom, span);
        // a definition that uses itself is being looked at already
        let _ = custom.row.set(row);
        row
    }

    fn matching(&mut self, custom: &Custom<'a>, span: Span) -> Option<&'static Row> {
        let Some(Gate::Standard(row)) = Gate::named(custom.definition.name.text) else { return None };
        let width = custom.definition.qubits.len();
        if (row.angles.len(), row.operands.len()) != (custom.definition.angles.len(), width) || width > 3 {
            return None;
        }
        // angles without meaning: what holds for both sets holds for all
        for start in [0.377, -1.934] {
            let angles: Vec<_> =
                (0..row.angles.len()).map(|k| Angle::radians(start + 0.811 * k as f64)).collect();
            // the caller has as many distinct qubits, so the circuit has the first ones
            let steps = self
                .collect(|lowering| lowering.expand(custom, &angles, &(0..width).collect::<Vec<_>>(), span));
            let calls: Option<Vec<Call>> = steps.ok()?.into_iter().map(call_of).collect();
            let calls = calls.filter(|calls| calls.len() <= 64)?;
            let values: Vec<_> = angles.iter().map(Angle::offset).collect();
            let wanted = Gate::Standard(row).full_matrix(&values);
            // version 2 cannot tell gates apart that differ by a phase
            if !close(&dense(&calls, width), &wanted, self.version == Version::Two) {
                return None;
            }
        }
        Some(row)
    }
}

fn call_of(step: Instruction) -> Option<Call> {
    match step {
        Instruction::Gate(call) => Some(call),
        _ => None,
    }
}
