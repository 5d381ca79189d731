// mistake: 16
use ketline::prelude::*;

circuit!(
    fn stranger(q: Qubits<2>) {
        h(r[0]);
        cx(q[0], s);
    }
);

fn main() {}
