// mistake: 3
use ketline::prelude::*;

circuit!(
    fn short_chain(q: Qubits<4>) {
        for i in 0..4 {
            cx(q[i], q[i + 1]);
        }
    }
);

fn main() {}
