//! Graphs that the compiler can see: what `#[device(..)]` and `for (i, j) in G::EDGES` read.

/// A graph with constant edges, for circuits that are checked against it when they are compiled.
///
/// ```
/// use ketline_quantum::Graph;
///
/// struct Ring4;
/// impl Graph for Ring4 {
///     const EDGES: &'static [(usize, usize)] = &[(0, 1), (1, 2), (2, 3), (3, 0)];
/// }
/// ```
pub trait Graph {
    /// Pairs of vertices, counted from 0.
    const EDGES: &'static [(usize, usize)];
}

/// The coupling map of a device, for circuits that are checked against it when they are compiled. An edge couples in
/// both directions.
pub trait Topology {
    /// How many qubits the device has.
    const QUBITS: usize;
    /// Coupled pairs of qubits.
    const EDGES: &'static [(usize, usize)];
}
