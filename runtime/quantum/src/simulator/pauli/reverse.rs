//! Steps backwards: what the adjoint method needs of a map.

use super::curve::{Factor, product};
use super::kernel::{self, lanes};
use super::pattern::Pattern;
use super::program::{Mapping, Program, Step};
use super::state::PauliState;
use super::stencil::Stencil;
use super::transfer::multiply;
use super::wide::Wide;
use crate::simulator::memory;
use crate::{C64, Result};

/// A step of a program as the dual of a state meets it. The adjoint of a map is its transpose.
#[derive(Debug, Clone)]
pub(crate) enum Reverse {
    Constant {
        stencil: Stencil,
        coefficients: Vec<f64>,
    },
    Bound {
        stencil: Stencil,
        /// Where the matrix varies with the parameters.
        slopes: Stencil,
    },
    Wide,
}

impl Reverse {
    /// The reverse of a step that needs no chance.
    pub(crate) fn of(step: &Step) -> Self {
        let Step::Map(map) = step else { return Self::Wide };
        let count = map.qubits.len();
        let patterns = map.factors.iter().map(|factor| factor.pattern(count));
        let pattern =
            patterns.reduce(|sum, pattern| pattern.after(&sum)).unwrap_or_else(|| Pattern::any(count));
        let stencil = Stencil::new(&map.qubits, &pattern.transposed(), lanes());
        match map.factors.as_slice() {
            [Factor::Constant(map)] => {
                let mut coefficients = vec![0.0; stencil.len()];
                stencil.gather(&map.transposed().entries, &mut coefficients);
                Self::Constant { stencil, coefficients }
            }
            factors => {
                let varying = match factors {
                    [Factor::Curve(curve)] => curve.varying(),
                    _ => Pattern::any(count),
                };
                Self::Bound { stencil, slopes: Stencil::sparse(&map.qubits, &varying, lanes()) }
            }
        }
    }
}

impl Program {
    /// Takes `dual` back through a step, and adds to the gradient what the parameters of the step move, given the state
    /// before it: `Tr[dual d(map)(before)]`.
    pub(crate) fn back(
        &self,
        (step, reverse): (&Step, &Reverse),
        values: &[f64],
        before: Option<&PauliState>,
        dual: &mut PauliState,
        gradient: &mut [f64],
    ) {
        match (step, reverse) {
            (_, Reverse::Constant { stencil, coefficients }) => {
                kernel::apply(stencil, coefficients, dual.vector_mut());
            }
            (Step::Map(map), Reverse::Bound { stencil, slopes }) => {
                let d = 1 << (2 * map.qubits.len());
                let mut entries = vec![0.0; d * d];
                product(&map.factors, values, &mut entries, &mut [Vec::new(), Vec::new()]);
                if let Some(before) = before {
                    let mut environment = vec![0.0; d * d];
                    kernel::environment(slopes, dual.vector(), before.vector(), &mut environment);
                    add_slopes(map, values, &environment, gradient);
                }
                let mut coefficients = vec![0.0; stencil.len()];
                stencil.gather(&transposed(d, &entries), &mut coefficients);
                kernel::apply(stencil, &coefficients, dual.vector_mut());
            }
            (Step::Wide { call, .. }, _) => {
                let angles = call.values(values);
                let matrix = call.gate.matrix(&angles);
                let wide = Wide::new(call, &matrix);
                for (k, angle) in call.angles.iter().enumerate().filter(|(_, angle)| !angle.is_constant()) {
                    let Some(before) = before else { break };
                    let slope =
                        wide.slope(&call.gate.derivative(&angles, k), dual.entries(), before, self.width);
                    angle.terms().for_each(|(p, coefficient)| gradient[p] += coefficient * slope);
                }
                wide.apply(dual, self.width, true);
            }
            _ => {}
        }
    }

    /// The Pauli vector with which the expectation of a Hermitian matrix is an inner product.
    pub(crate) fn dual(&self, matrix: &[C64]) -> Result<PauliState> {
        memory::check(self.width, PauliState::bytes(self.width))?;
        let mut dual = PauliState::empty(self.width)?;
        let scale = 1.0 / (1_u64 << self.width) as f64;
        let vector = super::convert::to_pauli(self.width, matrix);
        dual.vector_mut().iter_mut().zip(vector).for_each(|(entry, mean)| *entry = scale * mean);
        Ok(dual)
    }
}

/// The slopes of a product of factors, given the derivative by each of its entries.
fn add_slopes(map: &Mapping, values: &[f64], environment: &[f64], gradient: &mut [f64]) {
    let d = 1 << (2 * map.qubits.len());
    let matrices: Vec<Vec<f64>> = map
        .factors
        .iter()
        .map(|factor| {
            let mut entries = vec![0.0; d * d];
            factor.write(values, &mut entries);
            entries
        })
        .collect();
    // before[i] is the product of the factors before number i
    let mut before: Vec<Option<Vec<f64>>> = vec![None];
    for matrix in &matrices[..matrices.len() - 1] {
        let sum = match before.last() {
            Some(Some(sum)) => times(d, matrix, sum),
            _ => matrix.clone(),
        };
        before.push(Some(sum));
    }
    let mut after = environment.to_vec();
    for ((factor, matrix), before) in map.factors.iter().zip(&matrices).zip(&before).rev() {
        let angles = factor.angles();
        if !angles.is_empty() {
            let derivative = match before {
                Some(before) => times(d, &after, &transposed(d, before)),
                None => after.clone(),
            };
            for (k, angle) in angles.iter().enumerate() {
                let slopes = factor.slope(k, values);
                let slope: f64 = slopes.iter().zip(&derivative).map(|(a, b)| a * b).sum();
                angle.terms().for_each(|(p, coefficient)| gradient[p] += coefficient * slope);
            }
        }
        after = times(d, &transposed(d, matrix), &after);
    }
}

fn times(d: usize, a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut product = vec![0.0; d * d];
    multiply(d, a, b, &mut product);
    product
}

fn transposed(d: usize, entries: &[f64]) -> Vec<f64> {
    (0..d * d).map(|at| entries[at % d * d + at / d]).collect()
}
