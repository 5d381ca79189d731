//! Pulses on one qubit: the amplitude and β of a DRAG.

use super::published::{Drag, Published};
use super::{CalibratedGate, CalibratedParameter, PulseCalibration, named};
use crate::optimise::Lbfgs;
use crate::pulse::transmon::Goal;
use crate::pulse::waveform::Extent;
use crate::pulse::{Duration, ScheduleBuilder, Waveform, drive};
use crate::{Angle, Result};

/// The largest β that is tried, in samples.
const LARGEST_BETA: f64 = 20.0;

/// Bound of the error of the simulation, or less.
const EXACT: f64 = 1e-10;

/// A pulse on one qubit as it was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct OneQubit {
    pub(super) drag: Drag,
}

impl OneQubit {
    pub(super) fn waveform(&self) -> Waveform {
        let Drag { duration, amp, sigma, beta } = self.drag;
        Waveform::drag(Duration::count(duration), amp, Duration::samples(1) * sigma, beta)
    }
}

impl PulseCalibration<'_> {
    /// The pulse of `x` or `sx` on a qubit: amplitude and β that make the gate of the model's transmon by itself, other qubits away.
    /// Length and sigma are as published.
    ///
    /// # Errors
    /// [`Error::NoPulses`](crate::Error::NoPulses) or [`Error::UnusablePulses`](crate::Error::UnusablePulses) if what was
    /// published is no DRAG, and those of the simulation.
    pub fn one_qubit(&self, gate: &str, qubit: usize) -> Result<CalibratedGate> {
        let name = if gate == "sx" { "sx" } else { "x" };
        let published = Published::new(self.published, name, &[qubit])?;
        let start = published.drag(drive(qubit))?;
        let (found, evaluations) = self.tuned(name, qubit, start)?;
        let mut b = ScheduleBuilder::new(format!("{name}[{qubit}]"));
        b.play(drive(qubit), found.waveform());
        let schedule = b.finish()?;
        let target = named(name);
        let parameter = |name, published, found| CalibratedParameter { name, published, found };
        Ok(CalibratedGate {
            gate: name.to_owned(),
            qubits: vec![qubit],
            published: self.judge_published(name, &[qubit], &target)?,
            found: self.judge(&schedule, &[qubit], &target)?,
            schedule,
            parameters: vec![
                parameter("amp", start.amp, found.drag.amp),
                parameter("beta", start.beta, found.drag.beta),
            ],
            evaluations,
        })
    }

    /// The published pulse of a gate on one qubit, made to fit.
    pub(super) fn fitted(&self, gate: &'static str, qubit: usize) -> Result<OneQubit> {
        let start = Published::new(self.published, gate, &[qubit])?.drag(drive(qubit))?;
        Ok(self.tuned(gate, qubit, start)?.0)
    }

    fn tuned(&self, gate: &str, qubit: usize, start: Drag) -> Result<(OneQubit, usize)> {
        let mut b = ScheduleBuilder::new(gate);
        let [amp, beta]: [Angle; 2] = b.parameter("drag");
        let sigma = Extent::from(Duration::samples(1) * start.sigma);
        b.play(drive(qubit), Waveform::drag(Duration::count(start.duration), amp, sigma, beta));
        let limit = self.published.target().limit();
        let bounds = vec![(0.0, limit), (-LARGEST_BETA, LARGEST_BETA)];
        let method = Lbfgs { first: 0.01, tolerance: 1e-9, bounds, ..Lbfgs::new(self.evaluations) };
        let values = [start.amp.min(limit), start.beta.clamp(-LARGEST_BETA, LARGEST_BETA)];
        // What beta changes is small, and carriers stand still, so that exactness costs little.
        let timeline = b.finish()?.timeline_on(self.published.target())?;
        let transmons = self.transmons(&[qubit])?;
        let plan = transmons.with_tolerance(self.tolerance.min(EXACT))?.plan(&timeline)?;
        let found = plan.maximise(&values, &Goal::Gate(named(gate)), &method)?;
        let drag = Drag { amp: found.values[0], beta: found.values[1], ..start };
        Ok((OneQubit { drag }, found.evaluations))
    }
}
