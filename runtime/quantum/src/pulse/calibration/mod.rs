//! Calibration against a model: pulses whose gates are what their names say.
//!
//! | to | see |
//! |---|---|
//! | know what gate each published pulse makes of a Hamiltonian | [`PulseCalibration::judge_published`] |
//! | find the pulses that make the gates | [`PulseCalibration::run`], [`PulseCalibration::one_qubit`], [`PulseCalibration::cx`] |
//! | play them | [`Recalibrated::defaults`] |
//!
//! Published amplitudes were found on hardware, where lines distort and other couplings act; in the Hamiltonian that was published
//! beside them an X is an X to 1e-3 or better, and a CX often is none. The pass does what a laboratory does, with the model in the
//! place of the device and exact gradients in the place of scans: amplitude and β of the pulses on one qubit, then of each
//! coupled pair the amplitude and phase of the echoed cross-resonance tone (Sheldon et al., PRA 93, 060302), of the tone on the
//! target that cancels what is not wanted, of the target's own quarter turn, and the virtual rz around them.
//!
//! ```
//! use ketline_quantum::device::{Hamiltonian, PulseDefaults};
//! use ketline_quantum::pulse::calibration::PulseCalibration;
//!
//! let (published, model) = (PulseDefaults::bundled("jakarta")?, Hamiltonian::bundled("jakarta")?);
//! let x = PulseCalibration::new(&published, &model)?.one_qubit("x", 0)?;
//! assert!(x.published.fidelity > 0.999 && x.found.fidelity > 0.999_99);
//! let [amp, beta] = &x.parameters[..] else { panic!("a DRAG pulse has two") };
//! assert!((amp.found / amp.published - 1.0).abs() < 0.02 && (beta.found / beta.published - 1.0).abs() < 0.15);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

mod cross_resonance;
mod one_qubit;
mod published;
mod report;

use rayon::prelude::*;

use super::Schedule;
use super::transmon::{PulsePlan, Transmons};
use crate::device::{Hamiltonian, PulseDefaults};
use crate::linalg::Matrix;
use crate::{C64, Error, Gate, Result};

pub use report::{CalibratedGate, CalibratedParameter, PulseQuality};

use self::one_qubit::OneQubit;

/// The calibration of published pulses against a model of their device.
#[derive(Debug, Clone)]
pub struct PulseCalibration<'a> {
    published: &'a PulseDefaults,
    model: &'a Hamiltonian,
    levels: usize,
    tolerance: f64,
    evaluations: usize,
    enough: f64,
}

/// Pulses that were calibrated against a model.
#[derive(Debug, Clone)]
#[must_use]
pub struct Recalibrated {
    /// All gates, with the pulses found in the place of the published ones.
    pub defaults: PulseDefaults,
    /// Each gate: those on one qubit first, by name and qubits.
    pub gates: Vec<CalibratedGate>,
    /// Gates whose published pulses are none that this pass knows, or that the model cannot play, with the reason.
    pub left_out: Vec<(String, Vec<usize>, Error)>,
}

impl<'a> PulseCalibration<'a> {
    /// A calibration with three levels a transmon, errors of the simulation up to 1e-6, at most 150 evaluations a search, and CX
    /// that are good enough at an average fidelity of 0.999.
    ///
    /// # Errors
    /// [`Error::Shape`] if pulses and model are of devices of different names or widths.
    pub fn new(published: &'a PulseDefaults, model: &'a Hamiltonian) -> Result<Self> {
        let text = |name: &str, width: usize| format!("{name} of {width} qubits");
        let (target, name, width) = (published.target(), model.name(), model.width());
        if (target.name(), target.width()) != (name, width) {
            let (found, wanted) = (text(target.name(), target.width()), text(name, width));
            return Err(Error::Shape { what: "the device of the pulses".into(), found, wanted });
        }
        Ok(Self { published, model, levels: 3, tolerance: 1e-6, evaluations: 150, enough: 0.999 })
    }

    /// With another number of levels of a transmon.
    #[must_use]
    pub fn with_levels(self, levels: usize) -> Self {
        Self { levels, ..self }
    }

    /// With another bound of the error of a simulation.
    #[must_use]
    pub fn with_tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// With another limit of evaluations of a search.
    #[must_use]
    pub fn with_evaluations(self, evaluations: usize) -> Self {
        Self { evaluations, ..self }
    }

    /// With another average fidelity at which a CX is good enough: below it, other lengths of its tones are tried.
    #[must_use]
    pub fn with_enough(self, fidelity: f64) -> Self {
        Self { enough: fidelity, ..self }
    }

    /// What a schedule makes of the model's qubits, against a gate on them; with the rz that its frames stand for.
    ///
    /// # Errors
    /// As [`Transmons::plan`] and [`PulsePlan::propagator`], and for what is no gate of these qubits.
    pub fn judge(&self, schedule: &Schedule, qubits: &[usize], gate: &Matrix) -> Result<PulseQuality> {
        self.judge_with(schedule, qubits, gate, 1.0)
    }

    /// [`Self::judge`] of the published pulses of a gate. Its maker turns a frame by -φ for `rz(φ)`, so that is what their frames
    /// stand for; in the model it is the other way round, so published gates that rest on frames do not compose in it.
    ///
    /// # Errors
    /// As [`Self::judge`], and [`Error::NoPulses`].
    pub fn judge_published(&self, name: &str, qubits: &[usize], gate: &Matrix) -> Result<PulseQuality> {
        self.judge_with(&self.published.schedule(name, qubits)?, qubits, gate, -1.0)
    }

