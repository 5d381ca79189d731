// mistake: 31
#![deny(warnings)]

use ketline::prelude::*;

circuit!(
    fn idle(q: Qubits<1>, theta: [Angle; 2]) {
        h(q[0]);
    }
);

fn main() {}
