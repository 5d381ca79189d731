//! The arithmetic of a step, written once for all kinds of vectors of the processor.
//!
//! Columns of complex numbers lie one after the other, each padded with zeros to whole vectors ([`padded`]).
#![allow(unsafe_code)] // kernels
#![allow(clippy::inline_always)] // instructions of the processor are only used inside of a function that has them

use crate::C64;
use crate::simulator::sweep::vector::Lanes;

/// Length of a column of `dim` complex numbers with its padding: whole vectors of any kind.
pub(super) fn padded(dim: usize) -> usize {
    dim.next_multiple_of(4)
}

/// y = factor · M x, with M as `dim` padded columns.
///
/// # Safety
/// The processor has the instructions of `V`; `matrix` has `dim` columns of `y.len()`, `x` has `dim` numbers at least,
/// and `y.len()` is [`padded`].
#[inline(always)]
pub(super) unsafe fn apply<V: Lanes<Real = f64>>(
    matrix: &[C64],
    dim: usize,
    x: &[C64],
    factor: f64,
    y: &mut [C64],
) {
    debug_assert!(matrix.len() == dim * y.len() && x.len() >= dim && y.len() == padded(y.len()));
    let reals = 2 * y.len();
    let (matrix, x, y) =
        (matrix.as_ptr().cast::<f64>(), x.as_ptr().cast::<f64>(), y.as_mut_ptr().cast::<f64>());
    let mut row = 0;
    while row < reals {
        let left = (reals - row) / V::LANES;
        // SAFETY: the tile lies within each column; columns and numbers are as the caller promises
        unsafe {
            let (matrix, y) = (matrix.add(row), y.add(row));
            match left {
                1 => tile::<V, 1>(matrix, reals, dim, x, factor, y),
                2 => tile::<V, 2>(matrix, reals, dim, x, factor, y),
                3 => tile::<V, 3>(matrix, reals, dim, x, factor, y),
                _ => tile::<V, 4>(matrix, reals, dim, x, factor, y),
            }
        }
        row += left.min(4) * V::LANES;
    }
}

/// `N` vectors of [`apply`]'s result.
///
/// # Safety
/// As [`apply`]; `N` vectors lie within a column.
#[inline(always)]
unsafe fn tile<V: Lanes<Real = f64>, const N: usize>(
    matrix: *const f64,
    reals: usize,
    dim: usize,
    x: *const f64,
    factor: f64,
    y: *mut f64,
) {
    // SAFETY: as the caller's
    unsafe {
        let mut by_re = [V::splat(0.0); N];
        let mut by_im = [V::splat(0.0); N];
        for j in 0..dim {
            let (re, im) = (V::splat(*x.add(2 * j)), V::splat(*x.add(2 * j + 1)));
            let column = matrix.add(j * reals);
            for n in 0..N {
                let element = V::load(column.add(n * V::LANES));
                by_re[n] = element.mul_add(re, by_re[n]);
                by_im[n] = element.mul_add(im, by_im[n]);
            }
        }
        join(by_re, by_im, factor, y);
    }
}

/// factor · (r + i s) of sums of products with real parts and with imaginary parts.
///
/// # Safety
/// The processor has the instructions of `V`; `y` takes `N` vectors.
#[inline(always)]
unsafe fn join<V: Lanes<Real = f64>, const N: usize>(by_re: [V; N], by_im: [V; N], factor: f64, y: *mut f64) {
    // SAFETY: as the caller's
    unsafe {
        let factor = V::splat(factor);
        for n in 0..N {
            let crossed = by_im[n].exchange().mul(factor);
            by_re[n].mul_alternate(factor, crossed).store(y.add(n * V::LANES));
        }
    }
}

/// `y = Σ x_j M_j` over the `columns` that are listed: [`apply`] for a vector that is mostly zero.
///
/// # Safety
/// As [`apply`]; every listed column is one of `matrix` and of `x`.
#[inline(always)]
pub(super) unsafe fn apply_sparse<V: Lanes<Real = f64>>(
    matrix: &[C64],
    columns: &[u32],
    x: &[C64],
    y: &mut [C64],
) {
    debug_assert!(
        columns.iter().all(|&j| (j as usize) < x.len() && (j as usize + 1) * y.len() <= matrix.len())
    );
    let reals = 2 * y.len();
    let (matrix, x, y) =
        (matrix.as_ptr().cast::<f64>(), x.as_ptr().cast::<f64>(), y.as_mut_ptr().cast::<f64>());
    let mut row = 0;
    while row < reals {
        let left = (reals - row) / V::LANES;
        // SAFETY: the tile lies within each column; columns and numbers are as the caller promises
        unsafe {
            let (matrix, y) = (matrix.add(row), y.add(row));
            match left {
                1 => sparse_tile::<V, 1>(matrix, reals, columns, x, y),
                2 => sparse_tile::<V, 2>(matrix, reals, columns, x, y),
                3 => sparse_tile::<V, 3>(matrix, reals, columns, x, y),
                _ => sparse_tile::<V, 4>(matrix, reals, columns, x, y),
            }
        }
        row += left.min(4) * V::LANES;
    }
}

