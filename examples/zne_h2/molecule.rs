//! H2 at several bond lengths.

use ketline::quantum::Observable;
use serde::Deserialize;

/// Molecules in STO-3G; the file says how they were computed.
const MOLECULES: &str = include_str!("../data/molecules.json");

#[derive(Deserialize)]
struct File {
    molecules: Vec<Molecule>,
}

/// A Hamiltonian of qubits.
#[derive(Deserialize)]
pub(crate) struct Molecule {
    name: String,
    /// Bond length in angstrom.
    pub(crate) length: f64,
    /// The lowest energy in hartree.
    pub(crate) exact: f64,
    paulis: Vec<(String, f64)>,
}

impl Molecule {
    pub(crate) fn observable(&self) -> ketline::Result<Observable> {
        Observable::from_paulis(self.paulis.iter().map(|(letters, coefficient)| (letters, *coefficient)))
    }
}

/// All bond lengths of H2, on two qubits.
pub(crate) fn molecules() -> serde_json::Result<Vec<Molecule>> {
    let file: File = serde_json::from_str(MOLECULES)?;
    Ok(file.molecules.into_iter().filter(|molecule| molecule.name == "H2").collect())
}
