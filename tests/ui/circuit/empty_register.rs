// mistake: 15
use ketline::prelude::*;

circuit!(
    fn none(q: Qubits<0>) {
        h(q);
    }
);

fn main() {}
