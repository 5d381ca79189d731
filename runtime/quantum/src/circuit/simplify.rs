//! Simplification by cancelling, merging and dropping gates; it moves gates only past those that they commute with.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Circuit, Instruction};
use crate::gate::{self, Call, Gate};
use crate::{C64, Matrix};

/// How many steps back a partner is looked for.
const WINDOW: usize = 512;

impl Circuit {
    /// A circuit with the same unitary (global phase included) and no more gates: a gate meets its inverse and both go,
    /// rotations of one kind add up, identities go. Barriers, measurements and conditions stay where they are.
    #[must_use]
    pub fn simplify(&self) -> Self {
        let mut instructions = self.instructions.clone();
        loop {
            let before = instructions.len();
            let mut kept = Vec::with_capacity(before);
            for step in instructions {
                absorb(&mut kept, step);
            }
            instructions = kept;
            if instructions.len() == before {
                return Self { instructions, ..self.clone() };
            }
        }
    }
}

/// Adds a step to those before it, unless it cancels or merges.
fn absorb(kept: &mut Vec<Instruction>, step: Instruction) {
    let Instruction::Gate(call) = &step else { return kept.push(step) };
    if is_identity(call) {
        return;
    }
    for at in (kept.len().saturating_sub(WINDOW)..kept.len()).rev() {
        let Instruction::Gate(other) = &kept[at] else {
            if kept[at].qubits().iter().any(|qubit| call.all_qubits().any(|q| q == *qubit)) {
                break;
            }
            continue;
        };
        if same_place(&other.inverse(), call) && other.inverse().angles == call.angles {
            kept.remove(at);
            return;
        }
        if let Some(sum) = merge(other, call) {
            if is_identity(&sum) {
                kept.remove(at);
            } else {
                kept[at] = Instruction::Gate(sum);
            }
            return;
        }
        if !commute(other, call) {
            break;
        }
    }
    kept.push(step);
}

/// Whether two calls are the same gate on the same qubits, the order free where the gate does not care.
fn same_place(a: &Call, b: &Call) -> bool {
    let sorted = |call: &Call| {
        let mut qubits: Vec<_> = call.all_qubits().collect();
        qubits.sort_unstable();
        qubits
    };
    a.gate == b.gate
        && (a.qubits == b.qubits && a.controls == b.controls
            || a.controls.len() == b.controls.len() && shape(&a.gate).symmetric && sorted(a) == sorted(b))
}

/// Two rotations of one kind as one, where the sum of the angles is an angle.
fn merge(a: &Call, b: &Call) -> Option<Call> {
    if a.angles.len() != 1 || !same_place(a, b) {
        return None;
    }
    let sum = a.angles[0] + b.angles[0];
    sum.is_valid().then(|| Call { angles: vec![sum], ..a.clone() })
}

fn is_identity(call: &Call) -> bool {
    call.is_constant() && {
        let matrix = call.matrix(&[]);
        matrix.indexed_iter().all(|((r, c), a)| (a - C64::from(f64::from(r == c))).norm() < 1e-14)
    }
}

/// Whether two calls commute because on each qubit that they share both are diagonal in the same Pauli's basis.
fn commute(a: &Call, b: &Call) -> bool {
    let axes = |call: &Call, qubit| {
        if call.controls.contains(&qubit) {
            return Some(shape_axis_z());
        }
        let operand = call.qubits.iter().position(|q| *q == qubit)?;
        Some(shape(&call.gate).axes[operand])
    };
    a.all_qubits().all(|qubit| match (axes(a, qubit), axes(b, qubit)) {
        (Some(one), Some(two)) => one.iter().zip(two).any(|(x, y)| *x && y),
        _ => true,
    })
}

const fn shape_axis_z() -> [bool; 3] {
    [false, false, true]
}

/// How a gate acts on each operand, read off its matrix.
struct Shape {
    /// For each operand, whether the gate commutes with X, Y, Z there.
    axes: Vec<[bool; 3]>,
    /// Whether any order of the operands gives the same matrix.
    symmetric: bool,
}

/// Whether the order of a gate's operands does not matter.
pub(super) fn is_symmetric(gate: &Gate) -> bool {
    shape(gate).symmetric
}

fn shape(gate: &Gate) -> &'static Shape {
    static SHAPES: LazyLock<HashMap<&'static str, Shape>> = LazyLock::new(|| {
        gate::table().iter().map(|row| (row.name, Shape::of(&Gate::Standard(row)))).collect()
    });
    static NONE: LazyLock<Shape> =
        LazyLock::new(|| Shape { axes: vec![[false; 3]; usize::BITS as usize], symmetric: false });
    match gate {
        Gate::Standard(row) => SHAPES.get(row.name).unwrap_or(&NONE),
        Gate::Unitary(_) => &NONE,
    }
}

impl Shape {
    fn of(gate: &Gate) -> Self {
        // angles without meaning: what holds for them holds for all
        let angles: Vec<_> = (0..gate.angles()).map(|k| 0.377 + 0.811 * k as f64).collect();
        let matrix = gate.full_matrix(&angles);
        let close = |a: &Matrix, b: &Matrix| a.iter().zip(b).all(|(x, y)| (x - y).norm() < 1e-12);
        let pauli =
            |name: &str| Gate::named(name).map_or_else(|| Matrix::zeros((2, 2)), |pauli| pauli.matrix(&[]));
        let commutes = |operand: usize, name: &str| {
            let one = pauli(name);
            let wide = Matrix::from_shape_fn(matrix.dim(), |(r, c)| {
                let others = !(1 << operand);
                if r & others == c & others { one[(r >> operand & 1, c >> operand & 1)] } else { 0.0.into() }
            });
            close(&matrix.dot(&wide), &wide.dot(&matrix))
        };
        let axes = (0..gate.operands()).map(|k| ["x", "y", "z"].map(|name| commutes(k, name))).collect();
        let exchanged = |k: usize| {
            let turn = |r: usize| {
                let (low, high) = (r >> k & 1, r >> (k + 1) & 1);
                r & !(3 << k) | low << (k + 1) | high << k
            };
            Matrix::from_shape_fn(matrix.dim(), |(r, c)| matrix[(turn(r), turn(c))])
        };
        let symmetric = (1..gate.operands()).all(|k| close(&exchanged(k - 1), &matrix));
        Self { axes, symmetric }
    }
}
