//! Everything that can go wrong on the quantum floor, as one typed enum.

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong on the quantum floor. Messages say what was found and what was wanted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A gate was given the same qubit twice.
    #[error("`{gate}` needs distinct qubits, but qubit {qubit} is used twice (step {step})")]
    SameQubit {
        /// Name of the gate.
        gate: String,
        /// The qubit that stands twice among the operands.
        qubit: usize,
        /// Index of the instruction in its circuit.
        step: usize,
    },
}
