// mistake: 2
use ketline::prelude::*;

const K: usize = 5;

circuit!(
    fn outside(q: Qubits<2>) {
        h(q[K]);
        cx(q[0], q[1]);
    }
);

fn main() {}
