//! Noise of a calibrated device, as a pass from circuits to circuits.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::calibration::{Calibration, GateCalibration};
use super::schedule::Schedule;
use crate::circuit::{Circuit, Instruction, PulseCall};
use crate::gate::{Call, Gate};
use crate::pulse::PulseModel;
use crate::{Channel, Error, Result, linalg};

mod pass;
#[cfg(test)]
mod tests;

use pass::Pass;

/// Which sources of noise are on.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each source of noise is on or off on its own")]
pub struct NoiseOptions {
    /// Depolarizing and relaxation after each gate, so that its average infidelity is the reported one.
    pub gate_noise: bool,
    /// Relaxation of qubits that wait.
    pub idle: bool,
    /// The static ZZ of coupled qubits, at all times.
    pub zz: bool,
    /// Coherent over-rotation of each gate; no calibration reports it, so it is off by default.
    pub over_rotation: Option<OverRotation>,
    /// Readout confusion on each measurement.
    pub readout: bool,
}

impl Default for NoiseOptions {
    /// Everything that the calibration reports.
    fn default() -> Self {
        Self { gate_noise: true, idle: true, zz: true, over_rotation: None, readout: true }
    }
}

impl NoiseOptions {
    /// Nothing: a device without noise.
    pub const NONE: Self =
        Self { gate_noise: false, idle: false, zz: false, over_rotation: None, readout: false };
}

/// Each pulsed gate (`sx`, `x`, `cx`, `ecr`, `cz`) on each qubit or pair turns too far by its own fixed share of its
/// angle, drawn once from a normal distribution: the device is miscalibrated, not unsteady.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverRotation {
    /// Standard deviation of the relative error of the angle.
    pub sigma: f64,
    /// Seed of the draw. The error of a gate depends on the seed, its name and its qubits only.
    pub seed: u64,
    /// Turns the sign of all errors. The draw of a seed and its opposite are an antithetic pair (Hammersley and Morton 1956): what
    /// is linear in the errors drops out of their mean.
    pub opposite: bool,
}

/// The noise of a device, ready to be put into circuits.
///
/// It is a pass: [`Self::apply`] takes a circuit of native gates and returns one with [`Instruction::Channel`]s and
/// constant coherent gates in it. Parameters stay symbolic, so one noisy circuit serves all their values.
///
/// The rules, for a gate of length `t` with reported average infidelity `e` on qubits with T1, T2 (those of
/// qiskit-aer, <https://github.com/Qiskit/qiskit-aer>):
///
/// * relaxation for `t` on each of its qubits, preceded by depolarizing with
///   `p = d (e - (1 - F_r)) / (d F_r - 1)`, `F_r` the average fidelity of that relaxation and `d = 2^n`, clamped to
///   `0..=4^n / (4^n - 1)`. If relaxation alone exceeds `e`, it is all there is.
/// * steps start as soon as their qubits are free, final measurements together; a qubit that waits relaxes.
/// * a pair with static ZZ shift `zz` turns by `exp(-i (2 pi zz) t Z Z / 4)` in every time `t`. Gates count as
///   instantaneous in the middle of their length.
/// * a measurement reads wrongly with the reported probabilities.
///
/// A noise model built from average figures orders circuits well but flatters or blackens hardware: its results are
/// those of a simulator.
///
/// ```
/// use ketline_quantum::device::{Calibration, NoiseModel, NoiseOptions};
/// use ketline_quantum::{Builder, Qubits};
///
/// let mut b = Builder::new("bell");
/// let q: Qubits<2> = b.register("q");
/// b.rz(0.5, q.at(0));
/// b.sx(q.at(0));
/// b.cx(q.at(0), q.at(1));
/// let bits = b.measure(q);
/// b.returns(bits);
/// let bell = b.finish()?;
///
/// let model = NoiseModel::new(&Calibration::bundled("manila")?, NoiseOptions::default())?;
/// let noisy = model.apply(&bell, &[3, 4])?;
/// assert!(noisy.instructions().len() > bell.instructions().len());
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct NoiseModel {
    calibration: Calibration,
    options: NoiseOptions,
    /// What pulses in circuits do.
    pulses: Option<PulseModel>,
    /// By gate name and physical qubits.
    gates: BTreeMap<(String, Vec<usize>), GateNoise>,
}

/// What a gate suffers on given qubits.
#[derive(Debug, Clone)]
struct GateNoise {
    length: f64,
    dead: bool,
    channel: Option<Channel>,
    /// Relative error of its angle.
    turn: f64,
}

