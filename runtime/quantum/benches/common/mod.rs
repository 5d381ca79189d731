//! Circuits and observables that the benchmarks share.

use std::f64::consts::{PI, TAU};

use ketline_quantum::{Builder, Channel, Circuit, Instruction, Observable, Result};
use ndarray::Array2;

/// Angles without a pattern: multiples of the golden ratio.
pub(crate) fn angle(k: usize) -> f64 {
    (k as f64 * 0.618_033_988_749_895).fract() * TAU
}

/// Layers of U on all qubits and CX in a brickwork.
pub(crate) fn layers(width: usize, layers: usize) -> Result<Circuit> {
    let mut b = Builder::new("layers");
    let q = b.qubits("q", width);
    for layer in 0..layers {
        for qubit in 0..width {
            let first = 3 * (layer * width + qubit);
            b.u(angle(first), angle(first + 1), angle(first + 2), q.at(qubit));
        }
        for qubit in (layer % 2..width - 1).step_by(2) {
            b.cx(q.at(qubit), q.at(qubit + 1));
        }
    }
    b.finish()
}

/// The quantum Fourier transform of a product state.
pub(crate) fn fourier(width: usize) -> Result<Circuit> {
    let mut b = Builder::new("fourier");
    let q = b.qubits("q", width);
    for qubit in 0..width {
        b.ry(angle(qubit), q.at(qubit));
    }
    for target in (0..width).rev() {
        b.h(q.at(target));
        for control in (0..target).rev() {
            b.cp(PI / (1_u64 << (target - control)) as f64, q.at(control), q.at(target));
        }
    }
    for qubit in 0..width / 2 {
        b.swap(q.at(qubit), q.at(width - 1 - qubit));
    }
    b.finish()
}

/// QAOA on a ring, and its observable.
pub(crate) fn qaoa(width: usize, layers: usize) -> Result<(Circuit, Observable)> {
    let mut b = Builder::new("qaoa");
    let q = b.qubits("q", width);
    let edges: Vec<_> = (0..width).map(|i| (i, (i + 1) % width)).collect();
    for qubit in 0..width {
        b.h(q.at(qubit));
    }
    for layer in 0..layers {
        for (i, j) in &edges {
            b.rzz(angle(2 * layer), q.at(i), q.at(j));
        }
        for qubit in 0..width {
            b.rx(angle(2 * layer + 1), q.at(qubit));
        }
    }
    Ok((b.finish()?, Observable::sum(&edges, |(i, j)| Observable::z(i) * Observable::z(j))))
}

/// RY and RZ on all qubits and a ladder of CX, with parameters, and a Heisenberg chain.
pub(crate) fn ansatz(width: usize, layers: usize) -> Result<(Circuit, Observable)> {
    let mut b = Builder::new("ansatz");
    let q = b.qubits("q", width);
    let theta = b.parameters("theta", 2 * width * layers);
    for layer in theta.chunks(2 * width) {
        for (qubit, angles) in layer.chunks(2).enumerate() {
            b.ry(angles[0], q.at(qubit));
            b.rz(angles[1], q.at(qubit));
        }
        for qubit in 0..width - 1 {
            b.cx(q.at(qubit), q.at(qubit + 1));
        }
    }
    let (x, y, z) = (Observable::x, Observable::y, Observable::z);
    let chain = Observable::sum(0..width - 1, |i| {
        1.1 * x(i) * x(i + 1) + 1.4 * y(i) * y(i + 1) + 1.3 * z(i) * z(i + 1)
    });
    Ok((b.finish()?, chain))
}

/// Sets of parameter values, a row each.
pub(crate) fn sets(count: usize, parameters: usize) -> Array2<f64> {
    Array2::from_shape_fn((count, parameters), |(set, k)| angle(set * parameters + k))
}

/// [`layers`] with depolarizing noise and thermal relaxation after every gate.
pub(crate) fn noisy(width: usize, depth: usize) -> Result<Circuit> {
    let pure = layers(width, depth)?;
    let mut circuit = pure.emptied();
    for step in pure.instructions() {
        circuit.push(step.clone())?;
        let qubits = step.qubits();
        let (p, seconds) = if qubits.len() == 1 { (5e-4, 35e-9) } else { (1e-2, 300e-9) };
        let depolarizing = Channel::depolarizing(p, qubits.len())?.into();
        circuit.push(Instruction::Channel { channel: depolarizing, qubits: qubits.clone() })?;
        for qubit in qubits {
            let relaxation = Channel::thermal_relaxation(seconds, 100e-6, 80e-6)?.into();
            circuit.push(Instruction::Channel { channel: relaxation, qubits: vec![qubit] })?;
        }
    }
    Ok(circuit)
}
