//! Names of the standard gates, with their numbers of angles and operands. Only messages read this: what a gate is
//! stands in the runtime's table, and a test holds the two together.

/// `(name, angles, operands)`, aliases included.
pub(crate) const GATES: &[(&str, usize, usize)] = &[
    ("gphase", 1, 0),
    ("id", 0, 1),
    ("x", 0, 1),
    ("y", 0, 1),
    ("z", 0, 1),
    ("h", 0, 1),
    ("s", 0, 1),
    ("sdg", 0, 1),
    ("t", 0, 1),
    ("tdg", 0, 1),
    ("sx", 0, 1),
    ("sxdg", 0, 1),
    ("rx", 1, 1),
    ("ry", 1, 1),
    ("rz", 1, 1),
    ("p", 1, 1),
    ("phase", 1, 1),
    ("u1", 1, 1),
    ("u", 3, 1),
    ("u3", 3, 1),
    ("cx", 0, 2),
    ("cnot", 0, 2),
    ("cy", 0, 2),
    ("cz", 0, 2),
    ("ch", 0, 2),
    ("cs", 0, 2),
    ("csx", 0, 2),
    ("cp", 1, 2),
    ("cphase", 1, 2),
    ("cu1", 1, 2),
    ("crx", 1, 2),
    ("cry", 1, 2),
    ("crz", 1, 2),
    ("cu", 4, 2),
    ("swap", 0, 2),
    ("iswap", 0, 2),
    ("ecr", 0, 2),
    ("dcx", 0, 2),
    ("rxx", 1, 2),
    ("ryy", 1, 2),
    ("rzz", 1, 2),
    ("rzx", 1, 2),
    ("xx_plus_yy", 2, 2),
    ("ccx", 0, 3),
    ("toffoli", 0, 3),
    ("ccz", 0, 3),
    ("cswap", 0, 3),
    ("fredkin", 0, 3),
];

/// Words of the language that are no gates.
pub(crate) const WORDS: &[&str] =
    &["measure", "reset", "barrier", "inverse", "control", "power", "unitary", "append"];

/// Methods of the runtime's builder that mean nothing inside a circuit.
pub(crate) const BUILDER: &[&str] = &[
    "new",
    "register",
    "qubit",
    "qubits",
    "parameter",
    "parameters",
    "when",
    "returns",
    "operand",
    "fail",
    "finish",
    "pulse",
    "pulses",
];

/// Whether a bare name is a gate or a word of the language, and so no circuit.
pub(crate) fn is_known(name: &str) -> bool {
    gate(name).is_some() || WORDS.contains(&name)
}

/// Angles and operands of a standard gate.
pub(crate) fn gate(name: &str) -> Option<(usize, usize)> {
    GATES.iter().find(|(gate, ..)| *gate == name).map(|(_, angles, operands)| (*angles, *operands))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names here are those of the runtime's table.
    #[test]
    fn names_agree_with_the_table() {
        let rows = ketline_quantum::gate::table();
        let wanted = rows.iter().flat_map(|row| {
            let names = std::iter::once(&row.name).chain(row.aliases);
            names.map(|name| (*name, row.angles.len(), row.operands.len()))
        });
        let (mut wanted, mut found): (Vec<_>, Vec<_>) = (wanted.collect(), GATES.to_vec());
        wanted.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, wanted);
    }
}
