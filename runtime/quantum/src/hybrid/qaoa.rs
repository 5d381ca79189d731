//! QAOA on a noisy device, with its mixer as gates or as pulses.

use rayon::prelude::*;

use super::course::Course;
use super::{Freedom, MaxCut, MixerPulse, PulseMixer, Score};
use crate::circuit::{Confusion, Instruction};
use crate::device::{CompileOptions, Device, Layout, NoisyDevice, compile};
use crate::gate::{Call, Gate};
use crate::simulator::{QuantumState, sampling};
use crate::{Angle, Builder, Circuit, Error, Result};

/// What makes the mixer of some physical qubits.
pub type MakeMixer<'a> = &'a dyn Fn(&[usize]) -> Result<PulseMixer>;

/// How qubits are mixed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Mixing {
    /// By `rx` as the device compiles it: two pulses a qubit.
    Gates,
    /// By one trained pulse a qubit.
    Pulses(PulseMixer),
}

/// A QAOA circuit for a graph on a noisy device: problem layers compiled to gates, mixers of one or the other kind.
///
/// Parameters of a layer are γ, then those of its mixer by [`Freedom`]; layers follow one another. γ is the angle of
/// `exp(-i γ/2 ZZ)` on every edge; the mixer turns by its angle about X, or about `cos(φ) X + sin(φ) Y` with a phase φ.
#[derive(Debug, Clone)]
pub struct Qaoa<'d> {
    problem: MaxCut,
    layers: usize,
    freedom: Freedom,
    mixing: Mixing,
    device: &'d NoisyDevice,
    physical: Vec<usize>,
    /// The physical qubits that the vertices begin on.
    first: Vec<usize>,
    /// Where the vertices stand among the circuit's qubits at the end.
    last: Vec<usize>,
    swaps: usize,
    entanglers: usize,
    confusion: Vec<Confusion>,
    /// The compiled circuit; mixers of pulses are marked by resets.
    compiled: Circuit,
    /// The circuit's qubits that the vertices are on in each mixer of pulses.
    places: Vec<Vec<usize>>,
    /// The compiled circuit with its noise, planned.
    course: Course,
}

impl<'d> Qaoa<'d> {
    /// Compiles the circuit. `pulses` makes the mixer for the physical qubits that take part, in their order; without, it is made of
    /// gates.
    ///
    /// # Errors
    /// [`Error::DegenerateMixer`], [`Error::Setting`] for no layer or more than 16, as [`compile()`] and
    /// [`NoiseModel::apply`](crate::device::NoiseModel::apply), and those of `pulses`.
    pub fn new(
        problem: &MaxCut,
        layers: usize,
        freedom: Freedom,
        device: &'d NoisyDevice,
        options: &CompileOptions,
        pulses: Option<MakeMixer<'_>>,
    ) -> Result<Self> {
        freedom.check()?;
        if !(1..=16).contains(&layers) {
            return Err(Error::Setting { name: "layers", found: layers as f64, expected: "1 to 16" });
        }
        let routed = compile(&declare(problem, layers, freedom)?, device.target(), options)?;
        let first: Vec<usize> = routed.initial().iter().map(|place| routed.physical()[*place]).collect();
        let (swaps, mut last) = (routed.swaps(), routed.last().to_vec());
        let compiled = if pulses.is_some() {
            routed
        } else {
            // The same problem layers on the same qubits, so that the two differ in their mixers alone; what can be merged with
            // the gates of a mixer is
            let layout = Layout::Fixed(routed.physical().to_vec());
            let filled = fill(routed.circuit(), freedom, problem.vertices())?;
            let compiled = compile(&filled, device.target(), &CompileOptions { layout, ..options.clone() })?;
            for place in &mut last {
                *place = compiled.last()[*place];
            }
            compiled
        };
        let physical = compiled.physical().to_vec();
        let mixing = match pulses {
            Some(make) => Mixing::Pulses(make(&physical)?),
            None => Mixing::Gates,
        };
        let confusion = device.confusion(&compiled);
        let entanglers = compiled.entanglers();
        let (compiled, places) = marked(compiled.circuit(), problem.vertices())?;
        let course = plan(device, &compiled, &physical, &mixing, &places)?;
        Ok(Self {
            problem: problem.clone(),
            layers,
            freedom,
            mixing,
            device,
            physical,
            first,
            last,
            swaps,
            entanglers,
            confusion,
            compiled,
            places,
            course,
        })
    }

    /// The graph.
    pub fn problem(&self) -> &MaxCut {
        &self.problem
    }

    /// How qubits are mixed.
    pub fn mixing(&self) -> &Mixing {
        &self.mixing
    }

