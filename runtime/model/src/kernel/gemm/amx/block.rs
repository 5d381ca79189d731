//! A block of a product, in tile registers.

use std::arch::asm;

use super::super::{Part, Product, Source};
use super::panels::{Panels, Side};
use crate::kernel::amx::{PANEL, STEP, STEP_BYTES, Square, Tiles, multiply};
use crate::kernel::level::vectorised;
use crate::kernel::real::Real;
use crate::kernel::shared::Shared;

/// A part of a product for some depths.
pub(super) struct Block<'a, T, A, B> {
    pub(super) product: &'a Product<'a, T, A, B>,
    pub(super) part: Part,
    pub(super) depths: (usize, usize),
    pub(super) rows: Panels<'a>,
    pub(super) columns: Panels<'a>,
    /// The operand whose panels are gone through for each of the other's.
    pub(super) held: Side,
}

impl<T: Real, A: Source<T>, B: Source<T>> Block<'_, T, A, B> {
    /// Computes the block.
    ///
    /// # Safety
    /// There is a matrix unit, the panels of the block were split, and nobody else uses its part of the result.
    pub(super) unsafe fn run(&self) {
        // SAFETY: as the caller promises.
        let _tiles = unsafe { Tiles::configure() };
        let (rows, columns) = (self.part.rows.div_ceil(PANEL), self.part.columns.div_ceil(PANEL));
        let (held, passed) = match self.held {
            Side::Left => (rows, columns),
            Side::Right => (columns, rows),
        };
        for (passed, held) in (0..passed).flat_map(|passed| (0..held).map(move |held| (passed, held))) {
            // what is passed by next, a part of it with each square
            let step = held * self.rows.steps() * LATER_BYTES;
            // SAFETY: as the caller promises.
            unsafe {
                match self.held {
                    Side::Left => {
                        self.square(held, passed, self.columns.tiles(passed + 1).wrapping_add(step));
                    }
                    Side::Right => {
                        self.square(passed, held, self.rows.tiles(passed + 1).wrapping_add(step));
                    }
                }
            }
        }
    }

    /// Two by two tiles of a panel of rows and one of columns; what is needed `later` is asked for.
    unsafe fn square(&self, row_panel: usize, column_panel: usize, later: *const u8) {
        let Product { bias, c, target, .. } = self.product;
        let (row, column) = (row_panel * PANEL, column_panel * PANEL);
        let (rows, columns) = (PANEL.min(self.part.rows - row), PANEL.min(self.part.columns - column));
        let place = (self.part.row + row, self.part.column + column);
        let is_first = self.depths.0 == 0;
        let bias = bias.filter(|_| is_first).map(|bias| &bias[place.1..place.1 + columns]);
        let accumulate = target.accumulate || !is_first;
        // SAFETY: as the caller promises.
        unsafe {
            let c = c.from(place.0 * target.stride + place.1);
            let is_finite = self.rows.is_finite(row_panel) && self.columns.is_finite(column_panel);
            // to rows of so many singles, each from the same
            let add = |start: &[T; PANEL], to: *mut T, stride: usize| {
                let operands = [self.rows.tiles(row_panel), self.columns.tiles(column_panel)];
                let bytes = |stride: usize| stride * size_of::<T>();
                let steps = self.rows.steps();
                let ahead = (c.pointer().cast(), bytes(target.stride));
                multiply_add(
                    operands,
                    steps,
                    start.as_ptr().cast(),
                    (to.cast(), bytes(stride)),
                    ahead,
                    later,
                );
            };
            let mut start = [T::ZERO; PANEL];
            if let Some(bias) = bias {
                start[..columns].copy_from_slice(bias);
            }
            if is_finite && rows == PANEL && columns == PANEL && !accumulate {
                add(&start, c.pointer(), target.stride);
                return;
            }
            let mut square = Square([start; PANEL]);
            if is_finite {
                add(&start, square.0.as_mut_ptr().cast(), PANEL);
            } else {
                self.plainly(place, (rows, columns), &mut square);
            }
            put(c, target.stride, columns, &square.0[..rows], accumulate);
        }
    }

    /// Adds the product to a square without the unit.
    #[cold]
    fn plainly(&self, (row, column): (usize, usize), (rows, columns): (usize, usize), sums: &mut Square<T>) {
        let Product { a, b, .. } = self.product;
        let [mut left, mut right] = [[T::ZERO; PANEL * STEP]; 2];
        for from in (self.depths.0..self.depths.1).step_by(STEP) {
            let to = self.depths.1.min(from + STEP);
            let elements = (to - from) * PANEL;
            a.pack(row, rows, from, to, PANEL, &mut left[..elements]);
            b.pack(column, columns, from, to, PANEL, &mut right[..elements]);
            for (left, right) in left[..elements].chunks(PANEL).zip(right.chunks(PANEL)) {
                for (&left, sums) in left.iter().zip(&mut sums.0) {
                    for (&right, sum) in right.iter().zip(sums) {
                        *sum = left.fused(right, *sum);
                    }
                }
            }
        }
    }
}

