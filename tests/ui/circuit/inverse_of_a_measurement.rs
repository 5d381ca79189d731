// mistake: 26
use ketline::prelude::*;

circuit!(
    fn bell(q: Qubits<2>) -> Bits<2> {
        h(q[0]);
        cx(q[0], q[1]);
        measure(q)
    }
);

circuit!(
    fn undo(q: Qubits<2>) {
        inverse(bell(q));
    }
);

fn main() {}
