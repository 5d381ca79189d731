//! Matrix products: packed panels and a micro-kernel in vector registers (Goto and van de Geijn, 2008).
//!
//! The crate `gemm` was measured first and is as fast; it takes fresh memory in every call, adds three minutes to a build, and
//! leaves no room for a bias or for operands that are made while they are packed, as convolutions need.
//!
//! Every element is a sum over `k` in one order, so the result does not depend on how the rows and columns are divided.

#![allow(unsafe_code)]

use super::real::{Level, Real, level};
use super::shared::Shared;
use super::team::Team;

/// Columns of a panel of the right operand are a multiple of this, rows of the left one of [`ROWS`].
const ROWS: usize = 8;
/// The longest sum between two visits of the result: a panel of 32 columns then fits the first-level cache.
const DEPTH: usize = 256;
/// Rows of the left operand that stay in the second-level cache with one panel of the right one.
const BLOCK_ROWS: usize = 128;
/// Panels packed by one task.
const GROUP: usize = 4;
/// Products with fewer multiplications are left to one thread.
const SERIAL: usize = 1 << 17;

/// An operand that can be packed: a matrix in memory, or one that exists only in panels.
pub(crate) trait Source<T>: Sync {
    /// Writes, for each `depth` of `from..to`, `width` elements along the other axis from `first` on, and zeros up to `panel`.
    fn pack(&self, first: usize, width: usize, from: usize, to: usize, panel: usize, out: &mut [T]);
}

/// A matrix in memory with any strides; `along` is the stride of the axis that is not summed over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strided<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) along: usize,
    pub(crate) depth: usize,
}

impl<T: Real> Source<T> for Strided<'_, T> {
    #[inline]
    fn pack(&self, first: usize, width: usize, from: usize, to: usize, panel: usize, out: &mut [T]) {
        if self.along == 1 {
            for (k, out) in (from..to).zip(out.chunks_exact_mut(panel)) {
                let start = k * self.depth + first;
                out[..width].copy_from_slice(&self.data[start..start + width]);
                out[width..].fill(T::ZERO);
            }
        } else {
            transpose_pack(self.data, self.along, self.depth, first, width, from, to, panel, out);
        }
    }
}

/// Packs rows that are contiguous in depth: sixteen depths of a row are read at once, so that lines are used whole.
#[allow(clippy::too_many_arguments)]
fn transpose_pack<T: Real>(
    data: &[T],
    along: usize,
    depth: usize,
    first: usize,
    width: usize,
    from: usize,
    to: usize,
    panel: usize,
    out: &mut [T],
) {
    const LINE: usize = 16;
    if width < panel {
        out[..(to - from) * panel].fill(T::ZERO);
    }
    let mut k = from;
    while k < to {
        let count = LINE.min(to - k);
        let out = &mut out[(k - from) * panel..(k - from + count) * panel];
        let mut done = 0;
        #[cfg(target_arch = "x86_64")]
        if depth == 1 && count == LINE && T::DTYPE == crate::DType::F32 && level() != Level::Portable {
            while done + 8 <= width {
                let start = (first + done) * along + k;
                let data = &data[start..start + 7 * along + LINE];
                for half in [0, 8] {
                    // SAFETY: the processor has AVX2; eight rows of eight elements lie within `data`, and within `out`.
                    unsafe {
                        let out = out[half * panel + done..].as_mut_ptr();
                        transpose8(data[half..].as_ptr().cast(), along, out.cast(), panel);
                    }
                }
                done += 8;
            }
        }
        for j in done..width {
            let start = (first + j) * along + k * depth;
            if depth == 1 {
                let line = &data[start..start + count];
                for (i, &value) in line.iter().enumerate() {
                    out[i * panel + j] = value;
                }
            } else {
                for i in 0..count {
                    out[i * panel + j] = data[start + i * depth];
                }
            }
        }
        k += count;
    }
}

