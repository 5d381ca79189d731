// mistake: 36
use ketline::prelude::*;

struct Line5;

impl Topology for Line5 {
    const QUBITS: usize = 5;
    const EDGES: &'static [(usize, usize)] = &[(0, 1), (1, 2), (2, 3), (3, 4)];
}

circuit!(
    #[device(Line5)]
    fn far(q: Qubits<5>) {
        cx(q[0], q[2]);
        for i in 0..5 {
            for j in 0..i {
                cz(q[i], q[j]);
            }
        }
    }
);

circuit!(
    #[device(Line5)]
    fn wide(q: Qubits<6>) {
        h(q);
    }
);

fn main() {}
