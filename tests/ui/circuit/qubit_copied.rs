// mistake: 17
use ketline::prelude::*;

circuit!(
    fn alias(q: Qubits<2>) {
        let a = q[0];
        cx(a, q[0]);
    }
);

fn main() {}
