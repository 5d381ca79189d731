//! Graphs to cut.

use std::collections::BTreeSet;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Error, Observable, Result};

/// Most vertices: the best cut is found by trying all.
const MAX_VERTICES: usize = 20;

/// A graph, and the largest number of edges that a partition of its vertices cuts.
#[derive(Debug, Clone, PartialEq)]
pub struct MaxCut {
    name: String,
    vertices: usize,
    edges: Vec<(usize, usize)>,
    best: usize,
}

impl MaxCut {
    /// A graph of 2 to 20 vertices.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer or more vertices, or no edges; [`Error::Edge`] for an edge that joins a vertex to itself or
    /// names one that is not there; [`Error::DeclaredTwice`] for one that is given twice.
    pub fn new(name: impl Into<String>, vertices: usize, edges: &[(usize, usize)]) -> Result<Self> {
        let name = name.into();
        if !(2..=MAX_VERTICES).contains(&vertices) {
            return Err(Error::Setting { name: "vertices", found: vertices as f64, expected: "2 to 20" });
        }
        if edges.is_empty() {
            return Err(Error::Setting { name: "edges", found: 0.0, expected: "at least 1" });
        }
        let mut seen = BTreeSet::new();
        for &(first, second) in edges {
            if first == second || first.max(second) >= vertices {
                return Err(Error::Edge { device: name, first, second, width: vertices });
            }
            if !seen.insert((first.min(second), first.max(second))) {
                return Err(Error::DeclaredTwice { name: format!("edge {first}-{second} of {name}") });
            }
        }
        let cut = |bits: usize| edges.iter().filter(|(i, j)| (bits >> i ^ bits >> j) & 1 == 1).count();
        let best = (0..1_usize << (vertices - 1)).map(cut).max().unwrap_or(0);
        Ok(Self { name, vertices, edges: edges.to_vec(), best })
    }

    /// The complete bipartite graph of three and three vertices.
    ///
    /// # Errors
    /// None that can occur.
    pub fn k33() -> Result<Self> {
        let edges: Vec<_> = (0..3).flat_map(|i| (3..6).map(move |j| (i, j))).collect();
        Self::new("K33", 6, &edges)
    }

    /// Two triangles joined vertex by vertex.
    ///
    /// # Errors
    /// None that can occur.
    pub fn prism() -> Result<Self> {
        let edges = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (0, 3), (1, 4), (2, 5)];
        Self::new("prism", 6, &edges)
    }

    /// A random graph with three edges at each of `vertices`, an even number of at least 4: ends paired until no edge is a loop or
    /// double.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn cubic(vertices: usize, seed: u64) -> Result<Self> {
        if !(4..=MAX_VERTICES).contains(&vertices) || vertices % 2 == 1 {
            let expected = "an even number from 4 to 20";
            return Err(Error::Setting { name: "vertices", found: vertices as f64, expected });
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        loop {
            let mut ends: Vec<usize> = (0..3 * vertices).map(|end| end / 3).collect();
            for k in (1..ends.len()).rev() {
                ends.swap(k, (random.random::<f64>() * (k + 1) as f64) as usize);
            }
            let pairs: BTreeSet<_> = ends.chunks_exact(2).map(|e| (e[0].min(e[1]), e[0].max(e[1]))).collect();
            if pairs.len() == ends.len() / 2 && pairs.iter().all(|(i, j)| i != j) {
                let edges: Vec<_> = pairs.into_iter().collect();
                return Self::new(format!("cubic {vertices}, seed {seed}"), vertices, &edges);
            }
        }
    }

    /// A random graph in which each pair is joined with this probability (Erdős and Rényi 1959); drawn again until it is connected.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn erdos_renyi(vertices: usize, probability: f64, seed: u64) -> Result<Self> {
        if !(probability > 0.0 && probability <= 1.0) {
            let expected = "a number above 0 and at most 1";
            return Err(Error::Setting { name: "probability", found: probability, expected });
        }
        if !(2..=MAX_VERTICES).contains(&vertices) {
            return Err(Error::Setting { name: "vertices", found: vertices as f64, expected: "2 to 20" });
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..10_000 {
            let pairs = (0..vertices).flat_map(|i| (i + 1..vertices).map(move |j| (i, j)));
            let edges: Vec<_> = pairs.filter(|_| random.random::<f64>() < probability).collect();
            if connected(vertices, &edges) {
                return Self::new(format!("Erdős–Rényi {vertices}, seed {seed}"), vertices, &edges);
            }
        }
        let expected = "enough for a connected graph";
        Err(Error::Setting { name: "probability", found: probability, expected })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many vertices there are.
    pub fn vertices(&self) -> usize {
        self.vertices
    }

    /// The edges.
    pub fn edges(&self) -> &[(usize, usize)] {
        &self.edges
    }

    /// The size of the largest cut.
    pub fn best(&self) -> usize {
        self.best
    }

    /// How many edges a partition cuts, over the largest number: bit k of `bits` is the side of vertex k.
    pub fn ratio(&self, bits: usize) -> f64 {
        let cut = self.edges.iter().filter(|(i, j)| (bits >> i ^ bits >> j) & 1 == 1).count();
        cut as f64 / self.best as f64
    }

    /// The cut over the largest cut as an observable.
    pub fn observable(&self) -> Observable {
        let scale = 0.5 / self.best as f64;
        Observable::sum(&self.edges, |(i, j)| scale * (1.0 - Observable::z(i) * Observable::z(j)))
    }
}

fn connected(vertices: usize, edges: &[(usize, usize)]) -> bool {
    let mut reached = 1_usize;
    loop {
        let before = reached;
        for (i, j) in edges {
            if reached >> i & 1 == 1 || reached >> j & 1 == 1 {
                reached |= 1 << i | 1 << j;
            }
        }
        if reached == before {
            return reached == (1 << vertices) - 1;
        }
    }
}
