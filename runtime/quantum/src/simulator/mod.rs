//! Simulators behind one trait: circuit → plan → run.
//!
//! | simulator | states | noise | largest |
//! |---|---|---|---|
//! | [`StateVector`] | pure, `2^n` amplitudes in `f64` or `f32` | none | 30 qubits |
//! | [`DensityMatrix`] | mixed, `4^n` entries | exact | 15 qubits |
//! | [`Trajectories`] | many pure ones | sampled | 30 qubits |
//!
//! All of them take gates with any controls, measurement with readout error, reset and `if` anywhere. What is measured
//! in the middle splits the state in branches, so that expectations and probabilities are exact; where that would be
//! too many branches the error says so. A measurement that nothing follows is not a step of the evolution: it only
//! says which bits [`Plan::probabilities`] and [`Plan::sample`] are about, and [`Plan::run`] and [`Plan::expectation`]
//! give the state that it reads.
//!
//! The result of a circuit is the bits that it returns, the first least significant; without those, all measured bits;
//! without those, all qubits.
//!
//! ```
//! use ketline_quantum::simulator::{QuantumState, Simulator, StateVector};
//! use ketline_quantum::{Builder, Observable, Qubits};
//!
//! let mut b = Builder::new("bell");
//! let q: Qubits<2> = b.register("q");
//! b.h(q.at(0));
//! b.cx(q.at(0), q.at(1));
//! let bell = b.finish()?;
//!
//! let simulator = StateVector::new();
//! let state = simulator.run(&bell, &[])?.into_state()?;
//! assert!((state.amplitudes()[3].norm_sqr() - 0.5).abs() < 1e-15);
//! let zz = Observable::z(0) * Observable::z(1);
//! assert!((simulator.expectation(&bell, &zz, &[])? - 1.0).abs() < 1e-15);
//! let counts = simulator.sample(&bell, &[], 1000, 7)?;
//! assert_eq!(counts.count(0b00) + counts.count(0b11), 1000);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```
//!
//! A circuit that runs with many values is planned once:
//!
//! ```
//! # use ketline_quantum::simulator::{DensityMatrix, Plan, Simulator};
//! # use ketline_quantum::{Angle, Builder, Observable};
//! # let mut b = Builder::new("one");
//! # let (q, theta): (_, Angle) = (b.qubit("q"), b.parameter("theta"));
//! # b.ry(theta, q);
//! # let circuit = b.finish()?;
//! let plan = DensityMatrix::new().plan(&circuit)?;
//! for theta in [0.0, 0.5, 1.0_f64] {
//!     let z = plan.expectation(&Observable::z(0), &[theta])?;
//!     assert!((z - theta.cos()).abs() < 1e-15);
//! }
//! # Ok::<(), ketline_quantum::Error>(())
//! ```
//!
//! With thousands of sets of values at once, [`StateVector::batch`] is faster still: see [`BatchPlan`].

mod batch;
mod bits;
mod branch;
mod cache;
mod counts;
mod density_matrix;
pub(crate) mod form;
mod fuse;
pub(crate) mod kernel;
mod machine;
pub(crate) mod memory;
mod mixed;
pub(crate) mod pages;
pub(crate) mod pauli;
mod precision;
pub(crate) mod program;
mod pure;
mod readout;
pub(crate) mod sampling;
mod shot;
mod state;
mod state_vector;
pub(crate) mod sums;
pub(crate) mod sweep;
#[cfg(test)]
mod tests;
mod trajectories;

pub use batch::{BatchPlan, Gradients};
pub use bits::MAX_BITS;
pub use branch::MAX_BRANCHES;
pub(crate) use branch::apply;
pub use counts::Counts;
pub use density_matrix::{DensityMatrix, DensityPlan};
pub use machine::{Limit, Machine, Prediction};
pub use mixed::{MAX_MIXED_QUBITS, MixedState};
pub use precision::Precision;
pub use pure::{MAX_QUBITS, PureState};
pub(crate) use readout::sample;
pub use state::{Branch, Ensemble, QuantumState};
pub use state_vector::{StateVector, VectorPlan};
#[cfg(test)]
pub(crate) use tests::random;
pub use trajectories::{Estimate, Trajectories, TrajectoryPlan};

