//! From circuits with pulses to circuits with what the pulses do, as a pass.

use std::sync::Arc;

use super::effect::{Effect, PulseEffect, frames};
use super::transmon::Transmons;
use super::{PulseTarget, Schedule};
use crate::circuit::{Circuit, Instruction, PulseCall};
use crate::device::{Calibration, Hamiltonian};
use crate::gate::{Call, Gate, UnitaryGate};
use crate::{Error, Result};

/// Levels of a transmon, unless asked otherwise.
const LEVELS: usize = 3;

/// A device as the pulses of a circuit see it: its lines, and its transmons.
///
/// It is a pass, as [`NoiseModel`](crate::device::NoiseModel) is: [`Self::apply`] takes a circuit in which pulses stand beside
/// gates, plays each of them on simulated transmons, and returns a circuit that every simulator runs. In the place of pulses
/// there is then
///
/// * a gate, the unitary matrix nearest to what stays in the levels of the qubits; what leaks is told in the report, and above
///   1 % is refused;
/// * or, with [`Self::with_relaxation`] or [`Self::with_leakage`], a channel: relaxation acts while the pulses play, and a
///   transmon that ends above level 1 counts as 1.
///
/// So a gate is what it always was to a simulator, pulses are simulated once for each place where they stand, and no simulator
/// has to know about transmons. What this leaves out: other qubits than those of the pulses (their ZZ is a
/// [`NoiseModel`](crate::device::NoiseModel)'s, see [`NoiseModel::with_pulses`](crate::device::NoiseModel::with_pulses)), and
/// coherence of leaked states from one pulse program to the next.
///
/// The phase that a schedule leaves in the frame of a drive is part of its gate: an rz after the pulses.
///
/// ```
/// use ketline_quantum::device::{Hamiltonian, PulseDefaults, Transmon};
/// use ketline_quantum::pulse::{PulseModel, PulseTarget, Timing, Duration, Waveform};
/// use ketline_quantum::simulator::{Simulator, StateVector};
/// use ketline_quantum::{Builder, Observable, Qubits};
/// use std::f64::consts::TAU;
///
/// let transmon = Transmon { frequency: TAU * 5e9, anharmonicity: -TAU * 0.33e9, strength: TAU * 0.1e9 };
/// let device = Hamiltonian::new("one", vec![transmon], vec![], vec![])?;
/// let target = PulseTarget::new("one", 1e-9, Timing::default(), 1)?;
///
/// let mut b = Builder::new("hybrid");
/// let q: Qubits<1> = b.register("q");
/// b.rz(0.3, q.at(0));
/// b.pulses("half", |pulses| {
///     let line = pulses.drive(q.at(0));
///     pulses.play(line, Waveform::constant(Duration::samples(50), 0.05));
/// });
/// let hybrid = b.finish()?;
///
/// let z = Observable::z(0);
/// assert!(StateVector::new().expectation(&hybrid, &z, &[]).is_err());
/// let played = PulseModel::new(&target, &device).apply(&hybrid, &[0])?;
/// assert!(StateVector::new().expectation(&played, &z, &[])?.abs() < 1e-2);
/// assert!(played.effects()[0].leakage < 1e-3);
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PulseModel {
    target: PulseTarget,
    device: Hamiltonian,
    levels: usize,
    tolerance: f64,
    channels: bool,
    calibration: Option<Calibration>,
}

/// A circuit with what pulses do in the place of pulses.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct PulsedCircuit {
    circuit: Circuit,
    effects: Vec<PulseEffect>,
}

impl PulsedCircuit {
    /// What each pulse program did, in the order of the circuit.
    pub fn effects(&self) -> &[PulseEffect] {
        &self.effects
    }

    /// The circuit without the report.
    pub fn into_circuit(self) -> Circuit {
        self.circuit
    }
}

impl AsRef<Circuit> for PulsedCircuit {
    fn as_ref(&self) -> &Circuit {
        &self.circuit
    }
}

impl PulseModel {
    /// Lines and transmons of a device. Transmons have three levels, and there is no relaxation.
    pub fn new(target: &PulseTarget, device: &Hamiltonian) -> Self {
        let (target, device) = (target.clone(), device.clone());
        Self { target, device, levels: LEVELS, tolerance: 1e-6, channels: false, calibration: None }
    }

    /// With another number of levels. Two have no leakage and no Stark shift.
    #[must_use]
    pub fn with_levels(self, levels: usize) -> Self {
        Self { levels, ..self }
    }

    /// With another bound of the error of the simulation than 1e-6.
    #[must_use]
    pub fn with_tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// With channels that know what leaks instead of gates that do not.
    #[must_use]
    pub fn with_leakage(self) -> Self {
        Self { channels: true, ..self }
    }

    /// With the T1 and T2 of a calibration of the device, which act while pulses play. Pulses become channels.
    #[must_use]
    pub fn with_relaxation(self, calibration: &Calibration) -> Self {
        Self { channels: true, calibration: Some(calibration.clone()), ..self }
    }

    /// The lines of the device.
    pub fn target(&self) -> &PulseTarget {
        &self.target
    }

