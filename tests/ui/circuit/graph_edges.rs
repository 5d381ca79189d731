// mistake: 6
use ketline::prelude::*;

struct Loops;

impl Graph for Loops {
    const EDGES: &'static [(usize, usize)] = &[(0, 1), (1, 2), (2, 3), (3, 3)];
}

struct Far;

impl Graph for Far {
    const EDGES: &'static [(usize, usize)] = &[(0, 1), (0, 9)];
}

circuit!(
    fn graph_state<G: Graph, const N: usize>(q: Qubits<N>) {
        h(q);
        for (i, j) in G::EDGES {
            cz(q[i], q[j]);
        }
    }
);

fn main() {
    let _ = graph_state::<Loops, 4>();
    let _ = graph_state::<Far, 4>();
}