use crate::{Circuit, Observable, Result};

/// Something that runs circuits.
pub trait Simulator {
    /// A circuit compiled for this simulator.
    type Plan: Plan;

    /// Compiles a circuit, given as it is or as the [`Program`](crate::Program) of `circuit!`; a plan runs with any
    /// parameter values.
    ///
    /// # Errors
    /// A step that the simulator cannot take: [`NeedsMixedState`](crate::Error::NeedsMixedState),
    /// [`TooManyBits`](crate::Error::TooManyBits), [`OutOfRange`](crate::Error::OutOfRange) for a readout error.
    fn plan(&self, circuit: &impl AsRef<Circuit>) -> Result<Self::Plan>;

    /// The state after the circuit. See [`Plan::run`].
    ///
    /// # Errors
    /// As [`Self::plan`] and [`Plan::run`].
    fn run(&self, circuit: &impl AsRef<Circuit>, values: &[f64]) -> Result<<Self::Plan as Plan>::State> {
        self.plan(circuit)?.run(values)
    }

    /// The expectation of an observable. See [`Plan::expectation`].
    ///
    /// # Errors
    /// As [`Self::plan`] and [`Plan::expectation`].
    fn expectation(
        &self,
        circuit: &impl AsRef<Circuit>,
        observable: &Observable,
        values: &[f64],
    ) -> Result<f64> {
        self.plan(circuit)?.expectation(observable, values)
    }

    /// The probabilities of all values of the result. See [`Plan::probabilities`].
    ///
    /// # Errors
    /// As [`Self::plan`] and [`Plan::probabilities`].
    fn probabilities(&self, circuit: &impl AsRef<Circuit>, values: &[f64]) -> Result<Vec<f64>> {
        self.plan(circuit)?.probabilities(values)
    }

    /// Counts of the result. See [`Plan::sample`].
    ///
    /// # Errors
    /// As [`Self::plan`] and [`Plan::sample`].
    fn sample(
        &self,
        circuit: &impl AsRef<Circuit>,
        values: &[f64],
        shots: usize,
        seed: u64,
    ) -> Result<Counts> {
        self.plan(circuit)?.sample(values, shots, seed)
    }
}

/// A circuit compiled for a simulator. Values are those of the circuit's parameters in flat order.
pub trait Plan {
    /// The state that a run ends in.
    type State: QuantumState;

    /// How often a run passes over the state: what is left of the steps after fusion.
    fn passes(&self) -> usize;

    /// The state after the circuit, before measurements that nothing follows.
    ///
    /// # Errors
    /// [`ParameterCount`](crate::Error::ParameterCount) and [`ParameterValue`](crate::Error::ParameterValue);
    /// [`TooManyQubits`](crate::Error::TooManyQubits), [`Memory`](crate::Error::Memory), [`Branches`](crate::Error::Branches).
    fn run(&self, values: &[f64]) -> Result<Self::State>;

    /// The expectation of an observable in the state of [`Self::run`].
    ///
    /// # Errors
    /// As [`Self::run`] and [`Observable::real_terms`].
    fn expectation(&self, observable: &Observable, values: &[f64]) -> Result<f64>;

    /// The probabilities of all values of the result, readout error included.
    ///
    /// # Errors
    /// As [`Self::run`]; [`TooManyBits`](crate::Error::TooManyBits) for a result of more than 30 bits.
    fn probabilities(&self, values: &[f64]) -> Result<Vec<f64>>;

    /// Counts of the result in `shots` shots. The same seed gives the same counts on any number of threads.
    ///
    /// # Errors
    /// As [`Self::run`]; [`NoShots`](crate::Error::NoShots).
    fn sample(&self, values: &[f64], shots: usize, seed: u64) -> Result<Counts>;
}