    /// The circuit with what pulses do in the place of pulses. `physical[i]` is the qubit of the device that qubit `i` of the
    /// circuit stands for.
    ///
    /// # Errors
    /// [`Error::UnboundPulses`] for pulses whose parameters have no values; as
    /// [`Schedule::check`](super::Schedule::check) for what the device cannot play; as
    /// [`Transmons::propagator`](super::transmon::Transmons::propagator) and
    /// [`Transmons::density`](super::transmon::Transmons::density); [`Error::Leakage`] for pulses that no gate describes.
    pub fn apply(&self, circuit: &impl AsRef<Circuit>, physical: &[usize]) -> Result<PulsedCircuit> {
        let circuit = circuit.as_ref();
        check_layout(circuit, physical)?;
        let mut pass = Pass { model: self, physical, known: Vec::new(), effects: Vec::new() };
        let mut played = circuit.emptied();
        for step in circuit.instructions() {
            played.push(pass.step(step)?)?;
        }
        Ok(PulsedCircuit { circuit: played, effects: pass.effects })
    }

    /// What one pulse program of a circuit does.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn effect(&self, call: &PulseCall, physical: &[usize]) -> Result<PulseEffect> {
        let (schedule, qubits) = on_device(call, physical)?;
        schedule.check(&self.target, &[])?;
        let timeline = schedule.timeline_on(&self.target)?;
        let (samples, frames) = (timeline.samples(&[])?, frames(&timeline, &qubits));
        let transmons = Transmons::new(&self.device, &qubits, self.levels)?.with_tolerance(self.tolerance)?;
        let name = call.schedule.name().to_owned();
        let duration = timeline.duration();
        if let Some(calibration) = &self.calibration {
            let transmons = transmons.with_calibration(calibration)?;
            let (effect, leakage, error) = Effect::open(&transmons, &samples, &frames)?;
            return Ok(PulseEffect { name, qubits, duration, leakage, error, effect });
        }
        let propagator = transmons.propagator(&samples)?;
        let (leakage, error) = (propagator.leakage(), propagator.error());
        let effect = if self.channels {
            Effect::coherent(&transmons, &propagator, &frames)?
        } else {
            Effect::gate(&name, &propagator, &frames)?
        };
        Ok(PulseEffect { name, qubits, duration, leakage, error, effect })
    }

    /// How long a pulse program takes, in seconds.
    pub(crate) fn length(&self, call: &PulseCall, physical: &[usize]) -> Result<f64> {
        let timeline = on_device(call, physical)?.0.timeline_on(&self.target)?;
        Ok(timeline.duration() as f64 * timeline.dt())
    }
}

/// The schedule of a call with numbers, on the qubits of the device, and these.
fn on_device(call: &PulseCall, physical: &[usize]) -> Result<(Schedule, Vec<usize>)> {
    let width = physical.len();
    let of = |qubit: &usize| physical.get(*qubit).copied().ok_or(Error::QubitIndex { qubit: *qubit, width });
    let qubits = call.qubits.iter().map(of).collect::<Result<Vec<_>>>()?;
    Ok((call.bound()?.on(&qubits)?, qubits))
}

fn check_layout(circuit: &Circuit, physical: &[usize]) -> Result<()> {
    if physical.len() != circuit.width() {
        return Err(Error::Shape {
            what: "layout of the circuit on the device".into(),
            found: format!("{} physical qubits", physical.len()),
            wanted: format!("{}, one for each qubit of the circuit", circuit.width()),
        });
    }
    match crate::circuit::repeated_qubit(physical) {
        Some(qubit) => Err(Error::RepeatedQubit { qubit }),
        None => Ok(()),
    }
}

/// One run over a circuit.
struct Pass<'a> {
    model: &'a PulseModel,
    physical: &'a [usize],
    /// What has been simulated: the same pulses on the same qubits do the same.
    known: Vec<(&'a PulseCall, PulseEffect)>,
    effects: Vec<PulseEffect>,
}

impl<'a> Pass<'a> {
    fn step(&mut self, step: &'a Instruction) -> Result<Instruction> {
        Ok(match step {
            Instruction::Pulse(call) => {
                let known = self.known.iter().find(|(known, _)| *known == call);
                let effect = match known {
                    Some((_, effect)) => effect.clone(),
                    None => self.model.effect(call, self.physical)?,
                };
                if known.is_none() {
                    self.known.push((call, effect.clone()));
                }
                self.effects.push(effect.clone());
                effect.step(&call.qubits)?
            }
            Instruction::If { bit, value, body } => {
                let body = body.iter().map(|inner| self.step(inner)).collect::<Result<_>>()?;
                Instruction::If { bit: *bit, value: *value, body }
            }
            other => other.clone(),
        })
    }
}

impl PulseEffect {
    /// The step that takes the place of the pulses.
    ///
    /// # Errors
    /// None that the effect of a [`PulseModel`] has.
    pub(crate) fn step(self, qubits: &[usize]) -> Result<Instruction> {
        Ok(match self.effect {
            Effect::Gate(matrix) => {
                let gate = UnitaryGate::new(self.name, matrix)?;
                Call::new(Gate::Unitary(gate.into()), [], qubits).into()
            }
            Effect::Channel(channel) => {
                Instruction::Channel { channel: Arc::new(channel.named(self.name)), qubits: qubits.to_vec() }
            }
        })
    }
}

#[cfg(test)]
mod tests;
