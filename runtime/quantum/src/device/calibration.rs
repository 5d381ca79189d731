//! The calibration of a device: what was measured about each qubit, gate and coupling on one day.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{bundle, compact, document, ibm};
use crate::circuit::Confusion;
use crate::{Error, Result, file};

/// Longest file that is read, in bytes. The largest snapshots (127 qubits) have about 0.5 MB.
pub const MAX_BYTES: u64 = 16 << 20;

/// Most qubits a device may have.
pub const MAX_QUBITS: usize = 1024;

/// How values are treated that no device can have, such as T2 > 2 T1.
///
/// Either way, values that are possible but strange are kept and flagged: see [`Calibration::warnings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// They are refused with an error that names file, field and value.
    #[default]
    Strict,
    /// They are repaired and flagged: a T2 above 2 T1 becomes 2 T1; an absent or zero T1, T2, readout probability,
    /// gate error or gate length becomes the median of the device. What cannot be repaired is still refused.
    Lenient,
}

/// What was measured about one qubit. Times in seconds, frequencies in hertz.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QubitCalibration {
    /// Relaxation time.
    pub t1: f64,
    /// Coherence time, at most `2 * t1`.
    pub t2: f64,
    /// Frequency of the transition from 0 to 1.
    pub frequency: f64,
    /// Frequency of the transition from 1 to 2 less [`Self::frequency`]; absent where it was not published.
    pub anharmonicity: Option<f64>,
    /// Probability to read 1 when 0 was prepared.
    pub p1_given_0: f64,
    /// Probability to read 0 when 1 was prepared.
    pub p0_given_1: f64,
    /// Length of a measurement, 0 where it was not published.
    pub readout_length: f64,
}

impl QubitCalibration {
    /// Mean of the two readout errors.
    pub fn readout_error(&self) -> f64 {
        f64::midpoint(self.p1_given_0, self.p0_given_1)
    }

    /// How it is misread.
    pub fn confusion(&self) -> Confusion {
        Confusion { p1_given_0: self.p1_given_0, p0_given_1: self.p0_given_1 }
    }
}

/// What was measured about one gate on given qubits.
#[derive(Debug, Clone, PartialEq)]
pub struct GateCalibration {
    /// Name, as in the gate table: `rz`, `sx`, `cx`.
    pub name: String,
    /// Physical qubits, in the order of the gate's operands.
    pub qubits: Vec<usize>,
    /// One less the average gate fidelity.
    pub error: f64,
    /// Length in seconds; 0 for a gate that is a change of frame only.
    pub length: f64,
}

impl GateCalibration {
    /// Whether the gate is marked as out of order: an error of 1 says so.
    pub fn is_dead(&self) -> bool {
        self.error >= 1.0
    }
}

/// A pair of coupled qubits, `a < b`. Frequencies in hertz.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coupling {
    /// The lower qubit.
    pub a: usize,
    /// The higher qubit.
    pub b: usize,
    /// Exchange coupling J, absent where it was not published.
    pub exchange: Option<f64>,
    /// Static ZZ shift: the frequency of one qubit when the other is 1, less that when it is 0. Absent where it was
    /// not published.
    pub zz: Option<f64>,
}

/// What may be strange about a snapshot that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Trap {
    /// Median gate lengths far above those of any device: the pulses were saved stretched.
    StretchedPulses,
    /// A qubit is misread more often than in 15 % of cases.
    ReadoutError,
    /// An exchange coupling below 0.5 MHz: no two-qubit gate of usual length can come out of it.
    WeakCoupling,
    /// A static ZZ beyond 0.4 MHz.
    LargeZz,
    /// A gate error of 1, which marks a gate as out of order.
    DeadGate,
    /// A gate that takes time is said to have no error at all.
    NoGateError,
    /// J and ZZ of a pair are absent, or both zero.
    NoCoupling,
    /// The Hamiltonian is not given.
    NoHamiltonian,
    /// The sample time is given in seconds where nanoseconds are the rule.
    DtInSeconds,
    /// T2 was above 2 T1 and is now 2 T1.
    LongT2,
    /// The device has two-qubit gates of more than one name.
    MixedGates,
    /// A value that can be done without was absent or zero; it was left out.
    Absent,
    /// A value was absent or zero; the median of the device stands in its place.
    Filled,
    /// The name of a coupling may mean several pairs, or none, so it was left out.
    UnclearCoupling,
    /// An edge has no two-qubit gate.
    EdgeWithoutGate,
    /// A gate has a pulse of amplitude 0.
    SilentPulse,
}

