//! Plans: how a set is read within a budget, before anything is read.

mod planner;

use std::fmt;
use std::sync::Arc;

pub use planner::Planner;

use crate::Bytes;
use crate::order::{LaneOrder, Piece};
use crate::random::Key;
use crate::randomness::Randomness;
use crate::sampler::Sampler;

/// What a loader does about a chunk that is not what was written, or an image that cannot be decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDamage {
    /// The batch is an error.
    #[default]
    Fail,
    /// The samples are left out of their batches, and counted.
    Skip,
}

/// Who reads chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reader {
    /// So many threads, each a chunk at a time.
    Threads(usize),
    /// One thread, which has so many chunks under way by `io_uring`.
    Ring(usize),
}

impl Reader {
    /// Chunks ahead that keep it busy: a thread reads one and finds the next.
    pub(crate) fn busy(self) -> usize {
        match self {
            Self::Threads(threads) => 2 * threads,
            Self::Ring(depth) => depth,
        }
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threads(threads) => write!(f, "{threads} threads"),
            Self::Ring(depth) => write!(f, "io_uring, {depth} at once"),
        }
    }
}

/// How a set is read: printed, it says where the memory goes and how random the order is.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) mode: Mode,
    pub(crate) batch: usize,
    pub(crate) budget: Bytes,
    pub(crate) reader: Reader,
    pub(crate) decoders: usize,
    /// Chunks that each lane has open.
    pub(crate) open: usize,
    /// Chunks that each lane reads ahead.
    pub(crate) ahead: usize,
    pub(crate) batches: usize,
    pub(crate) lanes: usize,
    pub(crate) rank: usize,
    pub(crate) ranks: usize,
    pub(crate) seed: u64,
    pub(crate) drop_last: bool,
    pub(crate) verify: bool,
    pub(crate) on_damage: OnDamage,
    pub(crate) sampler: Arc<Sampler>,
    pub(crate) pieces: Arc<[Piece]>,
    pub(crate) parts: Parts,
    pub(crate) shuffled: bool,
    pub(crate) firsts: Arc<[u64]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Redirected,
    InOrder,
}

/// Where the memory goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parts {
    /// A chunk in memory: as stored, unpacked, and the order of its samples.
    pub chunk: Bytes,
    /// A batch.
    pub batch: Bytes,
    /// Index and order.
    pub tables: Bytes,
}

impl Plan {
    /// Samples in a batch of all ranks.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The limit on everything that is resident.
    pub fn budget(&self) -> Bytes {
        self.budget
    }

    /// What is resident at most.
    pub fn resident(&self) -> Bytes {
        let chunks = (self.own_lanes() * (self.open + self.ahead)) as u64;
        self.parts.tables + self.parts.chunk * chunks + self.parts.batch * self.batches as u64
    }

    /// Where the memory goes.
    pub fn parts(&self) -> Parts {
        self.parts
    }

    /// Chunks that are open at once on this rank.
    pub fn open_chunks(&self) -> usize {
        self.own_lanes() * self.open
    }

    /// Chunks that are read ahead on this rank.
    pub fn ahead(&self) -> usize {
        self.own_lanes() * self.ahead
    }

    /// Who reads them.
    pub fn reader(&self) -> Reader {
        self.reader
    }

    /// Batches that may live at once.
    pub fn batches_held(&self) -> usize {
        self.batches
    }

    /// The seed of the order.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Samples that take part, on all ranks.
    pub fn samples(&self) -> u64 {
        self.pieces.iter().map(|piece| u64::from(piece.samples)).sum()
    }

    pub(crate) fn own_lanes(&self) -> usize {
        self.lanes / self.ranks
    }

    /// Samples that a lane gives to a batch.
    pub(crate) fn stride(&self) -> u64 {
        (self.batch / self.lanes) as u64
    }

    fn lane_pieces(&self, lane: usize) -> Vec<Piece> {
        match self.mode {
            Mode::Redirected => self.pieces.iter().skip(lane).step_by(self.lanes).copied().collect(),
            Mode::InOrder => {
                let edge = |lane| self.pieces.len() * lane / self.lanes;
                self.pieces[edge(lane)..edge(lane + 1)].to_vec()
            }
        }
    }

    pub(crate) fn lane(&self, epoch: u64, lane: usize) -> LaneOrder {
        match self.mode {
            Mode::InOrder => LaneOrder::in_order(self.lane_pieces(lane)),
            Mode::Redirected => {
                let key = Key::new(self.seed).part(epoch).part(lane as u64);
                LaneOrder::redirected(self.lane_pieces(lane), self.open, key, &self.sampler)
            }
        }
    }

    /// Samples of each lane in an epoch, on all ranks.
    fn lane_samples(&self, epoch: u64) -> Vec<u64> {
        let count = |lane| match (&*self.sampler, self.mode) {
            (Sampler::Once, _) | (_, Mode::InOrder) => {
                self.lane_pieces(lane).iter().map(|piece| u64::from(piece.samples)).sum()
            }
            _ => self.lane(epoch, lane).len(),
        };
        (0..self.lanes).map(count).collect()
    }

    /// Batches of an epoch, the same on all ranks. Without `drop_last` the last ones may be smaller, and lack on a rank
    /// whose lanes hold fewer samples: they are empty there.
    pub fn batches(&self, epoch: u64) -> u64 {
        let lanes = self.lane_samples(epoch);
        if self.drop_last {
            lanes.iter().min().map_or(0, |samples| samples / self.stride())
        } else {
            lanes.iter().max().map_or(0, |samples| samples.div_ceil(self.stride()))
        }
    }

    /// The order of an epoch on all ranks, as numbers of samples, without reading anything.
    ///
    /// Goes through the epoch as a loader would; memory for one chunk's order is taken for each that is open.
    pub fn order(&self, epoch: u64) -> impl Iterator<Item = u64> + '_ {
        crate::randomness::ids(self, epoch)
    }

    /// How random the order of an epoch is: measured on it, not estimated.
    pub fn randomness(&self, epoch: u64) -> Randomness {
        Randomness::measure(self, epoch)
    }

    /// The number of a sample in the set.
    pub(crate) fn id(&self, piece: Piece, inner: u32) -> u64 {
        self.firsts[piece.chunk as usize] + u64::from(inner)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { chunk, batch, tables } = self.parts;
        let order = match self.mode {
            Mode::Redirected => format!("redirected, seed {}", self.seed),
            Mode::InOrder => "as it is stored".into(),
        };
        writeln!(f, "order       {order}; {} samples in {} chunks", self.samples(), self.pieces.len())?;
        writeln!(f, "batch       {} samples on {} ranks, {} lanes", self.batch, self.ranks, self.lanes)?;
        writeln!(f, "open        {} chunks of {chunk}", self.open_chunks())?;
        writeln!(f, "read ahead  {} chunks by {}", self.ahead(), self.reader)?;
        writeln!(f, "batches     {} of at most {batch}", self.batches)?;
        writeln!(f, "tables      {tables}")?;
        write!(f, "resident    at most {} of {}", self.resident(), self.budget)?;
        if self.mode == Mode::Redirected && !self.shuffled {
            write!(
                f,
                "\nwarning     samples were not shuffled when they were written: neighbours stay together"
            )?;
        }
        Ok(())
    }
}
