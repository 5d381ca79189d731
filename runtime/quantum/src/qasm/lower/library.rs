//! The files that can be included, made of the gate table.

use std::f64::consts::FRAC_PI_2;
use std::sync::{Arc, LazyLock};

use super::super::parse::Parser;
use super::super::syntax::{GateDefinition, StatementKind};
use super::super::{Limits, Version};
use crate::Angle;
use crate::gate::{Gate, Row};

/// An angle of some.
type Phase = fn(&[Angle]) -> Angle;

/// A gate of the language or a library as a row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standard {
    pub(super) row: &'static Row,
    /// How many angles it takes.
    pub(super) angles: usize,
    /// Those of the row, made of them.
    pub(super) arrange: fn(&[Angle]) -> Vec<Angle>,
    /// A phase that it has besides.
    pub(super) phase: Phase,
    /// Controls beyond those of the row.
    pub(super) controls: usize,
    /// Whether it is part of the published library, so that its name is taken.
    pub(super) core: bool,
}

impl Standard {
    fn new(name: &str) -> Option<Self> {
        let Gate::Standard(row) = Gate::named(name)? else { return None };
        Some(Self {
            row,
            angles: row.angles.len(),
            arrange: <[Angle]>::to_vec,
            phase: |_| Angle::ZERO,
            controls: 0,
            core: true,
        })
    }
}

/// `qelib1.inc` as its paper has it.
const CORE_2: &[&str] = &[
    "u1", "cx", "id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "rx", "ry", "rz", "cz", "cy", "ch", "ccx",
    "crz", "cu1", "u3",
];

/// What the file has got since.
const LATER_2: &[&str] =
    &["p", "u", "sx", "sxdg", "swap", "cswap", "crx", "cry", "cp", "csx", "cu", "rxx", "rzz"];

/// `stdgates.inc`, but `u2` and `u3`.
const CORE_3: &[&str] = &[
    "p", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "rx", "ry", "rz", "cx", "cy", "cz", "cp", "crx",
    "cry", "crz", "ch", "swap", "ccx", "cswap", "cu", "phase", "cphase", "id", "u1",
];

/// Gates of qelib1.inc that no row is.
const PRELUDE: &str = "OPENQASM 2.0;
gate rccx a,b,c { h c; t c; cx b,c; tdg c; cx a,c; t c; cx b,c; tdg c; h c; }
gate rc3x a,b,c,d {
  h d; t d; cx c,d; tdg d; h d; cx a,d; t d; cx b,d; tdg d; cx a,d; t d; cx b,d; tdg d; h d; t d; cx c,d; tdg d; h d;
}";

/// The parsed prelude, with definitions that stand nowhere in a text.
static DEFINED: LazyLock<Vec<Arc<GateDefinition<'static>>>> = LazyLock::new(|| {
    let mut gates = Vec::new();
    if let Ok(mut parser) = Parser::new(PRELUDE, &Limits::default()) {
        while let Ok(Some(statement)) = parser.statement() {
            if let StatementKind::Gate(gate) = statement.kind {
                gates.push(gate);
            }
        }
    }
    gates
});

/// Gates of qelib1.inc that the table does not have.
pub(super) fn definitions() -> &'static [Arc<GateDefinition<'static>>] {
    &DEFINED
}

fn half_turn(a: &[Angle]) -> Vec<Angle> {
    vec![FRAC_PI_2.into(), a[0], a[1]]
}

/// The gates that need no file.
pub(super) fn builtin(name: &str, version: Version) -> Option<Standard> {
    match (name, version) {
        ("U", Version::Two) => Standard::new("u"),
        // the matrix of OpenQASM 3 is `exp(i theta / 2)` times that of the row
        ("U", Version::Three) => Some(Standard { phase: |a| a[0] / 2.0, ..Standard::new("u")? }),
        ("CX", Version::Two) => Standard::new("cx"),
        ("gphase", Version::Three) => Standard::new("gphase"),
        _ => None,
    }
}

/// The gates of a file of version 2 or 3, by name.
pub(super) fn gates(version: Version) -> Vec<(&'static str, Standard)> {
    let plain =
        |names: &'static [&'static str]| names.iter().filter_map(|name| Some((*name, Standard::new(name)?)));
    let later = |standard: Standard| Standard { core: false, ..standard };
    let mut gates = Vec::new();
    let mut add = |name, standard: Option<Standard>| gates.extend(standard.map(|standard| (name, standard)));
    match version {
        Version::Two => {
            add("u2", Standard::new("u").map(|u| Standard { angles: 2, arrange: half_turn, ..u }));
            let cu3 = |a: &[Angle]| vec![a[0], a[1], a[2], Angle::ZERO];
            add("cu3", Standard::new("cu").map(|cu| Standard { angles: 3, arrange: cu3, ..cu }));
            // idles for a time that a circuit does not have
            add(
                "u0",
                Standard::new("id").map(|id| later(Standard { angles: 1, arrange: |_| Vec::new(), ..id })),
            );
            for (name, row, controls) in
                [("c3x", "ccx", 1), ("c4x", "ccx", 2), ("c3sqrtx", "csx", 2), ("c3sx", "csx", 2)]
            {
                add(name, Standard::new(row).map(|row| later(Standard { controls, ..row })));
            }
            gates.extend(plain(CORE_2));
            gates.extend(plain(LATER_2).map(|(name, standard)| (name, later(standard))));
        }
        Version::Three => {
            // the gates of version 2 have determinant 1
            let two: Phase = |a| (a[0] + a[1]) / -2.0;
            let three: Phase = |a| (a[1] + a[2]) / -2.0;
            add(
                "u2",
                Standard::new("u").map(|u| Standard { angles: 2, arrange: half_turn, phase: two, ..u }),
            );
            add("u3", Standard::new("u").map(|u| Standard { phase: three, ..u }));
            add("CX", Standard::new("cx"));
            gates.extend(plain(CORE_3));
        }
    }
    gates
}