impl Trap {
    /// Whether it can still be seen in the values themselves.
    pub(super) fn is_visible(self) -> bool {
        !matches!(
            self,
            Self::NoHamiltonian | Self::DtInSeconds | Self::LongT2 | Self::Filled | Self::UnclearCoupling
        )
    }
}

/// Something strange in a snapshot: the device was read, but what rests on this value deserves a second look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// Name of the file.
    pub file: String,
    /// The field, for example `qubits[3].T2`.
    pub field: String,
    /// Its value as found, in seconds, hertz or plain numbers; none where it is absent or not a number.
    pub value: Option<f64>,
    /// What is strange about it.
    pub trap: Trap,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.field)?;
        match self.value {
            Some(value) => write!(f, " is {value:.3e}: ")?,
            None => write!(f, ": ")?,
        }
        f.write_str(match self.trap {
            Trap::StretchedPulses => "the pulses look stretched; gate lengths of this device prove nothing",
            Trap::ReadoutError => "the qubit is misread in more than 15 % of cases",
            Trap::WeakCoupling => "below 0.5 MHz no two-qubit gate comes out of an exchange coupling",
            Trap::LargeZz => "a static ZZ beyond 0.4 MHz is no longer a small error",
            Trap::DeadGate => "an error of 1 marks a gate that is out of order",
            Trap::NoGateError => "a gate that takes time cannot be without error",
            Trap::NoCoupling => "neither J nor ZZ is known for this pair",
            Trap::NoHamiltonian => "the device comes without a Hamiltonian",
            Trap::DtInSeconds => "taken as seconds, where nanoseconds are the rule",
            Trap::LongT2 => "above 2 T1, which no qubit reaches; clamped to 2 T1",
            Trap::MixedGates => "two-qubit gates of more than one name",
            Trap::Absent => "absent or zero; left out",
            Trap::Filled => "absent or zero; filled in from what else is known of the device",
            Trap::UnclearCoupling => "the name fits no single pair of coupled qubits; left out",
            Trap::EdgeWithoutGate => "this edge has no two-qubit gate",
            Trap::SilentPulse => "a pulse of the gate has amplitude 0, so it does nothing",
        })
    }
}

/// The calibration of a device on one day, validated: every number is finite and in its range, every qubit exists,
/// the coupling map is connected. Seconds and hertz throughout.
///
/// ```
/// use ketline_quantum::device::Calibration;
///
/// let manila = Calibration::bundled("manila")?;
/// assert_eq!(manila.width(), 5);
/// let cx = manila.gate("cx", &[0, 1]).expect("0 and 1 are coupled");
/// println!("{} on {}: cx 0-1 takes {:.0} ns", manila.name(), manila.date(), cx.length * 1e9);
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    pub(super) name: String,
    pub(super) date: String,
    pub(super) source: String,
    pub(super) dt: Option<f64>,
    pub(super) basis: Vec<String>,
    pub(super) qubits: Vec<QubitCalibration>,
    pub(super) gates: Vec<GateCalibration>,
    pub(super) edges: Vec<(usize, usize)>,
    pub(super) couplings: Vec<Coupling>,
    pub(super) warnings: Vec<Warning>,
}

