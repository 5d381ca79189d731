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

    /// A matrix that must be square is not.
    #[error("{what} must be square, found {rows} x {columns}")]
    NotSquare {
        /// What the matrix stands for.
        what: &'static str,
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// A matrix, state or list has the wrong size.
    #[error("{what} has size {found}, expected {expected}")]
    Dimension {
        /// What has the size.
        what: &'static str,
        /// Its size.
        found: usize,
        /// The size wanted.
        expected: usize,
    },
    /// A number that must be finite is NaN or infinite.
    #[error("{what} holds {value} at index {index}, expected a finite number")]
    NotFinite {
        /// What holds the number.
        what: &'static str,
        /// Where it stands (row-major for a matrix).
        index: usize,
        /// The number.
        value: f64,
    },
    /// A matrix that must be Hermitian is not.
    #[error("the matrix differs from its conjugate transpose by {deviation:e}, expected a Hermitian one")]
    NotHermitian {
        /// Frobenius norm of the difference.
        deviation: f64,
    },
    /// A matrix that must be unitary is not.
    #[error("the matrix is not unitary: its columns are not orthonormal within {tolerance:e}")]
    NotUnitary {
        /// Largest deviation allowed in an element of U† U.
        tolerance: f64,
    },
    /// An iteration did not converge.
    #[error("{what} did not converge in {iterations} iterations")]
    Convergence {
        /// The computation.
        what: &'static str,
        /// Iterations spent.
        iterations: usize,
    },
    /// A qubit is named that is not there.
    #[error("qubit {qubit} is out of range, expected one below {width}")]
    QubitIndex {
        /// The qubit.
        qubit: usize,
        /// Number of qubits.
        width: usize,
    },
    /// A list of distinct qubits names one twice.
    #[error("qubit {qubit} is listed twice, expected distinct qubits")]
    RepeatedQubit {
        /// The qubit.
        qubit: usize,
    },
}
