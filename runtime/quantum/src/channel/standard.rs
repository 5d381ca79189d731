//! The named channels of the textbooks.

use ndarray::{Array2, array};

use super::{Channel, check_width, kron};
use crate::{C64, Error, Matrix, Result};

impl Channel {
    /// `rho -> (1 - p) rho + p tr(rho) 1 / 2^k` on `qubits` qubits.
    ///
    /// `p` goes up to `4^k / (4^k - 1)`, where every Pauli but the identity is equally likely.
    pub fn depolarizing(p: f64, qubits: usize) -> Result<Self> {
        check_width(qubits)?;
        let (d, d2) = (1_usize << qubits, (1_usize << (2 * qubits)) as f64);
        within("depolarizing probability", p, 0.0, d2 / (d2 - 1.0))?;
        let mixed = C64::from(p / d as f64);
        let superoperator = Array2::from_shape_fn((d * d, d * d), |(row, column)| {
            let kept = if row == column { C64::from(1.0 - p) } else { C64::ZERO };
            let spread = row / d == row % d && column / d == column % d;
            if spread { kept + mixed } else { kept }
        });
        Ok(Self::from_map(qubits, superoperator).named("depolarizing"))
    }

    /// Relaxation of a qubit to its ground state for `time`, with relaxation time `t1` and coherence time `t2`; all
    /// in seconds, `t2 <= 2 t1`, an infinite time means none.
    pub fn thermal_relaxation(time: f64, t1: f64, t2: f64) -> Result<Self> {
        Self::thermal_relaxation_to(time, t1, t2, 0.0)
    }

    /// [`Self::thermal_relaxation`] to an equilibrium where the qubit is excited with probability `excited`.
    ///
    /// Populations decay to `(1 - excited, excited)` with `exp(-time / t1)`, coherences with `exp(-time / t2)`.
    pub fn thermal_relaxation_to(time: f64, t1: f64, t2: f64, excited: f64) -> Result<Self> {
        within("relaxation time span in seconds", time, 0.0, f64::MAX)?;
        within("excited population", excited, 0.0, 1.0)?;
        positive("T1 in seconds", t1)?;
        positive("T2 in seconds", t2)?;
        if t2 > 2.0 * t1 {
            return Err(Error::OutOfRange {
                what: "T2 in seconds".into(),
                found: t2,
                wanted: format!("at most 2 T1 = {}", 2.0 * t1),
            });
        }
        let lost = -(-time / t1).exp_m1();
        let coherence = C64::from((-time / t2).exp());
        let (up, down) = (lost * excited, lost * (1.0 - excited));
        let mut superoperator = Matrix::zeros((4, 4));
        superoperator[[0, 0]] = C64::from(1.0 - up);
        superoperator[[0, 3]] = C64::from(down);
        superoperator[[3, 0]] = C64::from(up);
        superoperator[[3, 3]] = C64::from(1.0 - down);
        superoperator[[1, 1]] = coherence;
        superoperator[[2, 2]] = coherence;
        // With kept = exp(-t / T1): (1 - up)(1 - down) >= kept >= exp(-2 t / T2), so the Choi matrix is positive.
        Ok(Self::from_map(1, superoperator).named("relaxation"))
    }

    /// Decay of the excited state with probability `gamma`.
    pub fn amplitude_damping(gamma: f64) -> Result<Self> {
        within("damping probability", gamma, 0.0, 1.0)?;
        let kept = C64::from((1.0 - gamma).sqrt());
        let stay = array![[C64::ONE, C64::ZERO], [C64::ZERO, kept]];
        let fall = array![[C64::ZERO, C64::from(gamma.sqrt())], [C64::ZERO, C64::ZERO]];
        Ok(Self::from_kraus(vec![stay, fall])?.named("damping"))
    }

    /// Loss of phase: coherences shrink by `sqrt(1 - lambda)`, populations stay.
    pub fn phase_damping(lambda: f64) -> Result<Self> {
        within("phase damping probability", lambda, 0.0, 1.0)?;
        let kept = C64::from((1.0 - lambda).sqrt());
        let stay = array![[C64::ONE, C64::ZERO], [C64::ZERO, kept]];
        let seen = array![[C64::ZERO, C64::ZERO], [C64::ZERO, C64::from(lambda.sqrt())]];
        Ok(Self::from_kraus(vec![stay, seen])?.named("dephasing"))
    }

    /// An X with probability `p`.
    pub fn bit_flip(p: f64) -> Result<Self> {
        within("bit flip probability", p, 0.0, 1.0)?;
        Ok(Self::pauli(&[("I", 1.0 - p), ("X", p)])?.named("bit flip"))
    }

    /// A Z with probability `p`.
    pub fn phase_flip(p: f64) -> Result<Self> {
        within("phase flip probability", p, 0.0, 1.0)?;
        Ok(Self::pauli(&[("I", 1.0 - p), ("Z", p)])?.named("phase flip"))
    }

    /// Random Pauli products: pairs of a word such as `"XZ"` (its first letter acts on operand 0) and its
    /// probability. The probabilities must add up to 1.
    pub fn pauli(terms: &[(&str, f64)]) -> Result<Self> {
        let width = terms.first().map_or(0, |(word, _)| word.len());
        check_width(width)?;
        let mut operators = Vec::with_capacity(terms.len());
        for (word, probability) in terms {
            within("Pauli probability", *probability, 0.0, 1.0)?;
            let matrix = pauli_product(word).filter(|_| word.len() == width).ok_or_else(|| Error::Shape {
                what: "Pauli word".into(),
                found: format!("`{word}`"),
                wanted: format!("{width} letters out of I, X, Y, Z"),
            })?;
            operators.push(matrix * C64::from(probability.sqrt()));
        }
        let total: f64 = terms.iter().map(|(_, probability)| probability).sum();
        if (total - 1.0).abs() > 1e-9 {
            let wanted = "a sum of 1".into();
            return Err(Error::OutOfRange { what: "Pauli probabilities".into(), found: total, wanted });
        }
        Ok(Self::from_kraus(operators)?.named("pauli"))
    }
}

fn pauli_product(word: &str) -> Option<Matrix> {
    let (o, l, i) = (C64::ZERO, C64::ONE, C64::I);
    word.chars().try_fold(array![[l]], |low, letter| {
        let high = match letter {
            'I' => array![[l, o], [o, l]],
            'X' => array![[o, l], [l, o]],
            'Y' => array![[o, -i], [i, o]],
            'Z' => array![[l, o], [o, -l]],
            _ => return None,
        };
        Some(kron(&high, &low))
    })
}

fn within(what: &str, found: f64, low: f64, high: f64) -> Result<()> {
    if (low..=high).contains(&found) {
        return Ok(());
    }
    let wanted = if high == f64::MAX { format!("at least {low}") } else { format!("{low} to {high}") };
    Err(Error::OutOfRange { what: what.into(), found, wanted })
}

fn positive(what: &str, found: f64) -> Result<()> {
    if found > 0.0 {
        return Ok(());
    }
    Err(Error::OutOfRange { what: what.into(), found, wanted: "more than 0".into() })
}
