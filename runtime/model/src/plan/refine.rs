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
    let all: Vec<usize> = (1..nodes).filter(|&end| row.can_cut(end) && row.transfer(end) <= bound).collect();
    let (mut ends, mut from, mut next) = (Vec::new(), 0, 0);
    for x in 0..stages - 1 {
        // those that are left need a place each
        let places = all.get(next..all.len().checked_sub(stages - 2 - x)?)?;
        let places = &places[..places.partition_point(|&end| row.compute(&(from..end)) <= bound)];
        let mut within = |k: &usize| row.price(x, from..places[*k]).is_some_and(|price| price <= bound);
        // by halves first; then what lies just beyond, since what is evicted is not always the best
        let (mut good, mut bad) = (0, places.len());
        while good < bad {
            let middle = usize::midpoint(good, bad);
            if within(&middle) { good = middle + 1 } else { bad = middle }
        }
        let beyond = (bad + 1..(bad + BEYOND).min(places.len())).rev().find(|k| within(k));
        let last = beyond.or_else(|| good.checked_sub(1))?;
        from = places[last];
        next += last + 1;
        ends.push(from);
    }
    row.price(stages - 1, from..nodes).filter(|price| *price <= bound).and_then(|_| Cuts::priced(row, ends))
}

/// Moves single cuts between their neighbours until no two stages together take less time, with none dearer than the dearest is.
pub(crate) fn spread(row: &mut impl Stages, mut cuts: Cuts) -> Cuts {
    let nodes = row.nodes();
    let bound = cuts.seconds;
    let mut gained = true;
    while std::mem::take(&mut gained) {
        for k in 0..cuts.ends.len() {
            let from = if k == 0 { 0 } else { cuts.ends[k - 1] };
            let to = cuts.ends.get(k + 1).copied().unwrap_or(nodes);
            let mut sum = |cut: usize| {
                let within = |price: &f64| *price <= bound;
                let (before, after) = (from..cut, cut..to);
                if !row.can_cut(cut) || row.least(&before).max(row.least(&after)) > bound {
                    return f64::INFINITY;
                }
                let first = row.price(k, before).filter(within).unwrap_or(f64::INFINITY);
                first
                    + if first.is_finite() {
                        row.price(k + 1, after).filter(within).unwrap_or(f64::INFINITY)
                    } else {
                        0.0
                    }
            };
            let now = sum(cuts.ends[k]);
            let best = (from + 1..to).map(|cut| (sum(cut), cut)).min_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((_, cut)) = best.filter(|(best, _)| *best < now * (1.0 - 1e-9)) {
                (cuts.ends[k], gained) = (cut, true);
            }
        }
    }
    cuts
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
