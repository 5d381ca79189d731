//! Threads that read chunks in the order in which they are needed, into memory that is made once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::dataset::{ChunkBuffers, Set};
use crate::order::LaneOrder;
use crate::storage::AlignedBuffer;
use crate::{Error, Result};

/// A chunk's memory, and what is in it.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) buffers: ChunkBuffers,
    /// The order in which its samples leave.
    pub(super) inner: Vec<u32>,
}

/// A lane as its readers see it.
#[derive(Debug)]
struct Line {
    order: Arc<LaneOrder>,
    /// Pieces in the order in which they are needed.
    queue: Vec<u32>,
    next: usize,
    free: Vec<Slot>,
    ready: HashMap<u32, (Slot, Result<()>)>,
}

#[derive(Debug)]
struct State {
    lines: Vec<Line>,
    /// The line that is served next.
    turn: usize,
    stop: bool,
}

#[derive(Debug)]
struct Shared {
    set: Arc<Set>,
    state: Mutex<State>,
    /// A slot is free, or all is over.
    work: Condvar,
    /// A chunk is there.
    done: Condvar,
    verify: bool,
    bytes: AtomicU64,
    chunks: AtomicU64,
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Set({})", self.folder.display())
    }
}

/// The threads; they end when this is dropped.
#[derive(Debug)]
pub(super) struct Readers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    waited: Duration,
}

impl Readers {
    /// Begins to read: for each lane its order, the pieces it needs, and how many chunks it may have in memory.
    pub(super) fn start(
        set: &Arc<Set>,
        lanes: Vec<(Arc<LaneOrder>, Vec<u32>)>,
        slots: usize,
        threads: usize,
        verify: bool,
    ) -> Result<Self> {
        let line = |(order, queue): (Arc<LaneOrder>, Vec<u32>)| {
            let free = AlignedBuffer::many(slots.min(queue.len()), set.largest.0).into_iter().map(|stored| {
                let buffers = ChunkBuffers { stored, raw: Vec::new() };
                Slot { buffers, inner: Vec::new() }
            });
            let free = free.collect();
            Line { order, queue, next: 0, free, ready: HashMap::new() }
        };
        let state = State { lines: lanes.into_iter().map(line).collect(), turn: 0, stop: false };
        let shared = Arc::new(Shared {
            set: Arc::clone(set),
            state: Mutex::new(state),
            work: Condvar::new(),
            done: Condvar::new(),
            verify,
            bytes: AtomicU64::new(0),
            chunks: AtomicU64::new(0),
        });
        let mut readers = Self { shared, threads: Vec::with_capacity(threads), waited: Duration::ZERO };
        for number in 0..threads {
            let shared = Arc::clone(&readers.shared);
            // They need little stack; the default of 2 MiB would not be resident either, but is counted by some.
            let builder = thread::Builder::new().name(format!("kl-read-{number}")).stack_size(256 << 10);
            let thread = builder.spawn(move || serve(&shared));
            readers
                .threads
                .push(thread.map_err(|error| Error::setting("the number of threads", error, "fewer"))?);
        }
        Ok(readers)
    }

    /// Waits for a piece.
    pub(super) fn take(&mut self, lane: usize, piece: u32) -> (Slot, Result<()>) {
        let mut state = lock(&self.shared.state);
        if let Some(ready) = state.lines[lane].ready.remove(&piece) {
            return ready;
        }
        let start = Instant::now();
        loop {
            state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
            if let Some(ready) = state.lines[lane].ready.remove(&piece) {
                self.waited += start.elapsed();
                return ready;
            }
        }
    }

    /// Gives back the memory of a piece that is used up.
    pub(super) fn give(&self, lane: usize, slot: Slot) {
        lock(&self.shared.state).lines[lane].free.push(slot);
        self.shared.work.notify_one();
    }

    /// Bytes and chunks that were read.
    pub(super) fn read(&self) -> (u64, u64) {
        (self.shared.bytes.load(Ordering::Relaxed), self.shared.chunks.load(Ordering::Relaxed))
    }

    /// How long chunks were waited for.
    pub(super) fn waited(&self) -> Duration {
        self.waited
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        lock(&self.shared.state).stop = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // What a reader does is caught; there is nothing to pass on.
            let _ = thread.join();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// The next piece of a lane that has memory for it.
    fn take(&mut self) -> Option<(usize, u32, Slot, Arc<LaneOrder>)> {
        let count = self.lines.len();
        for step in 0..count {
            let lane = (self.turn + step) % count;
            let line = &mut self.lines[lane];
            let Some(piece) = line.queue.get(line.next).copied() else { continue };
            if let Some(slot) = line.free.pop() {
                line.next += 1;
                let order = Arc::clone(&line.order);
                self.turn = (lane + 1) % count;
                return Some((lane, piece, slot, order));
            }
        }
        None
    }

    fn is_over(&self) -> bool {
        self.stop || self.lines.iter().all(|line| line.next == line.queue.len())
    }
}

fn serve(shared: &Shared) {
    let mut state = lock(&shared.state);
    loop {
        if state.is_over() {
            return;
        }
        let Some((lane, piece, mut slot, order)) = state.take() else {
            state = shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        drop(state);
        let chunk = order.piece(piece).piece.chunk as usize;
        // A storage of the user's may panic; whoever waits for the chunk must hear of it.
        let loaded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            order.inner(piece, &mut slot.inner);
            shared.set.load(chunk, &mut slot.buffers, shared.verify)
        }));
        let loaded = loaded.unwrap_or_else(|_| {
            Err(Error::File {
                action: "read",
                path: shared.set.folder.clone(),
                source: std::io::Error::other("the storage panicked"),
            })
        });
        shared.bytes.fetch_add(shared.set.chunks[chunk].padded() as u64, Ordering::Relaxed);
        shared.chunks.fetch_add(1, Ordering::Relaxed);
        state = lock(&shared.state);
        state.lines[lane].ready.insert(piece, (slot, loaded));
        shared.done.notify_all();
    }
}
