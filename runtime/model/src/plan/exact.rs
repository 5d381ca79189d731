//! The best cuts, by dynamic programming over stages and cuts.

use super::price::{Cuts, Stages};

/// The cuts whose dearest stage is cheapest; none if no cuts fit. Only cuts below `bound` are looked for.
///
/// `best[x][j]`, the least price of the dearest of the first `x` stages on the first `j` nodes, is the least over `i` of the larger
/// one of `best[x - 1][i]` and the price of stage `x - 1` on `i..j`. A stage is only priced if the seconds of its nodes alone do
/// not already make it too dear; so memory decides little of the cost of the search.
pub(crate) fn exact(row: &mut impl Stages, bound: f64) -> Option<Cuts> {
    let (nodes, stages) = (row.nodes(), row.stages());
    let mut before: Vec<f64> = vec![f64::INFINITY; nodes + 1];
    before[0] = 0.0;
    let mut from = vec![vec![0; nodes + 1]; stages + 1];
    for x in 0..stages {
        let mut best = vec![f64::INFINITY; nodes + 1];
        let left = (stages - x - 1) as f64;
        let ends = if x + 1 == stages { nodes..=nodes } else { x + 1..=nodes - (stages - x - 1) };
        let may_end = |j: &usize| row.is_end(*j) && (x + 1 == stages || row.ends(x).contains(j));
        for j in ends.filter(may_end).collect::<Vec<_>>() {
            // the stages that are left cannot all be cheaper than their mean
            if row.compute(&(j..nodes)) > left * bound {
                continue;
            }
            let mut begins: Vec<(f64, usize)> = (x..j)
                .filter(|&i| before[i] < bound)
                .map(|i| (before[i].max(row.least(&(i..j))), i))
                .filter(|&(least, _)| least < bound)
                .collect();
            begins.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (least, i) in begins {
                if least >= best[j] {
                    break;
                }
                let Some(price) = row.price(x, i..j) else { continue };
                let dearest = before[i].max(price);
                if dearest < best[j] && dearest < bound {
                    (best[j], from[x + 1][j]) = (dearest, i);
                }
            }
        }
        before = best;
    }
    if before[nodes].is_infinite() {
        return None;
    }
    let mut ends = Vec::new();
    let mut end = nodes;
    for x in (1..stages).rev() {
        end = from[x + 1][end];
        ends.push(end);
    }
    ends.reverse();
    Some(Cuts { ends, seconds: before[nodes] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::random::{Dice, Payment, RandomRow};

    /// All cuts, one after another.
    fn every(row: &mut RandomRow) -> Option<Cuts> {
        fn next(row: &mut RandomRow, ends: &mut Vec<usize>, best: &mut Option<Cuts>) {
            if ends.len() + 1 == row.stages() {
                let found = Cuts::priced(row, ends.clone());
                let least = best.as_ref().map_or(f64::INFINITY, |best| best.seconds);
                if let Some(found) = found.filter(|found| found.seconds < least) {
                    *best = Some(found);
                }
                return;
            }
            for end in ends.last().copied().unwrap_or(0) + 1..row.nodes() {
                ends.push(end);
                next(row, ends, best);
                ends.pop();
            }
        }
        let mut best = None;
        next(row, &mut Vec::new(), &mut best);
        best
    }

    #[test]
    fn no_other_cuts_are_cheaper() {
        let mut dice = Dice(1);
        let (mut some, mut none) = (0, 0);
        for k in 0..300 {
            let (nodes, stages) = (6 + dice.below(6), 2 + dice.below(3));
            let payment = if k % 2 == 0 { Payment::Own } else { Payment::Alike };
            let mut row = RandomRow::new(&mut dice, nodes, stages, payment);
            row.memory *= 0.8;
            let (found, expected) = (exact(&mut row, f64::INFINITY), every(&mut row));
            assert_eq!(found.as_ref().map(|cuts| cuts.seconds), expected.map(|cuts| cuts.seconds));
            match found {
                None => none += 1,
                Some(cuts) => {
                    some += 1;
                    assert_eq!(
                        Cuts::priced(&mut row, cuts.ends).map(|again| again.seconds),
                        Some(cuts.seconds)
                    );
                    // a bound just above finds it, one just below does not
                    assert!(exact(&mut row, cuts.seconds * (1.0 + 1e-9)).is_some());
                    assert!(exact(&mut row, cuts.seconds * (1.0 - 1e-9)).is_none());
                }
            }
        }
        assert!(some > 100 && none > 2, "{some} {none}");
    }
}
