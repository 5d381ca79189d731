//! The matrix unit of the processor (Intel AMX), which multiplies bf16 and adds in singles, and singles for it.
//!
//! A single is exactly the sum of three bf16 (8 bits of its 24 each), so a product is a sum of nine products of bf16. The three
//! smallest, together about 2^-24 of the whole at most, are left out; the others are exact and summed in singles, as
//! multiply-adds would be. The result is as near the true one as theirs (a test holds it to that), and the unit does sixteen
//! times as many multiplications a cycle as vectors of singles do, so six products are 2.7 times faster (Henry, Tang and
//! Heinecke, 2019, "Leveraging the bfloat16 artificial intelligence datatype for higher-precision computations").
//!
//! The unit takes numbers below 2^-126 as zero. It would make NaN of infinity (`inf * 0` appears among the parts), so what has a
//! number that is not finite is multiplied plainly.

#![allow(unsafe_code)]

mod cpu;
mod rows;

pub(crate) use cpu::{Tiles, has_amx};
pub(crate) use rows::Rows;

use super::level::LINE;
use super::real::Real;

/// Rows of a tile, and words of a row.
pub(crate) const TILE: usize = 16;
pub(crate) const TILE_BYTES: usize = TILE * LINE;
/// Depths of a tile, two in each word of it.
pub(crate) const STEP: usize = 2 * TILE;
/// Rows or columns of a panel: two tiles.
pub(crate) const PANEL: usize = 2 * TILE;
/// Bytes from one part of a panel's tiles to the next.
pub(crate) const PART_BYTES: usize = 2 * TILE_BYTES;
/// Bytes of a panel for [`STEP`] depths.
pub(crate) const STEP_BYTES: usize = 3 * PART_BYTES;
/// The longest sum between two visits of the result. Each starts from zero and is added: started from the result, sums of
/// thousands of numbers were up to four times less exact.
pub(crate) const DEPTH: usize = 512;

/// Memory of tiles.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line([u8; LINE]);

/// Singles that hold so many lines, wherever they begin.
pub(crate) fn elements(lines: usize) -> usize {
    (lines + 1) * LINE / size_of::<f32>()
}

/// The lines of [`elements`].
pub(crate) fn lines<T: Real>(memory: &mut [T]) -> &mut [Line] {
    // SAFETY: any bytes are lines.
    unsafe { memory.align_to_mut::<Line>().1 }
}

/// The lines of [`elements`], to be read.
pub(crate) fn lines_of<T: Real>(memory: &[T]) -> &[Line] {
    // SAFETY: any bytes are lines.
    unsafe { memory.align_to::<Line>().1 }
}

/// Ten instructions that do nothing.
///
/// Where two threads share a core, instructions of the unit that follow one another closely hold each other up: with ten others
/// between them, products are 1.6 times faster then, and no slower otherwise, since the unit takes sixteen cycles for a product.
macro_rules! wait {
    () => {
        ".rept 10\nnop\n.endr\n"
    };
}
pub(crate) use wait;

/// Adds the products of the two and two tiles that are loaded, the so-manieth of six times, with instructions of `next` after each.
macro_rules! multiply {
    ($next:ident, $time:literal) => {
        concat!(
            "tdpbf16ps tmm0, tmm4, tmm6\n",
            $next!($time, 0),
            "tdpbf16ps tmm1, tmm4, tmm7\n",
            $next!($time, 1),
            "tdpbf16ps tmm2, tmm5, tmm6\n",
            $next!($time, 2),
            "tdpbf16ps tmm3, tmm5, tmm7\n",
            $next!($time, 3),
        )
    };
}
pub(crate) use multiply;

/// Two by two tiles of a result.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Square<T>(pub(crate) [[T; PANEL]; PANEL]);