/// Eight rows of eight singles become eight columns.
///
/// # Safety
/// The processor has AVX2; `from` has eight rows, `stride` apart, of eight elements, and so has `to`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn transpose8(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::{
        _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps,
        _mm256_unpacklo_ps,
    };
    // SAFETY: as the caller promises.
    unsafe {
        let row = |k: usize| _mm256_loadu_ps(from.add(k * stride));
        let pair = |k: usize| {
            let (a, b) = (row(k), row(k + 1));
            (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b))
        };
        let four = |k: usize| {
            let ((a, b), (c, d)) = (pair(k), pair(k + 2));
            [
                _mm256_shuffle_ps::<0x44>(a, c),
                _mm256_shuffle_ps::<0xee>(a, c),
                _mm256_shuffle_ps::<0x44>(b, d),
                _mm256_shuffle_ps::<0xee>(b, d),
            ]
        };
        let (upper, lower) = (four(0), four(4));
        for k in 0..4 {
            _mm256_storeu_ps(to.add(k * to_stride), _mm256_permute2f128_ps::<0x20>(upper[k], lower[k]));
            _mm256_storeu_ps(to.add((k + 4) * to_stride), _mm256_permute2f128_ps::<0x31>(upper[k], lower[k]));
        }
    }
}

/// Where a product goes: rows of `stride` elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Elements from one row to the next.
    pub(crate) stride: usize,
    /// Whether the product is added to what is there.
    pub(crate) accumulate: bool,
}

/// Elements of scratch memory that [`multiply`] needs.
pub(crate) fn workspace<T: Real>(m: usize, n: usize, k: usize) -> usize {
    let depth = depth_of(k);
    let columns = columns::<T>();
    (m.next_multiple_of(ROWS) + n.next_multiple_of(columns)) * depth
}

fn depth_of(k: usize) -> usize {
    let blocks = k.div_ceil(DEPTH).max(1);
    k.div_ceil(blocks)
}

fn columns<T: Real>() -> usize {
    let vector = match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 64,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => 32,
        Level::Portable => 16,
    };
    // AVX2 has half the registers: 8 rows of one vector leave 7 of 16 for operands
    let vectors = if vector == 64 { 2 } else { 1 };
    vectors * vector / size_of::<T>()
}

