//! What an observable must be: on qubits that exist, and Hermitian.

use std::collections::BTreeMap;

use syn::{BinOp, Expr, Lit};

use super::model::{Letter, Pauli, Term, is_number};
use super::parse::shown;
use crate::diag::{Diagnostics, source};
use crate::index::fold;

/// Reports mistakes; returns the number of qubits that the observable needs, if literals show it.
pub(crate) fn check(term: &Term, diagnostics: &mut Diagnostics) -> Option<usize> {
    let paulis = term.paulis();
    for pauli in &paulis {
        qubit(pauli, diagnostics);
    }
    products(term, diagnostics);
    if !term.is_closed() {
        return None;
    }
    let qubits = paulis.iter().filter_map(|pauli| pauli.qubit.as_ref());
    let widths = qubits.map(|qubit| usize::try_from(fold(qubit)?).ok()?.checked_add(1));
    widths.collect::<Option<Vec<_>>>()?.into_iter().max()
}

fn qubit(pauli: &Pauli, diagnostics: &mut Diagnostics) {
    let Some(qubit) = &pauli.qubit else { return };
    match qubit {
        Expr::Lit(lit) if !matches!(lit.lit, Lit::Int(_)) => {
            diagnostics.error(qubit, format!("a qubit is a whole number, found `{}`", source(qubit)));
        }
        _ if fold(qubit).is_some_and(|value| value < 0) => {
            diagnostics
                .error(qubit, format!("qubit index {} is out of range: qubits count from 0", shown(qubit)));
        }
        _ => {}
    }
}

/// Checks each maximal product of the sum.
fn products(term: &Term, diagnostics: &mut Diagnostics) {
    match term {
        Term::Pauli(_) | Term::Plain(_) => {}
        Term::Negative(_, inner) | Term::Paren(inner) => products(inner, diagnostics),
        Term::Sum(sum) => products(&sum.term, diagnostics),
        Term::Binary(left, BinOp::Mul(_) | BinOp::Div(_), right) => {
            let mut factors = Vec::new();
            if flatten(term, &mut factors) {
                hermitian(&factors, diagnostics);
            } else {
                products(left, diagnostics);
                products(right, diagnostics);
            }
        }
        Term::Binary(left, _, right) => {
            products(left, diagnostics);
            products(right, diagnostics);
        }
    }
}

/// The Paulis of a product in order; false if it has a sum as a factor.
fn flatten<'a>(term: &'a Term, factors: &mut Vec<&'a Pauli>) -> bool {
    match term {
        Term::Pauli(pauli) => {
            factors.push(pauli);
            true
        }
        // A name may hold an observable that was made elsewhere.
        Term::Plain(expr) => is_number(expr),
        Term::Negative(_, inner) | Term::Paren(inner) => flatten(inner, factors),
        Term::Binary(left, BinOp::Mul(_), right) => flatten(left, factors) && flatten(right, factors),
        Term::Binary(left, BinOp::Div(_), _) => flatten(left, factors),
        Term::Binary(..) | Term::Sum(_) => false,
    }
}

/// `X(0) * Y(0)` is `i Z(0)`: a product must be real.
fn hermitian(factors: &[&Pauli], diagnostics: &mut Diagnostics) {
    let on_qubits = factors.iter().filter_map(|pauli| Some((*pauli, pauli.qubit.as_ref()?)));
    let on_qubits: Vec<_> =
        on_qubits.map(|(pauli, qubit)| (pauli, shown(qubit), fold(qubit).is_some())).collect();
    let known = on_qubits.iter().all(|(.., literal)| *literal);
    let one = on_qubits.iter().all(|(_, qubit, _)| *qubit == on_qubits[0].1);
    if !known && !one {
        return;
    }
    let mut letters: BTreeMap<(usize, &str), Letter> = BTreeMap::new();
    let (mut phase, mut culprit) = (0, None);
    for (pauli, qubit, _) in &on_qubits {
        let letter = letters.entry((qubit.len(), qubit)).or_insert(Letter::I);
        let (turns, product) = letter.times(pauli.letter);
        *letter = product;
        phase = (phase + turns) % 4;
        if turns % 2 == 1 {
            culprit = Some(*pauli);
        }
    }
    let (Some(culprit), 1 | 3) = (culprit, phase) else { return };
    let written = on_qubits.iter().map(|(pauli, ..)| source(pauli)).collect::<Vec<_>>().join(" * ");
    let left = letters.iter().filter(|(_, letter)| **letter != Letter::I);
    let left = left.map(|((_, qubit), letter)| format!("{letter:?}({qubit})"));
    let sign = if phase == 1 { "i" } else { "-i" };
    let product = std::iter::once(sign.to_owned()).chain(left).collect::<Vec<_>>().join(" ");
    diagnostics.error(culprit, format!("`{written}` is `{product}`, which is not an observable"));
}
