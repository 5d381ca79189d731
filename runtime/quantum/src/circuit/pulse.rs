//! Pulses as steps of a circuit.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::Parameters;
use crate::angle::MAX_TERMS;
use crate::pulse::Schedule;
use crate::{Angle, Error, Result};

/// Pulses that stand where a gate may stand.
///
/// A circuit does not know what they do: that depends on the device. So they have no inverse, no power and no controlled form,
/// simulators refuse them with [`Error::PulseStep`], and a [`PulseModel`](crate::pulse::PulseModel) puts a matrix or a channel
/// in their place.
#[derive(Debug, Clone, PartialEq)]
pub struct PulseCall {
    /// The pulses. Those on the lines of its qubit k are played on the lines of `qubits[k]`.
    pub schedule: Arc<Schedule>,
    /// The qubits of the circuit.
    pub qubits: Vec<usize>,
    /// What stands for each parameter of the schedule.
    pub arguments: Vec<Angle>,
}

impl PulseCall {
    /// A schedule that speaks of the qubits and parameters of a circuit itself, as a step of that circuit: with as many qubits
    /// and parameters as it uses.
    pub(crate) fn of(schedule: &Schedule) -> Result<Self> {
        let qubits = schedule.qubits();
        let used = RefCell::new(BTreeSet::new());
        let seen = |angle: Angle| {
            used.borrow_mut().extend(angle.terms().map(|(parameter, _)| parameter));
            angle
        };
        schedule.mapped(&Ok, &seen, schedule.parameters().clone())?;
        let used: Vec<usize> = used.into_inner().into_iter().collect();
        let mut parameters = Parameters::default();
        for parameter in &used {
            parameters.declare(&schedule.parameters().name(*parameter), Vec::new())?;
        }
        let place = |qubit: usize| Ok(qubits.binary_search(&qubit).unwrap_or(0));
        let renamed =
            |angle: Angle| angle.substitute(|p| Angle::parameter(used.binary_search(&p).unwrap_or(0)));
        let schedule = Arc::new(schedule.mapped(&place, &renamed, parameters)?);
        Ok(Self { schedule, qubits, arguments: used.into_iter().map(Angle::parameter).collect() })
    }

    /// The schedule with numbers instead of parameters, on its own qubits.
    ///
    /// # Errors
    /// [`Error::UnboundPulses`] if the arguments have parameters of the circuit.
    pub fn bound(&self) -> Result<Schedule> {
        if self.arguments.iter().any(|argument| !argument.is_constant()) {
            return Err(Error::UnboundPulses { step: self.schedule.name().to_owned() });
        }
        let values: Vec<f64> = self.arguments.iter().map(Angle::offset).collect();
        self.schedule.bind(&values)
    }

    /// What those say who know only gates.
    pub(crate) fn refused(&self) -> Error {
        Error::PulseStep { step: self.schedule.name().to_owned() }
    }

    /// Refuses what does not fit the schedule or a circuit with so many parameters; qubits are checked as those of any step.
    pub(super) fn check(&self, parameters: usize, step: usize) -> Result<()> {
        let gate = || self.schedule.name().to_owned();
        if self.schedule.bits() > 0 {
            return Err(Error::PulseCaptures { step: gate(), bits: self.schedule.bits() });
        }
        let width = self.schedule.qubits().last().map_or(0, |last| last + 1);
        if self.qubits.len() < width {
            return Err(Error::Operands { gate: gate(), found: self.qubits.len(), expected: width });
        }
        let expected = self.schedule.parameters().len();
        if self.arguments.len() != expected {
            return Err(Error::Angles { gate: gate(), found: self.arguments.len(), expected });
        }
        for argument in &self.arguments {
            if argument.is_crowded() {
                return Err(Error::AngleTerms { gate: gate(), limit: MAX_TERMS, step });
            }
            if !argument.is_valid() {
                return Err(Error::Angle { gate: gate(), step });
            }
            if let Some(parameter) = argument.last_parameter().filter(|p| *p >= parameters) {
                return Err(Error::ParameterRange { gate: gate(), parameter, parameters, step });
            }
        }
        Ok(())
    }
}
