// mistake: 11
use ketline::prelude::*;

circuit!(
    fn unitless(q: Qubits<1>) {
        rx(90, q[0]);
        rz(-45, q[0]);
    }
);

fn main() {}
