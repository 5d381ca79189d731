//! Circuits compiled for the density-matrix engine.

use std::ops::Range;

use super::curve::{Factor, Known, product};
use super::draft::{Costs, Draft, Map, What, fuse};
use super::kernel;
use super::state::PauliState;
use super::stencil::Stencil;
use super::wide::Wide;
use crate::circuit::{Confusion, Instruction, Parameters};
use crate::gate::Call;
use crate::simulator::bits;
use crate::simulator::branch::{fork, merge, records};
use crate::simulator::mixed::MAX_MIXED_QUBITS;
use crate::simulator::program::{Readout, checked, results, split};
use crate::simulator::state::{Branch, Ensemble};
use crate::{Circuit, Error, Matrix, Result};

/// A circuit ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) width: usize,
    parameters: Parameters,
    pub(crate) steps: Vec<Step>,
    /// Measurements that nothing follows.
    pub(crate) readouts: Vec<Readout>,
    /// The classical bits of the result, the first is the least significant.
    pub(crate) outputs: Vec<usize>,
    /// How many coefficients are bound.
    coefficients: usize,
}

/// A step of a program. `live` are the bits that a later step reads.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Map(Mapping),
    Wide { call: Call, slot: usize },
    Measure { qubit: usize, bit: usize, confusion: Confusion, live: u128 },
    If { bit: usize, value: bool, body: Vec<Step>, live: u128 },
}

/// A map on a few qubits.
#[derive(Debug, Clone)]
pub(crate) struct Mapping {
    pub(crate) qubits: Vec<usize>,
    pub(crate) factors: Vec<Factor>,
    pub(crate) stencil: Stencil,
    source: Source,
}

/// Where the coefficients of a map are.
#[derive(Debug, Clone)]
enum Source {
    Constant(Vec<f64>),
    Bound(Range<usize>),
}

/// A program's numbers for some values of its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    coefficients: Vec<f64>,
    /// The matrices of the gates on many qubits.
    matrices: Vec<Matrix>,
}

impl Program {
    /// Compiles a circuit.
    pub(crate) fn new(circuit: &Circuit) -> Result<Self> {
        if circuit.width() > MAX_MIXED_QUBITS {
            return Err(Error::TooManyQubits { found: circuit.width(), limit: MAX_MIXED_QUBITS });
        }
        bits::check(circuit.bits())?;
        let (body, readouts) = split(circuit)?;
        let outputs = results(circuit)?;
        let mut lowering = Lowering { costs: Costs::new(circuit.width()), ..Default::default() };
        let mut steps = lowering.steps(&body)?;
        mark_live(&mut steps, 0);
        Ok(Self {
            width: circuit.width(),
            parameters: circuit.parameters().clone(),
            steps,
            readouts,
            outputs,
            coefficients: lowering.coefficients,
        })
    }

    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The numbers for these values; finite values may still give an angle that is not.
    pub(crate) fn bind(&self, values: &[f64]) -> Result<Bound> {
        self.parameters.check(values)?;
        let mut bound = Bound { coefficients: vec![0.0; self.coefficients], matrices: Vec::new() };
        bind(&self.steps, values, &mut bound, &mut Spare::default())?;
        Ok(bound)
    }

    /// How many leading steps need no chance.
    pub(crate) fn certain(&self) -> usize {
        self.steps.iter().take_while(|step| matches!(step, Step::Map(_) | Step::Wide { .. })).count()
    }

    /// The bits of the result that are recorded before the end.
    pub(crate) fn kept(&self) -> u128 {
        let read_out = |bit: &usize| self.readouts.iter().any(|readout| readout.bit == *bit);
        self.outputs.iter().filter(|bit| !read_out(bit)).fold(0, |mask, bit| mask | 1 << bit)
    }

    /// Passes over the state that a run takes.
    pub(crate) fn passes(&self) -> usize {
        fn passes(steps: &[Step]) -> usize {
            let of = |step: &Step| match step {
                Step::If { body, .. } => passes(body),
                _ => 1,
            };
            steps.iter().map(of).sum()
        }
        passes(&self.steps)
    }

    /// Runs from `initial`. Bits outside of `keep` are forgotten once no step reads them any more, and branches with equal
    /// bits are mixed.
    pub(crate) fn run(&self, bound: &Bound, initial: PauliState, keep: u128) -> Result<Ensemble<PauliState>> {
        let branches = vec![Branch { probability: 1.0, bits: 0, state: initial }];
        let branches = self.evolve(&self.steps, bound, branches, keep)?;
        Ok(Ensemble { width: self.width, branches })
    }

    fn evolve(
        &self,
        steps: &[Step],
        bound: &Bound,
        mut branches: Vec<Branch<PauliState>>,
        keep: u128,
    ) -> Result<Vec<Branch<PauliState>>> {
        for step in steps {
            match step {
                Step::Map(_) | Step::Wide { .. } => {
                    for branch in &mut branches {
                        self.apply(step, bound, &mut branch.state);
                    }
                }
                Step::Measure { qubit, bit, confusion, live } => {
                    branches = fork(branches, *qubit, *bit, &records(*confusion))?;
                    merge(&mut branches, live | keep);
                }
                Step::If { bit, value, body, live } => {
                    let (chosen, others): (Vec<_>, Vec<_>) =
                        branches.into_iter().partition(|branch| (branch.bits >> bit & 1 == 1) == *value);
                    branches = others;
                    branches.extend(self.evolve(body, bound, chosen, keep)?);
                    merge(&mut branches, live | keep);
                }
            }
        }
        Ok(branches)
    }