/// `c = a b (+ bias) (+ c)`: `m x k` times `k x n`, the bias added to every row.
#[allow(clippy::too_many_arguments)]
pub(crate) fn multiply<T: Real>(
    team: Option<&Team>,
    (m, n, k): (usize, usize, usize),
    a: &impl Source<T>,
    b: &impl Source<T>,
    bias: Option<&[T]>,
    c: Shared<'_, T>,
    target: Target,
    workspace: &mut [T],
) {
    let depth = depth_of(k);
    let nr = columns::<T>();
    let (left, right) = workspace.split_at_mut(m.next_multiple_of(ROWS) * depth);
    let (left, right) = (Shared::new(left), Shared::new(right));
    let team = team.filter(|team| team.threads() > 1 && m * n * k >= SERIAL);
    let each = |tasks: usize, task: &(dyn Fn(usize) + Sync)| match team {
        Some(team) => team.each(tasks, task),
        None => (0..tasks).for_each(task),
    };
    let (row_panels, column_panels) = (m.div_ceil(ROWS), n.div_ceil(nr));
    // tiles of the result: about twice as wide as BLOCK_ROWS in bytes of a cache, at least four for two threads
    let row_blocks = row_panels.div_ceil(BLOCK_ROWS / ROWS);
    let wanted = if team.is_some() { 8_usize.div_ceil(row_blocks) } else { 1 };
    let block = column_panels.div_ceil(wanted).clamp(1, (1024 / nr).max(1));
    let column_blocks = column_panels.div_ceil(block);
    for from in (0..k).step_by(depth) {
        let to = k.min(from + depth);
        let count = to - from;
        let (left_tasks, right_tasks) = (row_panels.div_ceil(4 * GROUP), column_panels.div_ceil(GROUP));
        each(left_tasks + right_tasks, &|task| {
            if task < left_tasks {
                for panel in 4 * GROUP * task..row_panels.min(4 * GROUP * (task + 1)) {
                    // SAFETY: panels are disjoint, each is packed by one task.
                    let out = unsafe { left.part(panel * ROWS * depth, ROWS * count) };
                    a.pack(panel * ROWS, ROWS.min(m - panel * ROWS), from, to, ROWS, out);
                }
            } else {
                let task = task - left_tasks;
                for panel in GROUP * task..column_panels.min(GROUP * (task + 1)) {
                    // SAFETY: as above.
                    let out = unsafe { right.part(panel * nr * depth, nr * count) };
                    b.pack(panel * nr, nr.min(n - panel * nr), from, to, nr, out);
                }
            }
        });
        let first = from == 0;
        each(row_blocks * column_blocks, &|tile| {
            let (i, j) = (tile % row_blocks, tile / row_blocks);
            let rows = i * BLOCK_ROWS / ROWS..row_panels.min((i + 1) * BLOCK_ROWS / ROWS);
            for panel in j * block..column_panels.min((j + 1) * block) {
                for row in rows.clone() {
                    let (r, s) = (row * ROWS, panel * nr);
                    let tile = Tile {
                        // SAFETY: the panels were written above and are only read now; the tile lies within `c`, and no
                        // other task writes it.
                        a: unsafe { left.pointer().add(r * depth) },
                        b: unsafe { right.pointer().add(s * depth) },
                        c: unsafe { c.pointer().add(r * target.stride + s) },
                        bias: bias.filter(|_| first).map(|bias| &bias[s..n.min(s + nr)]),
                        depth: count,
                        stride: target.stride,
                        rows: ROWS.min(m - r),
                        columns: nr.min(n - s),
                        accumulate: target.accumulate || !first,
                    };
                    tile.run();
                }
            }
        });
    }
}

/// One tile of the result, in registers.
struct Tile<'a, T> {
    a: *const T,
    b: *const T,
    c: *mut T,
    bias: Option<&'a [T]>,
    depth: usize,
    stride: usize,
    rows: usize,
    columns: usize,
    accumulate: bool,
}

/// The widest tile: 32 singles.
pub(crate) const WIDEST: usize = 32;

