//! From any call to the native set {rz, sx, x, cx} and the global phase, exactly.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use super::{Call, Cartan, Gate, UnitaryGate, resolve};
use crate::{Angle, C64, Matrix};

impl Call {
    /// The same unitary in the gates `rz`, `sx`, `x`, `cx` and `gphase`, in order of application.
    ///
    /// Several controls follow Barenco et al., Phys. Rev. A 52, 3457 (1995), lemmas 7.2, 7.3 and 7.5: the gates grow with
    /// the square of the controls. A matrix of two qubits takes at most three `cx` ([`Cartan`](super::Cartan)); one of `n`
    /// qubits is taken apart by Givens rotations in Gray-code order, which is exact but not the shortest: about `4^n n^2`
    /// gates.
    pub fn lower(&self) -> Vec<Call> {
        self.lower_to(&[])
    }

    /// As [`Self::lower`], but the rows named in `kept` are kept as they are.
    pub(crate) fn lower_to(&self, kept: &[&str]) -> Vec<Call> {
        let mut native = Vec::new();
        self.lower_into(kept, &mut native);
        native
    }

    fn lower_into(&self, kept: &[&str], native: &mut Vec<Call>) {
        if self.controls.is_empty() {
            match &self.gate {
                Gate::Standard(row) if row.native || kept.contains(&row.name) => native.push(self.clone()),
                _ => self.expand().iter().for_each(|call| call.lower_into(kept, native)),
            }
        } else {
            for call in self.expand_controlled() {
                call.lower_into(kept, native);
            }
        }
    }

    /// One level down, for a call without extra controls.
    fn expand(&self) -> Vec<Call> {
        match &self.gate {
            Gate::Standard(row) => {
                let steps = (row.decomposition)(&self.angles).into_iter();
                steps
                    .map(|step| {
                        let (gate, angles, operands) = resolve(step);
                        let qubits: Vec<_> = operands.into_iter().map(|o| self.qubits[o]).collect();
                        Call::new(gate, angles, qubits)
                    })
                    .collect()
            }
            Gate::Unitary(gate) if gate.width() == 1 => euler(gate.matrix(), self.qubits[0]),
            Gate::Unitary(gate) if gate.width() == 2 => {
                Cartan::of(gate.matrix()).calls([self.qubits[0], self.qubits[1]])
            }
            Gate::Unitary(gate) => givens(gate, &self.qubits),
        }
    }

    /// One level down, for a call with controls beyond those of its row.
    fn expand_controlled(&self) -> Vec<Call> {
        let controls: Vec<_> = self.control_qubits().collect();
        let targets = self.target_qubits();
        let row = |name: &str| matches!(&self.gate, Gate::Standard(r) if r.name == name || r.base == name);
        let conjugated = |outer: &[Call], inner: Call| {
            let mut calls = outer.to_vec();
            calls.push(inner.controlled(&controls));
            calls.extend(outer.iter().rev().map(Call::inverse));
            calls
        };
        if row("rz") || row("ry") || row("p") {
            let Gate::Standard(standard) = &self.gate else { return Vec::new() };
            halved(standard.base_name(), self.angles[0], &controls, targets[0])
        } else if row("x") {
            conjugated(&[call("h", [], targets)], call("p", [PI.into()], targets))
        } else if row("z") {
            vec![call("p", [PI.into()], targets).controlled(&controls)]
        } else if row("y") {
            conjugated(&[call("sdg", [], targets)], call("x", [], targets))
        } else if row("h") {
            conjugated(&[call("ry", [(-FRAC_PI_4).into()], targets)], call("p", [PI.into()], targets))
        } else if row("rx") {
            conjugated(&[call("h", [], targets)], call("rz", [self.angles[0]], targets))
        } else if row("swap") {
            let turned = [targets[1], targets[0]];
            conjugated(&[call("cx", [], &turned)], call("cx", [], targets))
        } else {
            let inner = match &self.gate {
                Gate::Standard(r) if r.name == "u" => general(&self.angles, targets[0]),
                Gate::Standard(r) if r.name == "sx" || r.base == "sx" => {
                    vec![call("gphase", [FRAC_PI_4.into()], &[]), call("rx", [FRAC_PI_2.into()], targets)]
                }
                // the controls of the row itself are part of its decomposition
                _ => {
                    let calls = Call { controls: Vec::new(), ..self.clone() }.expand();
                    return calls.into_iter().map(|inner| inner.controlled(&self.controls)).collect();
                }
            };
            inner.into_iter().map(|inner| inner.controlled(&controls)).collect()
        }
    }
}

