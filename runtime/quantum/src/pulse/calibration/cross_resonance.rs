//! CX by echoed cross resonance.

use std::f64::consts::{FRAC_PI_2, TAU};

use super::published::{Published, Tone};
use super::{CalibratedGate, CalibratedParameter, OneQubit, PulseCalibration, cx_matrix};
use crate::device::PulseDefaults;
use crate::linalg::Matrix;
use crate::optimise::Lbfgs;
use crate::pulse::transmon::{Goal, PulsePlan, Trained};
use crate::pulse::waveform::Extent;
use crate::pulse::{Duration, Schedule, ScheduleBuilder, Waveform, control, drive};
use crate::{Angle, C64, Result};

/// Amplitudes of the tone that are tried for one that turns the target by half a turn more if the control is 1.
const AMPLITUDES: usize = 24;

/// Phases of the tone that are tried.
const PHASES: usize = 16;

/// What is left of the overlap of both turns of the target where a tone is strong enough.
const CONDITIONAL: f64 = 0.35;

/// The infidelity at which a search ends.
const GOOD: f64 = 1e-5;

/// Factors of the published width of the tone, in the order in which they are tried.
const WIDTHS: [f64; 7] = [1.0, 1.4, 0.7, 2.0, 2.8, 0.4, 4.0];

/// Names of what is varied, in the order of the schedule's parameters.
const NAMES: [&str; 9] = [
    "cr_amp",
    "cr_phase",
    "cancel_amp",
    "cancel_phase",
    "target_amp",
    "target_phase",
    "control_after",
    "target_before",
    "target_after",
];

/// What the schedule of one pair is made of.
struct Parts {
    control: usize,
    target: usize,
    tone: Tone,
    echo: OneQubit,
    quarter: OneQubit,
}

