//! Results of an image, vector after vector.

/// Results of a plane, divided into vectors of consecutive places of a padded one: those that begin with a row where that takes no
/// more of them, consecutive ones otherwise, of which some places belong to no pixel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vectors {
    /// How many there are.
    pub(super) count: usize,
    /// Vectors of a row, if they begin with rows.
    in_row: Option<usize>,
    lanes: usize,
    /// Places from a row to the next.
    width: usize,
    out: (usize, usize),
}

impl Vectors {
    /// For a result of `out` pixels, from planes whose rows are `width` places apart.
    #[inline]
    pub(super) fn new(out: (usize, usize), width: usize, lanes: usize) -> Self {
        let in_row = out.1.div_ceil(lanes);
        let consecutive = ((out.0 - 1) * width + out.1).div_ceil(lanes);
        let rows = out.0 * in_row <= consecutive;
        let count = if rows { out.0 * in_row } else { consecutive };
        Self { count, in_row: rows.then_some(in_row), lanes, width, out }
    }

    /// The first place of a vector.
    #[inline]
    pub(super) fn place(&self, vector: usize) -> usize {
        match self.in_row {
            Some(in_row) => vector / in_row * self.width + vector % in_row * self.lanes,
            None => vector * self.lanes,
        }
    }

    /// The first pixel of the result from a place on, if all lanes are pixels of its row.
    #[inline]
    pub(super) fn whole(&self, place: usize) -> Option<usize> {
        let (y, x) = (place / self.width, place % self.width);
        (x + self.lanes <= self.out.1).then_some(y * self.out.1 + x)
    }

    /// Calls `run(lane, until, pixel)` for each run of lanes that are pixels of a row, `lane` being `pixel` of the result.
    #[inline(always)]
    #[allow(clippy::inline_always)] // within functions for a level of instructions
    pub(super) fn runs(&self, place: usize, mut run: impl FnMut(usize, usize, usize)) {
        let (mut y, mut x, mut lane) = (place / self.width, place % self.width, 0);
        while lane < self.lanes && y < self.out.0 {
            let count = (self.width - x).min(self.lanes - lane);
            let until = lane + self.out.1.saturating_sub(x).min(count);
            if until > lane {
                run(lane, until, y * self.out.1 + x);
            }
            (lane, x, y) = (lane + count, 0, y + 1);
        }
    }
}