vectorised! {
    /// Stores so many columns of sums to rows of `c`, or adds them.
    fn put<T: Real>(c: Shared<'_, T>, stride: usize, columns: usize, sums: &[[T; PANEL]], accumulate: bool) {
        for (k, sums) in sums.iter().enumerate() {
            // SAFETY: nobody else uses these columns, as the caller of `square` promises.
            let row = unsafe { c.part(k * stride, columns) };
            if accumulate {
                row.iter_mut().zip(sums).for_each(|(c, &sum)| *c += sum);
            } else {
                row.copy_from_slice(&sums[..columns]);
            }
        }
    }
}

// The ten instructions between those of the unit (see `wait`) leave room for prefetches: of all lines of the next step's tiles, of the
// result's, and of the panel after this one.

/// Loads a tile of the left operand (a part of three, an upper or lower half) to a register.
macro_rules! left {
    ($register:literal, $part:literal, $half:literal, $rest:expr) => {
        concat!(
            "tileloadd ",
            $register,
            ", [{a} + {line} + 2048 * ",
            $part,
            " + 1024 * ",
            $half,
            "]\n",
            $rest
        )
    };
}

/// Loads a tile of the right operand to a register.
macro_rules! right {
    ($register:literal, $part:literal, $half:literal, $rest:expr) => {
        concat!(
            "tileloadd ",
            $register,
            ", [{b} + {line} + 2048 * ",
            $part,
            " + 1024 * ",
            $half,
            "]\n",
            $rest
        )
    };
}

/// Ten instructions, of which two ask for a row of the result.
macro_rules! result {
    () => {
        "prefetchw [{ahead}]\nprefetchw [{ahead} + 64]\nadd {ahead}, {ahead_stride}\n.rept 7\nnop\n.endr\n"
    };
}

/// Ten instructions, of which three ask for lines of the panel that is passed by next.
macro_rules! later {
    () => {
        concat!(
            "prefetcht1 [{later}]\nprefetcht1 [{later} + 64]\nprefetcht1 [{later} + 128]\nadd {later}, 192\n",
            ".rept 6\nnop\n.endr\n"
        )
    };
}

/// Ten instructions, of which eight ask for a quarter of a tile of each of the next panels.
macro_rules! next {
    ($tile:literal, $quarter:literal) => {
        concat!(
            ".irp at, 0, 64, 128, 192\n",
            "prefetcht0 [{a} + {step} + 1024 * ",
            $tile,
            " + 256 * ",
            $quarter,
            " + \\at]\n",
            "prefetcht0 [{b} + {step} + 1024 * ",
            $tile,
            " + 256 * ",
            $quarter,
            " + \\at]\n",
            ".endr\nnop\nnop\n",
        )
    };
}

/// Bytes that [`later`] asks for in a step.
const LATER_BYTES: usize = 10 * 192;

/// `to = start + a b` for a square of the result, whose rows are so many bytes apart, `start` being added to each: all products of
/// parts but the three smallest, in an order in which each differs from the one before in one operand. Rows `ahead` are
/// asked for on the way, and what is needed `later`, in the second-level cache.
///
/// # Safety
/// Tiles are configured, panels have so many steps, and rows of the squares may be read and written.
unsafe fn multiply_add(
    [a, b]: [*const u8; 2],
    steps: usize,
    start: *const f32,
    (to, to_stride): (*mut f32, usize),
    (ahead, ahead_stride): (*mut f32, usize),
    later: *const u8,
) {
    // SAFETY: as the caller promises; prefetches may name any place.
    unsafe {
        asm!(
            // sixteen times the same row
            "tileloadd tmm0, [{start} + {below}]",
            "tileloadd tmm1, [{start} + {below} + 64]",
            "tileloadd tmm2, [{start} + {below}]",
            "tileloadd tmm3, [{start} + {below} + 64]",
            "2:",
            left!("tmm4", 2, 0, result!()), right!("tmm6", 0, 0, result!()),
            left!("tmm5", 2, 1, result!()), right!("tmm7", 0, 1, result!()),
            multiply!(next, 0),
            left!("tmm4", 1, 0, later!()), left!("tmm5", 1, 1, later!()), multiply!(next, 1),
            right!("tmm6", 1, 0, later!()), right!("tmm7", 1, 1, later!()), multiply!(next, 2),
            left!("tmm4", 0, 0, later!()), left!("tmm5", 0, 1, later!()), multiply!(next, 3),
            right!("tmm6", 2, 0, later!()), right!("tmm7", 2, 1, later!()), multiply!(next, 4),
            right!("tmm6", 0, 0, later!()), right!("tmm7", 0, 1, later!()), multiply!(next, 5),
            "add {a}, {step}",
            "add {b}, {step}",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{to} + {to_stride}], tmm0",
            "tilestored [{to} + {to_stride} + 64], tmm1",
            "lea {below}, [{to} + {to_rows}]",
            "tilestored [{below} + {to_stride}], tmm2",
            "tilestored [{below} + {to_stride} + 64], tmm3",
            a = inout(reg) a => _,
            b = inout(reg) b => _,
            steps = inout(reg) steps => _,
            start = in(reg) start,
            to = in(reg) to,
            to_stride = in(reg) to_stride,
            to_rows = in(reg) 16 * to_stride,
            below = inout(reg) 0_usize => _,
            ahead = inout(reg) ahead => _,
            later = inout(reg) later => _,
            ahead_stride = in(reg) ahead_stride,
            line = in(reg) 64_usize,
            step = const STEP_BYTES,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
