//! Dropout.

use super::{Call, Cost, Operator, Role, pass_all, rule};
use crate::kernel::elementwise::Pair;
use crate::kernel::real::real;
use crate::kernel::shared::Shared;
use crate::{Derivation, Extent, Result, TensorType};

/// Sets elements to zero with a probability and scales the others up. Which ones depends on the seed, the number of the step
/// and the place alone, so that a node that is run again, or the backward pass, draws the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// The probability, from 0 to below 1.
    pub probability: f64,
    /// The seed; each node has its own.
    pub seed: u64,
}

/// A mixing function of 64 bits (the finaliser of SplitMix64).
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Operator for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn results(&self, operands: &[TensorType]) -> Result<Vec<TensorType>> {
        rule::count(self.name(), operands.len(), 1..=1)?;
        rule::real(self.name(), &[&operands[0]])?;
        if !(0.0..1.0).contains(&self.probability) {
            return Err(rule::wrong(self.name(), "probability", self.probability, "0 to below 1"));
        }
        Ok(vec![operands[0].clone()])
    }

    fn run(&self, call: &Call<'_>) -> Result<()> {
        let key = mix(self.seed ^ mix(call.step.wrapping_add(0x9e37_79b9_7f4a_7c15)));
        let limit = (self.probability * 4_294_967_296.0) as u64;
        real!(call.operand_extent(0).dtype, T => {
            let scale = (1.0 / (1.0 - self.probability)) as T;
            let y = match call.pair::<T>(0, 0) {
                Pair::Same(y) => y,
                Pair::Apart(x, y) => {
                    y.copy_from_slice(x);
                    y
                }
            };
            let (n, y) = (y.len(), Shared::new(y));
            #[allow(unsafe_code)]
            call.team().parts(n, 1 << 14, |from, to| {
                // SAFETY: parts are disjoint.
                for (k, y) in unsafe { y.part(from, to - from) }.iter_mut().enumerate() {
                    let draw = mix(key.wrapping_add((from + k) as u64)) >> 32;
                    *y = if draw < limit { 0.0 } else { *y * scale };
                }
            });
        });
        Ok(())
    }

    fn derivative(&self, at: &mut Derivation<'_>) -> Result<()> {
        let gradient = at.gradient(0);
        let gradient = at.apply(*self, &[gradient])?;
        at.add(0, gradient)
    }

    fn cost(&self, operands: &[Extent], results: &[Extent]) -> Cost {
        Cost::streaming(results[0].elements(), operands, results)
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn relation(&self, operands: &[TensorType]) -> Vec<Vec<Role>> {
        // the draw depends on the place within the whole
        vec![pass_all(operands[0].rank()).into_iter().map(|_| Role::Whole).collect()]
    }
}