pub(super) fn call<const N: usize>(name: &'static str, angles: [Angle; N], qubits: &[usize]) -> Call {
    let (gate, angles, _) =
        resolve(super::Step { gate: name, angles: angles.to_vec(), operands: Vec::new() });
    Call::new(gate, angles, qubits)
}

/// A rotation with two or more controls, by its half.
fn halved(name: &'static str, angle: Angle, controls: &[usize], target: usize) -> Vec<Call> {
    let (last, rest) = match controls {
        [rest @ .., last] if !rest.is_empty() => (*last, rest),
        _ => return vec![call(name, [angle], &[target]).controlled(controls)],
    };
    let half = |angle| call(name, [angle], &[target]);
    let flip = borrowed(rest, target, last);
    let mut calls = vec![half(angle / 2.0).controlled(&[last])];
    calls.extend_from_slice(&flip);
    calls.push(half(angle / -2.0).controlled(&[last]));
    calls.extend(flip);
    calls.push(half(angle / 2.0).controlled(rest));
    calls
}

/// An X with many controls, with the help of one qubit in any state: Toffoli gates, linear in the controls.
fn borrowed(controls: &[usize], spare: usize, target: usize) -> Vec<Call> {
    if controls.len() < 4 {
        return ladder(controls, &[spare], target);
    }
    let (first, second) = controls.split_at(controls.len() / 2);
    let joined: Vec<_> = second.iter().copied().chain([spare]).collect();
    let (low, high) = (ladder(first, &[second, &[target]].concat(), spare), ladder(&joined, first, target));
    [low.clone(), high.clone(), low, high].concat()
}

/// An X with `k` controls, with the help of `k - 2` qubits in any state.
fn ladder(controls: &[usize], spare: &[usize], target: usize) -> Vec<Call> {
    let [first, second, rest @ ..] = controls else {
        return vec![call("x", [], &[target]).controlled(controls)];
    };
    let to = |k: usize| if k == rest.len() { target } else { spare[k] };
    let bottom = call("ccx", [], &[*first, *second, to(0)]);
    let rung = |k: usize| call("ccx", [], &[rest[k], spare[k], to(k + 1)]);
    // down and up again, once with the target and once without
    let way = |rungs: usize| {
        let down = (0..rungs).rev().map(rung);
        down.chain([bottom.clone()]).chain((0..rungs).map(rung)).collect::<Vec<_>>()
    };
    match rest.len() {
        0 => vec![bottom],
        rungs => [way(rungs), way(rungs - 1)].concat(),
    }
}

/// `u` as phase, rz, ry, rz.
fn general(angles: &[Angle], target: usize) -> Vec<Call> {
    let (theta, phi, lambda) = (angles[0], angles[1], angles[2]);
    vec![
        call("gphase", [(phi + lambda) / 2.0], &[]),
        call("rz", [lambda], &[target]),
        call("ry", [theta], &[target]),
        call("rz", [phi], &[target]),
    ]
}

/// The angles `(gamma, theta, phi, lambda)` of a one-qubit matrix `exp(i gamma) u(theta, phi, lambda)`.
pub(crate) fn euler_angles(matrix: &Matrix) -> [f64; 4] {
    let (a, b, c) = (matrix[(0, 0)], matrix[(1, 0)], matrix[(1, 1)]);
    let theta = 2.0 * b.norm().atan2(a.norm());
    // where one of cos and sin vanishes only one phase is defined
    let (gamma, phi, sum) = if a.norm() < 1e-12 {
        let gamma = (-matrix[(0, 1)]).arg();
        (gamma, b.arg() - gamma, b.arg() - gamma)
    } else {
        let gamma = a.arg();
        let phi = if b.norm() < 1e-12 { 0.0 } else { b.arg() - gamma };
        (gamma, phi, c.arg() - gamma)
    };
    [gamma, theta, phi, sum - phi]
}

/// A one-qubit matrix as phase and `u`.
pub(super) fn euler(matrix: &Matrix, target: usize) -> Vec<Call> {
    let [gamma, theta, phi, lambda] = euler_angles(matrix).map(Angle::radians);
    vec![call("gphase", [gamma], &[]), call("u", [theta, phi, lambda], &[target])]
}

