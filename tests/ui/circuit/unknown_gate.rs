// mistake: 8
use ketline::prelude::*;

circuit!(
    fn typo(q: Qubits<2>) {
        cnott(q[0], q[1]);
    }
);

fn main() {}
