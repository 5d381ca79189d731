//! Ketline's own file of a Hamiltonian: JSON, SI units, one line a transmon.
//!
//! ```text
//! {"format": "ketline-hamiltonian", "version": 1, "name": "jakarta", "source": "...", "dt": 2.2e-10,
//!  "transmons": [{"frequency": 3.3e10, "anharmonicity": -2.1e9, "strength": 8.4e8}, ..],
//!  "exchanges": [[0, 1, 1.2e7], ..],
//!  "lines": [[0, 1, 7.0e8], ..]}
//! ```
//!
//! Angular frequencies are in rad/s, strengths already divided by [`PUBLISHED_STRENGTH`](super::PUBLISHED_STRENGTH). A coupling is
//! two qubits and J, a line the control, the target and its strength. Pairs with a line and no coupling are flagged when read.

use serde_json::json;

use super::{ControlLine, Exchange, Hamiltonian, SAMPLE_TIME, SAMPLE_TIMES, Transmon, flag_weak};
use crate::Result;
use crate::device::bundle::bundled;
use crate::device::calibration::{Trap, Warning};
use crate::device::document::Field;
use crate::device::form::{self, Form};

pub(super) const FORM: Form = Form { format: "ketline-hamiltonian", version: 1 };

pub(super) fn read(root: &Field<'_>) -> Result<Hamiltonian> {
    FORM.check(root)?;
    let transmons = root.get("transmons")?.items()?.map(|field| {
        let number = |name: &str| field.get(name)?.number();
        Ok(Transmon {
            frequency: number("frequency")?,
            anharmonicity: number("anharmonicity")?,
            strength: number("strength")?,
        })
    });
    let transmons = transmons.collect::<Result<Vec<_>>>()?;
    let width = transmons.len();
    let triple = |field: Field<'_>| {
        let parts: Vec<Field<'_>> = field.items()?.collect();
        let [a, b, strength] = &parts[..] else { return Err(field.wrong("two qubits and a strength")) };
        Ok((a.index(width)?, b.index(width)?, strength.number()?))
    };
    let exchanges = root.get("exchanges")?.items()?.map(triple).collect::<Result<Vec<_>>>()?;
    let lines = root.get("lines")?.items()?.map(triple).collect::<Result<Vec<_>>>()?;
    let found = Hamiltonian::new(
        root.get("name")?.text()?,
        transmons,
        exchanges.into_iter().map(|(a, b, strength)| Exchange { a, b, strength }).collect(),
        lines
            .into_iter()
            .map(|(control, target, strength)| ControlLine { control, target, strength })
            .collect(),
    )?;
    let dt = root.find("dt").map(|dt| {
        let seconds = dt.number()?;
        if SAMPLE_TIMES.contains(&seconds) { Ok(seconds) } else { Err(dt.wrong(SAMPLE_TIME)) }
    });
    let dt = dt.transpose()?;
    let mut warnings = Vec::new();
    for exchange in &found.exchanges {
        let field = format!("exchanges[{}, {}]", exchange.a, exchange.b);
        flag_weak(root.file, field, exchange, &mut warnings);
    }
    for line in &found.lines {
        if line.control < line.target && found.exchange(line.control, line.target).is_none() {
            let field = format!("lines[{}, {}]", line.control, line.target);
            warnings.push(Warning { file: root.file.into(), field, value: None, trap: Trap::NoCoupling });
        }
    }
    Ok(Hamiltonian { source: form::source(root)?, dt, warnings, ..found })
}

pub(super) fn write(h: &Hamiltonian) -> String {
    let transmons = h.transmons.iter().map(
        |t| json!({ "frequency": t.frequency, "anharmonicity": t.anharmonicity, "strength": t.strength }),
    );
    let exchanges = h.exchanges.iter().map(|j| json!((j.a, j.b, j.strength)));
    let lines = h.lines.iter().map(|l| json!((l.control, l.target, l.strength)));
    let head = [("name", json!(h.name)), ("source", json!(h.source)), ("dt", json!(h.dt))];
    let lists =
        [("transmons", transmons.collect()), ("exchanges", exchanges.collect()), ("lines", lines.collect())];
    FORM.write(head, lists)
}

/// Hamiltonians that come with the crate.
pub(super) const BUNDLED: &[(&str, &str, &str)] = bundled!("hamiltonians/");
