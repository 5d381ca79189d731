//! Parametrised circuits to train: what hardware runs well, laid along the edges that a device has.
//!
//! Any other [`Circuit`] with parameters serves as well; these are the usual starting points.
//!
//! | ansatz | gates of a layer | angles for `n` qubits, `e` edges, `L` layers |
//! |---|---|---|
//! | [`u_cx`] | `u` on every qubit, `cx` on every edge; `u` once more at the end | `3 n (L + 1)` |
//! | [`u_cu`] | `u` on every qubit, `cu` along every edge | `(3 n + 4 e) L` |
//! | [`ry_cz`] | `ry` on every qubit, `cz` on every edge; `ry` once more (real amplitudes) | `n (L + 1)` |
//! | [`uccsd`] | an exponential for each excitation of a molecule | one an excitation |

mod uccsd;

pub use uccsd::uccsd;

use crate::circuit::QubitSlice;
use crate::{Angle, Builder, Circuit, Result};

/// General rotations and CX along `edges`, `layers` deep, closed by rotations: the ansatz of `RobustState`'s prototype.
///
/// # Errors
/// An edge that names a qubit beyond `width`, or one qubit twice.
pub fn u_cx(width: usize, edges: &[(usize, usize)], layers: usize) -> Result<Circuit> {
    let mut b = Builder::new("u_cx");
    let q = b.qubits("q", width);
    let theta = b.parameters("theta", product(&[3, width, layers.saturating_add(1)]));
    for (layer, angles) in theta.chunks((3 * q.len()).max(1)).enumerate() {
        rotate(&mut b, &q, angles);
        if layer < layers {
            for (from, to) in edges {
                b.cx(q.at(from), q.at(to));
            }
        }
    }
    b.finish()
}

/// General rotations and controlled general rotations along `edges`, `layers` deep: `TorchQuantum`'s state-preparation
/// ansatz, with the edges of the device.
///
/// # Errors
/// An edge that names a qubit beyond `width`, or one qubit twice.
pub fn u_cu(width: usize, edges: &[(usize, usize)], layers: usize) -> Result<Circuit> {
    let mut b = Builder::new("u_cu");
    let q = b.qubits("q", width);
    let one = b.parameters("theta", product(&[3, width, layers]));
    let two = b.parameters("phi", product(&[4, edges.len(), layers]));
    for (layer, angles) in one.chunks((3 * q.len()).max(1)).enumerate() {
        rotate(&mut b, &q, angles);
        let angles = two.get(4 * edges.len() * layer..).unwrap_or_default();
        for ((from, to), a) in edges.iter().zip(angles.chunks_exact(4)) {
            b.cu(a[0], a[1], a[2], a[3], q.at(from), q.at(to));
        }
    }
    b.finish()
}

/// Rotations about Y and CZ along `edges`, `layers` deep, closed by rotations: for states with real amplitudes.
///
/// # Errors
/// An edge that names a qubit beyond `width`, or one qubit twice.
pub fn ry_cz(width: usize, edges: &[(usize, usize)], layers: usize) -> Result<Circuit> {
    let mut b = Builder::new("ry_cz");
    let q = b.qubits("q", width);
    let theta = b.parameters("theta", product(&[width, layers.saturating_add(1)]));
    for (layer, angles) in theta.chunks(q.len().max(1)).enumerate() {
        for (qubit, angle) in angles.iter().enumerate() {
            b.ry(angle, q.at(qubit));
        }
        if layer < layers {
            for (one, other) in edges {
                b.cz(q.at(one), q.at(other));
            }
        }
    }
    b.finish()
}

/// A number of parameters; one beyond all bounds is refused where they are declared.
fn product(factors: &[usize]) -> usize {
    factors.iter().fold(1, |product, factor| product.saturating_mul(*factor))
}

fn rotate(b: &mut Builder, q: &QubitSlice, angles: &[Angle]) {
    for (qubit, a) in angles.chunks_exact(3).take(q.len()).enumerate() {
        b.u(a[0], a[1], a[2], q.at(qubit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn sizes_are_as_the_table_says() {
        let line = [(0, 1), (1, 2), (2, 3)];
        assert_eq!(u_cx(4, &line, 3).unwrap().parameters().len(), 48);
        assert_eq!(u_cx(4, &line, 3).unwrap().counts()["cx"], 9);
        assert_eq!(u_cu(4, &line, 2).unwrap().parameters().len(), 48);
        assert_eq!(u_cu(4, &line, 2).unwrap().counts()["cu"], 6);
        assert_eq!(ry_cz(4, &line, 2).unwrap().parameters().len(), 12);
        assert!(matches!(u_cx(2, &[(0, 2)], 1), Err(Error::QubitRange { .. })));
    }

    #[test]
    fn absurd_sizes_are_refused() {
        for ansatz in [u_cx, u_cu, ry_cz] {
            assert!(matches!(ansatz(0, &[], 1), Err(Error::EmptyRegister { .. })));
            assert!(matches!(ansatz(usize::MAX, &[], 1), Err(Error::TooManyQubits { .. })));
            assert!(matches!(ansatz(2, &[(0, 1)], usize::MAX), Err(Error::TooManyParameters { .. })));
        }
    }
}
