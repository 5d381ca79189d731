//! Where two states meet: derivatives of the overlap of a state and a dual one, taken while both are carried backwards.
//!
//! For a gate `exp(-i angle/2 G)` and `E = <psi| M |psi>`, with the dual state `lambda` (`M psi`, carried back) and `psi` at the
//! gate, `dE/d angle = Im <lambda| G |psi>`: the adjoint method (Jones and Gacon, arXiv:2009.02823). With `G = Y` it is a sum
//! of products of real numbers of pairs of amplitudes, with `G` a parity of `Z` a sum of `Im conj(lambda_j) psi_j` with
//! signs.

use super::tile::Bit;
use crate::simulator::precision::Precision;

/// A derivative that a sweep takes: for each lane, the sum of its real numbers is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Meeting {
    /// The number of the derivative.
    pub(crate) number: u32,
    /// The bits of the lane whose parity is the sign of its sum.
    lanes: usize,
    /// Whether lanes of products with imaginary parts count negatively.
    is_imaginary: bool,
    /// Whether all count negatively.
    is_negative: bool,
}

impl Meeting {
    /// The derivative by the angle of a rotation of a bit.
    pub(crate) fn rotation(number: u32, bit: Bit) -> Self {
        let (lanes, is_negative) = match bit {
            Bit::Lane(lane) => (1 << lane, true),
            Bit::Register(_) => (0, false),
        };
        Self { number, lanes, is_imaginary: false, is_negative }
    }

    /// The derivative by the angle of the phase of a parity of lanes and other bits.
    pub(crate) fn phase(number: u32, lanes: usize) -> Self {
        Self { number, lanes, is_imaginary: true, is_negative: false }
    }

    /// The derivative, from the sums of the lanes.
    pub(crate) fn total<T: Precision>(&self, sums: &[T]) -> f64 {
        let signed = |(k, sum): (usize, &T)| {
            let odd = ((k / 2) & self.lanes).count_ones() as usize
                + usize::from(self.is_imaginary) * (k % 2)
                + usize::from(self.is_negative);
            if odd.is_multiple_of(2) { sum.widen() } else { -sum.widen() }
        };
        sums.iter().enumerate().map(signed).sum()
    }
}