impl NoiseModel {
    /// The noise of `calibration`, as far as `options` want it.
    ///
    /// An over-rotation whose sigma is not finite or is negative is refused.
    pub fn new(calibration: &Calibration, options: NoiseOptions) -> Result<Self> {
        if let Some(OverRotation { sigma, .. }) = options.over_rotation
            && !(sigma.is_finite() && sigma >= 0.0)
        {
            let wanted = "a finite number of at least 0".into();
            return Err(Error::OutOfRange {
                what: "sigma of the over-rotation".into(),
                found: sigma,
                wanted,
            });
        }
        let mut gates = BTreeMap::new();
        for gate in calibration.gates() {
            let channel = if options.gate_noise { gate_channel(calibration, gate)? } else { None };
            let turn =
                options.over_rotation.map_or(0.0, |over| relative_error(over, &gate.name, &gate.qubits));
            let noise = GateNoise { length: gate.length, dead: gate.is_dead(), channel, turn };
            gates.insert((gate.name.clone(), gate.qubits.clone()), noise);
        }
        Ok(Self { calibration: calibration.clone(), options, pulses: None, gates })
    }

    /// The same noise for circuits in which pulses stand beside gates: what they do is `pulses`' to say, with relaxation if
    /// that has it, and takes their time. ZZ between qubits of one pulse program is in its Hamiltonian, all other ZZ is here.
    #[must_use]
    pub fn with_pulses(self, pulses: PulseModel) -> Self {
        Self { pulses: Some(pulses), ..self }
    }

    /// What pulses in circuits do.
    ///
    /// # Errors
    /// [`Error::PulseStep`] if nothing was said about it.
    fn pulses(&self, call: &PulseCall) -> Result<&PulseModel> {
        self.pulses.as_ref().ok_or_else(|| call.refused())
    }

    /// The calibration that the model was made from.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Which sources of noise are on.
    pub fn options(&self) -> NoiseOptions {
        self.options
    }

    /// The channel that follows the gate `name` on these physical qubits; none if the gate is perfect or unknown.
    pub fn channel(&self, name: &str, physical: &[usize]) -> Option<&Channel> {
        self.gates.get(&(name.to_owned(), physical.to_vec()))?.channel.as_ref()
    }

    /// By which share of its angle the gate `name` turns too far on these physical qubits.
    pub fn over_rotation(&self, name: &str, physical: &[usize]) -> f64 {
        self.gates.get(&(name.to_owned(), physical.to_vec())).map_or(0.0, |gate| gate.turn)
    }

    /// The circuit with the noise of the device in it.
    ///
    /// `physical[i]` is the physical qubit that qubit `i` of the circuit stands for: a circuit holds only the qubits
    /// that it uses, and so does its simulation. The gates must be native to the device on these qubits; `rz` and `p`
    /// are changes of frame and always possible.
    ///
    /// Inside an `if`, gates have their noise; the qubits of its body count as busy for as long as the body takes.
    pub fn apply(&self, circuit: &impl AsRef<Circuit>, physical: &[usize]) -> Result<Circuit> {
        self.apply_timed(circuit.as_ref(), physical, &|_| None)
    }

    /// [`Self::apply`] where some steps take other times than the calibration says, in seconds.
    pub(crate) fn apply_timed(
        &self,
        circuit: &Circuit,
        physical: &[usize],
        timed: &dyn Fn(&Instruction) -> Option<f64>,
    ) -> Result<Circuit> {
        self.check_layout(circuit, physical)?;
        let length = |step: &Instruction, number: usize| {
            timed(step).map_or_else(|| self.length(step, number, physical), Ok)
        };
        let schedule = Schedule::new(circuit, &length)?;
        let steps = Pass::new(self, circuit, physical).run(schedule)?;
        let mut noisy = circuit.emptied();
        steps.into_iter().try_for_each(|step| noisy.push(step))?;
        Ok(noisy)
    }

    fn check_layout(&self, circuit: &Circuit, physical: &[usize]) -> Result<()> {
        let width = self.calibration.width();
        if circuit.width() > width {
            return Err(Error::DeviceTooSmall {
                circuit: circuit.name().into(),
                found: circuit.width(),
                device: self.calibration.name().into(),
                limit: width,
            });
        }
        if physical.len() != circuit.width() {
            return Err(Error::Shape {
                what: "layout of the circuit on the device".into(),
                found: format!("{} physical qubits", physical.len()),
                wanted: format!("{}, one for each qubit of the circuit", circuit.width()),
            });
        }
        for (n, qubit) in physical.iter().enumerate() {
            if *qubit >= width {
                return Err(Error::QubitIndex { qubit: *qubit, width });
            }
            if physical[..n].contains(qubit) {
                return Err(Error::RepeatedQubit { qubit: *qubit });
            }
        }
        Ok(())
    }

