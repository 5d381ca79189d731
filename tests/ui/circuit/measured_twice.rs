// mistake: 21
#![deny(warnings)]

use ketline::prelude::*;

circuit!(
    fn again(q: Qubits<1>) -> Bit {
        h(q[0]);
        let _first = measure(q[0]);
        measure(q[0])
    }
);

fn main() {}
