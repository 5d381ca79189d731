//! Channels as alternatives of which one happens.
//!
//! A channel has many sets of Kraus operators. The one taken here makes one alternative as likely as it can be in every
//! state: mostly noise does nothing, and a random number below that *floor* says so without a look at the state.

use super::super::form::Form;
use crate::linalg::{Eigen, dagger, kron};
use crate::{C64, Channel, Matrix};

/// Dimension of the largest channel whose operators are chosen anew.
const MAX_CHOSEN: usize = 4;

/// What rounding leaves of entries that are 0 or 1.
const DUST: f64 = 8.0 * f64::EPSILON;

/// What a matrix does, in the cheapest form, and all its entries.
#[derive(Debug, Clone)]
pub(super) struct Action {
    pub(super) kind: Kind,
    /// Row by row.
    pub(super) entries: Vec<C64>,
}

/// The cheapest form of a matrix.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Nothing,
    Diagonal(Vec<C64>),
    Exchange(usize, usize),
    Dense,
}

impl Action {
    pub(super) fn of(matrix: &Matrix) -> Self {
        let clean = matrix.mapv(|entry| {
            let is = |value: C64| (entry - value).norm() < DUST;
            if is(C64::ZERO) {
                C64::ZERO
            } else if is(C64::ONE) {
                C64::ONE
            } else {
                entry
            }
        });
        let kind = match Form::<f64>::of(&clean) {
            Form::Diagonal(factors) if factors.iter().all(|factor| *factor == C64::ONE) => Kind::Nothing,
            Form::Diagonal(factors) => Kind::Diagonal(factors),
            Form::Exchange(a, b) => Kind::Exchange(a, b),
            _ => Kind::Dense,
        };
        Self { kind, entries: clean.iter().copied().collect() }
    }
}

/// Alternatives of which one happens.
#[derive(Debug, Clone)]
pub(super) struct Alternatives {
    pub(super) list: Vec<Alternative>,
    /// A random number below this means the first, whatever the state.
    pub(super) floor: f64,
    /// What the first does, but for a factor that is the same in all states.
    pub(super) first: Action,
    /// The probabilities, where they do not depend on the state.
    pub(super) probabilities: Option<Vec<f64>>,
}

/// A Kraus operator, row by row.
#[derive(Debug, Clone)]
pub(super) struct Alternative {
    pub(super) operator: Vec<C64>,
    /// `K^+ K`: its expectation is the probability.
    pub(super) effect: Vec<C64>,
}

impl Alternatives {
    /// The best known for a channel.
    pub(super) fn of(channel: &Channel) -> Self {
        let given = Self::new(channel.kraus().to_vec());
        let d = 1 << channel.qubits();
        if d > MAX_CHOSEN {
            return given;
        }
        let better = |a: Self, b: Self| {
            let merit = |a: &Self| a.floor + if a.probabilities.is_some() { 1e-12 } else { 0.0 };
            if merit(&b) > merit(&a) { b } else { a }
        };
        match paulis(channel, d) {
            Some(operators) => better(given, Self::new(operators)),
            None => principal(channel, d).map(Self::new).into_iter().fold(given, better),
        }
    }

    /// The alternative of largest least probability comes first.
    fn new(operators: Vec<Matrix>) -> Self {
        let range = |operator: &Matrix| -> (f64, f64) {
            let effect = dagger(operator).dot(operator);
            match Eigen::new(&effect) {
                Ok(Eigen { values, .. }) => {
                    (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(0.0))
                }
                Err(_) => (0.0, effect.diag().iter().map(|p| p.re).sum()), // not reached: it is Hermitian
            }
        };
        let mut list: Vec<_> = operators.into_iter().map(|operator| (range(&operator), operator)).collect();
        list.sort_by(|(a, _), (b, _)| b.0.total_cmp(&a.0));
        let even = |((low, high), _): &((f64, f64), Matrix)| high - low <= 1e-12 * high;
        let probabilities =
            list.iter().all(even).then(|| list.iter().map(|((low, high), _)| 0.5 * (low + high)).collect());
        let ((low, high), first) = &list[0]; // a channel has an operator
        // what rounding leaves of 0 is no chance
        let floor = if *low < 1e-9 { 0.0 } else { *low };
        let first = Action::of(&(first * C64::from(1.0 / high.max(f64::MIN_POSITIVE).sqrt())));
        let flat = |matrix: &Matrix| matrix.iter().copied().collect();
        let alternative = |(_, operator): &(_, Matrix)| Alternative {
            operator: flat(operator),
            effect: flat(&dagger(operator).dot(operator)),
        };
        Self { floor, first, probabilities, list: list.iter().map(alternative).collect() }
    }
}

/// The operators of a channel that applies Pauli products at random.
fn paulis(channel: &Channel, d: usize) -> Option<Vec<Matrix>> {
    let (one, i) = (C64::ONE, C64::I);
    let matrix = |entries: [C64; 4]| Matrix::from_shape_fn((2, 2), |(row, column)| entries[2 * row + column]);
    let single = [
        matrix([one, C64::ZERO, C64::ZERO, one]),
        matrix([C64::ZERO, one, one, C64::ZERO]),
        matrix([C64::ZERO, -i, i, C64::ZERO]),
        matrix([one, C64::ZERO, C64::ZERO, -one]),
    ];
    let products: Vec<_> = match d {
        2 => single.to_vec(),
        _ => single.iter().flat_map(|high| single.iter().map(|low| kron(high, low))).collect(),
    };
    // the weight of P is <vec P| Choi |vec P> / d^2
    let choi = choi(channel, d);
    let size = (d * d) as f64;
    let weights: Vec<f64> = products
        .iter()
        .map(|product| {
            let vector: Vec<_> = product.iter().copied().collect();
            let entry = |(at, value): ((usize, usize), &C64)| (vector[at.0].conj() * value * vector[at.1]).re;
            choi.indexed_iter().map(entry).sum::<f64>() / size
        })
        .collect();
    let mut rest = choi;
    for (product, weight) in products.iter().zip(&weights) {
        let vector: Vec<_> = product.iter().copied().collect();
        rest.indexed_iter_mut()
            .for_each(|(at, entry)| *entry -= vector[at.0] * vector[at.1].conj() * *weight);
    }
    let kept = products.into_iter().zip(weights).filter(|(_, weight)| *weight > 1e-15);
    rest.iter()
        .all(|entry| entry.norm() < 1e-13)
        .then(|| kept.map(|(product, weight)| product * C64::from(weight.sqrt())).collect())
}

/// Orthogonal operators, from the eigenvectors of the Choi matrix; the phases such that traces are positive.
fn principal(channel: &Channel, d: usize) -> Option<Vec<Matrix>> {
    let Eigen { values, vectors } = Eigen::new(&choi(channel, d)).ok()?;
    let operator = |(column, value): (usize, &f64)| {
        let matrix = Matrix::from_shape_fn((d, d), |(row, k)| vectors[(row * d + k, column)]);
        let trace: C64 = matrix.diag().sum();
        let turn = if trace.norm() > 1e-9 { trace.conj() / trace.norm() } else { C64::ONE };
        matrix * (turn * value.sqrt())
    };
    Some(values.iter().enumerate().filter(|(_, value)| **value > 1e-15).map(operator).collect())
}

/// `sum_m |K_m><K_m|` with operators stacked row by row.
fn choi(channel: &Channel, d: usize) -> Matrix {
    Matrix::from_shape_fn((d * d, d * d), |(a, b)| {
        channel.superoperator()[((a / d) * d + b / d, (a % d) * d + b % d)]
    })
}
