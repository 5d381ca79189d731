//! The Hamiltonian of a device of transmons: what its pulses act on.

mod compact;
mod ibm;

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::calibration::{MAX_BYTES, MAX_QUBITS, Trap, Warning};
use super::document::{self, Field};
use crate::linalg::normal;
use crate::{Error, Result, file};

/// What published drive strengths are divided by.
///
/// With the strengths as published, the calibrated X pulses of every qubit of 23 devices turn it by 1.155 to 1.156 half
/// turns; divided by this they turn it by one. Why the files are off is not documented.
pub const PUBLISHED_STRENGTH: f64 = 1.156;

/// Times of a sample that electronics have, in seconds.
const SAMPLE_TIMES: std::ops::RangeInclusive<f64> = 1e-12..=1e-6;
const SAMPLE_TIME: &str = "a sample time of 1e-12 to 1e-6 seconds";

/// Below this, in hertz, no two-qubit gate comes out of an exchange coupling.
const WEAK_COUPLING: f64 = 0.5e6;

/// A transmon: a Duffing oscillator w n + α/2 n (n - 1). Angular frequencies in rad/s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transmon {
    /// w: of the transition from 0 to 1 of the transmon by itself.
    pub frequency: f64,
    /// α: what the transition from 1 to 2 has more; negative.
    pub anharmonicity: f64,
    /// Ω of the drive: an envelope of 1 at resonance turns the qubit at this rate.
    pub strength: f64,
}

/// An exchange coupling J (a†b + ab†) of two transmons, `a < b`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exchange {
    /// The lower qubit.
    pub a: usize,
    /// The higher qubit.
    pub b: usize,
    /// J in rad/s.
    pub strength: f64,
}

impl Exchange {
    /// Whether no two-qubit gate of usual length can come out of it: below 0.5 MHz.
    pub fn is_weak(&self) -> bool {
        self.strength.abs() / TAU < WEAK_COUPLING
    }
}

/// A line that drives one transmon, the control, at the frequency of another, the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ControlLine {
    /// The qubit that is driven.
    pub control: usize,
    /// The qubit whose frequency is the carrier.
    pub target: usize,
    /// Ω of the line in rad/s.
    pub strength: f64,
}

/// The Hamiltonian of a device of transmons, validated:
///
/// H = Σ (w n + α/2 n (n - 1)) + Σ J (a†b + ab†) + Σ Ω Re[d(t) exp(i `w_lo` t)] (a + a†).
///
/// Every number is finite and in its range, every qubit exists. SI units: rad/s, seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Hamiltonian {
    name: String,
    source: String,
    dt: Option<f64>,
    transmons: Vec<Transmon>,
    exchanges: Vec<Exchange>,
    lines: Vec<ControlLine>,
    warnings: Vec<Warning>,
}

impl Hamiltonian {
    /// A Hamiltonian of your own; `name` is that of the device in errors.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a number that no transmon has: frequencies of 1 to 15 GHz, anharmonicities of -1 GHz to -50
    /// MHz, strengths up to 2 GHz, couplings below 100 MHz. [`Error::Edge`] for a coupling or a line that joins no two qubits,
    /// [`Error::TargetWidth`] without transmons or with too many.
    pub fn new(
        name: impl Into<String>,
        transmons: Vec<Transmon>,
        exchanges: Vec<Exchange>,
        lines: Vec<ControlLine>,
    ) -> Result<Self> {
        let (name, width) = (name.into(), transmons.len());
        if !(1..=MAX_QUBITS).contains(&width) {
            return Err(Error::TargetWidth { device: name, found: width, limit: MAX_QUBITS });
        }
        for (qubit, transmon) in transmons.iter().enumerate() {
            for (what, value, [low, high]) in [
                ("frequency", transmon.frequency, FREQUENCY),
                ("anharmonicity", transmon.anharmonicity, ANHARMONICITY),
                ("drive strength", transmon.strength, STRENGTH),
            ] {
                check(format!("the {what} of qubit {qubit} in GHz"), value, low, high)?;
            }
        }
        let joins = |first: usize, second: usize| {
            if first < width && second < width && first != second {
                return Ok(());
            }
            Err(Error::Edge { device: name.clone(), first, second, width })
        };
        let mut pairs = BTreeMap::new();
        for Exchange { a, b, strength } in exchanges {
            joins(a, b)?;
            check(format!("the coupling of qubits {a} and {b} in GHz"), strength, EXCHANGE[0], EXCHANGE[1])?;
            pairs.insert((a.min(b), a.max(b)), strength);
        }
        for ControlLine { control, target, strength } in &lines {
            joins(*control, *target)?;
            check(
                format!("the strength of line {control}-{target} in GHz"),
                *strength,
                STRENGTH[0],
                STRENGTH[1],
            )?;
        }
        let exchanges = pairs.into_iter().map(|((a, b), strength)| Exchange { a, b, strength }).collect();
        let (source, warnings) = (String::new(), Vec::new());
        Ok(Self { name, source, dt: None, transmons, exchanges, lines, warnings })
    }

    /// The Hamiltonian of a device that comes with the crate: those with a bundled [`Calibration`](super::Calibration).
    ///
    /// # Errors
    /// [`Error::UnknownDevice`].
    pub fn bundled(name: &str) -> Result<Self> {
        let Some((_, label, text)) = compact::BUNDLED.iter().find(|(known, ..)| *known == name) else {
            let known = Self::bundled_names().collect::<Vec<_>>().join(", ");
            return Err(Error::UnknownDevice { name: name.into(), known });
        };
        Self::parse(label, text)
    }

