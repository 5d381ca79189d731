//! Random circuits and what dense algebra makes of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::circuit::{Confusion, Instruction};
use crate::gate::{self, Call, Gate, dense};
use crate::linalg::{dagger, haar_unitary};
use crate::{Angle, C64, Channel, Circuit, Matrix};

pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// `count` different qubits of `width`.
pub(crate) fn qubits(count: usize, width: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut all: Vec<_> = (0..width).collect();
    (0..count).map(|_| all.swap_remove(rng.random_range(0..all.len()))).collect()
}

/// An affine angle of up to two parameters.
pub(crate) fn angle(parameters: usize, rng: &mut ChaCha8Rng) -> Angle {
    let constant = Angle::radians(rng.random_range(-3.0..3.0));
    (0..rng.random_range(0..3)).fold(constant, |sum, _| match parameters {
        0 => sum,
        count => sum + Angle::parameter(rng.random_range(0..count)) * rng.random_range(-2.0..2.0),
    })
}

/// A call of a row on random qubits, with up to two extra controls where there is room.
pub(crate) fn call(row: &'static gate::Row, width: usize, parameters: usize, rng: &mut ChaCha8Rng) -> Call {
    let operands = row.operands.len();
    let extra = rng.random_range(0..3.min(width - operands + 1));
    let places = qubits(operands + extra, width, rng);
    let angles: Vec<_> = row.angles.iter().map(|_| angle(parameters, rng)).collect();
    Call::new(Gate::Standard(row), angles, &places[..operands]).controlled(&places[operands..])
}

/// A circuit that holds every row of the table once, in random order, and a few Haar unitaries.
pub(crate) fn unitary(width: usize, parameters: usize, seed: u64) -> Circuit {
    let mut rng = rng(seed);
    let mut circuit = Circuit::new(width).unwrap();
    circuit.declare_parameters("theta", &[parameters]).unwrap();
    let mut rows: Vec<_> = gate::table().iter().filter(|row| row.operands.len() <= width).collect();
    while !rows.is_empty() {
        let row = rows.swap_remove(rng.random_range(0..rows.len()));
        circuit.push(call(row, width, parameters, &mut rng).into()).unwrap();
        if rng.random_range(0..8) == 0 {
            let size = rng.random_range(1..=width.min(3));
            let matrix = haar_unitary(1 << size, &mut rng);
            let gate = gate::UnitaryGate::new("haar", matrix).unwrap();
            let places = qubits(size, width, &mut rng);
            circuit.push(Call::new(Gate::Unitary(gate.into()), [], places).into()).unwrap();
        }
    }
    circuit
}

pub(crate) fn values(count: usize, seed: u64) -> Vec<f64> {
    let mut rng = rng(seed ^ 0x5eed);
    (0..count).map(|_| rng.random_range(-3.0..3.0)).collect()
}

pub(crate) fn channel(width: usize, rng: &mut ChaCha8Rng) -> Instruction {
    let p = rng.random_range(0.0..0.3);
    let (channel, count) = match rng.random_range(0..5) {
        0 => (Channel::depolarizing(p, 1), 1),
        1 => (Channel::thermal_relaxation_to(p, 1.0, 0.7, 0.1), 1),
        2 if width > 1 => (Channel::depolarizing(p, 2), 2),
        3 => (Channel::amplitude_damping(p), 1),
        _ => (Channel::unitary(haar_unitary(2, rng)), 1),
    };
    Instruction::Channel { channel: Arc::new(channel.unwrap()), qubits: qubits(count, width, rng) }
}

/// A circuit with everything: gates, measurements with readout error, resets, conditions and, if asked for, channels. It
/// ends with a gate on each qubit, so that no measurement is its last step.
pub(crate) fn dynamic(width: usize, parameters: usize, steps: usize, noisy: bool, seed: u64) -> Circuit {
    let mut rng = rng(seed);
    let mut circuit = Circuit::new(width).unwrap();
    circuit.declare_parameters("theta", &[parameters]).unwrap();
    for _ in 0..steps {
        let mut step = gate_or_channel(width, parameters, noisy, &mut rng);
        match rng.random_range(0..12) {
            0 | 1 => step = measure(circuit.bits().min(2), width, &mut rng),
            2 => step = Instruction::Reset { qubit: rng.random_range(0..width) },
            3 => step = Instruction::Barrier { qubits: (0..width).collect() },
            4 | 5 if circuit.bits() > 0 => {
                let bit = rng.random_range(0..circuit.bits());
                let mut body = vec![step, gate_or_channel(width, parameters, noisy, &mut rng)];
                if rng.random_range(0..2) == 0 {
                    body.insert(1, measure(bit, width, &mut rng));
                }
                step = Instruction::If { bit, value: rng.random_range(0..2) == 0, body };
            }
            _ => {}
        }
        circuit.push(step).unwrap();
    }
    for qubit in 0..width {
        circuit.push(Call::new(Gate::named("h").unwrap(), [], [qubit]).into()).unwrap();
    }
    circuit
}

