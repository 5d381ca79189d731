// mistake: 23
#![deny(warnings)]

use ketline::prelude::*;

circuit!(
    fn spare(q: Qubits<3>) -> Bits<3> {
        h(q[0]);
        cx(q[0], q[1]);
        measure(q)
    }
);

fn main() {}