    /// The names that [`Self::bundled`] takes.
    pub fn bundled_names() -> impl Iterator<Item = &'static str> {
        compact::BUNDLED.iter().map(|(name, ..)| *name)
    }

    /// The Hamiltonian in Ketline's compact form. Reading it back gives an equal value, but for where warnings point to.
    pub fn to_compact(&self) -> String {
        compact::write(self)
    }

    /// Writes [`Self::to_compact`] to a file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), &self.to_compact())
    }

    /// The same with a note of where the figures come from.
    #[must_use]
    pub fn with_source(self, source: impl Into<String>) -> Self {
        Self { source: source.into(), ..self }
    }

    /// Reads the file `conf_*.json` of a snapshot of IBM's, or one in the compact form.
    ///
    /// # Errors
    /// As [`Self::from_ibm`], and [`Error::File`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(&path.display().to_string(), &file::read(path, MAX_BYTES)?)
    }

    /// Reads the text of `conf_*.json`; errors call it `conf`. Strengths are divided by [`PUBLISHED_STRENGTH`].
    ///
    /// # Errors
    /// [`Error::Json`], [`Error::MissingField`] or [`Error::BadField`] if there is no Hamiltonian, or one with a number that no
    /// transmon has. Couplings that are absent, zero or weak are flagged: see [`Self::warnings`].
    pub fn from_ibm(conf: &str) -> Result<Self> {
        if conf.len() as u64 > MAX_BYTES {
            let reason = format!("found {} bytes, expected at most {MAX_BYTES}", conf.len());
            return Err(Error::File { file: "conf".into(), reason });
        }
        Self::parse("conf", conf)
    }

    fn parse(label: &str, text: &str) -> Result<Self> {
        let value = document::parse(label, text)?;
        let conf = Field::root(label, &value);
        if compact::FORM.is_of(&conf) {
            return compact::read(&conf);
        }
        ibm::read(&conf)
    }

    /// A device that is not quite what its calibration says: drives and control lines are stronger, and couplings larger, each by a
    /// share of its own drawn from a normal distribution with this standard deviation.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a `sigma` that is negative or not finite, or a figure that no transmon has; as [`Self::new`].
    pub fn miscalibrated(&self, sigma: f64, seed: u64) -> Result<Self> {
        if !(sigma >= 0.0 && sigma.is_finite()) {
            let (what, wanted) =
                ("sigma of the miscalibration".into(), "a finite number of at least 0".into());
            return Err(Error::OutOfRange { what, found: sigma, wanted });
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut off = |figure: f64| figure * (1.0 + sigma * normal(&mut random));
        let transmons = self.transmons.iter().map(|t| Transmon { strength: off(t.strength), ..*t }).collect();
        let lines = self.lines.iter().map(|l| ControlLine { strength: off(l.strength), ..*l }).collect();
        let exchanges = self.exchanges.iter().map(|j| Exchange { strength: off(j.strength), ..*j }).collect();
        Ok(Self { dt: self.dt, ..Self::new(&*self.name, transmons, exchanges, lines)? })
    }

    /// Name of the device, without the maker's prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the figures come from; empty where that is not known.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Length of a sample in seconds, where it is known.
    pub fn dt(&self) -> Option<f64> {
        self.dt
    }

    /// How many transmons there are.
    pub fn width(&self) -> usize {
        self.transmons.len()
    }

    /// The transmons.
    pub fn transmons(&self) -> &[Transmon] {
        &self.transmons
    }

    /// The couplings that are not zero, sorted.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// The coupling of two qubits, in either order.
    pub fn exchange(&self, a: usize, b: usize) -> Option<&Exchange> {
        let pair = (a.min(b), a.max(b));
        self.exchanges.binary_search_by_key(&pair, |j| (j.a, j.b)).ok().map(|place| &self.exchanges[place])
    }

    /// The control lines; number n is the channel that files call `u{n}`.
    pub fn lines(&self) -> &[ControlLine] {
        &self.lines
    }

    /// The line that drives `control` at the frequency of `target`.
    pub fn line(&self, control: usize, target: usize) -> Option<&ControlLine> {
        self.lines.iter().find(|line| (line.control, line.target) == (control, target))
    }

    /// What is strange about the file.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

// Ranges in GHz
const FREQUENCY: [f64; 2] = [1.0, 15.0];
const ANHARMONICITY: [f64; 2] = [-1.0, -0.05];
const STRENGTH: [f64; 2] = [0.0, 2.0];
const EXCHANGE: [f64; 2] = [-0.1, 0.1];

/// Refuses an angular frequency in rad/s outside of a range in GHz.
fn check(what: String, value: f64, low: f64, high: f64) -> Result<()> {
    let found = value / TAU * 1e-9;
    if (low..=high).contains(&found) {
        return Ok(());
    }
    Err(Error::OutOfRange { what, found, wanted: format!("{low} to {high} GHz") })
}

/// Flags a coupling that is too weak for a gate.
fn flag_weak(file: &str, field: String, exchange: &Exchange, warnings: &mut Vec<Warning>) {
    if exchange.is_weak() {
        let value = Some(exchange.strength.abs() / TAU);
        warnings.push(Warning { file: file.into(), field, value, trap: Trap::WeakCoupling });
    }
}

#[cfg(test)]
mod tests;
