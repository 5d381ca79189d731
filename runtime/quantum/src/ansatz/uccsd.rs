//! Unitary coupled cluster for molecules.

use crate::circuit::QubitSlice;
use crate::observable::PauliProduct;
use crate::{Angle, Builder, Circuit, Error, Observable, Result};

/// Most spatial orbitals: 30 qubits.
const MAX_ORBITALS: usize = 15;

/// Unitary coupled cluster with singles and doubles (Peruzzo et al. 2014; Romero et al. 2018) from the Hartree-Fock state of
/// `electrons` electrons, half of each spin, in `orbitals` spatial orbitals under Jordan and Wigner: qubit 2p is orbital p spin up,
/// 2p + 1 spin down.
///
/// One angle for each excitation that keeps the spin, singles first; `exp(θ (T - T†))` one after another, which at the minimum is
/// as good as the exponential of the sum. At 0 it is the Hartree-Fock state.
///
/// # Errors
/// [`Error::Setting`] for more than 15 orbitals, or electrons that are odd, none, or fill all orbitals.
pub fn uccsd(orbitals: usize, electrons: usize) -> Result<Circuit> {
    if !(2..=MAX_ORBITALS).contains(&orbitals) {
        return Err(Error::Setting { name: "orbitals", found: orbitals as f64, expected: "2 to 15" });
    }
    if electrons == 0 || electrons % 2 == 1 || electrons >= 2 * orbitals {
        let (found, expected) = (electrons as f64, "an even number, fewer than two for each orbital");
        return Err(Error::Setting { name: "electrons", found, expected });
    }
    let excitations = excitations(2 * orbitals, electrons);
    let mut b = Builder::new("uccsd");
    let q = b.qubits("q", 2 * orbitals);
    let theta = b.parameters("theta", excitations.len());
    for qubit in 0..electrons {
        b.x(q.at(qubit));
    }
    for ((from, to), angle) in excitations.iter().zip(theta) {
        for (product, coefficient) in generator(from, to).real_terms(2 * orbitals)? {
            rotate(&mut b, &q, product, angle * (2.0 * coefficient));
        }
    }
    b.finish()
}

/// Spin orbitals that are emptied and filled.
type Excitation = (Vec<usize>, Vec<usize>);

fn excitations(spins: usize, electrons: usize) -> Vec<Excitation> {
    let up = |list: &[usize]| list.iter().filter(|s| *s % 2 == 0).count();
    let singles = |low: usize, high: usize| (low..high).map(|s| vec![s]).collect::<Vec<_>>();
    let pairs = |low: usize, high: usize| {
        (low..high).flat_map(|a| (a + 1..high).map(move |b| vec![a, b])).collect::<Vec<_>>()
    };
    let joined = |from: Vec<Vec<usize>>, to: Vec<Vec<usize>>| {
        let all = from.into_iter().flat_map(move |f| to.clone().into_iter().map(move |t| (f.clone(), t)));
        all.filter(|(f, t)| up(f) == up(t)).collect::<Vec<_>>()
    };
    let mut all = joined(singles(0, electrons), singles(electrons, spins));
    all.extend(joined(pairs(0, electrons), pairs(electrons, spins)));
    all
}

/// i (T - T†) with T the product of raising operators of `to` and lowering ones of `from`.
fn generator(from: &[usize], to: &[usize]) -> Observable {
    // X Y Z is i.
    let i = Observable::x(0_usize) * Observable::y(0_usize) * Observable::z(0_usize);
    let ladder = |spin: usize, raise: bool| {
        let string = (0..spin).fold(Observable::identity(), |product, q| product * Observable::z(q));
        let y = &i * &Observable::y(spin) * (if raise { -0.5 } else { 0.5 });
        &string * &(Observable::x(spin) * 0.5 + y)
    };
    let product = |list: Vec<(usize, bool)>| {
        list.into_iter().fold(Observable::identity(), |product, (spin, raise)| product * ladder(spin, raise))
    };
    let raised = to.iter().map(|s| (*s, true));
    let lowered = from.iter().rev().map(|s| (*s, false));
    let forward: Vec<_> = raised.chain(lowered).collect();
    let back: Vec<_> = forward.iter().rev().map(|(spin, raise)| (*spin, !raise)).collect();
    (&i * &(product(forward) - product(back))).truncate(1e-12)
}

/// `exp(-i angle/2 P)`.
fn rotate(b: &mut Builder, q: &QubitSlice, product: PauliProduct, angle: Angle) {
    let factors: Vec<(char, usize)> = product.factors().collect();
    let Some((_, last)) = factors.last().copied() else { return };
    for (letter, qubit) in &factors {
        match letter {
            'X' => b.h(q.at(qubit)),
            'Y' => b.rx(Angle::turns(0.25), q.at(qubit)),
            _ => {}
        }
    }
    for pair in factors.windows(2) {
        b.cx(q.at(pair[0].1), q.at(pair[1].1));
    }
    b.rz(angle, q.at(last));
    for pair in factors.windows(2).rev() {
        b.cx(q.at(pair[0].1), q.at(pair[1].1));
    }
    for (letter, qubit) in &factors {
        match letter {
            'X' => b.h(q.at(qubit)),
            'Y' => b.rx(Angle::turns(-0.25), q.at(qubit)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::C64;
    use crate::linalg::{Eigen, Matrix};
    use crate::simulator::{Plan, Simulator, StateVector};

    /// exp(-i angle G) by diagonalisation.
    fn exponential(g: &Matrix, angle: f64) -> Matrix {
        let eigen = Eigen::new(g).unwrap();
        let phases: ndarray::Array1<C64> = eigen.values.iter().map(|v| C64::cis(-angle * v)).collect();
        let phases = Matrix::from_diag(&phases);
        eigen.vectors.dot(&phases).dot(&crate::linalg::dagger(&eigen.vectors))
    }

    #[test]
    fn the_circuit_is_the_product_of_dense_exponentials() {
        let (orbitals, electrons) = (3, 2);
        let circuit = uccsd(orbitals, electrons).unwrap();
        let all = excitations(2 * orbitals, electrons);
        // Two singles of each spin, and four pairs of opposite spins
        assert_eq!((circuit.parameters().len(), all.len()), (8, 8));
        let values: Vec<f64> = (0..8).map(|k| 0.3 - 0.11 * f64::from(k)).collect();
        let mut state = Matrix::zeros((64, 1));
        state[[3, 0]] = C64::ONE;
        for ((from, to), value) in all.iter().zip(&values) {
            let g = generator(from, to).matrix(6).unwrap();
            // Of eigenvalues 0 and ±1, as a transition between states
            let values = Eigen::new(&g).unwrap().values;
            assert!(values.iter().all(|v| v.abs() < 1e-9 || (v.abs() - 1.0).abs() < 1e-9));
            state = exponential(&g, *value).dot(&state);
        }
        let found = StateVector::new().plan(&circuit).unwrap().run(&values).unwrap();
        let found = found.branches()[0].state.as_slice();
        let far: f64 = found.iter().zip(state.column(0)).map(|(a, b)| (a - b).norm_sqr()).sum();
        assert!(far < 1e-20, "{far:e}");
    }

    #[test]
    fn what_is_no_molecule_is_refused() {
        for (orbitals, electrons) in [(1, 2), (16, 2), (3, 0), (3, 3), (3, 6), (usize::MAX, 2)] {
            assert!(
                matches!(uccsd(orbitals, electrons), Err(Error::Setting { .. })),
                "{orbitals} {electrons}"
            );
        }
        assert_eq!(uccsd(4, 4).unwrap().parameters().len(), 8 + 18);
    }
}
