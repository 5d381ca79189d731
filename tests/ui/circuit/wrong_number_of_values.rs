// mistake: 33
use ketline::prelude::*;

circuit!(
    fn turn(q: Qubits<3>, theta: [Angle; 3]) {
        for i in 0..3 {
            rx(theta[i], q[i]);
        }
    }
);

fn main() {
    let program = turn().expect("a circuit");
    let _ = program.bind(&TurnParams { theta: [0.1, 0.2] });
}