    /// The noise of a call, none for a change of frame.
    fn of(&self, call: &Call, step: usize, physical: &[usize]) -> Result<Option<&GateNoise>> {
        let qubits: Vec<usize> = call.qubits.iter().map(|qubit| physical[*qubit]).collect();
        let names = match &call.gate {
            Gate::Standard(row) if call.controls.is_empty() => [&[row.name], row.aliases].concat(),
            _ => return Err(self.not_native(call, qubits, step)),
        };
        match names.into_iter().find_map(|name| self.gates.get(&(name.to_owned(), qubits.clone()))) {
            Some(noise) if noise.dead => Err(Error::DeadGate {
                gate: call.name(),
                qubits,
                device: self.calibration.name().into(),
                step,
            }),
            Some(noise) => Ok(Some(noise)),
            None if matches!(call.gate.name(), "rz" | "p" | "gphase") => Ok(None),
            None => Err(self.not_native(call, qubits, step)),
        }
    }

    fn not_native(&self, call: &Call, qubits: Vec<usize>, step: usize) -> Error {
        let (device, basis) = (self.calibration.name().into(), self.calibration.basis().join(", "));
        Error::NotNative { gate: call.name(), qubits, device, basis, step }
    }

    /// How long a step takes, in seconds.
    fn length(&self, instruction: &Instruction, step: usize, physical: &[usize]) -> Result<f64> {
        Ok(match instruction {
            Instruction::Gate(call) => self.of(call, step, physical)?.map_or(0.0, |noise| noise.length),
            Instruction::Measure { qubit, .. } => self.calibration.qubits()[physical[*qubit]].readout_length,
            Instruction::Reset { qubit } => {
                let readout = self.calibration.qubits()[physical[*qubit]].readout_length;
                self.calibration.gate("reset", &[physical[*qubit]]).map_or(readout, |reset| reset.length)
            }
            Instruction::If { body, .. } => {
                // As long as its busiest qubit: the device reserves the time whether the body runs or not.
                let mut free = vec![0.0_f64; physical.len()];
                for inner in body {
                    let qubits = inner.qubits();
                    let start = qubits.iter().map(|qubit| free[*qubit]).fold(0.0, f64::max);
                    let end = start + self.length(inner, step, physical)?;
                    for qubit in qubits {
                        free[qubit] = end;
                    }
                }
                free.into_iter().fold(0.0, f64::max)
            }
            Instruction::Pulse(call) => self.pulses(call)?.length(call, physical)?,
            Instruction::Barrier { .. } | Instruction::Channel { .. } => 0.0,
        })
    }
}

/// Relaxation on each qubit of a gate, preceded by the depolarizing that its reported error leaves over.
fn gate_channel(calibration: &Calibration, gate: &GateCalibration) -> Result<Option<Channel>> {
    let n = gate.qubits.len();
    let mut relaxation = Channel::identity(n)?;
    if gate.length > 0.0 {
        for (place, qubit) in gate.qubits.iter().enumerate() {
            let about = &calibration.qubits()[*qubit];
            let one = Channel::thermal_relaxation(gate.length, about.t1, about.t2)?;
            relaxation = relaxation.then(&one.embed(&[place], n)?)?;
        }
    }
    let d = (1_usize << n) as f64;
    let fidelity = relaxation.average_gate_fidelity();
    // Beyond d / (d + 1) not even the fully depolarized state is as bad as reported.
    let left = gate.error.min(d / (d + 1.0)) - (1.0 - fidelity);
    if left <= 0.0 {
        return Ok((gate.length > 0.0).then_some(relaxation));
    }
    let most = d * d / (d * d - 1.0);
    let depolarizing = Channel::depolarizing((d * left / (d * fidelity - 1.0)).min(most), n)?;
    Ok(Some(depolarizing.then(&relaxation)?))
}

/// Drawn from a generator of its own for each gate, so that it depends on no other gate.
fn relative_error(over: OverRotation, name: &str, qubits: &[usize]) -> f64 {
    let mut seed = [0_u8; 32];
    seed[..8].copy_from_slice(&over.seed.to_le_bytes());
    for (place, qubit) in qubits.iter().take(2).enumerate() {
        // One more than the number: `x` on qubit 0 is not `x` on no qubit.
        seed[8 + 4 * place..12 + 4 * place].copy_from_slice(&(*qubit as u32 + 1).to_le_bytes());
    }
    for (byte, letter) in seed[16..].iter_mut().zip(name.bytes()) {
        *byte = letter;
    }
    let error = over.sigma * linalg::normal(&mut ChaCha8Rng::from_seed(seed));
    if over.opposite { -error } else { error }
}
