// mistake: 28
use ketline::prelude::*;

circuit!(
    fn roots(q: Qubits<1>) {
        power(-1, s(q[0]));
        power(0.3, x(q[0]));
    }
);

fn main() {}
