// mistake: 32
use ketline::prelude::*;

circuit!(
    fn beyond<const N: usize>(q: Qubits<N>, theta: [Angle; N]) {
        for i in 0..N {
            rx(theta[N], q[i]);
        }
    }
);

fn main() {
    let _ = beyond::<2>();
}
