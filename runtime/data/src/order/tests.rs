use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn order(chunks: &[u32], open: usize, seed: u64) -> Arc<LaneOrder> {
    let pieces = pieces(chunks.iter().copied(), None);
    Arc::new(LaneOrder::redirected(pieces, open, Key::new(seed), &Arc::new(Sampler::Once)))
}

/// The samples of an order from a place on, as chunk and place in it.
fn walk(order: &Arc<LaneOrder>, place: u64) -> Vec<(u32, u32)> {
    let inner: Vec<Vec<u32>> = (0..order.pieces.len() as u32)
        .map(|at| {
            let mut inner = Vec::new();
            order.inner(at, &mut inner);
            inner
        })
        .collect();
    Cursor::new(order, place)
        .map(|draw| (order.piece(draw.piece).piece.chunk, inner[draw.piece as usize][draw.nth as usize]))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Invariants I1 (each sample once), I3 (no more chunks open than planned) and I4 (any place is found at once).
    #[test]
    fn each_sample_comes_once(chunks in vec(1_u32..40, 0..30), open in 1_usize..12, seed: u64, place in 0.0..1.0) {
        let order = order(&chunks, open, seed);
        let walked = walk(&order, 0);
        let all: Vec<_> = (0..).zip(&chunks).flat_map(|(chunk, n)| (0..*n).map(move |at| (chunk, at))).collect();
        let mut sorted = walked.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, all);
        let cursor = Cursor::new(&order, 0);
        let queue = cursor.queue();
        let (mut live, mut needed) = (HashSet::new(), Vec::new());
        for draw in cursor {
            if live.insert(draw.piece) {
                needed.push(draw.piece);
            }
            prop_assert!(live.len() <= open);
            if draw.last {
                live.remove(&draw.piece);
            }
        }
        // a piece comes into `live` once, and in the order of the queue
        prop_assert_eq!(&needed, &queue);
        let place = (place * walked.len() as f64) as u64;
        prop_assert_eq!(&walk(&order, place)[..], &walked[place as usize..]);
    }
}

#[test]
fn a_sequence_is_kept() {
    let order = Arc::new(LaneOrder::in_order(pieces([3, 1, 2].into_iter(), None)));
    assert_eq!(walk(&order, 0), [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)]);
    assert_eq!(walk(&order, 4), [(2, 0), (2, 1)]);
}

#[test]
fn chunks_are_anywhere_in_an_epoch() {
    // The mean place of a chunk over 400 epochs is uniform: chi-square over ten bins, 9 degrees of freedom.
    let mut bins = [0_u32; 10];
    for epoch in 0..400 {
        let walked = walk(&order(&[8; 60], 6, epoch), 0);
        for (place, (chunk, _)) in walked.iter().enumerate() {
            bins[place * 10 / walked.len()] += u32::from(*chunk == 17);
        }
    }
    let expected = 400.0 * 8.0 / 10.0;
    // Samples of a chunk come together, eight at a time, so that the variance is up to eight times that of single ones.
    let chi: f64 = bins.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum::<f64>() / 8.0;
    assert!(chi < 27.9, "{bins:?}: {chi}");
}
