//! Memory that kernels work in.
#![allow(unsafe_code)] // aligned allocation

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::{NonNull, null_mut};

/// Begins at a page, so that vectors do not cross lines of the cache.
const ALIGNMENT: usize = 4096;

/// A buffer that grows.
#[derive(Debug)]
pub(crate) struct Buffer {
    start: *mut u8,
    size: usize,
}

impl Buffer {
    /// An empty buffer.
    pub(crate) const fn new() -> Self {
        Self { start: null_mut(), size: 0 }
    }

    /// At least so many bytes, of any content that numbers can have.
    pub(crate) fn reserve(&mut self, bytes: usize) -> *mut u8 {
        if self.size < bytes {
            self.release();
            let layout = Self::layout(bytes);
            // SAFETY: the size is not 0
            let start = NonNull::new(unsafe { alloc_zeroed(layout) });
            (self.start, self.size) = (start.unwrap_or_else(|| handle_alloc_error(layout)).as_ptr(), bytes);
        }
        self.start
    }

    fn layout(bytes: usize) -> Layout {
        // a size beyond the address space cannot come from a vector that exists
        Layout::from_size_align(bytes.max(1), ALIGNMENT).unwrap_or(Layout::new::<u8>())
    }

    fn release(&mut self) {
        if self.size > 0 {
            // SAFETY: it was allocated with this layout
            unsafe { dealloc(self.start, Self::layout(self.size)) };
            (self.start, self.size) = (null_mut(), 0);
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.release();
    }
}
