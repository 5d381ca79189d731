//! Which qubits of a device to use: a connected set with small errors, and the edges to entangle it along.

use std::f64::consts::FRAC_PI_2;

use super::{Calibration, Coupling};
use crate::{Error, Result};

/// How many connected sets are compared before the search stops with the best so far.
const MAX_SETS: usize = 200_000;

/// A connected part of a device: an ansatz laid along its edges needs no routing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// The physical qubits, in increasing order.
    pub qubits: Vec<usize>,
    /// A spanning tree, as places in `qubits`, each edge in the direction with the smaller error, in the order in which
    /// the tree grows from the first qubit.
    pub edges: Vec<(usize, usize)>,
}

impl Region {
    /// The connected set of `width` qubits with the least sum of two-qubit errors along its best spanning tree, readout
    /// errors, and what the static ZZ of its coupled pairs does while a gate lasts.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for 0 qubits, [`Error::DeviceWidth`] where the device has fewer working qubits that hang
    /// together.
    pub fn best(calibration: &Calibration, width: usize) -> Result<Self> {
        if width == 0 {
            let what = "number of qubits of a region".into();
            return Err(Error::OutOfRange { what, found: 0.0, wanted: "at least 1".into() });
        }
        let graph = Graph::of(calibration);
        let mut best: Option<(f64, Self)> = None;
        let mut left = MAX_SETS;
        for root in 0..calibration.width() {
            let start = Search { set: vec![root], frontier: graph.above(root, root, &[root]) };
            graph.grow(start, root, width, &mut left, &mut |set| {
                let Some((errors, region)) = graph.tree(set) else { return };
                let readout: f64 = set.iter().map(|qubit| calibration.qubits()[*qubit].readout_error()).sum();
                let score = errors + readout + crosstalk(calibration, set);
                if best.as_ref().is_none_or(|(other, _)| score < *other) {
                    best = Some((score, region));
                }
            });
        }
        let device = || calibration.name().to_owned();
        best.map(|(_, region)| region).ok_or_else(|| Error::DeviceWidth {
            device: device(),
            found: width,
            limit: calibration.width(),
        })
    }

    /// How many qubits it has.
    pub fn width(&self) -> usize {
        self.qubits.len()
    }
}

/// The infidelities that static ZZ causes among `set` in the time of one two-qubit gate: that of `exp(-i a ZZ)` with
/// `a = pi zz t / 2`, averaged over states, is `4/5 sin^2 a`.
fn crosstalk(calibration: &Calibration, set: &[usize]) -> f64 {
    let pairs = calibration.couplings().iter().filter(|pair| set.contains(&pair.a) && set.contains(&pair.b));
    let infidelity = |pair: &Coupling| {
        let lengths = calibration.gates().iter().filter(|gate| {
            gate.qubits.len() == 2 && gate.qubits.contains(&pair.a) && gate.qubits.contains(&pair.b)
        });
        let time = lengths.map(|gate| gate.length).fold(0.0, f64::max);
        0.8 * (FRAC_PI_2 * pair.zz.unwrap_or(0.0) * time).sin().powi(2)
    };
    pairs.map(infidelity).sum()
}

/// Working two-qubit gates: for each qubit its neighbours with error and whether this qubit comes first.
struct Graph {
    neighbours: Vec<Vec<(usize, f64, bool)>>,
}

/// A connected set with the qubits that may join it (the enumeration of Wernicke, WABI 2005).
struct Search {
    set: Vec<usize>,
    frontier: Vec<usize>,
}

impl Graph {
    fn of(calibration: &Calibration) -> Self {
        let mut neighbours: Vec<Vec<(usize, f64, bool)>> = vec![Vec::new(); calibration.width()];
        for gate in calibration.gates().iter().filter(|gate| gate.qubits.len() == 2 && !gate.is_dead()) {
            let (a, b) = (gate.qubits[0], gate.qubits[1]);
            for (from, to, first) in [(a, b, true), (b, a, false)] {
                match neighbours[from].iter_mut().find(|(other, ..)| *other == to) {
                    Some(known) if known.1 <= gate.error => {}
                    Some(known) => *known = (to, gate.error, first),
                    None => neighbours[from].push((to, gate.error, first)),
                }
            }
        }
        Self { neighbours }
    }

