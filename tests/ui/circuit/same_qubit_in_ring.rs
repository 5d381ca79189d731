// mistake: 5
use ketline::prelude::*;

circuit!(
    fn ring<const N: usize>(q: Qubits<N>) {
        for i in 0..N {
            cx(q[i], q[(i + 1) % N]);
        }
    }
);

fn main() {
    let _ = ring::<2>();
    let _ = ring::<1>();
}
