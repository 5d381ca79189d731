//! Cuts by halves: DawnPiper's recursive partitioning.

use std::collections::HashMap;
use std::ops::Range;

use super::balance::{Balance, WIDER, halves};
use super::price::{Cuts, Stages};

type Found = Option<(f64, Vec<usize>)>;

/// Cuts a row into two groups of stages, each of them likewise, looking only between the cut that balances time and the one
/// that balances memory ([`Balance`]).
///
/// Where nothing there fits, or memory pays differently on the two sides, others may be better: the result is
/// [refined](super::refine::refine), and [`exact`](super::exact::exact) says how far from the best it is.
pub(crate) fn binary(row: &mut impl Stages) -> Option<Cuts> {
    let (stages, nodes) = (row.stages(), row.nodes());
    let mut search = Search { row, known: HashMap::new() };
    let (seconds, ends) = search.solve(0..stages, 0..nodes)?;
    Some(Cuts { ends, seconds })
}

struct Search<'a, R> {
    row: &'a mut R,
    known: HashMap<(Range<usize>, Range<usize>), Found>,
}

impl<R: Stages> Search<'_, R> {
    fn solve(&mut self, stages: Range<usize>, nodes: Range<usize>) -> Found {
        if nodes.len() < stages.len() {
            return None;
        }
        if stages.len() == 1 {
            return self.row.price(stages.start, nodes).map(|seconds| (seconds, Vec::new()));
        }
        let key = (stages.clone(), nodes.clone());
        if let Some(found) = self.known.get(&key) {
            return found.clone();
        }
        let found = self.halve(stages, nodes);
        self.known.insert(key, found.clone());
        found
    }

    fn halve(&mut self, stages: Range<usize>, nodes: Range<usize>) -> Found {
        let (left, right) = halves(&stages);
        let balance = Balance::new(self.row, &stages, &nodes)?;
        let (between, balanced) = (balance.between(WIDER), balance.cuts[balance.time]);
        let mut cuts = balance.cuts;
        let mut best: Found = None;
        let inside: Vec<usize> = cuts.drain(between).collect();
        // where nothing between them fits, the theorem's assumption does not hold, or memory is short everywhere
        for mut cuts in [inside, cuts] {
            cuts.sort_by_key(|cut| cut.abs_diff(balanced));
            for cut in cuts {
                self.try_cut(cut, (&left, &right), &nodes, &mut best);
            }
            if best.is_some() {
                break;
            }
        }
        best
    }

    fn try_cut(
        &mut self,
        cut: usize,
        (left, right): (&Range<usize>, &Range<usize>),
        nodes: &Range<usize>,
        best: &mut Found,
    ) {
        let (before, after) = (nodes.start..cut, cut..nodes.end);
        let least = self.row.compute(&before) / left.len() as f64;
        let least = least.max(self.row.compute(&after) / right.len() as f64).max(self.row.transfer(cut));
        let bound = best.as_ref().map_or(f64::INFINITY, |(seconds, _)| *seconds);
        if least >= bound {
            return;
        }
        let Some((first, mut ends)) = self.solve(left.clone(), before).filter(|(found, _)| *found < bound)
        else {
            return;
        };
        let Some((second, others)) = self.solve(right.clone(), after) else { return };
        if first.max(second) < bound {
            ends.push(cut);
            ends.extend(others);
            *best = Some((first.max(second), ends));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::exact::exact;
    use crate::plan::random::{Dice, Payment, RandomRow};
    use crate::plan::refine::refine;

    #[test]
    fn halves_come_close_to_the_best() {
        let mut dice = Dice(3);
        let (mut near, mut count, mut worst) = (0, 0, 1.0_f64);
        for _ in 0..1000 {
            let (nodes, stages) = (30 + dice.below(50), 2 + dice.below(7));
            let mut row = RandomRow::new(&mut dice, nodes, stages, Payment::Own);
            let Some(best) = exact(&mut row, f64::INFINITY) else {
                assert_eq!(binary(&mut row), None);
                continue;
            };
            let halves = binary(&mut row).unwrap();
            let refined = refine(&mut row, halves.clone());
            assert!(refined.seconds <= halves.seconds && best.seconds <= refined.seconds);
            let gap = refined.seconds / best.seconds;
            (count, near, worst) = (count + 1, near + usize::from(gap <= 1.05), worst.max(gap));
        }
        println!("{near} of {count} within 5 %, the worst {worst}");
        assert!(count > 900 && near * 10 >= count * 9 && worst <= 1.25, "{near} of {count}, {worst}");
    }
}