fn measure(bit: usize, width: usize, rng: &mut ChaCha8Rng) -> Instruction {
    let confusion =
        Confusion { p1_given_0: rng.random_range(0.0..0.2), p0_given_1: rng.random_range(0.0..0.3) };
    let confusion = (rng.random_range(0..2) == 0).then_some(confusion);
    Instruction::Measure { qubit: rng.random_range(0..width), bit, confusion }
}

fn gate_or_channel(width: usize, parameters: usize, noisy: bool, rng: &mut ChaCha8Rng) -> Instruction {
    if noisy && rng.random_range(0..2) == 0 {
        return channel(width, rng);
    }
    let rows: Vec<_> = gate::table().iter().filter(|row| row.operands.len() <= width).collect();
    call(rows[rng.random_range(0..rows.len())], width, parameters, rng).into()
}

/// The unnormalised density matrix for each record of the measurements, by dense algebra; every measurement collapses.
pub(crate) fn records(circuit: &Circuit, values: &[f64]) -> BTreeMap<u128, Matrix> {
    let mut start = Matrix::zeros((1 << circuit.width(), 1 << circuit.width()));
    start[(0, 0)] = C64::ONE;
    evolve(circuit.instructions(), circuit.width(), values, BTreeMap::from([(0, start)]))
}

fn evolve(
    steps: &[Instruction],
    width: usize,
    values: &[f64],
    mut records: BTreeMap<u128, Matrix>,
) -> BTreeMap<u128, Matrix> {
    let join = |to: &mut BTreeMap<u128, Matrix>, bits: u128, rho: Matrix| {
        let sum = to.entry(bits).or_insert_with(|| Matrix::zeros(rho.dim()));
        *sum = &*sum + &rho;
    };
    for step in steps {
        let mut next = BTreeMap::new();
        for (bits, rho) in records {
            match step {
                Instruction::Gate(call) => {
                    let u = dense(std::slice::from_ref(call), width, values);
                    join(&mut next, bits, u.dot(&rho).dot(&dagger(&u)));
                }
                Instruction::Channel { channel, qubits } => {
                    join(&mut next, bits, channel.embed(qubits, width).unwrap().apply(&rho).unwrap());
                }
                Instruction::Reset { qubit } => {
                    let zero = project(&rho, *qubit, false);
                    let x = Call::new(Gate::named("x").unwrap(), [], [*qubit]);
                    let x = dense(&[x], width, &[]);
                    join(&mut next, bits, zero + x.dot(&project(&rho, *qubit, true)).dot(&x));
                }
                Instruction::Measure { qubit, bit, confusion } => {
                    let confusion = confusion.unwrap_or_default();
                    for (outcome, recorded, p) in [
                        (false, false, 1.0 - confusion.p1_given_0),
                        (false, true, confusion.p1_given_0),
                        (true, true, 1.0 - confusion.p0_given_1),
                        (true, false, confusion.p0_given_1),
                    ] {
                        let bits = bits & !(1 << bit) | u128::from(recorded) << bit;
                        join(&mut next, bits, project(&rho, *qubit, outcome) * C64::from(p));
                    }
                }
                Instruction::If { bit, value, body } if (bits >> bit & 1 == 1) == *value => {
                    for (bits, rho) in evolve(body, width, values, BTreeMap::from([(bits, rho)])) {
                        join(&mut next, bits, rho);
                    }
                }
                Instruction::If { .. } | Instruction::Barrier { .. } => join(&mut next, bits, rho),
                Instruction::Pulse(_) => unreachable!("random circuits are made of gates and noise"),
            }
        }
        records = next;
    }
    records
}

fn project(rho: &Matrix, qubit: usize, outcome: bool) -> Matrix {
    let wanted = usize::from(outcome);
    Matrix::from_shape_fn(rho.dim(), |(r, c)| {
        if r >> qubit & 1 == wanted && c >> qubit & 1 == wanted { rho[(r, c)] } else { C64::ZERO }
    })
}

pub(crate) fn distance(a: &Matrix, b: &Matrix) -> f64 {
    assert_eq!(a.dim(), b.dim());
    (a - b).iter().map(|z| z.norm()).fold(0.0, f64::max)
}
