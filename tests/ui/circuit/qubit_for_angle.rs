// mistake: 10
use ketline::prelude::*;

circuit!(
    fn swapped(q: Qubits<2>, t: Angle) {
        rx(q[0]);
        rx(q[1], t);
    }
);

fn main() {}
