// mistake: 14
use ketline::prelude::*;

circuit!(
    fn generic<const N: usize, const M: usize>(a: Qubits<N>, b: Qubits<M>) {
        cx(a, b);
    }
);

fn main() {
    let _ = generic::<2, 3>();
}
