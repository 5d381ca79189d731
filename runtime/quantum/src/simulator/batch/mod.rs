//! Many parameter sets of one small circuit at once.
//!
//! A vector of the processor holds the same amplitude of eight states (four, two: as it has lanes), each of its own set
//! of parameters, so that even a circuit of two qubits keeps all lanes busy. Flips are names of slots, settled when the
//! circuit is compiled; what is left are real rotations and phases.
#![allow(unsafe_code)] // kernels
#![allow(clippy::inline_always)] // instructions of the processor are only used inside of a function that has them

mod angles;
mod draw;
mod frame;
mod groups;
mod operation;
mod places;
mod run;
mod scratch;
mod sincos;
mod slots;
mod terms;
#[cfg(test)]
mod tests;
mod trajectory;
mod unravel;

use ndarray::{Array1, Array2, ArrayView2};
use rayon::prelude::*;

pub(super) use self::draw::Walks;
use self::operation::Operations;
use self::run::{CHUNK, Chunk, vectors};
use self::scratch::Scratch;
use self::terms::Terms;
pub(super) use self::trajectory::Trajectory;
use super::sweep::vector::{Dispatch, Level};
use super::{MAX_QUBITS, Plan, Simulator, StateVector, memory, program};
use crate::circuit::Instruction;
use crate::gate::Call;
use crate::gradient::Adjoint;
use crate::{Circuit, Error, Observable, Result};

/// Qubits up to which states share vectors: the states of a group then fit in the second cache. Wider circuits run one
/// parameter set after the other, and fill the vectors with neighbouring amplitudes.
const MAX_LANE_QUBITS: usize = 10;

/// Work of a task below which threads are not worth waking, in slots times operations.
const SMALL: usize = 1 << 14;

/// A unitary circuit compiled for expectations and gradients at many sets of parameter values at once: the regime of
/// variational training, where circuits are small and evaluations many.
///
/// Made by [`StateVector::batch`]. Sets are rows, parameters in flat order columns. Results do not depend on the number
/// of threads, nor on the other sets; the instructions of the processor change them by rounding only.
///
/// ```
/// use ketline_quantum::simulator::StateVector;
/// use ketline_quantum::{Angle, Builder, Observable};
/// use ndarray::Array2;
///
/// let mut b = Builder::new("one");
/// let (q, theta): (_, Angle) = (b.qubit("q"), b.parameter("theta"));
/// b.ry(theta, q);
/// let plan = StateVector::new().batch(&b.finish()?)?;
///
/// // 1,000 angles at once
/// let angles = Array2::from_shape_fn((1000, 1), |(set, _)| 0.01 * set as f64);
/// let batch = plan.gradients(&Observable::z(0), &angles)?;
/// for ((set, _), angle) in angles.indexed_iter() {
///     assert!((batch.values[set] - angle.cos()).abs() < 1e-14);
///     assert!((batch.gradients[(set, 0)] + angle.sin()).abs() < 1e-14);
/// }
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BatchPlan {
    circuit: Circuit,
    /// `None` for a circuit that is too wide.
    operations: Option<Operations>,
    level: Level,
}

/// Expectations and their gradients at many sets of parameter values.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients {
    /// The expectation of each set.
    pub values: Array1<f64>,
    /// A row a set: the derivative by each parameter, in flat order.
    pub gradients: Array2<f64>,
}

impl StateVector<f64> {
    /// Compiles a circuit of gates for many sets of parameter values at once. Measurements that nothing follows are left
    /// out, as everywhere.
    ///
    /// # Errors
    /// [`Error::NeedsMixedState`] for noise, [`Error::NotUnitaryStep`] for measurement before the end, reset and
    /// conditions; [`Error::TooManyQubits`].
    pub fn batch(&self, circuit: &impl AsRef<Circuit>) -> Result<BatchPlan> {
        BatchPlan::new(circuit.as_ref(), Level::best())
    }
}

