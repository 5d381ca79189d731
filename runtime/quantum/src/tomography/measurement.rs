//! What was measured: a Pauli basis for each qubit and the counts of each outcome.

use crate::{Error, Result};

/// Most qubits that tomography takes: the state of twelve fills 256 MiB.
pub const MAX_WIDTH: usize = 12;

/// A Pauli basis that one qubit is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Basis {
    /// Eigenstates of X: a Hadamard gate before the measurement.
    X,
    /// Eigenstates of Y: S†, then a Hadamard gate, before the measurement.
    Y,
    /// Eigenstates of Z: the measurement itself.
    Z,
}

impl Basis {
    /// The three bases, in the order of their digits in [`settings`](super::settings).
    pub const ALL: [Self; 3] = [Self::X, Self::Y, Self::Z];
}

/// The counts of one setting, as a device returns them. Outcome 0 of a qubit is the eigenvalue +1 of its
/// basis.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    basis: Vec<Basis>,
    counts: Vec<f64>,
    shots: f64,
}

impl Measurement {
    /// Counts of the `2^n` outcomes (bit `q` of the index is the outcome of qubit `q`) measured in `basis`,
    /// one entry a qubit. Counts need not be whole: exact probabilities do, and count as one shot.
    ///
    /// # Errors
    /// [`Error::Dimension`] if there are no qubits, more than [`MAX_WIDTH`], or not `2^n` counts;
    /// [`Error::NotFinite`] or [`Error::Setting`] for a count that is no number >= 0; [`Error::NoShots`] if
    /// all of them are zero.
    pub fn new(basis: Vec<Basis>, counts: Vec<f64>) -> Result<Self> {
        check_width(basis.len())?;
        let outcomes = 1 << basis.len();
        if counts.len() != outcomes {
            return Err(Error::Dimension {
                what: "a list of counts",
                found: counts.len(),
                expected: outcomes,
            });
        }
        if let Some(index) = counts.iter().position(|count| !count.is_finite()) {
            return Err(Error::NotFinite { what: "a list of counts", index, value: counts[index] });
        }
        if let Some(&found) = counts.iter().find(|count| **count < 0.0) {
            return Err(Error::Setting { name: "a count", found, expected: "a number >= 0" });
        }
        let shots: f64 = counts.iter().sum();
        if !shots.is_finite() {
            return Err(Error::NotFinite { what: "a sum of counts", index: 0, value: shots });
        }
        // Denormal sums would overflow when frequencies are formed.
        if shots < f64::MIN_POSITIVE {
            return Err(Error::NoShots);
        }
        Ok(Self { basis, counts, shots })
    }

    /// The basis of each qubit.
    pub fn basis(&self) -> &[Basis] {
        &self.basis
    }

    /// The count of each outcome, little-endian.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// The sum of the counts.
    pub fn shots(&self) -> f64 {
        self.shots
    }

    /// The number of qubits.
    pub fn width(&self) -> usize {
        self.basis.len()
    }

    /// The relative frequency of each outcome.
    pub fn frequencies(&self) -> Vec<f64> {
        self.counts.iter().map(|count| count / self.shots).collect()
    }
}

pub(super) fn check_width(width: usize) -> Result<()> {
    match width {
        0 => Err(Error::Dimension { what: "the number of measured qubits", found: 0, expected: 1 }),
        1..=MAX_WIDTH => Ok(()),
        found => Err(Error::Dimension { what: "the number of measured qubits", found, expected: MAX_WIDTH }),
    }
}

/// The number of qubits that all measurements share.
pub(super) fn common_width(measurements: &[Measurement]) -> Result<usize> {
    let Some(first) = measurements.first() else { return Err(Error::NoShots) };
    let expected = first.width();
    match measurements.iter().map(Measurement::width).find(|&width| width != expected) {
        None => Ok(expected),
        Some(found) => Err(Error::Dimension { what: "the basis of a measurement", found, expected }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_are_normalised_counts() {
        let measurement = Measurement::new(vec![Basis::X], vec![30.0, 10.0]).unwrap();
        assert_eq!(measurement.frequencies(), [0.75, 0.25]);
        assert_eq!(measurement.shots(), 40.0);
    }

    #[test]
    fn malformed_counts_are_refused() {
        let new = |counts: &[f64]| Measurement::new(vec![Basis::Z], counts.to_vec());
        assert!(matches!(new(&[1.0; 3]), Err(Error::Dimension { found: 3, expected: 2, .. })));
        assert!(matches!(new(&[1.0, f64::NAN]), Err(Error::NotFinite { index: 1, .. })));
        assert!(matches!(new(&[f64::MAX, f64::MAX]), Err(Error::NotFinite { .. })));
        assert!(matches!(new(&[2.0, -1.0]), Err(Error::Setting { found: -1.0, .. })));
        assert_eq!(new(&[0.0, 0.0]), Err(Error::NoShots));
        assert!(matches!(Measurement::new(vec![], vec![1.0]), Err(Error::Dimension { found: 0, .. })));
        assert!(matches!(
            Measurement::new(vec![Basis::Z; 13], vec![]),
            Err(Error::Dimension { found: 13, .. })
        ));
    }

    #[test]
    fn widths_must_agree() {
        let narrow = Measurement::new(vec![Basis::Z], vec![1.0; 2]).unwrap();
        let wide = Measurement::new(vec![Basis::Z; 2], vec![1.0; 4]).unwrap();
        assert_eq!(common_width(&[narrow.clone(), narrow.clone()]), Ok(1));
        assert!(matches!(common_width(&[narrow, wide]), Err(Error::Dimension { found: 2, expected: 1, .. })));
        assert_eq!(common_width(&[]), Err(Error::NoShots));
    }
}
