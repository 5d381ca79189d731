//! Pauli algebra against dense matrices.

use proptest::prelude::*;

use super::*;
use crate::linalg::{identity, kron};

fn letter(letter: char) -> Matrix {
    let (o, l, i) = (C64::ZERO, C64::ONE, C64::I);
    match letter {
        'X' => ndarray::array![[o, l], [l, o]],
        'Y' => ndarray::array![[o, -i], [i, o]],
        'Z' => ndarray::array![[l, o], [o, -l]],
        _ => identity(2),
    }
}

/// The matrix of a string by Kronecker products, the first letter lowest.
fn dense(letters: &str) -> Matrix {
    letters.chars().fold(identity(1), |low, c| kron(&letter(c), &low))
}

fn close(a: &Matrix, b: &Matrix) -> bool {
    (a - b).iter().all(|z| z.norm() < 1e-12)
}

fn strings(width: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(prop::sample::select(vec!['I', 'X', 'Y', 'Z']), width)
        .prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #[test]
    fn strings_are_kronecker_products(letters in strings(4), c in -2.0..2.0_f64) {
        let matrix = Observable::pauli(&letters, c).unwrap().matrix(4).unwrap();
        prop_assert!(close(&matrix, &(dense(&letters) * C64::from(c))));
    }

    #[test]
    fn products_multiply_as_matrices(a in strings(3), b in strings(3)) {
        let (p, q) = (PauliProduct::parse(&a).unwrap(), PauliProduct::parse(&b).unwrap());
        let (phase, product) = p.times(q);
        let matrix = Observable::from(product).matrix(3).unwrap() * phase;
        prop_assert!(close(&matrix, &dense(&a).dot(&dense(&b))));
        prop_assert_eq!(p.commutes_with(q), close(&dense(&a).dot(&dense(&b)), &dense(&b).dot(&dense(&a))));
    }
}

#[test]
fn like_terms_join_and_cancel() {
    let (x, y, z) = (Observable::x, Observable::y, Observable::z);
    assert_eq!(x(0) * x(0), Observable::identity());
    assert_eq!((z(0) + z(1)) * (z(0) - z(1)), Observable::zero());
    assert_eq!(0.1 * z(3) + 0.2 * z(3) - 0.3 * z(3), Observable::zero());
    // the commutator's imaginary parts cancel in the anticommutator
    assert_eq!(x(0) * y(0) + y(0) * x(0), Observable::zero());
    assert_eq!((x(2) * y(2)) * z(2), Observable::zero() - Observable::default() + (x(2) * y(2)) * z(2));
    let square = (x(0) * y(1)) * (x(1) * y(0));
    assert_eq!(square, z(0) * z(1));
    assert_eq!(Observable::sum(0..3, z).terms().len(), 3);
    assert_eq!(z(1) / 2.0 + 1.0, 1.0 + 0.5 * z(1));
    // patterns over a slice bind references
    assert_eq!(Observable::sum(&[(0, 1)], |(i, j)| Observable::z(i) * Observable::z(j)), z(0) * z(1));
}

#[test]
fn what_is_left_imaginary_is_refused_with_its_name() {
    let error = (Observable::x(0) * Observable::y(0)).matrix(1).unwrap_err();
    assert_eq!(error, Error::NotAnObservable { term: "Z(0)".into(), coefficient: "1i".into() });
    assert_eq!(error.to_string(), "`Z(0)` has the coefficient 1i, expected a finite real number");
    assert!(matches!((Observable::x(0) * f64::NAN).real_terms(1), Err(Error::NotAnObservable { .. })));
    assert!(matches!((Observable::x(0) * f64::INFINITY).real_terms(1), Err(Error::NotAnObservable { .. })));
}

#[test]
fn qubits_that_are_not_there_are_refused() {
    let error = Observable::z(4).real_terms(4).unwrap_err();
    assert_eq!(error.to_string(), "the observable acts on qubit 4, but the circuit has 4 qubits");
    let far = 1.0 + Observable::z(3) * Observable::z(70);
    assert_eq!((far.width(), far.real_terms(64)), (71, Err(Error::ObservableWidth { qubit: 70, width: 64 })));
    assert!(matches!(Observable::pauli("XQ", 1.0), Err(Error::PauliLetter { letter: 'Q', qubit: 1, .. })));
    assert!(matches!(Observable::pauli(&"Z".repeat(65), 1.0), Err(Error::TooManyQubits { found: 65, .. })));
    assert!(matches!(Observable::identity().matrix(40), Err(Error::TooManyQubits { .. })));
}

#[test]
fn observables_print_as_the_macro_writes_them() {
    let (x, y, z) = (Observable::x, Observable::y, Observable::z);
    assert_eq!((z(1) * x(0) - 2.5 * y(2) + 3.0).to_string(), "3 - 2.5 Y(2) + X(0) Z(1)");
    assert_eq!(Observable::zero().to_string(), "0");
    assert_eq!((x(0) * y(0)).to_string(), "1i Z(0)");
}

#[test]
fn a_published_molecule_has_its_energy() {
    // H2 in STO-3G at 0.735 angstrom, reduced to two qubits; full CI by PySCF
    let terms = [
        ("II", -0.332_404_251_323_880_7),
        ("IZ", 0.397_937_424_843_179_5),
        ("ZI", 0.397_937_424_843_179_5),
        ("ZZ", 0.011_280_104_256_235_2),
        ("XX", 0.180_931_199_784_231_5),
    ];
    let hydrogen = Observable::from_paulis(terms).unwrap();
    let lowest = crate::linalg::Eigen::new(&hydrogen.matrix(2).unwrap()).unwrap().values[0];
    assert!((lowest - -1.137_306_035_753_400_5).abs() < 1e-12, "{lowest}");
}