impl<T: Real> Tile<'_, T> {
    #[inline]
    fn run(&self) {
        let nr = columns::<T>();
        if self.rows == ROWS && self.columns == nr {
            self.kernel(self.c, self.stride, self.accumulate);
            if let Some(bias) = self.bias {
                // the tile is still in the first-level cache
                for i in 0..ROWS {
                    // SAFETY: as below.
                    let row = unsafe { std::slice::from_raw_parts_mut(self.c.add(i * self.stride), nr) };
                    row.iter_mut().zip(bias).for_each(|(c, &b)| *c += b);
                }
            }
            return;
        }
        let mut whole = [T::ZERO; ROWS * WIDEST];
        self.kernel(whole.as_mut_ptr(), nr, false);
        for (i, row) in whole.chunks_exact(nr).take(self.rows).enumerate() {
            // SAFETY: the tile's rows and columns lie within the result, and only this task writes them.
            let out = unsafe { std::slice::from_raw_parts_mut(self.c.add(i * self.stride), self.columns) };
            match (self.accumulate, self.bias) {
                (true, None) => out.iter_mut().zip(row).for_each(|(c, &x)| *c += x),
                (false, None) => out.copy_from_slice(&row[..self.columns]),
                (true, Some(bias)) => {
                    out.iter_mut().zip(row).zip(bias).for_each(|((c, &x), &b)| *c += x + b);
                }
                (false, Some(bias)) => {
                    out.iter_mut().zip(row).zip(bias).for_each(|((c, &x), &b)| *c = x + b);
                }
            }
        }
    }

    #[inline]
    fn kernel(&self, c: *mut T, stride: usize, accumulate: bool) {
        #[cfg(target_arch = "x86_64")]
        {
            let single = T::DTYPE == crate::DType::F32;
            let (a, b, depth) = (self.a, self.b, self.depth);
            // SAFETY: the processor has the instructions; the panels hold `depth` rows of ROWS and of `columns` elements;
            // `c` has ROWS rows of that many.
            match (level(), single) {
                (Level::Avx512, true) => {
                    return unsafe {
                        avx512_f32(depth, a.cast(), b.cast(), c.cast(), stride, accumulate);
                    };
                }
                (Level::Avx512, false) => {
                    return unsafe {
                        avx512_f64(depth, a.cast(), b.cast(), c.cast(), stride, accumulate);
                    };
                }
                (Level::Avx2, true) => {
                    return unsafe {
                        avx2_f32(depth, a.cast(), b.cast(), c.cast(), stride, accumulate);
                    };
                }
                (Level::Avx2, false) => {
                    return unsafe {
                        avx2_f64(depth, a.cast(), b.cast(), c.cast(), stride, accumulate);
                    };
                }
                (Level::Portable, _) => {}
            }
        }
        self.portable(c, stride, accumulate);
    }

    fn portable(&self, c: *mut T, stride: usize, accumulate: bool) {
        let nr = columns::<T>();
        let mut sums = [[T::ZERO; 4]; ROWS];
        // SAFETY: the panels hold `depth` rows of ROWS and nr elements; `c` has ROWS rows of nr.
        unsafe {
            let a = std::slice::from_raw_parts(self.a, self.depth * ROWS);
            let b = std::slice::from_raw_parts(self.b, self.depth * nr);
            for (a, b) in a.chunks_exact(ROWS).zip(b.chunks_exact(nr)) {
                for (sums, &x) in sums.iter_mut().zip(a) {
                    for (sum, &y) in sums.iter_mut().zip(b) {
                        *sum += x * y;
                    }
                }
            }
            for (i, sums) in sums.iter().enumerate() {
                for (j, &sum) in sums.iter().take(nr).enumerate() {
                    let c = c.add(i * stride + j);
                    *c = if accumulate { *c + sum } else { sum };
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! micro_kernel {
    ($name:ident, $features:literal, $T:ty, $vectors:literal, $lanes:literal,
     $zero:ident, $load:ident, $store:ident, $splat:ident, $fma:ident, $add:ident) => {
        /// Eight rows of some vectors, over the depth of two packed panels.
        ///
        /// # Safety
        /// The processor has the features; `a` has 8 and `b` as many elements as a row for each depth; `c` has 8 rows.
        #[target_feature(enable = $features)]
        #[allow(clippy::needless_range_loop)] // indices are constants after unrolling
        unsafe fn $name(
            depth: usize,
            a: *const $T,
            b: *const $T,
            c: *mut $T,
            stride: usize,
            accumulate: bool,
        ) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch, $add, $fma, $load, $splat, $store, $zero};
            // SAFETY: all accesses are within the panels and the tile, as the caller promises; prefetches may go anywhere.
            unsafe {
                for i in 0..ROWS {
                    _mm_prefetch::<_MM_HINT_T0>(c.wrapping_add(i * stride).cast());
                    _mm_prefetch::<_MM_HINT_T0>(c.wrapping_add(i * stride + $vectors * $lanes - 1).cast());
                }
                let mut sums = [[$zero(); $vectors]; ROWS];
                let (mut a, mut b) = (a, b);
                for _ in 0..depth {
                    let mut right = [$zero(); $vectors];
                    for j in 0..$vectors {
                        right[j] = $load(b.add(j * $lanes));
                    }
                    for i in 0..ROWS {
                        let left = $splat(*a.add(i));
                        for j in 0..$vectors {
                            sums[i][j] = $fma(left, right[j], sums[i][j]);
                        }
                    }
                    a = a.add(ROWS);
                    b = b.add($vectors * $lanes);
                }
                for i in 0..ROWS {
                    for j in 0..$vectors {
                        let c = c.add(i * stride + j * $lanes);
                        let sum = if accumulate { $add($load(c), sums[i][j]) } else { sums[i][j] };
                        $store(c, sum);
                    }
                }
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
micro_kernel!(
    avx512_f32,
    "avx512f",
    f32,
    2,
    16,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps,
    _mm512_add_ps
);
#[cfg(target_arch = "x86_64")]
micro_kernel!(
    avx512_f64,
    "avx512f",
    f64,
    2,
    8,
    _mm512_setzero_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_set1_pd,
    _mm512_fmadd_pd,
    _mm512_add_pd
);
#[cfg(target_arch = "x86_64")]
micro_kernel!(
    avx2_f32,
    "avx2,fma",
    f32,
    1,
    8,
    _mm256_setzero_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps,
    _mm256_add_ps
);
#[cfg(target_arch = "x86_64")]
micro_kernel!(
    avx2_f64,
    "avx2,fma",
    f64,
    1,
    4,
    _mm256_setzero_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    _mm256_fmadd_pd,
    _mm256_add_pd
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values<T: Real>(n: usize, seed: u64) -> Vec<T> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..n)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                T::of((state >> 40) as f64 / f64::from(1 << 24) - 0.5)
            })
            .collect()
    }

    #[allow(clippy::fn_params_excessive_bools, clippy::too_many_arguments)]
    fn compare<T: Real>(
        m: usize,
        n: usize,
        k: usize,
        ta: bool,
        tb: bool,
        add: bool,
        bias: bool,
        tolerance: f64,
    ) {
        let (a, b, before) = (values::<T>(m * k, 1), values::<T>(k * n, 2), values::<T>(m * n, 3));
        let offsets = values::<T>(n, 4);
        let (ra, ca) = if ta { (1, m) } else { (k, 1) };
        let (rb, cb) = if tb { (1, k) } else { (n, 1) };
        let mut results = Vec::new();
        for threads in [1, 2] {
            let team = Team::new(threads);
            let mut c = before.clone();
            let mut scratch = vec![T::ZERO; workspace::<T>(m, n, k)];
            multiply(
                Some(&team),
                (m, n, k),
                &Strided { data: &a, along: ra, depth: ca },
                &Strided { data: &b, along: cb, depth: rb },
                bias.then_some(&offsets[..]),
                Shared::new(&mut c),
                Target { stride: n, accumulate: add },
                &mut scratch,
            );
            results.push(c);
        }
        assert_eq!(results[0], results[1]);
        for i in 0..m {
            for j in 0..n {
                let mut sum = if add { before[i * n + j].wide() } else { 0.0 };
                sum += if bias { offsets[j].wide() } else { 0.0 };
                for l in 0..k {
                    sum += a[i * ra + l * ca].wide() * b[l * rb + j * cb].wide();
                }
                assert!((results[0][i * n + j].wide() - sum).abs() < tolerance, "({i}, {j}) of {m}x{n}x{k}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn products_are_sums(
            m in 1_usize..40, n in 1_usize..70, k in 1_usize..50,
            ta: bool, tb: bool, add: bool, bias: bool,
        ) {
            compare::<f32>(m, n, k, ta, tb, add, bias, 1e-4);
            compare::<f64>(m, n, k, ta, tb, add, bias, 1e-12);
        }
    }

    #[test]
    fn long_sums_and_many_tiles_too() {
        compare::<f32>(150, 100, 800, false, true, false, true, 1e-3);
        compare::<f32>(130, 70, 500, true, false, true, false, 1e-3);
    }
}
