// mistake: 37
#![deny(warnings)]

use ketline::prelude::*;

circuit!(
    fn backwards(q: Qubits<5>) {
        h(q);
        for i in 5..2 {
            x(q[i]);
        }
        for i in 3..3 {
            x(q[i]);
        }
    }
);

fn main() {}
