// mistake: 27
use ketline::prelude::*;

circuit!(
    fn both(q: Qubits<2>) {
        control(q[0], x(q[0]));
        control(q[1], control(q[1], z(q[0])));
    }
);

fn main() {}