    /// How many parameters there are.
    pub fn parameters(&self) -> usize {
        self.layers * (1 + self.freedom.count(self.problem.vertices()))
    }

    /// Two-qubit gates of the circuit.
    pub fn entanglers(&self) -> usize {
        self.entanglers
    }

    /// Swaps that routing put in.
    pub fn swaps(&self) -> usize {
        self.swaps
    }

    /// The physical qubit that a vertex begins on; the same for both kinds of mixer.
    pub fn place(&self, vertex: usize) -> Option<usize> {
        self.first.get(vertex).copied()
    }

    /// The physical qubits that take part.
    pub fn physical(&self) -> &[usize] {
        &self.physical
    }

    /// A start that fades the graph in and the mixer out: coarse annealing.
    pub fn ramp(&self) -> Vec<f64> {
        let n = self.problem.vertices();
        let mut values = Vec::with_capacity(self.parameters());
        for layer in 0..self.layers {
            let along = (layer as f64 + 0.5) / self.layers as f64;
            values.push(0.3 + 0.6 * along);
            let angles = if self.freedom.angle == super::Sharing::All { 1 } else { n };
            // With the sign of γ, mixing goes the other way round.
            values.extend(std::iter::repeat_n(-(0.4 + 0.8 * (1.0 - along)), angles));
            values.extend(std::iter::repeat_n(0.0, self.freedom.count(n) - angles));
        }
        values
    }

    /// Probabilities of the partitions, readout errors left out: bit k is the side of vertex k.
    ///
    /// # Errors
    /// [`Error::ParameterCount`], [`Error::NotFinite`], and what the simulation reports.
    pub fn probabilities(&self, values: &[f64]) -> Result<Vec<f64>> {
        self.probabilities_with(values, &self.pulses(values)?)
    }

    fn probabilities_with(&self, values: &[f64], pulses: &[MixerPulse]) -> Result<Vec<f64>> {
        self.check(values)?;
        let state = self.course.run(values, pulses)?;
        let list = state.probabilities_of(&self.last)?;
        Ok(list.into_iter().map(|p| p.max(0.0)).collect())
    }

    /// The mean approximation ratio without readout errors, as many shots would tell it.
    ///
    /// # Errors
    /// As [`Self::probabilities`].
    pub fn ratio(&self, values: &[f64]) -> Result<f64> {
        self.ratio_with(values, &self.pulses(values)?)
    }

    /// [`Self::ratio`] where what the pulses do with these values is known.
    pub(super) fn ratio_with(&self, values: &[f64], pulses: &[MixerPulse]) -> Result<f64> {
        let list = self.probabilities_with(values, pulses)?;
        Ok(list.iter().enumerate().map(|(bits, p)| p * self.problem.ratio(bits)).sum())
    }

    /// The score of `shots` outcomes with readout errors.
    ///
    /// # Errors
    /// [`Error::NoShots`]; as [`Self::probabilities`] and [`Score::of`].
    pub fn score(&self, values: &[f64], score: Score, shots: usize, seed: u64) -> Result<f64> {
        if shots == 0 {
            return Err(Error::NoShots);
        }
        let mut seen = self.probabilities(values)?;
        for (vertex, c) in self.confusion.iter().enumerate() {
            for k in (0..seen.len()).filter(|k| k >> vertex & 1 == 0) {
                let (zero, one) = (seen[k], seen[k | 1 << vertex]);
                seen[k] = zero * (1.0 - c.p1_given_0) + one * c.p0_given_1;
                seen[k | 1 << vertex] = zero * c.p1_given_0 + one * (1.0 - c.p0_given_1);
            }
        }
        let counts = sampling::draw(seen.as_slice(), shots, seed)?;
        let mut frequencies = vec![0.0; seen.len()];
        for (bits, share) in counts.frequencies() {
            frequencies[bits as usize] = share;
        }
        score.of(&self.problem, &frequencies, &self.confusion)
    }

    /// What the pulses of all mixers do with these values, layer by layer and vertex by vertex; nothing where gates mix.
    ///
    /// # Errors
    /// As [`Self::probabilities`].
    pub fn pulses(&self, values: &[f64]) -> Result<Vec<MixerPulse>> {
        self.check(values)?;
        let Mixing::Pulses(mixer) = &self.mixing else { return Ok(Vec::new()) };
        let n = self.problem.vertices();
        let all: Vec<(usize, usize)> = (0..self.layers).flat_map(|l| (0..n).map(move |v| (l, v))).collect();
        all.par_iter()
            .map(|&(layer, vertex)| {
                let (angle, phase) = self.freedom.of(self.layer(values, layer), 0.0, vertex, n);
                mixer.pulse(self.places[layer][vertex], angle, phase)
            })
            .collect()
    }

