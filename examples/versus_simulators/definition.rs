//! The workloads, gate by gate: both sides build their circuits from these lists.

use std::f64::consts::{PI, TAU};

use ketline::quantum::gate::{Call, Gate};
use ketline::quantum::{Channel, Instruction};
use ketline::{Angle, Circuit, Observable};
use ndarray::Array2;
use serde::Serialize;

use crate::stream::Stream;

/// Relaxation times of the noisy workloads, in seconds.
const T1: f64 = 100e-6;
const T2: f64 = 80e-6;

/// What is asked of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The state after the circuit.
    State,
    /// The expectation of an observable.
    Expectation,
    /// Expectations for many sets of parameters.
    Values,
    /// Expectations and their gradients for one or many sets of parameters.
    Gradients,
    /// The density matrix after a noisy circuit.
    Density,
    /// Shots of a noisy circuit, a trajectory each.
    Trajectories,
    /// Shots of a state.
    Samples,
}

/// Which circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Layers of random U3 on all qubits and CX in a brickwork.
    Random { layers: usize },
    /// The quantum Fourier transform of a product state, with its swaps.
    Fourier,
    /// QAOA for `MaxCut` on a 3-regular graph, five layers.
    Qaoa,
    /// RY and RZ on all qubits and a ladder of CX, with a Heisenberg chain as observable.
    Ansatz { layers: usize, sets: usize },
    /// As `Random`, with depolarizing noise and thermal relaxation after every gate.
    Noisy { layers: usize },
}

/// A workload as both sides read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Definition {
    pub(crate) kind: Kind,
    pub(crate) width: usize,
    /// `f64` or `f32`.
    pub(crate) precision: &'static str,
    gates: Vec<(&'static str, Vec<usize>, Angles)>,
    /// Coefficients with Pauli letters and the qubits that they act on.
    terms: Vec<(f64, &'static str, Vec<usize>)>,
    /// Sets of parameter values; none where the circuit has no parameters.
    parameters: Vec<Vec<f64>>,
    noise: Option<Noise>,
    pub(crate) shots: usize,
}

/// The angles of a gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Angles {
    Radians(Vec<f64>),
    Parameter(usize),
}

/// Noise after every gate: the parameter of the depolarizing channel, and the duration of the gate in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Noise {
    t1: f64,
    t2: f64,
    u3: (f64, f64),
    cx: (f64, f64),
}

impl Definition {
    pub(crate) fn new(kind: Kind, family: Family, width: usize, precision: &'static str) -> Self {
        let mut definition = Self {
            kind,
            width,
            precision,
            gates: Vec::new(),
            terms: Vec::new(),
            parameters: Vec::new(),
            noise: None,
            shots: match kind {
                Kind::Samples => 1_000_000,
                Kind::Trajectories => 1024,
                _ => 0,
            },
        };
        match family {
            Family::Random { layers } => definition.random(layers, 1),
            Family::Fourier => definition.fourier(),
            Family::Qaoa => definition.qaoa(5),
            Family::Ansatz { layers, sets } => definition.ansatz(layers, sets),
            Family::Noisy { layers } => {
                definition.random(layers, 21);
                definition.noise = Some(Noise { t1: T1, t2: T2, u3: (5e-4, 35e-9), cx: (1e-2, 300e-9) });
            }
        }
        definition
    }

    /// The circuit.
    pub(crate) fn circuit(&self) -> ketline::Result<Circuit> {
        let mut circuit = Circuit::new(self.width)?;
        let count = self.parameters.first().map_or(0, Vec::len);
        if count > 0 {
            circuit.declare_parameters("theta", &[count])?;
        }
        for (name, qubits, angles) in &self.gates {
            let angles: Vec<Angle> = match angles {
                Angles::Radians(list) => list.iter().copied().map(Angle::radians).collect(),
                Angles::Parameter(k) => vec![Angle::parameter(*k)],
            };
            let gate = Gate::named(name).expect("the gates of the workloads are in the table");
            circuit.push(Call::new(gate, angles, qubits.clone()).into())?;
            if let Some(noise) = &self.noise {
                noise.after(qubits, &mut circuit)?;
            }
        }
        Ok(circuit)
    }

