//! The other packages, and the programs that run them.

use ketline_examples::versus::Peers;

const JAX: (&str, &str) = ("jax", JAX_VERSION);
const JAXLIB: (&str, &str) = ("jaxlib", JAX_VERSION);
const JAX_VERSION: &str = "0.10.2";

/// At the versions that the goals were set against.
pub(crate) const PEERS: Peers = Peers {
    packages: &[
        ("numpy", &[("scipy", "1.17.1"), ("numpy", "2.4.6")]),
        ("qutip", &[("qutip", "5.3.1")]),
        ("dynamiqs", &[JAX, JAXLIB, ("dynamiqs", "0.3.7")]),
        ("qiskit_dynamics", &[JAX, JAXLIB, ("qiskit", "1.3.0"), ("qiskit-dynamics", "0.6.0")]),
    ],
    modules: &[
        ("workload.py", include_str!("peers/workload.py")),
        ("peer_numpy.py", include_str!("peers/peer_numpy.py")),
        ("peer_qutip.py", include_str!("peers/peer_qutip.py")),
        ("peer_dynamiqs.py", include_str!("peers/peer_dynamiqs.py")),
        ("peer_qiskit_dynamics.py", include_str!("peers/peer_qiskit_dynamics.py")),
    ],
};

#[cfg(test)]
mod tests {
    #[test]
    fn every_peer_has_a_module_with_the_methods_that_rows_ask_for() {
        ketline_examples::versus::check_modules(&super::PEERS, crate::row::ROWS);
    }
}
