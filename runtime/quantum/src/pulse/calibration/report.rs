//! What a calibration says of each gate.

use std::fmt;

use crate::pulse::Schedule;

/// What pulses make of the model's qubits, against the gate that they stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PulseQuality {
    /// Length in samples.
    pub duration: usize,
    /// Average gate fidelity.
    pub fidelity: f64,
    /// The best average gate fidelity that virtual rz before and after the pulses can make of them.
    pub free_fidelity: f64,
    /// Mean probability to leave the qubits' levels.
    pub leakage: f64,
}

/// A parameter of a pulse as it was published, and as it fits the model.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibratedParameter {
    /// Its name.
    pub name: &'static str,
    /// As published; what is not published counts as 0.
    pub published: f64,
    /// As found.
    pub found: f64,
}

/// A gate whose pulses were calibrated.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct CalibratedGate {
    /// The name of the gate.
    pub gate: String,
    /// Its qubits; of `cx` the control first.
    pub qubits: Vec<usize>,
    /// The pulses found.
    pub schedule: Schedule,
    /// The published pulses in the model.
    pub published: PulseQuality,
    /// The pulses found in the model.
    pub found: PulseQuality,
    /// What was varied.
    pub parameters: Vec<CalibratedParameter>,
    /// Evaluations of the fidelity and its gradient.
    pub evaluations: usize,
}

impl CalibratedGate {
    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&CalibratedParameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// One line: `cx[0, 1]: 1056 dt, fidelity 0.9992 (published 0.4310), leakage 1.2e-4`.
impl fmt::Display for CalibratedGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{:?}: {} dt, fidelity {:.6} (published {:.6}), leakage {:.1e}",
            self.gate,
            self.qubits,
            self.found.duration,
            self.found.fidelity,
            self.published.fidelity,
            self.found.leakage
        )
    }
}
