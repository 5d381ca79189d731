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

mod cold {
    ketline::circuit!(
        pub fn cool(q: Qubit) {
            reset(q);
        }
    );
}

circuit!(
    fn wrapped(q: Qubits<2>) {
        control(q[1], cold::cool(q[0]));
    }
);

fn main() {}
