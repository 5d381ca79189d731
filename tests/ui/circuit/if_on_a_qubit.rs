// mistake: 24
use ketline::prelude::*;

circuit!(
    fn quantum_if(q: Qubits<2>) {
        if q[0] {
            x(q[1]);
        }
    }
);

fn main() {}
