// mistake: 3
use ketline::prelude::*;

circuit!(
    fn chain<const N: usize>(q: Qubits<N>) {
        for i in 0..N {
            cx(q[i], q[i + 1]);
        }
    }
);

fn main() {
    let _ = chain::<4>();
}
