// mistake: 34
use ketline::prelude::*;

circuit!(
    fn pair(q: Qubits<2>) {
        h(q[0]);
        cx(q[0], q[1]);
    }
);

circuit!(
    fn whole(q: Qubits<3>) {
        pair(q);
    }
);

circuit!(
    fn part(q: Qubits<5>) {
        pair(q[1..4]);
        h(q);
    }
);

fn main() {}
