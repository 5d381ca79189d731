// mistake: 18
use ketline::prelude::*;

circuit!(
    fn pair(q: Qubits<2>) -> Bits<3> {
        h(q);
        measure(q)
    }
);

circuit!(
    fn generic<const N: usize>(q: Qubits<N>) -> Bits<3> {
        h(q);
        measure(q)
    }
);

fn main() {}
