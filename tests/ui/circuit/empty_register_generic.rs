// mistake: 15
use ketline::prelude::*;

circuit!(
    fn generic<const N: usize>(q: Qubits<N>) {
        h(q);
    }
);

fn main() {
    let _ = generic::<0>();
}