impl PulseCalibration<'_> {
    /// Whether the published CX drives its own control, so that it needs no turned frame of reference.
    pub(super) fn is_native(&self, pair: &[usize]) -> bool {
        let [c, t] = pair else { return false };
        Published::new(self.published, "cx", pair).is_ok_and(|cx| cx.has(control(*c, *t)))
    }

    /// The pulses of a CX on a pair whose published CX drives the control at the frequency of the target: an echoed tone of the
    /// published shape, whose amplitude, phase and, if need be, width are found, and what belongs to it.
    ///
    /// # Errors
    /// [`Error::NoPulses`](crate::Error::NoPulses) or [`Error::UnusablePulses`](crate::Error::UnusablePulses) if what was
    /// published is no cross-resonance gate, [`Error::NoExchange`](crate::Error::NoExchange) for a pair without coupling, and
    /// those of the simulation.
    pub fn cx(&self, control: usize, target: usize) -> Result<CalibratedGate> {
        let pair = [control, target];
        let published = Published::new(self.published, "cx", &pair)?;
        let line = super::super::control(control, target);
        let Some((tone, tones)) = published.tone(line) else {
            return Err(published.unknown(format!("no tone on {line}")));
        };
        // One tone without an echo is as long as two with one.
        let tone = if tones == 1 { self.widened(tone, 0.5) } else { tone };
        let (echo, quarter) = (self.fitted("x", control)?, self.fitted("sx", target)?);
        let mut best: Option<(Parts, Trained)> = None;
        let mut evaluations = 0;
        for width in WIDTHS {
            let tone = if width == 1.0 { tone } else { self.widened(tone, width) };
            let parts = Parts { control, target, tone, echo, quarter };
            let Some(found) = self.search(&parts)? else { continue };
            evaluations += found.evaluations;
            if best.as_ref().is_none_or(|(_, known)| found.value > known.value) {
                best = Some((parts, found));
            }
            if best.as_ref().is_some_and(|(_, known)| known.value >= self.enough) {
                break;
            }
        }
        let Some((parts, found)) = best else {
            return Err(published.unknown("no tone of the model turns the target with its control".into()));
        };
        let schedule = self.echoed(&parts)?.bind(&found.values)?;
        let cancel = published.tone(drive(target)).map_or((0.0, 0.0), |(tone, _)| (tone.amp, tone.phase));
        let quarter = published.drag(drive(target)).map_or(0.0, |drag| drag.amp);
        let known = [tone.amp, tone.phase, cancel.0, cancel.1, quarter, 0.0, 0.0, 0.0, 0.0];
        let parameters = NAMES
            .iter()
            .zip(known)
            .zip(&found.values)
            .map(|((name, published), found)| CalibratedParameter { name, published, found: *found })
            .collect();
        Ok(CalibratedGate {
            gate: "cx".into(),
            qubits: pair.to_vec(),
            published: self.judge_published("cx", &pair, &cx_matrix())?,
            found: self.judge(&schedule, &pair, &cx_matrix())?,
            schedule,
            parameters,
            evaluations,
        })
    }

    /// The CX against the direction of its tone: Hadamards around the other one.
    pub(super) fn turned_cx(
        &self,
        calibrated: &PulseDefaults,
        control: usize,
        target: usize,
    ) -> Result<CalibratedGate> {
        let (pair, native) = ([control, target], calibrated.schedule("cx", &[target, control])?);
        let mut b = ScheduleBuilder::new(format!("cx{pair:?}"));
        let around = |b: &mut ScheduleBuilder| -> Result<()> {
            for qubit in pair {
                self.turn(b, qubit, Angle::radians(FRAC_PI_2));
                b.append(&calibrated.schedule("sx", &[qubit])?);
                self.turn(b, qubit, Angle::radians(FRAC_PI_2));
            }
            b.barrier(&pair);
            Ok(())
        };
        around(&mut b)?;
        b.append(&native);
        b.barrier(&pair);
        around(&mut b)?;
        let schedule = b.finish()?;
        Ok(CalibratedGate {
            gate: "cx".into(),
            qubits: pair.to_vec(),
            published: self.judge_published("cx", &pair, &cx_matrix())?,
            found: self.judge(&schedule, &pair, &cx_matrix())?,
            schedule,
            parameters: Vec::new(),
            evaluations: 0,
        })
    }

    fn widened(&self, tone: Tone, by: f64) -> Tone {
        let timing = self.published.target().timing();
        tone.widened(by, timing.granularity, timing.min_length)
    }

    /// The best CX with tones of one length; none, if no amplitude turns the target with its control.
    fn search(&self, parts: &Parts) -> Result<Option<Trained>> {
        let plan = self.plan(&self.echoed(parts)?, &[parts.control, parts.target])?;
        let limit = self.published.target().limit();
        let mut start = [0.0; NAMES.len()];
        start[4] = parts.quarter.drag.amp;
        // A scan needs no more than to know where to start.
        let scan = plan.clone().with_parts(1)?;
        let Some(amp) = strong_enough(&scan, &start, limit)? else { return Ok(None) };
        start[0] = amp;
        let mut best = (f64::NEG_INFINITY, start);
        for k in 0..PHASES {
            start[1] = TAU * k as f64 / PHASES as f64;
            let free = scan.propagator(&start)?.virtual_z(&cx_matrix())?;
            if free.fidelity > best.0 {
                // What is before the pulses on the control may as well be after them.
                let (before, after) = (&free.before, &free.after);
                [start[6], start[7], start[8]] = [before[0] + after[0], before[1], after[1]];
                best = (free.fidelity, start);
            }
        }
        let mut start = best.1;
        let goal = Goal::Gate(cx_matrix());
        // The tone on the target begins at 0, in the direction in which it helps most.
        let slope = |phase: f64| {
            let mut at = start;
            at[3] = phase;
            scan.gradient(&at, &goal).map(|found| found.gradient[2])
        };
        start[3] = slope(FRAC_PI_2)?.atan2(slope(0.0)?);
        let turns = (-2.0 * TAU, 2.0 * TAU);
        let bounds =
            vec![(0.0, limit), turns, (-limit, limit), turns, (-limit, limit), turns, turns, turns, turns];
        let method = Lbfgs {
            first: 0.01,
            goal: GOOD,
            tolerance: 1e-6,
            progress: 1e-6,
            bounds,
            ..Lbfgs::new(self.evaluations)
        };
        plan.maximise(&start, &goal, &method).map(Some)
    }

    /// Quarter turn of the target, tone, echo, negated tone, echo: the order of published gates. Parameters are [`NAMES`].
    fn echoed(&self, parts: &Parts) -> Result<Schedule> {
        let Parts { control: c, target: t, tone, echo, quarter } = parts;
        let mut b = ScheduleBuilder::new(format!("cx[{c}, {t}]"));
        let [cr_amp, cr_phase, cancel_amp, cancel_phase, amp, phase, control_after, before, after] =
            NAMES.map(|name| b.parameter::<Angle>(name));
        let pair = [*c, *t];
        let samples = |number: f64| Extent::from(Duration::samples(1) * number);
        let flat = |amp: Angle, phase: Angle| {
            let (duration, sigma, width) =
                (Duration::count(tone.duration), samples(tone.sigma), samples(tone.width));
            Waveform::gaussian_square(duration, amp, sigma, width).with_phase(phase)
        };
        let (tone, cancel) = (flat(cr_amp, cr_phase), flat(cancel_amp, cancel_phase));
        let drag = quarter.drag;
        let quarter = Waveform::drag(Duration::count(drag.duration), amp, samples(drag.sigma), drag.beta);
        self.turn(&mut b, *t, before);
        b.play(drive(*t), quarter.with_phase(phase));
        for sign in [1.0, -1.0] {
            b.play(drive(*c), echo.waveform());
            b.barrier(&pair);
            b.play(control(*c, *t), tone.clone() * sign);
            b.play(drive(*t), cancel.clone() * sign);
            b.barrier(&pair);
        }
        self.turn(&mut b, *c, control_after);
        self.turn(&mut b, *t, after);
        b.finish()
    }
}

/// The lowest amplitude of the tone with which the target's turn differs by half a turn between the states of the control, or
/// comes near to that.
fn strong_enough(scan: &PulsePlan, start: &[f64], limit: f64) -> Result<Option<f64>> {
    let mut overlaps = Vec::with_capacity(AMPLITUDES);
    let amp = |k: usize| limit * (k + 1) as f64 / AMPLITUDES as f64;
    for k in 0..AMPLITUDES {
        let mut values = start.to_vec();
        values[0] = amp(k);
        overlaps.push(overlap(scan.propagator(&values)?.gate()));
        // Past a minimum that will do
        if let [.., a, b, c] = overlaps[..]
            && b <= a
            && b <= c
            && b < CONDITIONAL
        {
            return Ok(Some(amp(k - 1)));
        }
    }
    let last = overlaps.last().copied().unwrap_or(1.0);
    Ok((last < CONDITIONAL).then(|| amp(AMPLITUDES - 1)))
}

/// Of the turns of the target with the control in 0 and in 1: 0 if they differ by half a turn.
fn overlap(gate: &Matrix) -> f64 {
    let block = |bit: usize, row: usize, column: usize| gate[[2 * row + bit, 2 * column + bit]];
    let sum: C64 = (0..4).map(|k| block(0, k / 2, k % 2).conj() * block(1, k / 2, k % 2)).sum();
    0.5 * sum.norm()
}