impl BatchPlan {
    fn new(circuit: &Circuit, level: Level) -> Result<Self> {
        if circuit.width() > MAX_QUBITS {
            return Err(Error::TooManyQubits { found: circuit.width(), limit: MAX_QUBITS });
        }
        let (body, _) = program::split(circuit)?;
        let calls = body.into_iter().map(call).collect::<Result<Vec<_>>>()?;
        let operations = (circuit.width() <= MAX_LANE_QUBITS).then(|| Operations::of(calls, circuit.width()));
        Ok(Self { circuit: circuit.clone(), operations, level })
    }

    /// How many parameters a set has.
    pub fn parameters(&self) -> usize {
        self.circuit.parameters().len()
    }

    /// The expectation of an observable at each set of parameter values: an array with a row a set, or a view of one.
    ///
    /// # Errors
    /// [`Error::ParameterCount`] for the length of the rows, [`Error::ParameterValue`], [`Error::Angle`] where finite
    /// values give no finite angle; as [`Observable::real_terms`]; [`Error::Memory`].
    pub fn expectations<'a>(
        &self,
        observable: &Observable,
        values: impl Into<ArrayView2<'a, f64>>,
    ) -> Result<Array1<f64>> {
        let mut expectations = Array1::zeros(0);
        self.evaluate(observable, &values.into(), &mut expectations, None)?;
        Ok(expectations)
    }

    /// The expectation of an observable at each set of parameter values and its gradient, by the adjoint method.
    ///
    /// # Errors
    /// As [`Self::expectations`].
    pub fn gradients<'a>(
        &self,
        observable: &Observable,
        values: impl Into<ArrayView2<'a, f64>>,
    ) -> Result<Gradients> {
        let mut batch = Gradients { values: Array1::zeros(0), gradients: Array2::zeros((0, 0)) };
        self.evaluate(observable, &values.into(), &mut batch.values, Some(&mut batch.gradients))?;
        Ok(batch)
    }

    /// Fills `expectations`, and `gradients` if they are wanted.
    fn evaluate(
        &self,
        observable: &Observable,
        values: &ArrayView2<'_, f64>,
        expectations: &mut Array1<f64>,
        gradients: Option<&mut Array2<f64>>,
    ) -> Result<()> {
        let width = self.circuit.width();
        let terms = observable.real_terms(width)?;
        let (sets, parameters) = values.dim();
        if parameters != self.parameters() {
            return Err(Error::ParameterCount { found: parameters, expected: self.parameters() });
        }
        let values = values.as_standard_layout();
        let values = values.as_slice().unwrap_or_default(); // the standard layout is a slice
        let largest = self.largest(values)?;
        memory::check(width, 8 * (sets as u64).saturating_mul(1 + parameters as u64))?;
        *expectations = Array1::zeros(sets);
        let expectations = expectations.as_slice_mut().unwrap_or_default();
        let gradients = gradients.map(|gradients| {
            *gradients = Array2::zeros((sets, parameters));
            gradients.as_slice_mut().unwrap_or_default()
        });
        let batch = Batch { values, parameters, expectations, gradients };
        match &self.operations {
            Some(operations) if operations.angles.bound(largest).is_finite() => {
                let terms = Terms::new(&terms, &operations.frame, operations.slots());
                batch.run(operations, &terms, operations.angles.bound(largest), self.level)
            }
            _ => batch.one_by_one(&self.circuit, observable),
        }
    }

    /// The largest modulus of any value; refuses those that are not finite.
    fn largest(&self, values: &[f64]) -> Result<f64> {
        // eight maxima at a time: one chain of them would take as long as the circuits
        let (mut largest, mut faults) = ([0.0_f64; 8], [0.0_f64; 8]);
        let (whole, rest) = values.as_chunks::<8>();
        let mut look = |k: usize, value: f64| {
            let size = value.abs();
            largest[k] = if size > largest[k] { size } else { largest[k] };
            faults[k] += value * 0.0; // NaN where the value is not finite
        };
        for part in whole {
            part.iter().enumerate().for_each(|(k, value)| look(k, *value));
        }
        rest.iter().enumerate().for_each(|(k, value)| look(k, *value));
        if faults.iter().any(|sum| sum.is_nan())
            && let Some(at) = values.iter().position(|value| !value.is_finite())
        {
            let name = self.circuit.parameters().name(at % self.parameters());
            return Err(Error::ParameterValue { name, value: values[at].to_string() });
        }
        Ok(largest.into_iter().fold(0.0, f64::max))
    }
}

