//! The target of a compilation: which gates a device has, and between which qubits.

use std::collections::{BTreeMap, VecDeque};

use super::Calibration;
use crate::circuit::Confusion;
use crate::gate::Gate;
use crate::{Error, Result};

/// The one-qubit gates that every target has, `rz` without time and error.
pub const ONE_QUBIT_GATES: [&str; 4] = ["id", "rz", "sx", "x"];

/// The native two-qubit gate of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entangler {
    /// Controlled X, the first qubit controls.
    Cx,
    /// Echoed cross-resonance, the first qubit is driven.
    Ecr,
    /// Controlled Z, the same in both directions.
    Cz,
}

impl Entangler {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cx, Self::Ecr, Self::Cz];

    /// The name of the gate's row.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cx => "cx",
            Self::Ecr => "ecr",
            Self::Cz => "cz",
        }
    }

    /// The entangler that a gate is.
    pub fn of(gate: &Gate) -> Option<Self> {
        Self::ALL.into_iter().find(|entangler| entangler.name() == gate.name())
    }
}

/// A directed edge of the coupling map, with its native gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The first operand of the gate.
    pub first: usize,
    /// The second operand.
    pub second: usize,
    /// The gate.
    pub gate: Entangler,
    /// One less its average fidelity, where known.
    pub error: Option<f64>,
    /// Its length in seconds, where known.
    pub length: Option<f64>,
}

impl Edge {
    /// An edge of which only the gate is known.
    pub fn new(first: usize, second: usize, gate: Entangler) -> Self {
        Self { first, second, gate, error: None, length: None }
    }
}

/// What a compiler may know of one qubit; everything is optional.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Site {
    /// One less the average fidelity of `sx`.
    pub error: Option<f64>,
    /// Length of `sx` in seconds.
    pub length: Option<f64>,
    /// The probabilities to be misread.
    pub readout: Option<Confusion>,
    /// Relaxation time in seconds.
    pub t1: Option<f64>,
    /// Coherence time in seconds.
    pub t2: Option<f64>,
}

impl Site {
    /// Mean probability to be misread.
    pub fn readout_error(&self) -> Option<f64> {
        self.readout.map(|readout| f64::midpoint(readout.p1_given_0, readout.p0_given_1))
    }
}

/// A device as the compiler sees it: qubits, directed edges with their native gates, and figures where they are known.
///
/// ```
/// use ketline_quantum::device::{Calibration, Target};
///
/// let manila = Target::from(&Calibration::bundled("manila")?);
/// assert_eq!(manila.distance(0, 4), Some(4));
/// assert_eq!(Target::ring(6)?.distance(0, 4), Some(2));
/// # Ok::<(), ketline_quantum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    name: String,
    sites: Vec<Site>,
    edges: BTreeMap<(usize, usize), Edge>,
    neighbours: Vec<Vec<usize>>,
    /// Hops between all pairs, row by row; `FAR` where no path leads.
    hops: Vec<u16>,
}

const FAR: u16 = u16::MAX;

impl Target {
    /// A target from its edges. Where an edge is given twice the better gate is kept: that with the lower error, a known
    /// one before an unknown one.
    ///
    /// # Errors
    /// [`Error::TargetWidth`] without qubits or with more than [`MAX_QUBITS`](super::calibration::MAX_QUBITS),
    /// [`Error::Edge`] for an edge out of range or from a qubit to itself, [`Error::OutOfRange`] for an error outside of
    /// 0 to 1 or a negative length.
    pub fn new(
        name: impl Into<String>,
        sites: Vec<Site>,
        edges: impl IntoIterator<Item = Edge>,
    ) -> Result<Self> {
        let (name, width) = (name.into(), sites.len());
        let limit = super::calibration::MAX_QUBITS;
        if !(1..=limit).contains(&width) {
            return Err(Error::TargetWidth { device: name, found: width, limit });
        }
        for (qubit, site) in sites.iter().enumerate() {
            let what = format!("qubit {qubit} of device `{name}`");
            let [up, down] = [site.readout.map(|r| r.p1_given_0), site.readout.map(|r| r.p0_given_1)];
            check(&what, &[site.error, up, down], &[site.length, site.t1, site.t2])?;
        }
        let mut kept: BTreeMap<_, Edge> = BTreeMap::new();
        for edge in edges {
            let (first, second) = (edge.first, edge.second);
            if first >= width || second >= width || first == second {
                return Err(Error::Edge { device: name, first, second, width });
            }
            check(&format!("edge {first}-{second} of device `{name}`"), &[edge.error], &[edge.length])?;
            let known = kept.entry((first, second)).or_insert(edge);
            if edge.error.unwrap_or(f64::INFINITY) < known.error.unwrap_or(f64::INFINITY) {
                *known = edge;
            }
        }
        Ok(Self::of(name, sites, kept))
    }

