//! Products of a panel with tiles that lie anywhere.

use std::arch::asm;

use crate::kernel::amx::{PANEL, STEP_BYTES, Square, TILE, multiply, wait};

/// The left operand is a panel; the right one is read where it lies, from one place for each step on.
pub(super) struct Shifted<'a> {
    pub(super) left: *const u8,
    pub(super) right: *const u8,
    /// Bytes from `right` to each step's first tile, and once more any of these, which is asked for and not used.
    pub(super) places: &'a [usize],
    /// Bytes from a row of a tile to the next.
    pub(super) row: usize,
    /// Bytes from the tile of the first columns to that of the others.
    pub(super) half: usize,
    /// Bytes from one part of three to the next.
    pub(super) part: usize,
}

/// Where a product is written: rows of columns, and other columns some bytes after.
#[repr(C)]
pub(super) struct Place {
    pub(super) start: *mut f32,
    pub(super) row: usize,
    pub(super) half: usize,
}

impl From<&mut Square<f32>> for Place {
    fn from(square: &mut Square<f32>) -> Self {
        let row = PANEL * size_of::<f32>();
        Self { start: square.0.as_mut_ptr().cast(), row, half: row / 2 }
    }
}

/// Loads a tile of the left operand: a part of three, an upper or lower half.
macro_rules! left {
    ($register:literal, $part:literal, $half:literal) => {
        concat!("tileloadd ", $register, ", [{a} + {line} + 2048 * ", $part, " + 1024 * ", $half, "]\n")
    };
}

/// Loads both tiles of a part of the right operand.
macro_rules! right {
    () => {
        concat!("tileloadd tmm6, [{b} + {row}]\n", wait!(), "tileloadd tmm7, [{h} + {row}]\n", wait!(),)
    };
}

/// Where rows of the right operand are asked for next: at the next place, and some bytes on.
macro_rules! ahead {
    ($($more:literal),*) => {
        concat!("mov {n}, [{places} + 8]\nadd {n}, {right}\n", $($more, "\n"),*)
    };
}

/// Asks for a sixth of the next tiles of the left operand, and for four rows of the right one's.
macro_rules! next {
    ($sixth:literal, $quarter:literal) => {
        concat!(
            ".irp at, 0, 64, 128, 192\n",
            "prefetcht0 [{a} + {step} + 1024 * ",
            $sixth,
            " + 256 * ",
            $quarter,
            " + \\at]\n",
            "prefetcht0 [{n}]\nadd {n}, {row}\n",
            ".endr\n",
        )
    };
}

impl Shifted<'_> {
    /// `to = start + left right`, `start` having a row for each row and the same numbers for both halves of columns: the products
    /// of parts that `gemm` takes, in its order.
    ///
    /// # Safety
    /// Tiles are configured; the left panel has a step for each place but the last, and tiles may be read from these; `to` may be
    /// written.
    #[inline(never)] // a copy for each caller would be two kilobytes more
    pub(super) unsafe fn multiply(&self, start: &[[f32; TILE]; PANEL], to: &Place) {
        assert!(self.places.len() > 1);
        // SAFETY: as the caller promises; prefetches may name any place.
        unsafe {
            asm!(
                "tileloadd tmm0, [{n} + {line}]",
                "tileloadd tmm1, [{n} + {line}]",
                "tileloadd tmm2, [{n} + {line} + 1024]",
                "tileloadd tmm3, [{n} + {line} + 1024]",
                "2:",
                "mov {b}, [{places}]", "add {b}, {right}", "lea {h}, [{b} + {half}]",
                left!("tmm4", 2, 0), left!("tmm5", 2, 1), right!(),
                ahead!(""), multiply!(next, 0),
                left!("tmm4", 1, 0), wait!(), left!("tmm5", 1, 1), wait!(),
                ahead!("add {n}, {half}"), multiply!(next, 1),
                "add {b}, {part}", "add {h}, {part}", right!(),
                ahead!("add {n}, {part}"), multiply!(next, 2),
                left!("tmm4", 0, 0), wait!(), left!("tmm5", 0, 1), wait!(),
                ahead!("add {n}, {part}", "add {n}, {half}"), multiply!(next, 3),
                "add {b}, {part}", "add {h}, {part}", right!(),
                ahead!("lea {n}, [{n} + 2 * {part}]"), multiply!(next, 4),
                "mov {b}, [{places}]", "add {b}, {right}", "lea {h}, [{b} + {half}]", right!(),
                ahead!("lea {n}, [{n} + 2 * {part}]", "add {n}, {half}"), multiply!(next, 5),
                "add {a}, {step}",
                "add {places}, 8",
                "dec {steps}",
                "jnz 2b",
                "mov {a}, [{to}]", "mov {b}, [{to} + 8]", "mov {h}, [{to} + 16]",
                "lea {n}, [{a} + {h}]",
                "tilestored [{a} + {b}], tmm0",
                "tilestored [{n} + {b}], tmm1",
                "mov {places}, {b}", "shl {places}, 4", "add {a}, {places}", "add {n}, {places}",
                "tilestored [{a} + {b}], tmm2",
                "tilestored [{n} + {b}], tmm3",
                a = inout(reg) self.left => _,
                b = out(reg) _,
                h = out(reg) _,
                n = inout(reg) start.as_ptr() => _,
                places = inout(reg) self.places.as_ptr() => _,
                steps = inout(reg) self.places.len() - 1 => _,
                right = in(reg) self.right,
                row = in(reg) self.row,
                half = in(reg) self.half,
                part = in(reg) self.part,
                to = in(reg) to,
                line = in(reg) 64_usize,
                step = const STEP_BYTES,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }
}
