// mistake: 22
#![deny(warnings)]

use ketline::prelude::*;

circuit!(
    fn reused(q: Qubits<2>) -> Bit {
        h(q[0]);
        let m = measure(q[0]);
        cx(q[0], q[1]);
        m
    }
);

fn main() {}
