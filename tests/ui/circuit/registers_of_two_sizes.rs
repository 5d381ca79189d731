// mistake: 14
use ketline::prelude::*;

circuit!(
    fn literal(a: Qubits<2>, b: Qubits<3>) {
        cx(a, b);
    }
);

fn main() {}
