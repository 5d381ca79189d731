// mistake: 12
use ketline::prelude::*;

circuit!(
    fn timed(q: Qubits<1>) {
        rx(5ns, q[0]);
        ry(2.0 * 5GHz, q[0]);
    }
);

fn main() {}