impl Calibration {
    /// Reads a snapshot, refusing what no device can have ([`Reading::Strict`]).
    ///
    /// `path` is a file in Ketline's compact form, or one of IBM's `props_*.json` and `conf_*.json` with the other
    /// beside it, or a folder with one of each.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::read_with(path, Reading::Strict)
    }

    /// [`Self::read`], with a choice of what to do about impossible values.
    pub fn read_with(path: impl AsRef<Path>, reading: Reading) -> Result<Self> {
        let path = path.as_ref();
        let (props, conf) = if path.is_dir() {
            ibm::pair_in(path)?
        } else {
            let label = path.display().to_string();
            let text = file::read(path, MAX_BYTES)?;
            let value = document::parse(&label, &text)?;
            let root = document::Field::root(&label, &value);
            if compact::FORM.is_of(&root) {
                return compact::draft(&root)?.settle(reading);
            }
            ibm::pair_of(path, &root)?
        };
        let (props_text, conf_text) = (file::read(&props, MAX_BYTES)?, file::read(&conf, MAX_BYTES)?);
        ibm::draft((&props.display().to_string(), &props_text), (&conf.display().to_string(), &conf_text))?
            .settle(reading)
    }

    /// Reads the text of a file in the compact form; errors call it `label`.
    pub fn from_compact(label: &str, text: &str, reading: Reading) -> Result<Self> {
        check_length(label, text)?;
        let value = document::parse(label, text)?;
        compact::draft(&document::Field::root(label, &value))?.settle(reading)
    }

    /// Reads the texts of IBM's `props_*.json` and `conf_*.json`; errors call them `props` and `conf`.
    pub fn from_ibm(props: &str, conf: &str, reading: Reading) -> Result<Self> {
        check_length("props", props)?;
        check_length("conf", conf)?;
        ibm::draft(("props", props), ("conf", conf))?.settle(reading)
    }

    /// A snapshot that comes with the crate; see [`Self::bundled_names`].
    pub fn bundled(name: &str) -> Result<Self> {
        let Some((label, text)) = bundle::find(name) else {
            return Err(Error::UnknownDevice {
                name: name.into(),
                known: bundle::names().collect::<Vec<_>>().join(", "),
            });
        };
        Self::from_compact(label, text, Reading::Strict)
    }

    /// Names of the snapshots that come with the crate, smallest device first.
    pub fn bundled_names() -> impl Iterator<Item = &'static str> {
        bundle::names()
    }

    /// The calibration in the compact form, one line a qubit, gate and coupling. Reading it back gives an equal value.
    pub fn to_compact(&self) -> String {
        compact::write(self)
    }

    /// Writes [`Self::to_compact`] to a file, whole or not at all.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), &self.to_compact())
    }

    /// Name of the device, without the maker's prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When the calibration was published, as its source writes it.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// Where the figures come from; empty where that is not known.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The same figures with a note of where they come from.
    #[must_use]
    pub fn with_source(self, source: impl Into<String>) -> Self {
        Self { source: source.into(), ..self }
    }

    /// Length of a sample of the control electronics in seconds, where it is known.
    pub fn dt(&self) -> Option<f64> {
        self.dt
    }

    /// Names of the native gates.
    pub fn basis(&self) -> &[String] {
        &self.basis
    }

    /// How many qubits the device has.
    pub fn width(&self) -> usize {
        self.qubits.len()
    }

    /// What is known of each qubit.
    pub fn qubits(&self) -> &[QubitCalibration] {
        &self.qubits
    }

    /// What is known of each gate, sorted by name and qubits.
    pub fn gates(&self) -> &[GateCalibration] {
        &self.gates
    }

    /// What is known of the gate `name` on these physical qubits, in this order.
    pub fn gate(&self, name: &str, qubits: &[usize]) -> Option<&GateCalibration> {
        let place = self
            .gates
            .binary_search_by(|gate| (gate.name.as_str(), gate.qubits.as_slice()).cmp(&(name, qubits)));
        place.ok().map(|place| &self.gates[place])
    }

    /// Directed edges of the coupling map, `(control, target)`, sorted.
    pub fn edges(&self) -> &[(usize, usize)] {
        &self.edges
    }

    /// The coupled pairs, sorted.
    pub fn couplings(&self) -> &[Coupling] {
        &self.couplings
    }

    /// The coupling of two qubits, in either order.
    pub fn coupling(&self, a: usize, b: usize) -> Option<&Coupling> {
        let pair = (a.min(b), a.max(b));
        self.couplings.binary_search_by_key(&pair, |c| (c.a, c.b)).ok().map(|place| &self.couplings[place])
    }

    /// What is strange about the snapshot.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

fn check_length(file: &str, text: &str) -> Result<()> {
    if text.len() as u64 <= MAX_BYTES {
        return Ok(());
    }
    let reason = format!("found {} bytes, expected at most {MAX_BYTES}", text.len());
    Err(Error::File { file: file.into(), reason })
}

#[cfg(test)]
mod tests;
