// mistake: 9
use ketline::prelude::*;

circuit!(
    fn half(q: Qubits<2>) {
        cx(q[0]);
        h(q[0], q[1]);
    }
);

fn main() {}
