// mistake: 13
use ketline::prelude::*;

circuit!(
    fn coloured(q: Qubits<1>) {
        rx(0.5red, q[0]);
    }
);

fn main() {}
