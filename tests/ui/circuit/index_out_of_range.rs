// mistake: 1
use ketline::prelude::*;

circuit!(
    fn outside(q: Qubits<2>) {
        h(q[2]);
        cx(q[0], q[1 + 4]);
    }
);

fn main() {}
