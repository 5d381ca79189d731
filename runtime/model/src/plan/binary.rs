//! Cuts by halves: DawnPiper's recursive partitioning.

use std::collections::HashMap;
use std::ops::Range;

use super::price::{Cuts, Stages};

type Found = Option<(f64, Vec<usize>)>;

/// Cuts a row into two groups of stages, each of them likewise, looking only between the cut that balances time and the one
/// that balances memory (arXiv:2505.05856).
///
/// Why there: let the left group's time and demand rise with the cut, and the right group's fall, and let what a stage adds to fit
/// depend on its overflow alone, in the same way on both sides. Beyond the cut of equal times, on the side away from that of equal
/// demands, the group that is slower also overflows more, and both only grow. Since nodes are discrete, the interval is one cut
/// wider at both ends. The same way on both sides is an assumption; so the result is [refined](super::refine::refine), and
/// [`exact`](super::exact::exact) says how far from the best it is.
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
        let middle = stages.start + stages.len() / 2;
        let (left, right) = (stages.start..middle, middle..stages.end);
        let mut cuts: Vec<usize> = (nodes.start + left.len()..=nodes.end - right.len())
            .filter(|&cut| self.row.can_cut(cut) && self.row.ends(middle - 1).contains(&cut))
            .collect();
        // what crosses must be hidden behind the stages
        let mean = self.row.compute(&nodes) / stages.len() as f64;
        if cuts.iter().any(|&cut| self.row.transfer(cut) <= mean) {
            cuts.retain(|&cut| self.row.transfer(cut) <= mean);
        }
        let per_stage = |sum: f64, stages: &Range<usize>| sum / stages.len() as f64;
        let times = |cut: usize| {
            let (a, b) = (self.row.compute(&(nodes.start..cut)), self.row.compute(&(cut..nodes.end)));
            (per_stage(a, &left), per_stage(b, &right))
        };
        let demand = |stages: &Range<usize>, nodes: &Range<usize>| {
            let of = |x| self.row.demand(x, nodes) / stages.len() as f64;
            per_stage(stages.clone().map(of).sum(), stages)
        };
        let demands = |cut: usize| (demand(&left, &(nodes.start..cut)), demand(&right, &(cut..nodes.end)));
        let closest = |sides: &dyn Fn(usize) -> (f64, f64)| {
            let apart = |at: &usize| {
                let (a, b) = sides(cuts[*at]);
                (a - b).abs()
            };
            (0..cuts.len()).min_by(|a, b| apart(a).total_cmp(&apart(b)))
        };
        let (time, memory) = (closest(&times)?, closest(&demands)?);
        let between = time.min(memory).saturating_sub(1)..(time.max(memory) + 2).min(cuts.len());
        let balanced = cuts[time];
        let mut best: Found = None;
        let inside: Vec<usize> = cuts.drain(between).collect();
        // where nothing between them fits, the assumption does not hold, or memory is short everywhere
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

    /// The best of all cuts and the best between the balanced ones, of two stages.
    fn both(row: &mut RandomRow, wider: usize) -> (f64, f64) {
        let nodes = row.nodes();
        let cuts = 1..nodes;
        let apart = |sides: &dyn Fn(usize) -> (f64, f64)| {
            let apart = |cut: &usize| {
                let (a, b) = sides(*cut);
                (a - b).abs()
            };
            cuts.clone().min_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap()
        };
        let time = apart(&|cut| (row.compute(&(0..cut)), row.compute(&(cut..nodes))));
        let memory = apart(&|cut| (row.demand(0, &(0..cut)), row.demand(1, &(cut..nodes))));
        let between =
            time.min(memory).saturating_sub(wider).max(1)..=(time.max(memory) + wider).min(nodes - 1);
        let mut best = |cuts: &mut dyn Iterator<Item = usize>| {
            cuts.filter_map(|cut| Cuts::priced(row, vec![cut]))
                .map(|cuts| cuts.seconds)
                .fold(f64::INFINITY, f64::min)
        };
        (best(&mut cuts.clone()), best(&mut between.clone()))
    }

    /// The theorem, where what is assumed holds; and how often it fails where it does not.
    #[test]
    fn the_best_cut_lies_between_the_balanced_ones() {
        let mut dice = Dice(2);
        let (mut narrow, mut own) = (0, 0);
        for _ in 0..10_000 {
            let mut row = RandomRow::new(&mut dice, 60, 2, Payment::Alike);
            let (all, between) = both(&mut row, 1);
            assert!(between <= all * (1.0 + 1e-12), "{between} {all}");
            let (all, between) = both(&mut row, 0);
            narrow += usize::from(between > all * (1.0 + 1e-12));
        }
        for _ in 0..2000 {
            let (all, between) = both(&mut RandomRow::new(&mut dice, 60, 2, Payment::Own), 1);
            own += usize::from(between > all * (1.0 + 1e-12));
        }
        println!("not wider: {narrow} of 10000; a price of its own for each stage: {own} of 2000");
        assert!(narrow > 0 && own > 0);
    }

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