/// A matrix of several qubits as fully controlled one-qubit gates between basis states that differ in one bit.
fn givens(gate: &UnitaryGate, qubits: &[usize]) -> Vec<Call> {
    let mut rest = gate.matrix().clone();
    let n = rest.nrows();
    let gray = |k: usize| k ^ (k >> 1);
    let mut calls = Vec::new(); // what undoes the matrix, in the order in which it is multiplied from the left
    for column in 0..n - 1 {
        for row in (column + 1..n).rev() {
            let (upper, lower) = (gray(row - 1), gray(row));
            let (a, b) = (rest[(upper, gray(column))], rest[(lower, gray(column))]);
            let norm = a.norm().hypot(b.norm());
            let last = column + 2 == n;
            if b.norm() < 1e-14 && !last {
                continue;
            }
            // rows (upper, lower) are multiplied by this block, which sends (a, b) to (norm, 0)
            let block = if last {
                let (c, d) = (rest[(upper, gray(row))], rest[(lower, gray(row))]);
                [[a.conj(), b.conj()], [c.conj(), d.conj()]]
            } else {
                [[a.conj() / norm, b.conj() / norm], [-b / norm, a / norm]]
            };
            for k in 0..n {
                let (x, y) = (rest[(upper, k)], rest[(lower, k)]);
                rest[(upper, k)] = block[0][0] * x + block[0][1] * y;
                rest[(lower, k)] = block[1][0] * x + block[1][1] * y;
            }
            calls.push(two_level(block, upper, lower, qubits));
        }
        let phase = rest[(gray(column), gray(column))];
        debug_assert!((phase.norm() - 1.0).abs() < 1e-6, "the matrix was checked to be unitary");
        if (phase - C64::from(1.0)).norm() > 1e-14 {
            let (on, other) = (gray(column), gray(column + 1));
            let block = [[phase.conj(), 0.0.into()], [0.0.into(), 1.0.into()]];
            rest.row_mut(on).mapv_inplace(|a| a * phase.conj());
            calls.push(two_level(block, on, other, qubits));
        }
    }
    calls
        .into_iter()
        .rev()
        .flat_map(|group| group.iter().rev().map(Call::inverse).collect::<Vec<_>>())
        .collect()
}

/// `block` on the amplitudes of two basis states that differ in one bit, controlled by all other bits.
fn two_level(block: [[C64; 2]; 2], upper: usize, lower: usize, qubits: &[usize]) -> Vec<Call> {
    let bit = (upper ^ lower).trailing_zeros() as usize;
    let swap = upper >> bit & 1; // the block is written for `upper` having the bit 0
    let matrix = Matrix::from_shape_fn((2, 2), |(r, c)| block[r ^ swap][c ^ swap]);
    let others: Vec<_> = (0..qubits.len()).filter(|k| *k != bit).collect();
    let controls: Vec<_> = others.iter().map(|k| qubits[*k]).collect();
    let flips: Vec<_> =
        others.iter().filter(|k| upper >> **k & 1 == 0).map(|k| call("x", [], &[qubits[*k]])).collect();
    let middle = euler(&matrix, qubits[bit]).into_iter().map(|inner| inner.controlled(&controls));
    flips.iter().cloned().chain(middle).chain(flips.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borrowed_qubits_come_back_as_they_were() {
        for k in 0..=9 {
            let (controls, spare, target): (Vec<_>, _, _) = ((0..k).collect(), k, k + 1);
            let calls = borrowed(&controls, spare, target);
            let mask = |qubits: &[usize]| qubits.iter().fold(0_usize, |mask, qubit| mask | 1 << qubit);
            let flip = |state: usize, controls: &[usize], target: usize| {
                let on = mask(controls);
                state ^ usize::from(state & on == on) << target
            };
            for before in 0..1 << (k + 2) {
                let after = calls.iter().fold(before, |state, call| {
                    flip(state, &call.control_qubits().collect::<Vec<_>>(), call.target_qubits()[0])
                });
                assert_eq!(after, flip(before, &controls, target), "{k} controls");
            }
        }
    }

    #[test]
    fn gates_grow_with_the_square_of_the_controls() {
        for row in crate::gate::table() {
            let count = |k: usize| {
                let qubits: Vec<_> = (0..row.operands.len()).collect();
                let controls: Vec<_> = (qubits.len()..qubits.len() + k).collect();
                let angles: Vec<_> = row.angles.iter().map(|_| Angle::radians(0.3)).collect();
                Call::new(Gate::Standard(row), angles, qubits).controlled(&controls).lower().len()
            };
            let (few, many) = (count(8), count(12));
            assert!(many <= 6 * few, "{}: {few} and {many}", row.name);
        }
    }
}
