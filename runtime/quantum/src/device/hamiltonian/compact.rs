//! Ketline's own file of a Hamiltonian: JSON, rad/s and seconds.
//!
//! ```text
//! {"format": "ketline-hamiltonian", "version": 1, "name": "manila", "source": "...", "dt": 2.2e-10,
//!  "transmons": [[3.1e10, -2.1e9, 8.2e8], ..], "exchanges": [[0, 1, 1.2e7], ..], "lines": [[0, 1, 7.0e8], ..]}
//! ```
//!
//! A transmon is its frequency, anharmonicity and drive strength, an exchange its qubits and J, a line its control, its target
//! and its strength. Strengths have been divided by [`PUBLISHED_STRENGTH`](super::PUBLISHED_STRENGTH).

use serde_json::json;

use super::{ControlLine, Exchange, Hamiltonian, Transmon};
use crate::device::calibration::MAX_QUBITS;
use crate::device::document::{self, Field};
use crate::{Error, Result};

const FORMAT: &str = "ketline-hamiltonian";
const VERSION: usize = 1;

macro_rules! bundle {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../data/hamiltonians/", $name, ".json")))),*]
    };
}

/// Hamiltonians that come with the crate; `data/README.md` says where they come from.
const BUNDLED: &[(&str, &str)] =
    bundle!["belem", "guadalupe", "jakarta", "lima", "manila", "nairobi", "quito", "santiago"];

impl Hamiltonian {
    /// A Hamiltonian that comes with the crate.
    ///
    /// # Errors
    /// [`Error::UnknownDevice`] for any other name.
    pub fn bundled(name: &str) -> Result<Self> {
        let Some((label, text)) = BUNDLED.iter().find(|(known, _)| *known == name) else {
            return Err(Error::UnknownDevice {
                name: name.into(),
                known: Self::bundled_names().collect::<Vec<_>>().join(", "),
            });
        };
        Self::from_compact(label, text)
    }

    /// The names that [`Self::bundled`] knows.
    pub fn bundled_names() -> impl Iterator<Item = &'static str> {
        BUNDLED.iter().map(|(name, _)| *name)
    }

    /// Reads Ketline's own form; errors call the text `label`.
    ///
    /// # Errors
    /// [`Error::Json`], [`Error::MissingField`], [`Error::BadField`], and as [`Self::new`].
    pub fn from_compact(label: &str, text: &str) -> Result<Self> {
        let value = document::parse(label, text)?;
        let root = Field::root(label, &value);
        if root.get("format")?.text()? != FORMAT {
            return Err(root.get("format")?.wrong(FORMAT));
        }
        if root.get("version")?.index(usize::MAX)? != VERSION {
            return Err(root.get("version")?.wrong(&format!("version {VERSION}")));
        }
        let transmons = root.get("transmons")?;
        let width = transmons.len();
        if !(1..=MAX_QUBITS).contains(&width) {
            return Err(transmons.wrong(&format!("a list of 1 to {MAX_QUBITS} transmons")));
        }
        let transmon = |field: Field<'_>| {
            let figures: Vec<f64> = field.items()?.map(|x| x.number()).collect::<Result<_>>()?;
            let [frequency, anharmonicity, strength] = figures[..] else {
                return Err(field.wrong("a frequency, an anharmonicity and a strength"));
            };
            Ok(Transmon { frequency, anharmonicity, strength })
        };
        let pair = |field: Field<'_>| {
            let parts: Vec<Field<'_>> = field.items()?.collect();
            let [first, second, strength] = &parts[..] else {
                return Err(field.wrong("two qubits and a strength"));
            };
            Ok((first.index(width)?, second.index(width)?, strength.number()?))
        };
        let pairs = |name: &str| root.get(name)?.items()?.map(pair).collect::<Result<Vec<_>>>();
        let exchanges =
            pairs("exchanges")?.into_iter().map(|(a, b, strength)| Exchange { a, b, strength }).collect();
        let lines = pairs("lines")?
            .into_iter()
            .map(|(control, target, strength)| ControlLine { control, target, strength })
            .collect();
        let transmons = transmons.items()?.map(transmon).collect::<Result<_>>()?;
        let found = Self::new(root.get("name")?.text()?, transmons, exchanges, lines)?;
        let dt = root.find("dt").map(|dt| dt.number()).transpose()?;
        if let Some(dt) = dt.filter(|dt| !(1e-12..=1e-6).contains(dt)) {
            return Err(root.get("dt")?.wrong(&format!("1e-12 to 1e-6 seconds, not {dt:e}")));
        }
        Ok(Self { dt, ..found })
    }

    /// The text that [`Self::from_compact`] reads, with where the figures come from.
    pub fn to_compact(&self, source: &str) -> String {
        let transmons: Vec<_> =
            self.transmons.iter().map(|t| json!([t.frequency, t.anharmonicity, t.strength])).collect();
        let exchanges: Vec<_> = self.exchanges.iter().map(|j| json!([j.a, j.b, j.strength])).collect();
        let lines: Vec<_> =
            self.lines.iter().map(|line| json!([line.control, line.target, line.strength])).collect();
        let mut head = vec![
            ("format", json!(FORMAT)),
            ("version", json!(VERSION)),
            ("name", json!(self.name)),
            ("source", json!(source)),
        ];
        head.extend(self.dt.map(|dt| ("dt", json!(dt))));
        head.extend([
            ("transmons", json!(transmons)),
            ("exchanges", json!(exchanges)),
            ("lines", json!(lines)),
        ]);
        let fields: Vec<String> =
            head.into_iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        format!("{{\n{}\n}}\n", fields.join(",\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_hamiltonians_are_read_and_written_bit_by_bit() {
        for name in Hamiltonian::bundled_names() {
            let known = Hamiltonian::bundled(name).unwrap();
            assert_eq!(known.name(), name);
            assert!(known.width() >= 5 && known.exchanges().len() >= 4 && known.lines().len() >= 8);
            assert!((known.dt().unwrap() - 2e-9 / 9.0).abs() < 1e-16);
            assert_eq!(Hamiltonian::from_compact(name, &known.to_compact("a test")).unwrap(), known);
        }
        assert!(matches!(Hamiltonian::bundled("tokyo"), Err(Error::UnknownDevice { .. })));
    }

    #[test]
    fn what_is_no_hamiltonian_is_refused() {
        let text = Hamiltonian::bundled("manila").unwrap().to_compact("");
        for (from, to, field) in [
            ("ketline-hamiltonian", "ketline-pulses", "format"),
            ("\"version\": 1", "\"version\": 2", "version"),
            ("\"exchanges\": [[0,", "\"exchanges\": [[9,", "exchanges[0][0]"),
            ("\"dt\": 2", "\"dt\": -2", "dt"),
        ] {
            assert!(text.contains(from), "{from}");
            match Hamiltonian::from_compact("text", &text.replace(from, to)) {
                Err(Error::BadField { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{field}: {other:?}"),
            }
        }
        assert!(matches!(Hamiltonian::from_compact("text", "{}"), Err(Error::MissingField { .. })));
    }
}
