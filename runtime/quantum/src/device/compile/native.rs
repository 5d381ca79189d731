//! From `cx`, `cz`, `ecr` and `swap` on coupled pairs to the native gates of the edges, rightly directed.

use std::f64::consts::FRAC_PI_2;

use super::super::target::{Edge, Entangler, Target};
use crate::Angle;
use crate::circuit::Instruction;
use crate::gate::{Call, Gate};

/// The rows at which lowering stops before qubits are placed: some edge may have them.
pub(super) const PAIRS: [&str; 4] = ["cx", "cz", "ecr", "swap"];

/// A gate of the table; all names that passes use are there.
pub(super) fn gate(name: &'static str) -> Gate {
    Gate::named(name).unwrap_or_else(|| unreachable!("the table has `{name}`"))
}

pub(super) fn call<const A: usize, const Q: usize>(
    name: &'static str,
    angles: [Angle; A],
    qubits: [usize; Q],
) -> Instruction {
    Instruction::Gate(Call::new(gate(name), angles, qubits))
}

/// The two qubits of a gate on a pair.
pub(super) fn pair(step: &Instruction) -> Option<[usize; 2]> {
    match step {
        Instruction::Gate(call) if call.controls.is_empty() => call.qubits.as_slice().try_into().ok(),
        _ => None,
    }
}

/// Swaps as three `cx`, in the direction in which one of them may cancel with a neighbour, else that of the edge.
pub(super) fn expand_swaps(
    steps: Vec<Instruction>,
    has_edge: &dyn Fn(usize, usize) -> bool,
) -> Vec<Instruction> {
    let mut kept: Vec<Instruction> = Vec::with_capacity(steps.len());
    let mut rest = steps.into_iter();
    while let Some(step) = rest.next() {
        match (step, rest.as_slice()) {
            (Instruction::If { bit, value, body }, _) => {
                kept.push(Instruction::If { bit, value, body: expand_swaps(body, has_edge) });
            }
            (step, rest) if step.name() == "swap" => {
                let Some([a, b]) = pair(&step) else { continue };
                let neighbour =
                    direction([a, b], kept.iter().rev()).or_else(|| direction([a, b], rest.iter()));
                let [a, b] = neighbour.unwrap_or(if has_edge(a, b) { [a, b] } else { [b, a] });
                kept.extend([[a, b], [b, a], [a, b]].map(|ends| call("cx", [], ends)));
            }
            (step, _) => kept.push(step),
        }
    }
    kept
}

/// The direction of the nearest `cx`, if it is one on the same pair.
fn direction<'a>([a, b]: [usize; 2], mut steps: impl Iterator<Item = &'a Instruction>) -> Option<[usize; 2]> {
    let touches = |step: &&Instruction| {
        let qubits = step.qubits();
        qubits.len() > 1 && (qubits.contains(&a) || qubits.contains(&b))
    };
    let nearest = steps.find(touches)?;
    pair(nearest).filter(|ends| nearest.name() == "cx" && ends.contains(&a) && ends.contains(&b))
}

/// The steps in native gates; `physical` says where each circuit qubit stands.
pub(super) fn translate(steps: &[Instruction], target: &Target, physical: &[usize]) -> Vec<Instruction> {
    let edge = |a: usize, b: usize| target.edge(physical[a], physical[b]);
    let mut native = Vec::with_capacity(steps.len());
    for step in steps {
        match (step, pair(step)) {
            (Instruction::If { bit, value, body }, _) => {
                let body = translate(body, target, physical);
                native.push(Instruction::If { bit: *bit, value: *value, body });
            }
            (Instruction::Gate(call), Some(ends)) => entangle(call, ends, &edge, &mut native),
            _ => native.push(step.clone()),
        }
    }
    native
}

fn entangle<'a>(
    wanted: &Call,
    [a, b]: [usize; 2],
    edge: &dyn Fn(usize, usize) -> Option<&'a Edge>,
    native: &mut Vec<Instruction>,
) {
    let quarter = || [Angle::radians(FRAC_PI_2)];
    let kind = |a, b| edge(a, b).map(|edge| edge.gate);
    let hadamard = |q| [call("rz", quarter(), [q]), call("sx", [], [q]), call("rz", quarter(), [q])];
    let wants = Entangler::of(&wanted.gate);
    match (wants, kind(a, b), kind(b, a)) {
        (Some(wants), Some(found), _) if wants == found => native.push(Instruction::Gate(wanted.clone())),
        (Some(Entangler::Cz), _, Some(Entangler::Cz)) => native.push(call("cz", [], [b, a])),
        (Some(Entangler::Cz), direct, _) => {
            let [a, b] = if direct.is_some() { [a, b] } else { [b, a] };
            native.extend(hadamard(b));
            controlled_x([a, b], &kind, native);
            native.extend(hadamard(b));
        }
        (Some(Entangler::Ecr), ..) => {
            native.extend([call("rz", quarter(), [a]), call("sx", [], [b])]);
            controlled_x([a, b], &kind, native);
            native.push(call("x", [], [a]));
        }
        _ => controlled_x([a, b], &kind, native),
    }
}

/// `cx` in whatever gate the edge has, the global phase left out.
fn controlled_x(
    [a, b]: [usize; 2],
    kind: &dyn Fn(usize, usize) -> Option<Entangler>,
    native: &mut Vec<Instruction>,
) {
    let quarter = || [Angle::radians(FRAC_PI_2)];
    let hadamard = |q| [call("rz", quarter(), [q]), call("sx", [], [q]), call("rz", quarter(), [q])];
    match (kind(a, b), kind(b, a)) {
        (Some(Entangler::Cx), _) => native.push(call("cx", [], [a, b])),
        (Some(Entangler::Ecr), _) => native.extend([
            call("x", [], [a]),
            call("ecr", [], [a, b]),
            call("rz", quarter(), [a]),
            call("sx", [], [b]),
        ]),
        (Some(Entangler::Cz), _) | (None, Some(Entangler::Cz)) => {
            let ends = if kind(a, b).is_some() { [a, b] } else { [b, a] };
            native.extend(hadamard(b));
            native.push(call("cz", [], ends));
            native.extend(hadamard(b));
        }
        (None, Some(_)) => {
            native.extend(hadamard(a).into_iter().chain(hadamard(b)));
            controlled_x([b, a], kind, native);
            native.extend(hadamard(a).into_iter().chain(hadamard(b)));
        }
        (None, None) => unreachable!("routing brought the qubits of every gate together"),
    }
}
