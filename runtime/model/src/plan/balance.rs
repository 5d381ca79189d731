//! Where the first of the cuts by halves is looked for: DawnPiper's theorem, and whether it held.

use std::ops::{Range, RangeInclusive};

use super::exact::exact;
use super::price::Stages;

/// Places by which the interval of the theorem is wider at both ends, since nodes are discrete.
pub(crate) const WIDER: usize = 1;

/// The places at which stages can be cut in two halves, and which of them balance the halves (arXiv:2505.05856).
///
/// Why the best one lies between those: let the left group's time and demand rise with the cut, and the right group's fall, and let
/// what a stage adds to fit depend on its overflow alone, in the same way on both sides. Beyond the cut of equal times, on the side
/// away from that of equal demands, the group that is slower also overflows more, and both only grow. The same way on both sides is
/// an assumption: [`misses`] says whether it led astray.
#[derive(Debug)]
pub(crate) struct Balance {
    /// In order.
    pub(crate) cuts: Vec<usize>,
    /// The cut of balanced times, by number.
    pub(crate) time: usize,
    /// The cut of balanced demands, by number.
    memory: usize,
}

impl Balance {
    /// Of these stages of a row on these nodes; none if they cannot be cut.
    pub(crate) fn new(row: &impl Stages, stages: &Range<usize>, nodes: &Range<usize>) -> Option<Self> {
        let (left, right) = halves(stages);
        let mut cuts: Vec<usize> = (nodes.start + left.len()..=nodes.end.checked_sub(right.len())?)
            .filter(|&cut| row.can_cut(cut) && row.ends(left.end - 1).contains(&cut))
            .collect();
        // what crosses must be hidden behind the stages
        let mean = row.compute(nodes) / stages.len() as f64;
        if cuts.iter().any(|&cut| row.transfer(cut) <= mean) {
            cuts.retain(|&cut| row.transfer(cut) <= mean);
        }
        let per_stage = |sum: f64, stages: &Range<usize>| sum / stages.len() as f64;
        let times = |cut: usize| {
            let (a, b) = (row.compute(&(nodes.start..cut)), row.compute(&(cut..nodes.end)));
            (per_stage(a, &left), per_stage(b, &right))
        };
        let demand = |stages: &Range<usize>, nodes: &Range<usize>| {
            let of = |x| row.demand(x, nodes) / stages.len() as f64;
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
        Some(Self { cuts, time, memory })
    }

    /// The cuts between the balanced ones, both included, and so many more at both ends, by number.
    pub(crate) fn between(&self, wider: usize) -> Range<usize> {
        let (first, last) = (self.time.min(self.memory), self.time.max(self.memory));
        first.saturating_sub(wider)..(last + 1 + wider).min(self.cuts.len())
    }
}

/// The two groups into which stages are cut first.
pub(crate) fn halves(stages: &Range<usize>) -> (Range<usize>, Range<usize>) {
    let middle = stages.start + stages.len() / 2;
    (stages.start..middle, middle..stages.end)
}

/// Whether all cuts of a row that are as good as the best, of so many seconds, have the first of the cuts by halves outside of the
/// theorem's interval, with its ends so much wider.
pub(crate) fn misses(row: &mut impl Stages, best: f64, wider: usize) -> bool {
    let stages = 0..row.stages();
    if stages.len() < 2 {
        return false;
    }
    let Some(balance) = Balance::new(row, &stages, &(0..row.nodes())) else { return false };
    let between = &balance.cuts[balance.between(wider)];
    let (Some(&first), Some(&last)) = (between.first(), between.last()) else { return false };
    let mut within = Within { row, stage: halves(&stages).0.end - 1, ends: first..=last };
    exact(&mut within, best * (1.0 + 1e-12)).is_none()
}

/// A row, one of whose stages must end at certain places.
struct Within<'a, R> {
    row: &'a mut R,
    stage: usize,
    ends: RangeInclusive<usize>,
}

impl<R: Stages> Stages for Within<'_, R> {
    fn nodes(&self) -> usize {
        self.row.nodes()
    }

    fn stages(&self) -> usize {
        self.row.stages()
    }

    fn can_cut(&self, before: usize) -> bool {
        self.row.can_cut(before)
    }

    fn compute(&self, nodes: &Range<usize>) -> f64 {
        self.row.compute(nodes)
    }

    fn transfer(&self, before: usize) -> f64 {
        self.row.transfer(before)
    }

    fn demand(&self, x: usize, nodes: &Range<usize>) -> f64 {
        self.row.demand(x, nodes)
    }

    fn price(&mut self, x: usize, nodes: Range<usize>) -> Option<f64> {
        self.row.price(x, nodes)
    }

    fn ends(&self, x: usize) -> RangeInclusive<usize> {
        let ends = self.row.ends(x);
        if x != self.stage {
            return ends;
        }
        *ends.start().max(self.ends.start())..=*ends.end().min(self.ends.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::price::Cuts;
    use crate::plan::random::{Dice, Payment, RandomRow};

    /// The theorem, where what is assumed holds; and how often it fails where it does not.
    #[test]
    fn the_best_cut_lies_between_the_balanced_ones() {
        let mut dice = Dice(2);
        let (mut narrow, mut own) = (0, 0);
        for _ in 0..10_000 {
            let mut row = RandomRow::new(&mut dice, 60, 2, Payment::Alike);
            let best = exact(&mut row, f64::INFINITY).unwrap().seconds;
            assert!(!misses(&mut row, best, WIDER), "{row:?}");
            narrow += usize::from(misses(&mut row, best, 0));
        }
        for _ in 0..2000 {
            let mut row = RandomRow::new(&mut dice, 60, 2, Payment::Own);
            let Some(best) = exact(&mut row, f64::INFINITY) else { continue };
            own += usize::from(misses(&mut row, best.seconds, WIDER));
        }
        println!("not wider: {narrow} of 10000; a price of its own for each stage: {own} of 2000");
        assert!(narrow > 0 && own > 0);
    }

    /// Against all cuts whose middle one lies in the interval, one after another.
    #[test]
    fn rows_are_searched_within_the_interval() {
        let mut dice = Dice(5);
        let mut missed = 0;
        for _ in 0..200 {
            let mut row = RandomRow::new(&mut dice, 20, 4, Payment::Own);
            let Some(best) = exact(&mut row, f64::INFINITY) else { continue };
            let balance = Balance::new(&row, &(0..4), &(0..20)).unwrap();
            let between = &balance.cuts[balance.between(WIDER)];
            let mut inside = f64::INFINITY;
            for &middle in between {
                for (a, b) in (1..middle).flat_map(|a| (middle + 1..20).map(move |b| (a, b))) {
                    let cuts = Cuts::priced(&mut row, vec![a, middle, b]);
                    inside = cuts.map_or(inside, |cuts| inside.min(cuts.seconds));
                }
            }
            let misses = misses(&mut row, best.seconds, WIDER);
            assert_eq!(misses, inside > best.seconds * (1.0 + 1e-12));
            missed += usize::from(misses);
        }
        assert!(missed > 0);
    }
}
