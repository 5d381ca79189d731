//! Convolutions: directly on planes where windows are one pixel apart, as matrix products of patches where they are further.

mod direct;
mod patches;

pub(crate) use direct::{Direct, FilterGradient};
pub(crate) use patches::{Contributions, Patches, PatchesByPixel, filters_by_channel};

/// A convolution's sizes: channels and pixels of the operand, pixels of the result, kernel, stride, padding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    pub(crate) channels: usize,
    pub(crate) filters: usize,
    pub(crate) size: (usize, usize),
    pub(crate) out: (usize, usize),
    pub(crate) kernel: (usize, usize),
    pub(crate) stride: (usize, usize),
    pub(crate) padding: (usize, usize),
}

impl Geometry {
    /// Elements of a patch.
    pub(crate) fn patch(&self) -> usize {
        self.channels * self.kernel.0 * self.kernel.1
    }

    pub(crate) fn out_pixels(&self) -> usize {
        self.out.0 * self.out.1
    }

    pub(crate) fn pixels(&self) -> usize {
        self.size.0 * self.size.1
    }

    /// Channel, row and column of an element of a patch, or of one over filters.
    fn place(&self, k: usize) -> (usize, usize, usize) {
        let (kh, kw) = self.kernel;
        (k / (kh * kw), k / kw % kh, k % kw)
    }
}
