//! Between a density matrix, row by row, and its Pauli vector.

use rayon::prelude::*;

use crate::C64;

/// Entries from which several threads pay.
const PARALLEL: usize = 1 << 14;

/// Rows of the X mask that are transformed together, so that what is read and written is whole cache lines.
const TOGETHER: usize = 8;

/// `Tr[P m]` for all products `P`; the matrix of `2^width` rows must be Hermitian.
pub(super) fn to_pauli(width: usize, matrix: &[C64]) -> Vec<f64> {
    let d = 1_usize << width;
    let mut vector = vec![0.0; d * d];
    let mut line = vec![C64::ZERO; d];
    for x in 0..d {
        // the entries (j, j ^ x), transformed over the sign (-1)^(z & j)
        for (j, entry) in line.iter_mut().enumerate() {
            *entry = matrix[j << width | (j ^ x)];
        }
        walsh_hadamard(&mut line);
        for (z, sum) in line.iter().enumerate() {
            vector[index(x, z)] = match (x & z).count_ones() % 4 {
                0 => sum.re,
                1 => -sum.im,
                2 => -sum.re,
                _ => sum.im,
            };
        }
    }
    vector
}

/// The matrix `2^-width sum_P r_P P`, row by row.
pub(super) fn to_matrix(width: usize, vector: &[f64]) -> Vec<C64> {
    let d = 1_usize << width;
    let together = TOGETHER.min(d);
    let scale = 1.0 / d as f64;
    let lines = |first: usize| -> Vec<C64> {
        let mut lines = vec![C64::ZERO; together * d];
        for (x, line) in (first..).zip(lines.chunks_exact_mut(d)) {
            for (z, entry) in line.iter_mut().enumerate() {
                let r = vector[index(x, z)] * scale;
                *entry = match (x & z).count_ones() % 4 {
                    0 => C64::new(r, 0.0),
                    1 => C64::new(0.0, r),
                    2 => C64::new(-r, 0.0),
                    _ => C64::new(0.0, -r),
                };
            }
            walsh_hadamard(line);
        }
        lines
    };
    let mut matrix = vec![C64::ZERO; d * d];
    // line x holds the entries (j ^ x, j): within a row they are the columns row ^ x, whole blocks of them
    let write = |first: usize, lines: &[C64], row: usize, entries: &mut [C64]| {
        for (x, line) in (first..).zip(lines.chunks_exact(d)) {
            entries[row ^ x] = line[row ^ x];
        }
    };
    if d * d < PARALLEL {
        for first in (0..d).step_by(together) {
            let lines = lines(first);
            for (row, entries) in matrix.chunks_exact_mut(d).enumerate() {
                write(first, &lines, row, entries);
            }
        }
        return matrix;
    }
    // a few groups of lines at a time, so that they need little room beside the matrix
    let groups = (d / together).min(2 * rayon::current_num_threads().max(1));
    for first in (0..d).step_by(groups * together) {
        let firsts: Vec<usize> = (first..d.min(first + groups * together)).step_by(together).collect();
        let done: Vec<Vec<C64>> = firsts.par_iter().map(|first| lines(*first)).collect();
        matrix.par_chunks_exact_mut(d).with_min_len(16).enumerate().for_each(|(row, entries)| {
            for (first, lines) in firsts.iter().zip(&done) {
                write(*first, lines, row, entries);
            }
        });
    }
    matrix
}

/// The index of a product in a Pauli vector.
pub(super) fn index(x: usize, z: usize) -> usize {
    spread(x) | spread(z) << 1
}

/// Bit `k` moved to place `2k`, for 32 bits.
fn spread(bits: usize) -> usize {
    let mut b = bits as u64 & 0xffff_ffff;
    b = (b | b << 16) & 0x0000_ffff_0000_ffff;
    b = (b | b << 8) & 0x00ff_00ff_00ff_00ff;
    b = (b | b << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    b = (b | b << 2) & 0x3333_3333_3333_3333;
    b = (b | b << 1) & 0x5555_5555_5555_5555;
    b as usize
}

/// `v_j -> sum_k (-1)^|j & k| v_k`, in place.
pub(super) fn walsh_hadamard<T>(values: &mut [T])
where
    T: Copy + std::ops::Add<Output = T> + std::ops::Sub<Output = T>,
{
    let mut half = 1;
    while half < values.len() {
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}
