//! The state-vector simulator.

use std::fmt;
use std::marker::PhantomData;

use super::branch;
use super::counts::Counts;
use super::machine::Prediction;
use super::precision::Precision;
use super::program::{Program, Step};
use super::pure::PureState;
use super::shot::Shots;
use super::state::{Ensemble, QuantumState};
use super::sweep::effort::Effort;
use super::{Plan, Simulator, kernel, readout};
use crate::{Circuit, Error, Observable, Result};

/// Simulates pure states: exact, `2^n` amplitudes.
///
/// Measurements and resets in the middle of a circuit make one [`Branch`](super::Branch) an outcome. Noise channels are
/// refused with [`Error::NeedsMixedState`].
#[derive(Debug, Clone, Copy, Default)]
pub struct StateVector<T = f64> {
    precision: PhantomData<T>,
}

impl StateVector<f64> {
    /// The simulator in double precision.
    pub const fn new() -> Self {
        Self { precision: PhantomData }
    }
}

impl StateVector<f32> {
    /// The simulator in single precision: half of the memory, about seven digits.
    pub const fn single() -> Self {
        Self { precision: PhantomData }
    }
}

impl<T: Precision> Simulator for StateVector<T> {
    type Plan = VectorPlan<T>;

    fn plan(&self, circuit: &impl AsRef<Circuit>) -> Result<VectorPlan<T>> {
        let program = Program::new(circuit.as_ref())?;
        match channel(&program.steps) {
            Some(channel) => Err(Error::NeedsMixedState { channel }),
            None => Ok(VectorPlan { program }),
        }
    }
}

/// The name of a channel in the steps.
fn channel<T>(steps: &[Step<T>]) -> Option<String> {
    steps.iter().find_map(|step| match step {
        Step::Kraus(kraus) => Some(kraus.name.clone()),
        Step::If { body, .. } => channel(body),
        _ => None,
    })
}

/// A circuit compiled for [`StateVector`].
#[derive(Debug, Clone)]
pub struct VectorPlan<T = f64> {
    program: Program<T>,
}

impl<T: Precision> VectorPlan<T> {
    /// Runs from another state than |0...0>.
    ///
    /// # Errors
    /// [`Error::Dimension`] for a state of another width; as [`Plan::run`].
    pub fn run_from(&self, initial: PureState<T>, values: &[f64]) -> Result<Ensemble<PureState<T>>> {
        self.evolve(initial, values, u128::MAX)
    }

    /// As [`Plan::probabilities`], from another state than |0...0>.
    ///
    /// # Errors
    /// As [`Self::run_from`] and [`Plan::probabilities`].
    pub fn probabilities_from(&self, initial: PureState<T>, values: &[f64]) -> Result<Vec<f64>> {
        readout::probabilities(&self.program, &self.evolve(initial, values, self.program.kept())?)
    }

    /// The least time of a run on this machine with the threads that there are: what it moves and computes, as printed,
    /// against the bandwidth and the floating-point peak of [`Machine::measured`](super::Machine::measured). Gates under
    /// conditions are left out, and so are reading the result and measurements on the way.
    ///
    /// ```
    /// # use ketline_quantum::simulator::{Simulator, StateVector};
    /// # use ketline_quantum::Builder;
    /// # let mut b = Builder::new("one");
    /// # let q = b.qubit("q");
    /// # b.h(q);
    /// let plan = StateVector::new().plan(&b.finish()?)?;
    /// let prediction = plan.prediction();
    /// println!("{plan}\n{prediction}"); // ... at least 12.345 ms with 1 thread, bound by arithmetic ...
    /// assert!(prediction.seconds() < 1.0);
    /// # Ok::<(), ketline_quantum::Error>(())
    /// ```
    pub fn prediction(&self) -> Prediction {
        let width = self.program.width;
        let threads = if 1 << width < kernel::PARALLEL { 1 } else { rayon::current_num_threads() };
        let efforts = self.program.engines().map(|engine| engine.effort(width));
        let sum = |(bytes, operations), effort: Effort| {
            (bytes + effort.bytes, operations + 2.0 * effort.multiply_adds)
        };
        let (bytes, operations) = efforts.fold((0.0, 0.0), sum);
        Prediction::new::<T>(bytes, operations, threads)
    }

    fn evolve(&self, initial: PureState<T>, values: &[f64], keep: u128) -> Result<Ensemble<PureState<T>>> {
        if initial.width() != self.program.width {
            return Err(Error::Dimension {
                what: "the initial state",
                found: initial.as_slice().len(),
                expected: 1 << self.program.width,
            });
        }
        branch::run(&self.program, &self.program.bind(values)?, initial, keep)
    }
}

impl<T: Precision> fmt::Display for VectorPlan<T> {
    /// Passes over the state, multiply-adds and bytes of a run, for each run of gates between measurements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.program.width;
        let bits = 8 * size_of::<T>();
        write!(f, "state vector of {width} qubits: {} amplitudes of 2 x {bits} bits", 1_u64 << width)?;
        self.program.engines().try_for_each(|engine| {
            write!(f, "\nkernels        {}\n{}", engine.level().name(), engine.effort(width))
        })
    }
}

impl<T: Precision> Plan for VectorPlan<T> {
    type State = Ensemble<PureState<T>>;

    fn passes(&self) -> usize {
        self.program.passes()
    }

    fn run(&self, values: &[f64]) -> Result<Self::State> {
        self.program.parameters().check(values)?;
        self.evolve(PureState::zero(self.program.width)?, values, u128::MAX)
    }

    fn expectation(&self, observable: &Observable, values: &[f64]) -> Result<f64> {
        observable.real_terms(self.program.width)?;
        self.evolve(PureState::zero(self.program.width)?, values, 0)?.expectation(observable)
    }

    fn probabilities(&self, values: &[f64]) -> Result<Vec<f64>> {
        let state = self.evolve(PureState::zero(self.program.width)?, values, self.program.kept())?;
        readout::probabilities(&self.program, &state)
    }

    fn sample(&self, values: &[f64], shots: usize, seed: u64) -> Result<Counts> {
        readout::check_shots(shots)?;
        let program = &self.program;
        if program.certain() == program.steps.len() {
            let state = self.evolve(PureState::zero(program.width)?, values, program.kept())?;
            return readout::sample_listed(&program.readouts, &program.outputs, &state, shots, seed);
        }
        Shots::new(program, values, seed)?.counts(shots)
    }
}
