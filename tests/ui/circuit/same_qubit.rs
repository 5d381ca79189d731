// mistake: 4
use ketline::prelude::*;

circuit!(
    fn twice(q: Qubits<3>) {
        cx(q[0], q[0]);
        ccx(q[0], q[1], q[0]);
        for i in 0..3 {
            cz(q[i], q[i]);
        }
        swap(q, q);
    }
);

fn main() {}
