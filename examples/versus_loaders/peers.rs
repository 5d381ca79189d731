//! The other loaders, and the programs that run them.

use ketline_examples::versus::Peers;

const NUMPY: (&str, &str) = ("numpy", "2.1.3");
const TORCH: (&str, &str) = ("torch", "2.15.0");

/// At the versions that the goals were set against.
pub(crate) const PEERS: Peers = Peers {
    packages: &[
        ("torch", &[NUMPY, TORCH]),
        ("mds", &[NUMPY, TORCH, ("mosaicml-streaming", "0.13.0")]),
        ("wds", &[NUMPY, TORCH, ("webdataset", "1.0.2")]),
        ("grain", &[NUMPY, ("array-record", "0.8.6"), ("absl-py", "2.5.1"), ("grain", "0.2.18")]),
        ("lance", &[NUMPY, ("pyarrow", "26.0.1"), ("pylance", "14.0.2")]),
        ("lit", &[NUMPY, TORCH, ("litdata", "0.2.76")]),
        ("squirrel", &[NUMPY, ("squirrel-core", "0.20.2")]),
    ],
    modules: &[
        ("workload.py", include_str!("peers/workload.py")),
        ("peer_torch.py", include_str!("peers/peer_torch.py")),
        ("peer_mds.py", include_str!("peers/peer_mds.py")),
        ("peer_wds.py", include_str!("peers/peer_wds.py")),
        ("peer_grain.py", include_str!("peers/peer_grain.py")),
        ("peer_lance.py", include_str!("peers/peer_lance.py")),
        ("peer_lit.py", include_str!("peers/peer_lit.py")),
        ("peer_squirrel.py", include_str!("peers/peer_squirrel.py")),
    ],
};

#[cfg(test)]
mod tests {
    #[test]
    fn every_peer_has_a_module_with_the_methods_that_rows_ask_for() {
        ketline_examples::versus::check_modules(&super::PEERS, crate::row::ROWS);
    }
}