    /// The observable.
    pub(crate) fn observable(&self) -> Observable {
        Observable::sum(&self.terms, |(coefficient, letters, qubits)| {
            let factors = letters.chars().zip(qubits).map(|(letter, qubit)| match letter {
                'X' => Observable::x(qubit),
                'Y' => Observable::y(qubit),
                _ => Observable::z(qubit),
            });
            factors.fold(Observable::constant(*coefficient), |product, factor| product * factor)
        })
    }

    /// Sets of parameter values, a row each.
    pub(crate) fn sets(&self) -> Array2<f64> {
        let columns = self.parameters.first().map_or(0, Vec::len);
        Array2::from_shape_fn((self.parameters.len(), columns), |(set, k)| self.parameters[set][k])
    }

    fn gate(&mut self, name: &'static str, qubits: &[usize], angles: &[f64]) {
        self.gates.push((name, qubits.to_vec(), Angles::Radians(angles.to_vec())));
    }

    fn random(&mut self, layers: usize, seed: u32) {
        let mut stream = Stream::new(seed);
        for layer in 0..layers {
            for qubit in 0..self.width {
                let angles = [(); 3].map(|()| stream.uniform(0.0, TAU));
                self.gate("u3", &[qubit], &angles);
            }
            for qubit in (layer % 2..self.width - 1).step_by(2) {
                self.gate("cx", &[qubit, qubit + 1], &[]);
            }
        }
    }

    fn fourier(&mut self) {
        for qubit in 0..self.width {
            self.gate("ry", &[qubit], &[0.1 + 0.2 * qubit as f64]);
        }
        for target in (0..self.width).rev() {
            self.gate("h", &[target], &[]);
            for control in (0..target).rev() {
                self.gate("cp", &[control, target], &[PI / f64::from(1_u32 << (target - control))]);
            }
        }
        for qubit in 0..self.width / 2 {
            self.gate("swap", &[qubit, self.width - 1 - qubit], &[]);
        }
    }

    fn qaoa(&mut self, layers: usize) {
        let mut stream = Stream::new(3);
        let [gamma, beta] =
            [(); 2].map(|()| (0..layers).map(|_| stream.uniform(0.0, PI)).collect::<Vec<_>>());
        let edges = cubic_graph(self.width);
        for qubit in 0..self.width {
            self.gate("h", &[qubit], &[]);
        }
        for layer in 0..layers {
            for &(a, b) in edges {
                self.gate("rzz", &[a, b], &[gamma[layer]]);
            }
            for qubit in 0..self.width {
                self.gate("rx", &[qubit], &[2.0 * beta[layer]]);
            }
        }
        self.terms = edges.iter().map(|&(a, b)| (1.0, "ZZ", vec![a, b])).collect();
    }

    fn ansatz(&mut self, layers: usize, sets: usize) {
        for layer in 0..layers {
            for qubit in 0..self.width {
                let first = 2 * (layer * self.width + qubit);
                self.gates.push(("ry", vec![qubit], Angles::Parameter(first)));
                self.gates.push(("rz", vec![qubit], Angles::Parameter(first + 1)));
            }
            for qubit in 0..self.width - 1 {
                self.gate("cx", &[qubit, qubit + 1], &[]);
            }
        }
        let mut stream = Stream::new(7);
        let couplings = ["XX", "YY", "ZZ"].map(|letters| (stream.uniform(0.5, 1.5), letters));
        self.terms = (0..self.width - 1)
            .flat_map(|qubit| {
                couplings.map(|(coupling, letters)| (coupling, letters, vec![qubit, qubit + 1]))
            })
            .collect();
        let mut stream = Stream::new(11);
        let mut set = || (0..2 * layers * self.width).map(|_| stream.uniform(0.0, TAU)).collect();
        self.parameters = (0..sets).map(|_| set()).collect();
    }
}

