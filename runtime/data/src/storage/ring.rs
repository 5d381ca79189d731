//! Reads by `io_uring` (Linux): many under way at once, from one thread.
#![allow(unsafe_code)] // the kernel writes to memory that is lent to it

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;

use io_uring::{IoUring, opcode, types};

use super::AlignedBuffer;

pub(crate) const PRESENT: bool = true;

/// A ring, with the memory that its reads write to: what is under way is owned by the ring until it is done.
pub(crate) struct Ring<T> {
    kernel: IoUring,
    /// What is under way, at the place whose number the kernel hands back.
    flights: Vec<Option<(AlignedBuffer, T)>>,
    /// What could not be asked for.
    refused: Vec<Done<T>>,
}

/// A read that is over.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) buffer: AlignedBuffer,
    pub(crate) with: T,
    /// How many bytes were read.
    pub(crate) read: io::Result<usize>,
}

impl<T> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ring({} of {} reads)", self.under_way(), self.flights.len())
    }
}

impl<T> Ring<T> {
    /// A ring for so many reads at once.
    pub(crate) fn new(depth: usize) -> io::Result<Self> {
        let kernel = IoUring::new(u32::try_from(depth).map_err(io::Error::other)?)?;
        Ok(Self { kernel, flights: (0..depth).map(|_| None).collect(), refused: Vec::new() })
    }

    /// How many reads it holds.
    pub(crate) fn depth(&self) -> usize {
        self.flights.len()
    }

    /// How many reads [`wait`](Self::wait) will hand back.
    pub(crate) fn under_way(&self) -> usize {
        self.flights.iter().flatten().count() + self.refused.len()
    }

    /// Asks for `len` bytes from `offset` on. What cannot be asked for is handed back by [`wait`](Self::wait) like a read that
    /// failed.
    pub(crate) fn read(&mut self, file: &File, mut buffer: AlignedBuffer, len: usize, offset: u64, with: T) {
        let place = self.flights.iter().position(Option::is_none);
        let (Some(place), Ok(size), true) = (place, u32::try_from(len), len <= buffer.as_slice().len())
        else {
            let read = Err(io::ErrorKind::InvalidInput.into());
            return self.refused.push(Done { buffer, with, read });
        };
        let start = buffer.as_mut_slice().as_mut_ptr();
        let read = opcode::Read::new(types::Fd(file.as_raw_fd()), start, size).offset(offset);
        let entry = read.build().user_data(place as u64);
        // SAFETY: the memory is `buffer`'s own and at least `len` long; moving the buffer does not move it. The flight keeps it
        // until the kernel says that it is done: `wait` hands it back only then, and dropping the ring waits or leaks it.
        let pushed = unsafe { self.kernel.submission().push(&entry) };
        if pushed.is_err() {
            return self.refused.push(Done { buffer, with, read: Err(io::ErrorKind::QuotaExceeded.into()) });
        }
        self.flights[place] = Some((buffer, with));
        // What is not taken now is taken by the next call, or while waiting.
        let _ = self.kernel.submit();
    }

    /// Waits for any read.
    ///
    /// # Errors
    /// If the kernel does not say how reads end, or none is under way.
    pub(crate) fn wait(&mut self) -> io::Result<Done<T>> {
        if let Some(done) = self.refused.pop() {
            return Ok(done);
        }
        while self.under_way() > 0 {
            let Some(entry) = self.kernel.completion().next() else {
                match self.kernel.submit_and_wait(1) {
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                    _ => continue,
                }
            };
            let flight = self.flights.get_mut(entry.user_data() as usize).and_then(Option::take);
            let Some((buffer, with)) = flight else { continue };
            let read = usize::try_from(entry.result());
            let read = read.map_err(|_| io::Error::from_raw_os_error(-entry.result()));
            return Ok(Done { buffer, with, read });
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Gives up what is under way; its memory is lost, because the kernel may still write to it.
    pub(crate) fn abandon(&mut self) -> Vec<T> {
        let flights = self.flights.iter_mut().filter_map(Option::take);
        let lost = flights.map(|(buffer, with)| {
            std::mem::forget(buffer);
            with
        });
        lost.chain(self.refused.drain(..).map(|done| done.with)).collect()
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        while self.under_way() > 0 {
            if self.wait().is_err() {
                self.abandon();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn reads_end_in_any_order_with_their_own_bytes() {
        let Ok(mut ring) = Ring::new(8) else { return };
        let path = std::env::temp_dir().join(format!("ketline-ring-{}", std::process::id()));
        let mut file = File::create(&path).unwrap();
        (0..20_u8).for_each(|block| file.write_all(&[block; 4096]).unwrap());
        let file = File::open(&path).unwrap();
        let mut seen = [false; 20];
        for block in 0..20_usize {
            ring.read(&file, AlignedBuffer::new(4096), 4096, 4096 * block as u64, block);
            if ring.under_way() < 8 {
                continue;
            }
            let done = ring.wait().unwrap();
            assert_eq!(done.read.unwrap(), 4096);
            assert!(done.buffer.as_slice().iter().all(|byte| usize::from(*byte) == done.with));
            seen[done.with] = true;
        }
        while ring.under_way() > 0 {
            seen[ring.wait().unwrap().with] = true;
        }
        assert_eq!(seen, [true; 20]);
        // at the end of the file a read is short, and one that is too long is refused
        ring.read(&file, AlignedBuffer::new(8192), 8192, 19 * 4096, 0);
        assert_eq!(ring.wait().unwrap().read.unwrap(), 4096);
        ring.read(&file, AlignedBuffer::new(4096), 8192, 0, 0);
        assert!(ring.wait().unwrap().read.is_err() && ring.wait().is_err());
        // what is under way when a ring is dropped is waited for
        ring.read(&file, AlignedBuffer::new(4096), 4096, 0, 0);
        drop(ring);
        std::fs::remove_file(path).unwrap();
    }
}
