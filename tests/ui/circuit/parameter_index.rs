// mistake: 32
use ketline::prelude::*;

circuit!(
    fn literal(q: Qubits<1>, theta: [[Angle; 3]; 2]) {
        rx(theta[1][3], q[0]);
        ry(theta[2][0], q[0]);
    }
);

fn main() {}
