// mistake: 20
use ketline::prelude::*;

circuit!(
    fn forgetful(q: Qubits<2>) {
        h(q);
        measure(q[0]);
    }
);

fn main() {}
