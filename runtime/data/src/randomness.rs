//! How random an order is, in numbers.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::order::{Cursor, LaneOrder};
use crate::plan::Plan;

/// Bins of the data set for [`Randomness::bins`].
const BINS: u64 = 256;

/// Figures of an order, beside what a uniformly random one has.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Randomness {
    /// Distinct chunks in a full batch, mean of all.
    pub chunks: f64,
    /// The same in the first batch and in the last full one.
    pub chunks_at_ends: (f64, f64),
    /// Distinct 256ths of the set in a full batch, mean.
    pub bins: f64,
    /// What a random order has: `256 (1 - (1 - 1/256)^B)`.
    pub bins_ideal: f64,
    /// The chance that two samples of one chunk share a batch, over that in a random order.
    pub pairs: f64,
    /// The correlation of place and number of the samples; 0 in a random order.
    pub bias: f64,
    /// The mean distance of place and number over that of a random order, which is a third of the length.
    pub displacement: f64,
}

struct Lane {
    cursor: Cursor,
    inner: HashMap<u32, Vec<u32>>,
}

impl Lane {
    fn next(&mut self, plan: &Plan) -> Option<(u32, u64)> {
        let draw = self.cursor.next()?;
        let order = self.cursor.order();
        let piece = order.piece(draw.piece).piece;
        let inner = self.inner.entry(draw.piece).or_insert_with(|| {
            let mut inner = Vec::new();
            order.inner(draw.piece, &mut inner);
            inner
        });
        let id = plan.id(piece, inner[draw.nth as usize]);
        if draw.last {
            self.inner.remove(&draw.piece);
        }
        Some((piece.chunk, id))
    }
}

/// Chunk and number of all samples, batch by batch.
fn batches(plan: &Plan, epoch: u64) -> impl Iterator<Item = Vec<(u32, u64)>> + '_ {
    let lane = |lane| {
        let order: Arc<LaneOrder> = Arc::new(plan.lane(epoch, lane));
        Lane { cursor: Cursor::new(&order, 0), inner: HashMap::new() }
    };
    let mut lanes: Vec<Lane> = (0..plan.lanes).map(lane).collect();
    (0..plan.batches(epoch)).map(move |_| {
        let mut batch = Vec::with_capacity(plan.batch);
        for _ in 0..plan.stride() {
            batch.extend(lanes.iter_mut().filter_map(|lane| lane.next(plan)));
        }
        batch
    })
}

/// The numbers of all samples in order.
pub(crate) fn ids(plan: &Plan, epoch: u64) -> impl Iterator<Item = u64> + '_ {
    batches(plan, epoch).flatten().map(|(_, id)| id)
}

impl Randomness {
    pub(crate) fn measure(plan: &Plan, epoch: u64) -> Self {
        let all = plan.firsts.last().copied().unwrap_or_default().max(1);
        let samples = plan.samples().max(1) as f64;
        let (mut full, mut chunks, mut bins, mut ends) = (0.0_f64, 0.0, 0.0, (0.0, 0.0));
        let (mut pairs, mut place) = (0.0, 0_u64);
        let (mut sum_id, mut sum_squares, mut sum_product, mut distance) = (0.0, 0.0, 0.0, 0.0);
        for batch in batches(plan, epoch) {
            let mut counts: HashMap<u32, u32> = HashMap::new();
            let mut seen = [false; BINS as usize];
            for (chunk, id) in &batch {
                *counts.entry(*chunk).or_default() += 1;
                seen[(u128::from(*id) * u128::from(BINS) / u128::from(all)) as usize] = true;
                let (x, y) = (place as f64 / samples, *id as f64 / all as f64);
                sum_id += y;
                sum_squares += y * y;
                sum_product += x * y;
                distance += (x - y).abs();
                place += 1;
            }
            pairs += counts.values().map(|n| f64::from(*n) * (f64::from(*n) - 1.0)).sum::<f64>();
            if batch.len() == plan.batch {
                full += 1.0;
                let distinct = counts.len() as f64;
                chunks += distinct;
                ends = (if full == 1.0 { distinct } else { ends.0 }, distinct);
                bins += seen.iter().filter(|bin| **bin).count() as f64;
            }
        }
        let drawn = (place as f64).max(1.0);
        let full = full.max(1.0);
        // of all pairs of one chunk, a random order puts this share into one batch
        let all_pairs: f64 =
            plan.pieces.iter().map(|piece| f64::from(piece.samples) * (f64::from(piece.samples) - 1.0)).sum();
        let ideal = all_pairs * (plan.batch as f64 - 1.0) / (samples - 1.0).max(1.0);
        let (mean_x, var_x) =
            ((drawn - 1.0) / (2.0 * samples), (drawn * drawn - 1.0) / (12.0 * samples * samples));
        let mean_y = sum_id / drawn;
        let var_y = sum_squares / drawn - mean_y * mean_y;
        let covariance = sum_product / drawn - mean_x * mean_y;
        let deviation = (var_x * var_y).max(0.0).sqrt();
        Self {
            chunks: chunks / full,
            chunks_at_ends: ends,
            bins: bins / full,
            bins_ideal: BINS as f64 * (1.0 - (1.0 - 1.0 / BINS as f64).powf(plan.batch as f64)),
            pairs: if ideal > 0.0 { pairs / ideal } else { 1.0 },
            bias: if deviation > 0.0 { covariance / deviation } else { 0.0 },
            displacement: 3.0 * distance / drawn,
        }
    }
}

impl fmt::Display for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.chunks_at_ends;
        writeln!(f, "distinct chunks a batch   {:.1} (first {first}, last {last})", self.chunks)?;
        writeln!(f, "256ths of the set a batch {:.1} (random order {:.1})", self.bins, self.bins_ideal)?;
        writeln!(f, "pairs of a chunk a batch  {:.2} times a random order", self.pairs)?;
        writeln!(f, "place against number      correlation {:.3} (random order 0)", self.bias)?;
        write!(f, "displacement              {:.3} (random order 1)", self.displacement)
    }
}
