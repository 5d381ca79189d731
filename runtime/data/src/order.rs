//! The order of an epoch, a function of seed, epoch and plan: any place of it is found without what comes before.
//!
//! This is the redirection of Brand (Redox), arXiv:2505.16280, as "bind and drain": chunks are dealt to lists, each list
//! has one chunk open at a time (a *virtual chunk*), and hands out all of its samples before it opens the next one. So each
//! chunk is read once, each sample handed out once, and the memory is that of the open chunks.
//!
//! What is our own is that no requests are drawn. A chunk has an interval of time, its samples have random moments in
//! equal parts of it, and the order is that of these moments. Intervals of one list follow each other; those of different
//! lists are staggered, so that chunks end one by one and reads are spread evenly. How many samples of a list come before a
//! moment is a closed form, and with it the place in the order is.
//!
//! Chunks are dealt to *lanes* first, chunk `j` to lane `j mod lanes`. Lanes have orders of their own, and take turns in
//! a batch. A rank reads whole lanes, `lane mod ranks`, so that batches are the same for any number of ranks that divides
//! the lanes, and chunks have an owner.

mod cursor;
mod select;

use std::sync::Arc;

pub(crate) use cursor::Cursor;
pub(crate) use select::{Piece, pieces};

use crate::random::Key;
use crate::sampler::Sampler;

/// Moments are below this.
const TOTAL: u64 = 1 << 52;
/// Moments are counted in so many times finer steps, in powers of two.
const FINE: u32 = 10;

/// A piece with its interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    pub(crate) piece: Piece,
    /// How many samples it hands out: those of the piece, or more or fewer with a sampler that repeats.
    pub(crate) draws: u32,
    begin: u64,
    /// The length of a sample's part, times `1 << FINE`.
    step: u64,
}

/// The order of a lane.
#[derive(Debug)]
pub(crate) struct LaneOrder {
    key: Key,
    /// List after list, each in the order of its intervals.
    pieces: Vec<Timed>,
    /// Where each list begins in `pieces`, and where the last one ends.
    lists: Vec<u32>,
    samples: u64,
    shuffled: bool,
    sampler: Arc<Sampler>,
}

impl LaneOrder {
    /// An order that redirects, with so many chunks open.
    pub(crate) fn redirected(mut pieces: Vec<Piece>, open: usize, key: Key, sampler: &Arc<Sampler>) -> Self {
        let mut order = Self {
            key,
            pieces: Vec::new(),
            lists: vec![0],
            samples: 0,
            shuffled: true,
            sampler: Arc::clone(sampler),
        };
        key.part(0).shuffle(&mut pieces);
        let mut drawn: Vec<(Piece, u32)> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let draws = sampler.count(order.draw_key(piece), piece);
            if draws > 0 {
                drawn.push((piece, draws));
            }
        }
        let open = open.clamp(1, drawn.len().max(1));
        for list in 0..open.min(drawn.len()) {
            let own = drawn.iter().skip(list).step_by(open).copied();
            order.push(list as u64, open as u64, own.len() as u64, own);
        }
        order
    }

    /// The exact order of the pieces.
    pub(crate) fn in_order(pieces: Vec<Piece>) -> Self {
        let sampler = Arc::new(Sampler::Once);
        let mut order = Self {
            key: Key::new(0),
            pieces: Vec::new(),
            lists: vec![0],
            samples: 0,
            shuffled: false,
            sampler,
        };
        let count = pieces.len() as u64;
        if count > 0 {
            order.push(0, 1, count, pieces.into_iter().map(|piece| (piece, piece.samples)));
        }
        order
    }

    /// Adds a list with its intervals: the first one ends at the list's own fraction of a usual one.
    fn push(&mut self, list: u64, lists: u64, count: u64, pieces: impl Iterator<Item = (Piece, u32)>) {
        let edge = |at: u64| match at {
            0 => 0,
            at if at == count => TOTAL,
            at => {
                let (up, down) =
                    (u128::from(2 * list + 1 + 2 * lists * (at - 1)), u128::from(2 * lists * (count - 1)));
                (u128::from(TOTAL) * up / down) as u64
            }
        };
        for (at, (piece, draws)) in (0..).zip(pieces) {
            let (begin, end) = (edge(at), edge(at + 1));
            let step = (((end - begin) << FINE) / u64::from(draws)).max(1);
            self.pieces.push(Timed { piece, draws, begin, step });
            self.samples += u64::from(draws);
        }
        self.lists.push(self.pieces.len() as u32);
    }

    /// How many samples the order has.
    pub(crate) fn len(&self) -> u64 {
        self.samples
    }

    pub(crate) fn lists(&self) -> usize {
        self.lists.len() - 1
    }

    pub(crate) fn piece(&self, at: u32) -> &Timed {
        &self.pieces[at as usize]
    }

    fn draw_key(&self, piece: Piece) -> Key {
        self.key.part(1).part(u64::from(piece.chunk))
    }

    /// The samples of a piece in the order in which it hands them out, counted within the chunk.
    pub(crate) fn inner(&self, at: u32, out: &mut Vec<u32>) {
        let piece = self.piece(at).piece;
        self.sampler.draw(self.draw_key(piece), piece, out);
        if self.shuffled {
            self.key.part(2).part(u64::from(piece.chunk)).shuffle(out);
        }
    }

    /// The moment of a piece's nth sample.
    fn moment(&self, at: u32, nth: u32) -> u64 {
        let Timed { piece, begin, step, .. } = *self.piece(at);
        let within = if self.shuffled {
            let chance = self.key.part(3).part(u64::from(piece.chunk)).at(u64::from(nth)) >> 32;
            ((u128::from(step) * u128::from(chance)) >> 32) as u64
        } else {
            0
        };
        begin + ((step * u64::from(nth) + within) >> FINE)
    }

    /// The piece of a list that is open at a moment, and how many of its samples come before.
    fn before(&self, list: usize, moment: u64) -> (u32, u32) {
        let (start, end) = (self.lists[list], self.lists[list + 1]);
        let own = &self.pieces[start as usize..end as usize];
        let at = start + (own.partition_point(|piece| piece.begin <= moment) as u32).saturating_sub(1);
        let Timed { begin, step, draws, .. } = *self.piece(at);
        let mut count = (((moment - begin) << FINE) / step).min(u64::from(draws)) as u32;
        while count > 0 && self.moment(at, count - 1) >= moment {
            count -= 1;
        }
        while count < draws && self.moment(at, count) < moment {
            count += 1;
        }
        (at, count)
    }

    /// How many samples come before a moment.
    fn rank(&self, moment: u64, sums: &[u64]) -> u64 {
        let own = |list| {
            let (at, count) = self.before(list, moment);
            sums[at as usize] - sums[self.lists[list] as usize] + u64::from(count)
        };
        (0..self.lists()).map(own).sum()
    }
}

#[cfg(test)]
mod tests;