    /// Applies a step that needs no chance.
    pub(crate) fn apply(&self, step: &Step, bound: &Bound, state: &mut PauliState) {
        match step {
            Step::Map(map) => kernel::apply(&map.stencil, map.coefficients(bound), state.vector_mut()),
            Step::Wide { call, slot } => {
                Wide::new(call, &bound.matrices[*slot]).apply(state, self.width, false);
            }
            Step::Measure { .. } | Step::If { .. } => {}
        }
    }
}

impl Mapping {
    fn coefficients<'a>(&'a self, bound: &'a Bound) -> &'a [f64] {
        match &self.source {
            Source::Constant(list) => list,
            Source::Bound(range) => &bound.coefficients[range.clone()],
        }
    }
}

impl Step {
    /// Whether parameters take part.
    pub(crate) fn is_constant(&self) -> bool {
        match self {
            Self::Map(map) => matches!(map.source, Source::Constant(_)),
            Self::Wide { call, .. } => call.is_constant(),
            Self::Measure { .. } | Self::If { .. } => true,
        }
    }

    /// The name of the kind of step.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Map(_) | Self::Wide { .. } => "gate",
            Self::Measure { .. } => "measure",
            Self::If { .. } => "if",
        }
    }
}

/// From instructions to steps.
#[derive(Default)]
struct Lowering {
    costs: Costs,
    known: Known,
    coefficients: usize,
    matrices: usize,
}

impl Lowering {
    fn steps(&mut self, body: &[&Instruction]) -> Result<Vec<Step>> {
        let drafts = body.iter().filter_map(|step| Draft::of(step, &mut self.known)).collect();
        let drafts = fuse(drafts, self.costs);
        let steps = drafts.into_iter().filter_map(|draft| self.step(draft).transpose());
        steps.collect()
    }

    /// `None` for a map that does nothing.
    fn step(&mut self, draft: Draft<'_>) -> Result<Option<Step>> {
        Ok(Some(match draft.what {
            What::Map(map) => return Ok(self.mapping(draft.qubits, map).map(Step::Map)),
            What::Wide(call) => {
                self.matrices += 1;
                Step::Wide { call: call.clone(), slot: self.matrices - 1 }
            }
            What::Other(Instruction::Measure { qubit, bit, confusion }) => {
                let confusion = checked(*confusion)?.unwrap_or_default();
                Step::Measure { qubit: *qubit, bit: *bit, confusion, live: 0 }
            }
            What::Other(Instruction::If { bit, value, body }) => {
                let body = self.steps(&body.iter().collect::<Vec<_>>())?;
                Step::If { bit: *bit, value: *value, body, live: 0 }
            }
            What::Other(Instruction::Pulse(call)) => return Err(call.refused()),
            What::Other(_) => return Ok(None),
        }))
    }

    fn mapping(&mut self, qubits: Vec<usize>, map: Map) -> Option<Mapping> {
        let Map { factors, pattern } = map;
        let stencil = Stencil::new(&qubits, &pattern, kernel::lanes());
        if stencil.is_idle() {
            return None;
        }
        let source = if let [Factor::Constant(map)] = factors.as_slice() {
            let mut list = vec![0.0; stencil.len()];
            stencil.gather(&map.entries, &mut list);
            Source::Constant(list)
        } else {
            let start = self.coefficients;
            self.coefficients += stencil.len();
            Source::Bound(start..self.coefficients)
        };
        Some(Mapping { qubits, factors, stencil, source })
    }
}

/// Room for products.
#[derive(Debug, Default)]
struct Spare {
    entries: Vec<f64>,
    pair: [Vec<f64>; 2],
}

fn bind(steps: &[Step], values: &[f64], bound: &mut Bound, spare: &mut Spare) -> Result<()> {
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Map(map) => {
                let Source::Bound(range) = &map.source else { continue };
                spare.entries.resize(1 << (4 * map.qubits.len()), 0.0);
                product(&map.factors, values, &mut spare.entries, &mut spare.pair);
                let coefficients = &mut bound.coefficients[range.clone()];
                map.stencil.gather(&spare.entries, coefficients);
                if !coefficients.iter().all(|coefficient| coefficient.is_finite()) {
                    let turned = map
                        .factors
                        .iter()
                        .find(|factor| factor.angles().iter().any(|angle| !angle.value(values).is_finite()));
                    return Err(Error::Angle { gate: turned.map_or("", Factor::name).into(), step: number });
                }
            }
            Step::Wide { call, .. } => {
                let angles = call.values(values);
                if !angles.iter().all(|angle| angle.is_finite()) {
                    return Err(Error::Angle { gate: call.name(), step: number });
                }
                bound.matrices.push(call.gate.matrix(&angles));
            }
            Step::If { body, .. } => bind(body, values, bound, spare)?,
            Step::Measure { .. } => {}
        }
    }
    Ok(())
}

/// Notes at each step which bits are read later, given those that are read after the last; returns those before the first.
fn mark_live(steps: &mut [Step], mut after: u128) -> u128 {
    for step in steps.iter_mut().rev() {
        match step {
            Step::Measure { bit, live, .. } => {
                *live = after;
                after &= !(1 << *bit);
            }
            Step::If { bit, body, live, .. } => {
                *live = after;
                after |= mark_live(body, after) | 1 << *bit;
            }
            Step::Map(_) | Step::Wide { .. } => {}
        }
    }
    after
}
