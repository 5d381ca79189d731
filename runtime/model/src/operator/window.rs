//! Windows that move over images.

use super::rule;
use crate::kernel::convolution::Geometry;
use crate::{Dim, Extent, Result, TensorType};

/// How far windows are apart, and how much zeros surround the image, for height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Height and width of a window.
    pub size: (usize, usize),
    /// From one window to the next.
    pub stride: (usize, usize),
    /// Zeros on each side.
    pub padding: (usize, usize),
}

impl Window {
    /// Square windows.
    pub const fn square(size: usize, stride: usize, padding: usize) -> Self {
        Self { size: (size, size), stride: (stride, stride), padding: (padding, padding) }
    }

    pub(super) fn out(self, operator: &'static str, x: &TensorType) -> Result<[Dim; 2]> {
        let along = |axis: usize, size: usize, stride: usize, padding: usize| {
            let all = x.shape[axis].known().map(|n| n + 2 * padding);
            match all {
                Some(all) if size > 0 && stride > 0 && size <= all && padding < size => {
                    Ok(Dim::from((all - size) / stride + 1))
                }
                _ => Err(rule::wrong(
                    operator,
                    "window",
                    format!("{self:?} on {x}"),
                    "one that fits an image of known size",
                )),
            }
        };
        Ok([
            along(2, self.size.0, self.stride.0, self.padding.0)?,
            along(3, self.size.1, self.stride.1, self.padding.1)?,
        ])
    }

    pub(super) fn geometry(self, x: &Extent, out: &Extent) -> Geometry {
        Geometry {
            channels: x.dims[1],
            filters: out.dims[1],
            size: (x.dims[2], x.dims[3]),
            out: (out.dims[2], out.dims[3]),
            kernel: self.size,
            stride: self.stride,
            padding: self.padding,
        }
    }
}

pub(super) fn images(operator: &'static str, x: &TensorType) -> Result<()> {
    rule::real(operator, &[x])?;
    if x.rank() == 4 {
        Ok(())
    } else {
        Err(rule::wrong(operator, "operand", x, "images [N, channels, height, width]"))
    }
}
