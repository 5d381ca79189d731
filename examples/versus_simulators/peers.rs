//! The other simulators: their packages, and the programs that run them.

use ketline_examples::versus::Peers;

/// At the versions that the goals were set against.
pub(crate) const PEERS: Peers = Peers {
    packages: &[
        ("qulacs", &[("qulacs", "0.6.14")]),
        ("scaluq", &[("scaluq", "0.2.0")]),
        ("lightning", &[("pennylane", "0.45.1"), ("pennylane-lightning", "0.45.0")]),
        ("qsim", &[("cirq-core", "1.7.0"), ("qsimcirq", "0.22.1")]),
        ("aer", &[("qiskit", "2.6.2"), ("qiskit-aer", "0.18.2")]),
        ("mindquantum", &[("mindquantum", "0.12.0")]),
        ("tensorcircuit", &[("jax", "0.10.2"), ("jaxlib", "0.10.2"), ("tensorcircuit-ng", "1.10.0")]),
    ],
    modules: &[
        ("workload.py", include_str!("peers/workload.py")),
        ("peer_aer.py", include_str!("peers/peer_aer.py")),
        ("peer_lightning.py", include_str!("peers/peer_lightning.py")),
        ("peer_mindquantum.py", include_str!("peers/peer_mindquantum.py")),
        ("peer_qsim.py", include_str!("peers/peer_qsim.py")),
        ("peer_qulacs.py", include_str!("peers/peer_qulacs.py")),
        ("peer_scaluq.py", include_str!("peers/peer_scaluq.py")),
        ("peer_tensorcircuit.py", include_str!("peers/peer_tensorcircuit.py")),
    ],
};

#[cfg(test)]
mod tests {
    #[test]
    fn every_peer_has_a_module_with_the_methods_that_rows_ask_for() {
        ketline_examples::versus::check_modules(&super::PEERS, crate::row::ROWS);
    }
}