    /// Neighbours of `qubit` above `root` that are not next to `set` already.
    fn above(&self, qubit: usize, root: usize, set: &[usize]) -> Vec<usize> {
        let others = set.iter().filter(|member| **member != qubit);
        let touched: Vec<_> =
            others.flat_map(|member| self.neighbours[*member].iter().map(|n| n.0)).collect();
        let near = self.neighbours[qubit].iter().map(|n| n.0);
        near.filter(|n| *n > root && !set.contains(n) && !touched.contains(n)).collect()
    }

    fn grow(
        &self,
        mut search: Search,
        root: usize,
        width: usize,
        left: &mut usize,
        found: &mut impl FnMut(&[usize]),
    ) {
        if search.set.len() == width {
            *left = left.saturating_sub(1);
            return found(&search.set);
        }
        while let Some(next) = search.frontier.pop() {
            if *left == 0 {
                return;
            }
            let mut set = search.set.clone();
            set.push(next);
            let mut frontier = search.frontier.clone();
            frontier.extend(self.above(next, root, &set));
            self.grow(Search { set, frontier }, root, width, left, found);
        }
    }

    /// The spanning tree with the least errors (Prim), and its sum.
    fn tree(&self, set: &[usize]) -> Option<(f64, Region)> {
        let mut qubits = set.to_vec();
        qubits.sort_unstable();
        let place = |qubit: usize| qubits.binary_search(&qubit).ok();
        let (mut reached, mut edges, mut errors) = (vec![qubits[0]], Vec::new(), 0.0);
        while reached.len() < qubits.len() {
            let candidates =
                reached.iter().flat_map(|from| self.neighbours[*from].iter().map(move |n| (*from, *n)));
            let (from, (to, error, first)) = candidates
                .filter(|(_, (to, ..))| place(*to).is_some() && !reached.contains(to))
                .min_by(|a, b| a.1.1.total_cmp(&b.1.1))?;
            let (one, other) = (place(from)?, place(to)?);
            edges.push(if first { (one, other) } else { (other, one) });
            errors += error;
            reached.push(to);
        }
        Some((errors, Region { qubits, edges }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_connected_and_native() {
        for name in Calibration::bundled_names() {
            let calibration = Calibration::bundled(name).unwrap();
            for width in 2..=5.min(calibration.width()) {
                let region = Region::best(&calibration, width).unwrap();
                assert_eq!((region.qubits.len(), region.edges.len()), (width, width - 1), "{name}");
                for (a, b) in &region.edges {
                    let pair = [region.qubits[*a], region.qubits[*b]];
                    assert!(calibration.edges().contains(&(pair[0], pair[1])), "{name} {pair:?}");
                }
            }
            assert!(matches!(Region::best(&calibration, 0), Err(Error::OutOfRange { .. })));
            assert!(matches!(Region::best(&calibration, 1000), Err(Error::DeviceWidth { found: 1000, .. })));
        }
    }

    /// By enumeration of all subsets, on a device small enough for that.
    #[test]
    fn no_other_set_is_better() {
        let calibration = Calibration::bundled("jakarta").unwrap();
        let graph = Graph::of(&calibration);
        let score = |set: &[usize]| {
            let readout: f64 = set.iter().map(|q| calibration.qubits()[*q].readout_error()).sum();
            graph.tree(set).map(|(errors, _)| errors + readout + crosstalk(&calibration, set))
        };
        let best = score(&Region::best(&calibration, 4).unwrap().qubits).unwrap();
        for mask in 0_u32..1 << 7 {
            let set: Vec<_> = (0..7).filter(|q| mask >> q & 1 == 1).collect();
            if set.len() == 4 {
                assert!(score(&set).is_none_or(|other| other >= best));
            }
        }
    }
}
