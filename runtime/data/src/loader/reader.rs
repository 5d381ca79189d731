//! Threads, or one with a ring, that read chunks in the order in which they are needed, into memory that is made once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::dataset::{ChunkBuffers, Set};
use crate::order::LaneOrder;
use crate::plan::Reader;
use crate::storage::AlignedBuffer;
use crate::storage::ring::{Done, Ring};
use crate::{Error, Result};

/// A chunk's memory, and what is in it.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) buffers: ChunkBuffers,
    /// The order in which its samples leave.
    pub(super) inner: Vec<u32>,
}

/// A chunk to be read.
#[derive(Debug)]
struct Work {
    lane: usize,
    piece: u32,
    order: Arc<LaneOrder>,
    slot: Slot,
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
        reader: Reader,
        verify: bool,
    ) -> Result<Self> {
        let mut rings = Vec::new();
        let threads = match reader {
            Reader::Threads(threads) => threads,
            Reader::Ring(depth) => {
                rings.push(Ring::new(depth).map_err(|source| Error::Ring { source })?);
                1
            }
        };
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
            let ring = rings.pop();
            let thread = builder.spawn(move || match ring {
                Some(ring) => serve_by_ring(&shared, ring),
                None => serve(&shared),
            });
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
    fn take(&mut self) -> Option<Work> {
        let count = self.lines.len();
        for step in 0..count {
            let lane = (self.turn + step) % count;
            let line = &mut self.lines[lane];
            let Some(piece) = line.queue.get(line.next).copied() else { continue };
            if let Some(slot) = line.free.pop() {
                line.next += 1;
                self.turn = (lane + 1) % count;
                let order = Arc::clone(&line.order);
                return Some(Work { lane, piece, order, slot });
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
        let Some(mut work) = state.take() else {
            state = shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        drop(state);
        let loaded = shared.caught(|| {
            work.draw();
            shared.set.load(work.chunk(), &mut work.slot.buffers, shared.verify)
        });
        state = shared.hand_over(work, loaded);
    }
}

/// The same by one thread, which has as many chunks under way as the ring holds.
fn serve_by_ring(shared: &Shared, mut ring: Ring<Work>) {
    let mut state = lock(&shared.state);
    loop {
        if state.stop || (state.is_over() && ring.under_way() == 0) {
            return;
        }
        if ring.under_way() < ring.depth()
            && let Some(work) = state.take()
        {
            drop(state);
            shared.begin(&mut ring, work);
            state = lock(&shared.state);
        } else if ring.under_way() > 0 {
            drop(state);
            shared.end(&mut ring);
            state = lock(&shared.state);
        } else {
            state = shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Work {
    fn chunk(&self) -> usize {
        self.order.piece(self.piece).piece.chunk as usize
    }

    /// Draws the order of the samples.
    fn draw(&mut self) {
        self.order.inner(self.piece, &mut self.slot.inner);
    }
}

impl Shared {
    /// Asks for a chunk, or reads it at once where the storage must.
    fn begin(&self, ring: &mut Ring<Work>, mut work: Work) {
        let place = self.caught(|| {
            work.draw();
            self.set.make_room(work.chunk(), &mut work.slot.buffers);
            Ok(self.set.place(work.chunk()))
        });
        match place {
            Ok(Some((file, offset, len))) => {
                let buffer = std::mem::take(&mut work.slot.buffers.stored);
                ring.read(file, buffer, len, offset, work);
            }
            Ok(None) => {
                let loaded = self.caught(|| self.set.load(work.chunk(), &mut work.slot.buffers, self.verify));
                drop(self.hand_over(work, loaded));
            }
            Err(error) => drop(self.hand_over(work, Err(error))),
        }
    }

    /// Waits for a chunk that was asked for.
    fn end(&self, ring: &mut Ring<Work>) {
        match ring.wait() {
            Ok(Done { buffer, with: mut work, read }) => {
                work.slot.buffers.stored = buffer;
                let chunk = work.chunk();
                let whole = read.is_ok_and(|read| read == self.set.chunks[chunk].padded());
                let loaded = self.caught(|| {
                    let buffers = &mut work.slot.buffers;
                    // What was interrupted, cut short or refused is read again, which goes on or says what is wrong.
                    if whole {
                        self.set.check(chunk, buffers, self.verify)
                    } else {
                        self.set.load(chunk, buffers, self.verify)
                    }
                });
                drop(self.hand_over(work, loaded));
            }
            Err(source) => {
                for work in ring.abandon() {
                    let source = std::io::Error::from(source.kind());
                    drop(self.hand_over(work, Err(Error::Ring { source })));
                }
            }
        }
    }

    /// Runs what may meet a storage of the user's that panics: whoever waits for the chunk must hear of it.
    fn caught<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_else(|_| {
            Err(Error::File {
                action: "read",
                path: self.set.folder.clone(),
                source: std::io::Error::other("the storage panicked"),
            })
        })
    }

    /// Puts a chunk where it is waited for.
    fn hand_over(&self, work: Work, loaded: Result<()>) -> MutexGuard<'_, State> {
        self.bytes.fetch_add(self.set.chunks[work.chunk()].padded() as u64, Ordering::Relaxed);
        self.chunks.fetch_add(1, Ordering::Relaxed);
        let mut state = lock(&self.state);
        state.lines[work.lane].ready.insert(work.piece, (work.slot, loaded));
        self.done.notify_all();
        state
    }
}
