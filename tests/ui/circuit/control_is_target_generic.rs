// mistake: 27
use ketline::prelude::*;

circuit!(
    fn generic<const N: usize>(q: Qubits<N>) {
        for i in 0..N {
            control(q[i], x(q[N - 1 - i]));
        }
    }
);

fn main() {
    let _ = generic::<3>();
}
