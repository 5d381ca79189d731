//! Memory of state vectors, on huge pages where the system offers them.
//!
//! A vector of 24 qubits is 65,536 pages of 4 KiB: each costs a fault when it is first touched, and more of them are used at
//! once than the processor remembers the places of. With pages of 2 MiB both are a matter of some hundred.
#![allow(unsafe_code)] // allocation for a type of the same layout, and advice to the system

use num_complex::Complex;

use super::precision::Precision;

/// Bytes of a huge page on the processors that have vectors here.
const PAGE: usize = 2 << 20;

/// A vector of zeros.
pub(crate) fn zeros<T: Precision>(length: usize) -> Vec<Complex<T>> {
    // numbers of this kind are allocated as zeros, so that no page is touched before the advice
    let mut reals = vec![T::zero(); 2 * length].into_boxed_slice();
    advise(&mut reals);
    let start = Box::into_raw(reals).cast::<Complex<T>>();
    // SAFETY: a complex number is two reals in a row with the alignment of one, so this is the same allocation
    unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(start, length)) }.into_vec()
}

/// Asks for huge pages in the part of a slice that consists of whole ones.
#[cfg(target_os = "linux")]
fn advise<T>(memory: &mut [T]) {
    use rustix::mm::{Advice, madvise};

    let start = memory.as_mut_ptr().cast::<u8>();
    let before = start.align_offset(PAGE);
    let whole = size_of_val(memory).saturating_sub(before) / PAGE * PAGE;
    if whole > PAGE {
        // SAFETY: the range is within the slice, and the advice changes no contents
        let advised = unsafe { madvise(start.add(before).cast(), whole, Advice::LinuxHugepage) };
        // a system without huge pages has small ones
        advised.unwrap_or_default();
    }
}

#[cfg(not(target_os = "linux"))]
fn advise<T>(_: &mut [T]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_any_length_are_zeros() {
        for length in [0, 1, 3, 1 << 10, (1 << 19) + 1] {
            let (double, mut single) = (zeros::<f64>(length), zeros::<f32>(length));
            assert!(double.len() == length && double.iter().all(|a| a.re == 0.0 && a.im == 0.0));
            single.push(Complex::new(1.0, 2.0));
            assert_eq!((single.len(), single.pop()), (length + 1, Some(Complex::new(1.0, 2.0))));
        }
    }
}