    /// The same circuit with mixers of another duration.
    ///
    /// # Errors
    /// Those of `pulses`.
    pub fn with_mixer(&self, pulses: MakeMixer<'_>) -> Result<Self> {
        let mixing = Mixing::Pulses(pulses(&self.physical)?);
        let course = plan(self.device, &self.compiled, &self.physical, &mixing, &self.places)?;
        Ok(Self { mixing, course, ..self.clone() })
    }

    fn check(&self, values: &[f64]) -> Result<()> {
        let (found, expected) = (values.len(), self.parameters());
        if found != expected {
            return Err(Error::ParameterCount { found, expected });
        }
        match values.iter().position(|v| !v.is_finite()) {
            Some(index) => Err(Error::NotFinite { what: "the parameters", index, value: values[index] }),
            None => Ok(()),
        }
    }

    /// The mixer's parameters of a layer.
    fn layer<'v>(&self, values: &'v [f64], layer: usize) -> &'v [f64] {
        let count = 1 + self.freedom.count(self.problem.vertices());
        &values[layer * count + 1..(layer + 1) * count]
    }
}

/// The circuit with its noise, planned; a mixer of pulses takes as long as it takes.
fn plan(
    device: &NoisyDevice,
    compiled: &Circuit,
    physical: &[usize],
    mixing: &Mixing,
    places: &[Vec<usize>],
) -> Result<Course> {
    let seconds = match mixing {
        Mixing::Pulses(mixer) => Some(mixer.seconds()),
        Mixing::Gates => None,
    };
    let timed = |step: &Instruction| seconds.filter(|_| matches!(step, Instruction::Reset { .. }));
    Course::new(&device.noise().apply_timed(compiled, physical, &timed)?, &places.concat())
}

/// A compiled circuit without barriers, which only told mixers apart: a qubit is mixed when its last gate is done. With the qubits
/// of each mixer.
fn marked(compiled: &Circuit, vertices: usize) -> Result<(Circuit, Vec<Vec<usize>>)> {
    let (mut kept, mut places) = (compiled.emptied(), Vec::new());
    for step in compiled.instructions() {
        match step {
            Instruction::Reset { qubit } => places.push(*qubit),
            Instruction::Barrier { .. } => continue,
            _ => {}
        }
        kept.push(step.clone())?;
    }
    Ok((kept, places.chunks(vertices).map(<[usize]>::to_vec).collect()))
}

/// The circuit before it is compiled. A mixer is marked by a reset of every qubit between barriers, which the
/// compiler leaves where it is; the resets come in the order of the vertices.
fn declare(problem: &MaxCut, layers: usize, freedom: Freedom) -> Result<Circuit> {
    let n = problem.vertices();
    let mut b = Builder::new("qaoa");
    let q = b.qubits("q", n);
    let values = b.parameters("values", layers * (1 + freedom.count(n)));
    b.h(&q);
    for layer in values.chunks(1 + freedom.count(n)) {
        for (i, j) in problem.edges() {
            b.rzz(layer[0], q.at(i), q.at(j));
        }
        b.barrier(&q);
        (0..n).for_each(|vertex| b.reset(q.at(vertex)));
        b.barrier(&q);
    }
    b.finish()
}

/// A routed circuit with gates where its mixers are marked.
fn fill(routed: &Circuit, freedom: Freedom, n: usize) -> Result<Circuit> {
    let mut filled = routed.emptied();
    let values: Vec<Angle> = (0..routed.parameters().len()).map(Angle::parameter).collect();
    let mut layers = values.chunks(1 + freedom.count(n));
    let mut places: Vec<usize> = Vec::new();
    for step in routed.instructions() {
        match step {
            Instruction::Reset { qubit } => places.push(*qubit),
            Instruction::Barrier { .. } if places.len() == n => {
                let layer = layers.next().unwrap_or_default();
                for (vertex, place) in places.drain(..).enumerate() {
                    let (angle, phase) = freedom.of(&layer[1..], Angle::ZERO, vertex, n);
                    for (gate, angle) in [("rz", -phase), ("rx", angle), ("rz", phase)] {
                        let gate = Gate::named(gate).filter(|_| angle != Angle::ZERO);
                        if let Some(gate) = gate {
                            filled.push(Instruction::Gate(Call::new(gate, [angle], [place])))?;
                        }
                    }
                }
            }
            Instruction::Barrier { .. } => {}
            other => filled.push(other.clone())?,
        }
    }
    Ok(filled)
}
