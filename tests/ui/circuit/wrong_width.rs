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
    fn adder<const N: usize>(a: Qubits<N>, b: Qubits<N>) {
        cx(a, b);
    }

    fn sum(a: Qubits<3>, b: Qubits<2>) {
        adder::<2>(a, b);
    }

    fn generic<const N: usize>(q: Qubits<N>) {
        pair(q);
    }

    fn single(q: Qubit) {
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
