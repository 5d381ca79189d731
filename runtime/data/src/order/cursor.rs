//! A place in the order of a lane.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::{LaneOrder, TOTAL};

/// Goes through the order of a lane.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    order: Arc<LaneOrder>,
    /// The next moment of each list that has one.
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// The open piece of each list, and how many samples it has handed out.
    open: Vec<(u32, u32)>,
    left: u64,
}

/// The next sample: the piece, the place in its inner order, and whether it is the piece's last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw {
    pub(crate) list: u32,
    pub(crate) piece: u32,
    pub(crate) nth: u32,
    pub(crate) last: bool,
}

impl Cursor {
    /// The place after so many samples. Takes time by the number of lists, not by that of samples.
    pub(crate) fn new(order: &Arc<LaneOrder>, place: u64) -> Self {
        let mut cursor = Self {
            order: Arc::clone(order),
            heap: BinaryHeap::with_capacity(order.lists()),
            open: vec![(0, 0); order.lists()],
            left: order.len().saturating_sub(place),
        };
        if cursor.left == 0 {
            return cursor;
        }
        let mut sums = vec![0; order.pieces.len() + 1];
        for (at, piece) in order.pieces.iter().enumerate() {
            sums[at + 1] = sums[at] + u64::from(piece.draws);
        }
        // The last moment before which there are no more than `place` samples.
        let (mut low, mut high) = (0, TOTAL);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if order.rank(middle, &sums) <= place { low = middle } else { high = middle - 1 }
        }
        for list in 0..order.lists() {
            cursor.open[list] = order.before(list, low);
            cursor.enter(list as u32);
        }
        for _ in order.rank(low, &sums)..place {
            cursor.pop();
        }
        cursor
    }

    /// Puts a list's next moment into the heap; a piece that is empty gives way to the next.
    fn enter(&mut self, list: u32) {
        let (mut piece, mut nth) = self.open[list as usize];
        if nth == self.order.piece(piece).draws {
            (piece, nth) = (piece + 1, 0);
            if piece == self.order.lists[list as usize + 1] {
                return;
            }
        }
        self.open[list as usize] = (piece, nth);
        self.heap.push(Reverse((self.order.moment(piece, nth), list)));
    }

    fn pop(&mut self) -> Option<Draw> {
        let mut top = self.heap.peek_mut()?;
        let Reverse((_, list)) = *top;
        let (piece, nth) = self.open[list as usize];
        let last = nth + 1 == self.order.piece(piece).draws;
        let (next, at) = if last { (piece + 1, 0) } else { (piece, nth + 1) };
        if last && next == self.order.lists[list as usize + 1] {
            std::collections::binary_heap::PeekMut::pop(top);
        } else {
            self.open[list as usize] = (next, at);
            *top = Reverse((self.order.moment(next, at), list));
        }
        Some(Draw { list, piece, nth, last })
    }

    /// The pieces that are still needed, in the order in which each is needed first.
    pub(crate) fn queue(&self) -> Vec<u32> {
        let mut queue = Vec::new();
        for Reverse((moment, list)) in &self.heap {
            let open = self.open[*list as usize].0;
            queue.push((*moment, *list, open));
            let rest = open + 1..self.order.lists[*list as usize + 1];
            queue.extend(rest.map(|piece| (self.order.moment(piece, 0), *list, piece)));
        }
        queue.sort_unstable();
        queue.into_iter().map(|(_, _, piece)| piece).collect()
    }

    pub(crate) fn order(&self) -> &Arc<LaneOrder> {
        &self.order
    }
}

impl Iterator for Cursor {
    type Item = Draw;

    fn next(&mut self) -> Option<Draw> {
        let draw = self.pop()?;
        self.left -= 1;
        Some(draw)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}
