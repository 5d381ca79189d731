//! The density-matrix engine: mixed states and maps of them in the basis of Pauli products.
//!
//! A density matrix of `n` qubits is `rho = 2^-n sum_P r_P P` over the `4^n` Pauli products, with `r_P = Tr[P rho]` real. So a
//! state is half as many numbers as its matrix has, the expectation of a Pauli product is one of them, and every map is a real
//! matrix, its *transfer matrix* (Chow et al., Phys. Rev. Lett. 109, 060501). That of noise is sparse: depolarising is
//! diagonal, relaxation has one entry more, Clifford gates are signed permutations. A gate and its noise are one matrix.
//!
//! The digit of qubit `q` is the bits `2q` (X) and `2q + 1` (Z) of an index: `I, X, Z, Y` are 0 to 3, and a product is
//! `i^|x & z| X^x Z^z`, as in [`PauliProduct`](crate::observable::PauliProduct).

mod convert;
mod curve;
mod draft;
mod effort;
mod kernel;
mod pattern;
mod program;
mod reverse;
mod state;
mod stencil;
#[cfg(test)]
mod tests;
mod transfer;
mod wide;

pub(crate) use effort::Effort;
pub(crate) use program::Program;
pub(crate) use reverse::Reverse;
pub(crate) use state::PauliState;
