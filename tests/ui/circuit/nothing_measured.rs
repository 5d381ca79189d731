// mistake: 19
use ketline::prelude::*;

circuit!(
    fn pair(q: Qubits<2>) -> Bits<2> {
        h(q[0]);
        cx(q[0], q[1]);
    }
);

fn main() {}