/// `N` vectors of [`apply_sparse`]'s result.
///
/// # Safety
/// As [`apply_sparse`]; `N` vectors lie within a column.
#[inline(always)]
unsafe fn sparse_tile<V: Lanes<Real = f64>, const N: usize>(
    matrix: *const f64,
    reals: usize,
    columns: &[u32],
    x: *const f64,
    y: *mut f64,
) {
    // SAFETY: as the caller's
    unsafe {
        let mut by_re = [V::splat(0.0); N];
        let mut by_im = [V::splat(0.0); N];
        for &j in columns {
            let j = j as usize;
            let (re, im) = (V::splat(*x.add(2 * j)), V::splat(*x.add(2 * j + 1)));
            let column = matrix.add(j * reals);
            for n in 0..N {
                let element = V::load(column.add(n * V::LANES));
                by_re[n] = element.mul_add(re, by_re[n]);
                by_im[n] = element.mul_add(im, by_im[n]);
            }
        }
        join(by_re, by_im, 1.0, y);
    }
}

/// y += factor · x for a real factor.
///
/// # Safety
/// The processor has the instructions of `V`; both have the same [`padded`] length.
#[inline(always)]
pub(super) unsafe fn add_scaled<V: Lanes<Real = f64>>(factor: f64, x: &[C64], y: &mut [C64]) {
    debug_assert!(x.len() == y.len() && x.len() == padded(x.len()));
    let reals = 2 * y.len();
    let (x, y) = (x.as_ptr().cast::<f64>(), y.as_mut_ptr().cast::<f64>());
    // SAFETY: both slices have `reals` numbers, a multiple of all lengths of vectors
    unsafe {
        let factor = V::splat(factor);
        let mut at = 0;
        while at < reals {
            let sum = V::load(x.add(at)).mul_add(factor, V::load(y.add(at)));
            sum.store(y.add(at));
            at += V::LANES;
        }
    }
}

/// y = factor · x for a real factor.
///
/// # Safety
/// As [`add_scaled`].
#[inline(always)]
pub(super) unsafe fn scale_into<V: Lanes<Real = f64>>(factor: f64, x: &[C64], y: &mut [C64]) {
    debug_assert!(x.len() == y.len() && x.len() == padded(x.len()));
    let reals = 2 * y.len();
    let (x, y) = (x.as_ptr().cast::<f64>(), y.as_mut_ptr().cast::<f64>());
    // SAFETY: both slices have `reals` numbers, a multiple of all lengths of vectors
    unsafe {
        let factor = V::splat(factor);
        let mut at = 0;
        while at < reals {
            V::load(x.add(at)).mul(factor).store(y.add(at));
            at += V::LANES;
        }
    }
}

/// The columns of G grow by v · conj(`l_j`).
///
/// # Safety
/// As [`apply`], with `v.len()` the length of a column.
#[inline(always)]
pub(super) unsafe fn add_outer<V: Lanes<Real = f64>>(v: &[C64], l: &[C64], dim: usize, g: &mut [C64]) {
    debug_assert!(g.len() == dim * v.len() && l.len() >= dim && v.len() == padded(v.len()));
    let reals = 2 * v.len();
    let (v, g) = (v.as_ptr().cast::<f64>(), g.as_mut_ptr().cast::<f64>());
    // SAFETY: column j of `g` has `reals` numbers, as `v` has
    unsafe {
        let one = V::splat(1.0);
        for (j, number) in l.iter().enumerate().take(dim) {
            let (re, im) = (V::splat(number.re), V::splat(-number.im));
            let column = g.add(j * reals);
            let mut at = 0;
            while at < reals {
                let element = V::load(v.add(at));
                let product = element.mul_alternate(re, element.exchange().mul(im));
                product.mul_add(one, V::load(column.add(at))).store(column.add(at));
                at += V::LANES;
            }
        }
    }
}

/// Re Σ conj(a) b.
///
/// # Safety
/// As [`add_scaled`].
#[inline(always)]
pub(super) unsafe fn real_product<V: Lanes<Real = f64>>(a: &[C64], b: &[C64]) -> f64 {
    debug_assert!(a.len() == b.len() && a.len() == padded(a.len()));
    let reals = 2 * a.len();
    let (a, b) = (a.as_ptr().cast::<f64>(), b.as_ptr().cast::<f64>());
    // SAFETY: both slices have `reals` numbers, a multiple of all lengths of vectors
    unsafe {
        let mut sum = V::splat(0.0);
        let mut at = 0;
        while at < reals {
            sum = V::load(a.add(at)).mul_add(V::load(b.add(at)), sum);
            at += V::LANES;
        }
        sum.sum()
    }
}
