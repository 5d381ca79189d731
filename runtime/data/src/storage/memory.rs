//! Memory that direct reads can write to, on huge pages where the system offers them.

use std::fmt;

use bytes::BytesMut;

use super::ALIGNMENT;

/// The size of a huge page.
const HUGE: usize = 2 << 20;

/// Memory that begins at a multiple of [`ALIGNMENT`].
#[derive(Default)]
pub(crate) struct AlignedBuffer {
    bytes: BytesMut,
}

impl AlignedBuffer {
    /// So many bytes; none of them is touched, and so none is resident, before it is written.
    pub(crate) fn new(len: usize) -> Self {
        Self::many(1, len).pop().unwrap_or_default()
    }

    /// So many buffers in one piece of memory. `len` is rounded up to a multiple of [`ALIGNMENT`].
    pub(crate) fn many(count: usize, len: usize) -> Vec<Self> {
        let len = len.next_multiple_of(ALIGNMENT);
        let all = count.saturating_mul(len);
        let alignment = if all >= HUGE { HUGE } else { ALIGNMENT };
        let mut bytes = BytesMut::zeroed(all + alignment);
        let start = bytes.as_ptr().align_offset(alignment);
        // Where no offset can be told, reads are just not direct.
        if start <= alignment {
            let _ = bytes.split_to(start);
        }
        bytes.truncate(all);
        advise_huge(&mut bytes);
        (0..count).map(|_| Self { bytes: bytes.split_to(len) }).collect()
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl fmt::Debug for AlignedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlignedBuffer({} bytes)", self.bytes.len())
    }
}

/// Asks for huge pages, as far as they lie within: fewer page faults and fewer misses of the address cache.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)] // a system call that no safe function of the standard library makes
pub(crate) fn advise_huge(bytes: &mut [u8]) {
    let start = bytes.as_ptr().align_offset(HUGE);
    if let Some(whole) = bytes.get_mut(start..).filter(|rest| rest.len() >= HUGE) {
        let len = whole.len() / HUGE * HUGE;
        // SAFETY: the range lies in memory that is borrowed for writing, and the advice leaves what is in it as it is. It
        // may be ignored, also by us.
        let _ = unsafe { libc::madvise(whole.as_mut_ptr().cast(), len, libc::MADV_HUGEPAGE) };
    }
}

/// Other systems choose for themselves.
#[cfg(not(target_os = "linux"))]
pub(crate) fn advise_huge(_: &mut [u8]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_apart() {
        for (count, len) in [(1, 1), (3, 5000), (40, 100_000)] {
            let mut buffers = AlignedBuffer::many(count, len);
            for (number, buffer) in buffers.iter_mut().enumerate() {
                assert!(buffer.as_slice().len() >= len);
                assert!(buffer.as_slice().as_ptr().addr().is_multiple_of(ALIGNMENT));
                buffer.as_mut_slice().fill(number as u8);
            }
            let right = |(number, buffer): (usize, &AlignedBuffer)| {
                buffer.as_slice().iter().all(|byte| *byte == number as u8)
            };
            assert!(buffers.iter().enumerate().all(right));
        }
        assert!(AlignedBuffer::many(0, 10).is_empty());
    }
}