impl Noise {
    /// Adds what happens to the qubits of a gate.
    fn after(&self, qubits: &[usize], circuit: &mut Circuit) -> ketline::Result<()> {
        let (p, seconds) = if qubits.len() == 1 { self.u3 } else { self.cx };
        let relaxation = Channel::thermal_relaxation(seconds, self.t1, self.t2)?;
        let channel = |channel: Channel, qubits: &[usize]| Instruction::Channel {
            channel: channel.into(),
            qubits: qubits.to_vec(),
        };
        circuit.push(channel(Channel::depolarizing(p, qubits.len())?, qubits))?;
        qubits.iter().try_for_each(|qubit| circuit.push(channel(relaxation.clone(), &[*qubit])))
    }
}

/// The random 3-regular graphs that the peers were first measured with (configuration model, Python's generator, seed 5).
fn cubic_graph(vertices: usize) -> &'static [(usize, usize)] {
    match vertices {
        16 => &GRAPH_16,
        20 => &GRAPH_20,
        24 => &GRAPH_24,
        _ => panic!("graphs of 16, 20 and 24 vertices are written down, found {vertices}"),
    }
}

#[rustfmt::skip]
const GRAPH_16: [(usize, usize); 24] = [
    (0, 6), (0, 9), (0, 14), (1, 9), (1, 11), (1, 15), (2, 8), (2, 9), (2, 13), (3, 4), (3, 11), (3, 12), (4, 7), (4, 8),
    (5, 10), (5, 11), (5, 15), (6, 13), (6, 14), (7, 10), (7, 12), (8, 12), (10, 14), (13, 15),
];
#[rustfmt::skip]
const GRAPH_20: [(usize, usize); 30] = [
    (0, 1), (0, 9), (0, 13), (1, 3), (1, 5), (2, 7), (2, 12), (2, 16), (3, 14), (3, 18), (4, 8), (4, 18), (4, 19), (5, 13),
    (5, 17), (6, 7), (6, 10), (6, 12), (7, 15), (8, 10), (8, 11), (9, 15), (9, 16), (10, 17), (11, 13), (11, 14), (12, 18),
    (14, 16), (15, 19), (17, 19),
];
#[rustfmt::skip]
const GRAPH_24: [(usize, usize); 36] = [
    (0, 6), (0, 8), (0, 14), (1, 9), (1, 13), (1, 16), (2, 5), (2, 8), (2, 22), (3, 13), (3, 18), (3, 20), (4, 11), (4, 19),
    (4, 23), (5, 15), (5, 16), (6, 12), (6, 19), (7, 9), (7, 15), (7, 21), (8, 23), (9, 17), (10, 14), (10, 17), (10, 22),
    (11, 13), (11, 15), (12, 18), (12, 19), (14, 20), (16, 18), (17, 21), (20, 23), (21, 22),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_are_cubic() {
        for vertices in [16, 20, 24] {
            let mut degrees = vec![0; vertices];
            for &(a, b) in cubic_graph(vertices) {
                assert!(a < b);
                degrees[a] += 1;
                degrees[b] += 1;
            }
            assert!(degrees.iter().all(|degree| *degree == 3));
        }
    }

    /// Counts and values that the definitions in Python give.
    #[test]
    fn workloads_are_those_defined() {
        let definition = |kind, family, width| Definition::new(kind, family, width, "f64");
        let random = definition(Kind::State, Family::Random { layers: 20 }, 24);
        assert_eq!(random.gates.len(), 710);
        let qaoa = definition(Kind::Expectation, Family::Qaoa, 16);
        assert_eq!(qaoa.gates[16], ("rzz", vec![0, 6], Angles::Radians(vec![0.269_074_794_284_494_6])));
        let ansatz = definition(Kind::Gradients, Family::Ansatz { layers: 3, sets: 1000 }, 5);
        assert_eq!(ansatz.terms[1], (1.397_213_800_969_575_4, "YY", vec![0, 1]));
        assert_eq!(
            (ansatz.terms.len(), ansatz.parameters.len(), ansatz.parameters[999].len()),
            (12, 1000, 30)
        );
        assert_eq!(ansatz.parameters[999][29], 1.357_008_179_795_130_6);
        assert_eq!(ansatz.circuit().unwrap().parameters().len(), 30);
        let noisy = definition(Kind::Density, Family::Noisy { layers: 50 }, 5);
        assert_eq!(noisy.circuit().unwrap().instructions().len(), 50 * (5 * 3 + 2 * 4));
    }
}