    fn judge_with(
        &self,
        schedule: &Schedule,
        qubits: &[usize],
        gate: &Matrix,
        sign: f64,
    ) -> Result<PulseQuality> {
        let timeline = schedule.timeline_on(self.published.target())?;
        let plan = self.transmons(qubits)?.plan(&timeline)?;
        let frames: Vec<f64> = plan.frames(&[]).iter().map(|angle| sign * angle).collect();
        let found = plan.transmons().propagator_in(&timeline.samples(&[])?, &frames, None)?;
        Ok(PulseQuality {
            duration: timeline.duration(),
            fidelity: found.fidelity(gate)?,
            free_fidelity: found.virtual_z(gate)?.fidelity,
            leakage: found.leakage(),
        })
    }

    /// Finds the pulses of all gates: `x` and `sx` of each qubit, `rz` by convention, `cx` in each direction that was published.
    /// Gates that are sequences of other gates' pulses (`u1`, `u2`, `u3`) are not kept. `watch` is told of each gate when it is
    /// done, from any thread.
    ///
    /// # Errors
    /// What is no matter of one gate: those of [`Transmons::new`] for the settings.
    pub fn run(&self, watch: impl Fn(&CalibratedGate) + Sync) -> Result<Recalibrated> {
        self.transmons(&[0])?;
        let mut out = Recalibrated {
            defaults: self.published.clone().only(|name, _| !["u1", "u2", "u3"].contains(&name)),
            gates: Vec::new(),
            left_out: Vec::new(),
        };
        let places = |name: &str, operands: usize| -> Vec<Vec<usize>> {
            let of = |(gate, qubits): &(&str, &[usize])| *gate == name && qubits.len() == operands;
            self.published.gates().filter(of).map(|(_, qubits)| qubits.to_vec()).collect()
        };
        let single: Vec<(&str, usize)> = ["sx", "x"]
            .into_iter()
            .flat_map(|name| places(name, 1).into_iter().map(move |qubits| (name, qubits[0])))
            .collect();
        let found = single.par_iter().map(|(gate, qubit)| {
            let found = self.one_qubit(gate, *qubit).inspect(&watch);
            ((*gate).to_owned(), vec![*qubit], found)
        });
        out.take(found.collect())?;
        for qubit in 0..self.model.width() {
            out.defaults = out.defaults.with_schedule("rz", &[qubit], &self.rz(qubit)?)?;
        }
        let (native, turned): (Vec<Vec<usize>>, Vec<Vec<usize>>) =
            places("cx", 2).into_iter().partition(|pair| self.is_native(pair));
        let found = native.par_iter().map(|pair| {
            let found = self.cx(pair[0], pair[1]).inspect(&watch);
            ("cx".to_owned(), pair.clone(), found)
        });
        out.take(found.collect())?;
        let found = turned.iter().map(|pair| {
            let found = self.turned_cx(&out.defaults, pair[0], pair[1]).inspect(&watch);
            ("cx".to_owned(), pair.clone(), found)
        });
        let found = found.collect();
        out.take(found)?;
        Ok(out)
    }

    /// `rz` is a turn of the frame of every line at the qubit's frequency.
    fn rz(&self, qubit: usize) -> Result<Schedule> {
        let mut b = super::ScheduleBuilder::new("rz");
        let angle: crate::Angle = b.parameter("P0");
        self.turn(&mut b, qubit, angle);
        b.finish()
    }

    /// Turns the frame of a qubit on all lines at its frequency.
    fn turn(&self, b: &mut super::ScheduleBuilder, qubit: usize, angle: crate::Angle) {
        b.shift_phase(super::drive(qubit), angle);
        for (control, target) in self.published.target().controls() {
            if target == qubit {
                b.shift_phase(super::control(control, target), angle);
            }
        }
    }

    fn transmons(&self, qubits: &[usize]) -> Result<Transmons> {
        Transmons::new(self.model, qubits, self.levels)?.with_tolerance(self.tolerance)
    }

    fn plan(&self, schedule: &Schedule, qubits: &[usize]) -> Result<PulsePlan> {
        self.transmons(qubits)?.plan(&schedule.timeline_on(self.published.target())?)
    }
}

impl Recalibrated {
    fn take(&mut self, found: Vec<(String, Vec<usize>, Result<CalibratedGate>)>) -> Result<()> {
        for (gate, qubits, result) in found {
            match result {
                Ok(found) => {
                    let defaults = self.defaults.clone();
                    self.defaults = defaults.with_schedule(&gate, &qubits, &found.schedule)?;
                    self.gates.push(found);
                }
                Err(error) => self.left_out.push((gate, qubits, error)),
            }
        }
        Ok(())
    }

    /// The gate of this name on these qubits, if it was calibrated.
    pub fn gate(&self, name: &str, qubits: &[usize]) -> Option<&CalibratedGate> {
        self.gates.iter().find(|gate| gate.gate == name && gate.qubits == qubits)
    }
}

/// A gate of the table on one qubit.
fn named(name: &str) -> Matrix {
    Gate::named(name).map_or_else(|| Matrix::eye(2), |gate| gate.matrix(&[]))
}

/// CX of qubit 0 on qubit 1.
fn cx_matrix() -> Matrix {
    let image = |column: usize| if column & 1 == 1 { column ^ 2 } else { column };
    Matrix::from_shape_fn((4, 4), |(row, column)| if row == image(column) { C64::ONE } else { C64::ZERO })
}

#[cfg(test)]
mod tests;
