// mistake: 35
use ketline::prelude::*;

circuit!(
    fn doubled(q: Qubits<2>, q: Qubits<3>, t: Angle, t: Angle) {
        h(q[0]);
    }
);

fn main() {}
