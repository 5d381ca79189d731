//! Cuts that are known, improved.

use super::price::{Cuts, Stages};

/// How close the bounds come that are tried.
const CLOSE: f64 = 1.002;
/// Places that are tried beyond the first that is too dear.
const BEYOND: usize = 4;

/// Moves cuts: each between its neighbours, then all at once.
pub(crate) fn refine(row: &mut impl Stages, cuts: Cuts) -> Cuts {
    let mut cuts = pairs(row, cuts);
    let all = row.compute(&(0..row.nodes()));
    let mut below = all / row.stages() as f64;
    while below * CLOSE < cuts.seconds {
        let bound = 0.5 * (below + cuts.seconds);
        match fill(row, bound) {
            Some(better) if better.seconds < cuts.seconds => cuts = better,
            _ => below = bound,
        }
    }
    cuts
}

/// Cuts whose stages all take no longer than a bound, from the front: each stage as many nodes as it can.
///
/// If more nodes are never cheaper and later stages never dearer, there are no such cuts if this finds none.
fn fill(row: &mut impl Stages, bound: f64) -> Option<Cuts> {
    let (nodes, stages) = (row.nodes(), row.stages());
    let mut ends = Vec::new();
    let mut from = 0;
    for x in 0..stages {
        let left = stages - x - 1;
        if left == 0 {
            return row
                .price(x, from..nodes)
                .filter(|price| *price <= bound)
                .and_then(|_| Cuts::priced(row, ends));
        }
        // the stages that are left need a node each, and cannot take longer than the bound either
        let places: Vec<usize> = (from + 1..=nodes - left)
            .filter(|&end| row.can_cut(end) && row.least(&(from..end)) <= bound)
            .collect();
        let mut within = |k: &usize| row.price(x, from..places[*k]).is_some_and(|price| price <= bound);
        // by halves first; then what lies just beyond, since what is evicted is not always the best
        let (mut good, mut bad) = (None, places.len());
        while good.map_or(0, |good| good + 1) < bad {
            let middle = usize::midpoint(good.map_or(0, |good: usize| good + 1), bad);
            let middle = middle.min(bad - 1);
            if within(&middle) { good = Some(middle) } else { bad = middle }
        }
        let beyond = (bad + 1..(bad + BEYOND).min(places.len())).rev().find(|k| within(k));
        from = places[beyond.or(good)?];
        ends.push(from);
    }
    None
}

/// Moves single cuts between their neighbours until no pair of stages gains.
fn pairs(row: &mut impl Stages, mut cuts: Cuts) -> Cuts {
    let nodes = row.nodes();
    loop {
        let mut gained = false;
        for k in 0..cuts.ends.len() {
            let from = if k == 0 { 0 } else { cuts.ends[k - 1] };
            let to = cuts.ends.get(k + 1).copied().unwrap_or(nodes);
            let mut sides = |cut: usize, bound: f64| {
                let least = row.least(&(from..cut)).max(row.least(&(cut..to)));
                if least >= bound || !row.can_cut(cut) {
                    return None;
                }
                let first = row.price(k, from..cut).filter(|seconds| *seconds < bound)?;
                Some(first.max(row.price(k + 1, cut..to)?))
            };
            let Some(mut best) = sides(cuts.ends[k], f64::INFINITY) else { continue };
            let mut others: Vec<usize> = (from + 1..to).collect();
            others.sort_by_key(|cut| cut.abs_diff(cuts.ends[k]));
            for cut in others {
                if let Some(seconds) = sides(cut, best).filter(|seconds| *seconds < best) {
                    (best, cuts.ends[k], gained) = (seconds, cut, true);
                }
            }
        }
        if !gained {
            break;
        }
    }
    let ends = std::mem::take(&mut cuts.ends);
    Cuts::priced(row, ends.clone()).unwrap_or(Cuts { ends, seconds: cuts.seconds })
}
