//! The processor: an arena on large pages, operators run where they are called.

#![allow(unsafe_code)] // the arena, see each SAFETY

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use super::Backend;
use crate::operator::{Call, Operator};
use crate::{Error, Result};

/// Pages that the arena begins on, large ones where the system has them.
const PAGE: usize = 1 << 21;

/// Zeroed memory on large pages.
#[derive(Debug)]
pub(super) struct Cpu {
    pointer: NonNull<u8>,
    layout: Layout,
}

// SAFETY: it owns its memory, like a `Vec`.
unsafe impl Send for Cpu {}
// SAFETY: the memory is written through `&mut Run` only.
unsafe impl Sync for Cpu {}

impl Cpu {
    pub(super) fn open(bytes: usize) -> Result<Self> {
        let align = if bytes >= PAGE { PAGE } else { 64 };
        let layout = Layout::from_size_align(bytes.max(64), align).map_err(|_| Error::Memory { bytes })?;
        // SAFETY: the layout has a size.
        let pointer = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(Error::Memory { bytes })?;
        #[cfg(target_os = "linux")]
        if bytes >= PAGE {
            let whole = bytes / PAGE * PAGE;
            // SAFETY: within the allocation, on page borders; the advice changes no contents.
            let advised = unsafe {
                rustix::mm::madvise(pointer.as_ptr().cast(), whole, rustix::mm::Advice::LinuxHugepage)
            };
            if let Err(error) = advised {
                tracing::debug!(%error, "no huge pages for the arena");
            }
        }
        Ok(Self { pointer, layout })
    }
}

impl Backend for Cpu {
    fn memory(&self) -> NonNull<u8> {
        self.pointer
    }

    fn run(&self, operator: &dyn Operator, call: &Call<'_>) -> Result<()> {
        operator.run(call)
    }

    fn wait(&self) -> Result<()> {
        Ok(())
    }
}

impl Drop for Cpu {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.pointer.as_ptr(), self.layout) };
    }
}