    fn of(name: String, sites: Vec<Site>, edges: BTreeMap<(usize, usize), Edge>) -> Self {
        let width = sites.len();
        let mut neighbours = vec![Vec::new(); width];
        for &(a, b) in edges.keys() {
            neighbours[a].push(b);
            neighbours[b].push(a);
        }
        for list in &mut neighbours {
            list.sort_unstable();
            list.dedup();
        }
        let mut hops = vec![FAR; width * width];
        for start in 0..width {
            let row = &mut hops[start * width..(start + 1) * width];
            row[start] = 0;
            let mut queue = VecDeque::from([start]);
            while let Some(at) = queue.pop_front() {
                for &next in &neighbours[at] {
                    if row[next] == FAR {
                        row[next] = row[at] + 1;
                        queue.push_back(next);
                    }
                }
            }
        }
        Self { name, sites, edges, neighbours, hops }
    }

    /// `width` qubits with `cx` in both directions on these pairs, of which nothing else is known.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn coupled(
        name: impl Into<String>,
        width: usize,
        pairs: impl IntoIterator<Item = (usize, usize)>,
    ) -> Result<Self> {
        let both = |(a, b)| [Edge::new(a, b, Entangler::Cx), Edge::new(b, a, Entangler::Cx)];
        let name = name.into();
        let limit = super::calibration::MAX_QUBITS;
        if width > limit {
            return Err(Error::TargetWidth { device: name, found: width, limit });
        }
        Self::new(name, vec![Site::default(); width], pairs.into_iter().flat_map(both))
    }

    /// A line of qubits.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn line(width: usize) -> Result<Self> {
        Self::coupled(format!("line of {width}"), width, (1..width).map(|b| (b - 1, b)))
    }

    /// A ring of qubits; one of two qubits is a line.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn ring(width: usize) -> Result<Self> {
        let closing = (width > 2).then(|| (width - 1, 0));
        Self::coupled(format!("ring of {width}"), width, (1..width).map(|b| (b - 1, b)).chain(closing))
    }

    /// A grid of qubits, numbered row by row.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn grid(rows: usize, columns: usize) -> Result<Self> {
        let width = rows.saturating_mul(columns);
        let right = |q: usize| (q % columns + 1 < columns).then(|| (q, q + 1));
        let below = |q: usize| (q + columns < width).then(|| (q, q + columns));
        let pairs = (0..width).flat_map(|q| right(q).into_iter().chain(below(q)));
        Self::coupled(format!("grid of {rows} x {columns}"), width, pairs)
    }

    /// Qubits that are all coupled to each other.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn full(width: usize) -> Result<Self> {
        let pairs = (0..width).flat_map(|b| (0..b).map(move |a| (a, b)));
        Self::coupled(format!("full map of {width}"), width, pairs)
    }

    /// The name of the device.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many qubits it has.
    pub fn width(&self) -> usize {
        self.sites.len()
    }

    /// What is known of each qubit.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The directed edges, sorted.
    pub fn edges(&self) -> impl Iterator<Item = &Edge> {
        self.edges.values()
    }

    /// The edge from `first` to `second`.
    pub fn edge(&self, first: usize, second: usize) -> Option<&Edge> {
        self.edges.get(&(first, second))
    }

    /// The qubits coupled to a qubit in either direction, sorted.
    ///
    /// # Panics
    /// If the device has no such qubit.
    pub fn neighbours(&self, qubit: usize) -> &[usize] {
        &self.neighbours[qubit]
    }

    /// Whether two qubits are coupled in either direction.
    pub fn are_coupled(&self, a: usize, b: usize) -> bool {
        self.neighbours.get(a).is_some_and(|list| list.binary_search(&b).is_ok())
    }

    /// The number of edges on the shortest path between two qubits, where there is a path.
    pub fn distance(&self, a: usize, b: usize) -> Option<usize> {
        let inside = a < self.width() && b < self.width();
        inside.then(|| self.hops[a * self.width() + b]).filter(|hops| *hops != FAR).map(usize::from)
    }

    /// As [`Self::distance`] for qubits known to be in range, with a large number where no path leads.
    pub(super) fn hops(&self, a: usize, b: usize) -> usize {
        self.hops[a * self.sites.len() + b].into()
    }

    /// Whether a path leads from every qubit to every other.
    pub fn is_connected(&self) -> bool {
        self.hops[..self.width()].iter().all(|hops| *hops != FAR)
    }

    /// The largest set of qubits with paths between all of them, sorted.
    pub fn largest_component(&self) -> Vec<usize> {
        let component = |q| (0..self.width()).filter(|r| self.hops(q, *r) < FAR.into()).collect::<Vec<_>>();
        (0..self.width())
            .map(component)
            .reduce(|best, next| if next.len() > best.len() { next } else { best })
            .unwrap_or_default()
    }

    /// The smaller error of the two directions of an edge, where one is known.
    pub fn pair_error(&self, a: usize, b: usize) -> Option<f64> {
        let error = |first, second| self.edge(first, second).and_then(|edge| edge.error);
        match (error(a, b), error(b, a)) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

/// Refuses impossible figures.
fn check(what: &str, errors: &[Option<f64>], times: &[Option<f64>]) -> Result<()> {
    let refuse = |kind: &str, found: f64, wanted: &str| {
        Err(Error::OutOfRange { what: format!("{kind} of {what}"), found, wanted: wanted.into() })
    };
    if let Some(error) = errors.iter().flatten().find(|error| !(0.0..=1.0).contains(*error)) {
        return refuse("an error", *error, "a number from 0 to 1");
    }
    // infinite coherence is what an ideal qubit has
    match times.iter().flatten().find(|time| time.is_nan() || **time < 0.0) {
        Some(time) => refuse("a time", *time, "a number of seconds that is not negative"),
        None => Ok(()),
    }
}

/// Edges whose gate is out of order are left out.
impl From<&Calibration> for Target {
    fn from(calibration: &Calibration) -> Self {
        let site = |(qubit, known): (usize, &super::QubitCalibration)| {
            let sx = calibration.gate("sx", &[qubit]);
            Site {
                error: sx.map(|gate| gate.error),
                length: sx.map(|gate| gate.length),
                readout: Some(Confusion { p1_given_0: known.p1_given_0, p0_given_1: known.p0_given_1 }),
                t1: Some(known.t1),
                t2: Some(known.t2),
            }
        };
        let mut edges: BTreeMap<_, Edge> = BTreeMap::new();
        for gate in calibration.gates().iter().filter(|gate| !gate.is_dead()) {
            let kind = Entangler::ALL.into_iter().find(|kind| kind.name() == gate.name);
            let (Some(kind), &[first, second]) = (kind, gate.qubits.as_slice()) else { continue };
            let edge = Edge { first, second, gate: kind, error: Some(gate.error), length: Some(gate.length) };
            let known = edges.entry((first, second)).or_insert(edge);
            if known.error > edge.error {
                *known = edge;
            }
        }
        let sites = calibration.qubits().iter().enumerate().map(site).collect();
        Self::of(calibration.name().to_owned(), sites, edges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_have_the_distances_of_their_shape() {
        let line = Target::line(5).unwrap();
        assert_eq!((line.distance(0, 4), line.edges().count()), (Some(4), 8));
        let grid = Target::grid(2, 3).unwrap();
        assert_eq!((grid.distance(0, 5), grid.edges().count()), (Some(3), 14));
        assert_eq!(Target::full(4).unwrap().distance(0, 3), Some(1));
        assert_eq!(Target::ring(2).unwrap().edges().count(), 2);
        assert_eq!((line.distance(0, 5), line.are_coupled(7, 0)), (None, false));
    }

    #[test]
    fn parts_are_told_apart() {
        let parts = Target::coupled("parts", 5, [(0, 1), (2, 3), (3, 4)]).unwrap();
        assert!(!parts.is_connected() && Target::line(1).unwrap().is_connected());
        assert_eq!((parts.distance(1, 2), parts.largest_component()), (None, vec![2, 3, 4]));
    }

    #[test]
    fn impossible_maps_are_refused() {
        assert!(matches!(Target::line(0), Err(Error::TargetWidth { found: 0, .. })));
        assert!(matches!(Target::grid(usize::MAX, 2), Err(Error::TargetWidth { .. })));
        assert!(matches!(
            Target::coupled("a", 3, [(0, 3)]),
            Err(Error::Edge { first: 0, second: 3, width: 3, .. })
        ));
        assert!(matches!(Target::coupled("a", 3, [(1, 1)]), Err(Error::Edge { .. })));
        let wild = Edge { error: Some(f64::NAN), ..Edge::new(0, 1, Entangler::Cz) };
        assert!(matches!(Target::new("a", vec![Site::default(); 2], [wild]), Err(Error::OutOfRange { .. })));
        let negative = Site { t1: Some(-1.0), ..Site::default() };
        assert!(matches!(Target::new("a", vec![negative], []), Err(Error::OutOfRange { .. })));
    }

    #[test]
    fn calibrations_keep_their_figures() {
        for name in Calibration::bundled_names() {
            let calibration = Calibration::bundled(name).unwrap();
            let target = Target::from(&calibration);
            assert_eq!((target.width(), target.name()), (calibration.width(), calibration.name()));
            assert!(target.is_connected(), "{name}");
            for edge in target.edges() {
                let gate = calibration.gate(edge.gate.name(), &[edge.first, edge.second]).unwrap();
                assert_eq!((edge.error, edge.length), (Some(gate.error), Some(gate.length)));
                assert!(target.pair_error(edge.first, edge.second).unwrap() <= gate.error);
            }
        }
    }
}