/// Rows of values, and where the results go.
struct Batch<'a> {
    values: &'a [f64],
    parameters: usize,
    expectations: &'a mut [f64],
    gradients: Option<&'a mut [f64]>,
}

impl Batch<'_> {
    /// All sets in lanes.
    fn run(self, operations: &Operations, terms: &Terms, bound: f64, level: Level) -> Result<()> {
        let (sets, parameters, with_gradient) =
            (self.expectations.len(), self.parameters, self.gradients.is_some());
        let threads = rayon::current_num_threads();
        let vectors = vectors(operations, with_gradient);
        let bytes = Scratch::bytes(vectors);
        memory::check(operations.width, bytes.saturating_mul(threads as u64))?;
        let chunk = |scratch: &mut Scratch, at: usize, expectations: &mut [f64], gradients| {
            let values = &self.values[at * CHUNK * parameters..][..expectations.len() * parameters];
            let chunk =
                Chunk { operations, terms, values, parameters, bound, scratch, expectations, gradients };
            // SAFETY: the scratch is that of these operations
            unsafe { f64::run(level, chunk) }
        };
        let count = sets.div_ceil(CHUNK);
        let rows: Vec<Option<&mut [f64]>> = match self.gradients {
            Some(all) if parameters > 0 => all.chunks_mut(CHUNK * parameters).map(Some).collect(),
            Some(_) => (0..count).map(|_| Some(<&mut [f64]>::default())).collect(),
            None => (0..count).map(|_| None).collect(),
        };
        let tasks: Vec<_> = self.expectations.chunks_mut(CHUNK).zip(rows).enumerate().collect();
        let new = || Scratch::new(vectors);
        let work = operations.slots().saturating_mul(operations.list.len()).saturating_mul(sets);
        if threads == 1 || work < SMALL {
            let mut scratch = new();
            for (at, (expectations, gradients)) in tasks {
                chunk(&mut scratch, at, expectations, gradients);
            }
        } else {
            tasks.into_par_iter().for_each_init(new, |scratch, (at, (expectations, gradients))| {
                chunk(scratch, at, expectations, gradients);
            });
        }
        Ok(())
    }

    /// What does not fit in lanes: each set by a run of its own.
    fn one_by_one(self, circuit: &Circuit, observable: &Observable) -> Result<()> {
        let parameters = self.parameters;
        let row = |set: usize| &self.values[set * parameters..][..parameters];
        if let Some(gradients) = self.gradients {
            let adjoint = Adjoint::new(circuit)?;
            for (set, value) in self.expectations.iter_mut().enumerate() {
                let found = adjoint.gradient(observable, row(set))?;
                *value = found.value;
                gradients[set * parameters..][..parameters].copy_from_slice(&found.gradient);
            }
            return Ok(());
        }
        let plan = StateVector::new().plan(circuit)?;
        for (set, value) in self.expectations.iter_mut().enumerate() {
            *value = plan.expectation(observable, row(set))?;
        }
        Ok(())
    }
}

/// The gate of a step.
fn call(step: &Instruction) -> Result<&Call> {
    match step {
        Instruction::Gate(call) => Ok(call),
        Instruction::Channel { channel, .. } => {
            Err(Error::NeedsMixedState { channel: channel.name().to_owned() })
        }
        Instruction::Pulse(call) => Err(call.refused()),
        _ => Err(Error::NotUnitaryStep { what: "a batch", step: step.name() }),
    }
}
