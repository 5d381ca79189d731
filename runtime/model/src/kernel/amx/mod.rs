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

/// Two by two tiles of a result.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Square<T>(pub(crate) [[T; PANEL]; PANEL]);
