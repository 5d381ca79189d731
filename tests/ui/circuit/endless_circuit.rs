// mistake: 29
use ketline::prelude::*;

circuit!(
    fn forever(q: Qubits<1>) {
        h(q[0]);
        forever(q);
    }
);

fn main() {}
