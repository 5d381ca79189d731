//! Which samples take part: all, or those of a split.

use crate::random::Key;

/// Samples that follow each other in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) chunk: u32,
    pub(crate) start: u32,
    pub(crate) samples: u32,
}

/// Whole chunks in random order up to a share of the samples; at most the first and the last one are parts.
///
/// `chunks` are numbers of samples; the share is `start .. end` of 1. Shares that meet share no sample.
pub(crate) fn pieces(
    chunks: impl ExactSizeIterator<Item = u32>,
    share: Option<(f64, f64, u64)>,
) -> Vec<Piece> {
    let mut pieces: Vec<_> =
        (0..).zip(chunks).map(|(chunk, samples)| Piece { chunk, start: 0, samples }).collect();
    let Some((start, end, seed)) = share else { return pieces };
    let all: u64 = pieces.iter().map(|piece| u64::from(piece.samples)).sum();
    let place = |share: f64| (share * all as f64).round() as u64;
    let (start, end) = (place(start), place(end).min(all));
    Key::new(seed).part(0x73_706c_6974).shuffle(&mut pieces);
    let mut before = 0;
    pieces.retain_mut(|piece| {
        let (first, last) = (before, before + u64::from(piece.samples));
        before = last;
        let (from, to) = (start.max(first), end.min(last));
        if from >= to {
            return false;
        }
        (piece.start, piece.samples) = ((from - first) as u32, (to - from) as u32);
        true
    });
    pieces.sort_unstable_by_key(|piece| piece.chunk);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_share_no_sample_and_leave_none() {
        let chunks = [7_u32, 3, 9, 1, 4];
        let edges = [0.0, 0.3, 0.31, 0.9, 1.0];
        let mut seen = Vec::new();
        for pair in edges.windows(2) {
            for piece in pieces(chunks.iter().copied(), Some((pair[0], pair[1], 5))) {
                seen.extend((piece.start..piece.start + piece.samples).map(|at| (piece.chunk, at)));
            }
        }
        seen.sort_unstable();
        let all: Vec<_> =
            (0..).zip(chunks).flat_map(|(chunk, n)| (0..n).map(move |at| (chunk, at))).collect();
        assert_eq!(seen, all);
    }
}
