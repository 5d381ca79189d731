//! Dense linear algebra for a few qubits: what tomography, decompositions and tests need, and no more.
//!
//! Matrices are row-major [`ndarray`] arrays of complex numbers. Basis indices are little-endian: qubit 0 is
//! the least significant bit, so [`kron`]`(&a, &b)` puts `b` on the lower qubits. Sizes of interest are 2 to
//! 64 (one to six qubits); nothing here is blocked or threaded.
//!
//! | question | answer |
//! |---|---|
//! | eigenvalues and eigenvectors of a Hermitian matrix | [`Eigen::new`] |
//! | only the eigenvector of the largest eigenvalue | [`dominant`] |
//! | how close are two states | [`state_fidelity`], [`uhlmann_fidelity`], [`trace_distance`] |
//! | the three angles and the phase of a one-qubit unitary | [`Zyz::new`] |
//! | a random unitary, pure state or mixed state | [`haar_unitary`], [`haar_state`], [`random_density`] |
//!
//! ```
//! use ketline_quantum::linalg::{Eigen, dagger, haar_unitary, is_unitary};
//! use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
//!
//! let mut rng = ChaCha8Rng::seed_from_u64(7);
//! let u = haar_unitary(4, &mut rng);
//! assert!(is_unitary(&u, 1e-12));
//! let eigen = Eigen::new(&(&u + &dagger(&u)))?;
//! assert!(eigen.values[0] >= -2.0 && eigen.values[3] <= 2.0);
//! # Ok::<(), ketline_quantum::Error>(())
//! ```

mod dominant;
mod fidelity;
mod hermitian;
mod matrix;
mod positive;
mod random;
mod single_qubit;

pub use dominant::{Dominant, dominant};
pub use fidelity::{inner, purity, state_fidelity, trace_distance, uhlmann_fidelity};
pub use hermitian::Eigen;
pub use matrix::{
    Matrix, dagger, diagonal, frobenius, identity, is_hermitian, is_unitary, kron, outer, partial_trace,
    trace,
};
pub use positive::solve_positive;
pub use random::{haar_state, haar_unitary, normal, random_density};
pub use single_qubit::{Zyz, sqrt_unitary};

pub(crate) use matrix::{check_finite, check_square};
