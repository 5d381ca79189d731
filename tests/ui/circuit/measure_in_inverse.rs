// mistake: 25
use ketline::prelude::*;

circuit!(
    fn undo(q: Qubits<2>) {
        inverse({
            h(q[0]);
            let _m = measure(q[0]);
        });
        control(q[1], reset(q[0]));
    }
);

fn main() {}
