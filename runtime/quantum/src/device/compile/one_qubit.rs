//! Runs of one-qubit gates, written with as few pulses as possible; angles stay symbolic.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use super::native::call;
use crate::Angle;
use crate::circuit::Instruction;
use crate::gate::{Call, Gate};
use crate::linalg::Zyz;

/// Angles nearer to a multiple of a quarter turn than this are that multiple.
const TOLERANCE: f64 = 1e-12;

/// Each run of `rz`, `sx` and `x` between other steps in its shortest form, up to the global phase.
pub(super) fn shorten(width: usize, steps: Vec<Instruction>) -> Vec<Instruction> {
    let mut kept = Vec::with_capacity(steps.len());
    let mut open: Vec<Option<Run>> = vec![None; width];
    for step in steps {
        if let Instruction::Gate(call) = &step
            && let Some(qubit) = pulse(call)
        {
            let run = open[qubit].get_or_insert_default();
            if !run.take(call) {
                let full = std::mem::take(run);
                run.take(call);
                full.write(qubit, &mut kept);
            }
            continue;
        }
        for qubit in step.qubits() {
            open[qubit].take().unwrap_or_default().write(qubit, &mut kept);
        }
        kept.push(match step {
            Instruction::If { bit, value, body } => {
                Instruction::If { bit, value, body: shorten(width, body) }
            }
            step => step,
        });
    }
    for (qubit, run) in open.into_iter().enumerate() {
        run.unwrap_or_default().write(qubit, &mut kept);
    }
    kept
}

/// The qubit of a native one-qubit gate.
pub(super) fn pulse(call: &Call) -> Option<usize> {
    let native = call.controls.is_empty() && matches!(call.gate.name(), "rz" | "sx" | "x");
    native.then(|| call.qubits[0])
}

/// `rz(turns[0])`, then `sx`, `rz(turns[1])`, `sx`, .. `rz(turns[n])`, and at last `x` if `flipped`.
#[derive(Debug, Clone)]
struct Run {
    turns: Vec<Angle>,
    flipped: bool,
}

impl Default for Run {
    fn default() -> Self {
        Self { turns: vec![Angle::ZERO], flipped: false }
    }
}

impl Run {
    /// Adds a gate at the end; false where the sum of two angles is no angle any more.
    fn take(&mut self, call: &Call) -> bool {
        match call.gate.name() {
            "sx" => self.turns.push(Angle::ZERO),
            "x" => self.flipped = !self.flipped,
            _ => {
                // x, then rz(a), is rz(-a), then x
                let turn = if self.flipped { -call.angles[0] } else { call.angles[0] };
                let last = self.turns.len() - 1;
                let sum = self.turns[last] + turn;
                if !sum.is_valid() {
                    return false;
                }
                self.turns[last] = sum;
            }
        }
        true
    }

    fn write(mut self, qubit: usize, kept: &mut Vec<Instruction>) {
        while self.reduce() {}
        if self.flipped && self.turns.len() > 1 {
            // sx, rz(a), x is sx, x, rz(-a), and sx with x is sx between half turns
            let last = self.turns.len() - 1;
            self.turns[last] = Angle::radians(PI) - self.turns[last];
            self.turns[last - 1] += Angle::radians(PI);
            self.flipped = false;
        }
        for (k, turn) in self.turns.iter().enumerate() {
            if k > 0 {
                kept.push(call("sx", [], [qubit]));
            }
            if quarters(turn) != Some(0) {
                kept.push(call("rz", [wrapped(turn)], [qubit]));
            }
        }
        if self.flipped {
            kept.push(call("x", [], [qubit]));
        }
    }

    /// One rewriting that saves pulses, where there is one.
    fn reduce(&mut self) -> bool {
        let inner = 1..self.turns.len().saturating_sub(1);
        inner.clone().any(|k| self.reduce_at(k)) || inner.clone().any(|k| self.reduce_three(k))
    }

    /// `sx rz(quarter turns) sx` with fewer pulses.
    fn reduce_at(&mut self, k: usize) -> bool {
        let (before, after) = (self.turns[k - 1], self.turns[k + 1]);
        match quarters(&self.turns[k]) {
            Some(0) => {
                // both together are x, which goes to the end and turns the sign of what it passes
                let sum = before - after;
                if !sum.is_valid() {
                    return false;
                }
                self.turns.splice(k - 1..=k + 1, [sum]);
                self.turns[k..].iter_mut().for_each(|turn| *turn = -*turn);
                self.flipped = !self.flipped;
            }
            Some(2) => {
                let sum = before + after + PI;
                if !sum.is_valid() {
                    return false;
                }
                self.turns.splice(k - 1..=k + 1, [sum]);
            }
            Some(quarter) => {
                let turn = if quarter == 1 { FRAC_PI_2 } else { -FRAC_PI_2 };
                self.turns.splice(k - 1..=k + 1, [before + turn, after + turn]);
            }
            None => return false,
        }
        true
    }

    /// Three `sx` with constant angles between them as two.
    fn reduce_three(&mut self, k: usize) -> bool {
        let [first, second] = match self.turns.get(k..k + 3) {
            Some([first, second, _]) if first.is_constant() && second.is_constant() => [*first, *second],
            _ => return false,
        };
        let sx = || Call::new(SX.clone(), [], [0]).matrix(&[]);
        let rz = |angle: Angle| RZ.matrix(&[angle.offset()]);
        let product = sx().dot(&rz(second)).dot(&sx()).dot(&rz(first)).dot(&sx());
        let Ok(Zyz { theta, phi, lambda, .. }) = Zyz::new(&product) else { return false };
        let (before, after) = (self.turns[k - 1] + lambda, self.turns[k + 2] + (phi + PI));
        self.turns.splice(k - 1..=k + 2, [before, Angle::radians(theta + PI), after]);
        true
    }
}

static SX: std::sync::LazyLock<Gate> = std::sync::LazyLock::new(|| super::native::gate("sx"));
static RZ: std::sync::LazyLock<Gate> = std::sync::LazyLock::new(|| super::native::gate("rz"));

/// How many quarter turns a constant angle is, modulo four.
fn quarters(angle: &Angle) -> Option<u8> {
    let quarters = angle.offset() / FRAC_PI_2;
    let near = (quarters - quarters.round()).abs() * FRAC_PI_2 < TOLERANCE;
    (angle.is_constant() && near).then(|| quarters.round().rem_euclid(4.0) as u8)
}

/// The angle with its constant part from -pi to pi; whole turns are a global phase.
fn wrapped(angle: &Angle) -> Angle {
    *angle - TAU * (angle.offset() / TAU).round()
}
