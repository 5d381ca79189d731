//! A slice that several workers write at once, each a part of its own.

use std::marker::PhantomData;

/// A mutable slice whose disjoint parts are handed to workers.
#[derive(Debug)]
pub(crate) struct Shared<'a, T> {
    pointer: *mut T,
    length: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<'_, T> {}

// SAFETY: the slice is borrowed mutably for 'a, and `part` promises that parts do not overlap.
#[allow(unsafe_code)]
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { pointer: slice.as_mut_ptr(), length: slice.len(), lifetime: PhantomData }
    }

    /// One whose parts are only read.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub(crate) fn reading(slice: &'a [T]) -> Self {
        Self { pointer: slice.as_ptr().cast_mut(), length: slice.len(), lifetime: PhantomData }
    }

    /// The rest from `start` on.
    pub(crate) fn from(self, start: usize) -> Self {
        assert!(start <= self.length);
        #[allow(unsafe_code)]
        // SAFETY: within the slice.
        let pointer = unsafe { self.pointer.add(start) };
        Self { pointer, length: self.length - start, lifetime: PhantomData }
    }

    pub(crate) fn pointer(self) -> *mut T {
        self.pointer
    }

    /// The elements `start..start + length`.
    ///
    /// # Safety
    /// No two live parts may overlap.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn part(self, start: usize, length: usize) -> &'a mut [T] {
        assert!(start <= self.length && length <= self.length - start);
        // SAFETY: within the slice; the caller promises that parts are disjoint.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.add(start), length) }
    }
}
