// mistake: 58
use ketline::prelude::*;
use ketline::quantum::simulator::StateVector;

circuit!(
    fn ghz(q: Qubits<4>) {
        h(q[0]);
        for i in 0..3 {
            cx(q[i], q[i + 1]);
        }
    }
);

fn main() {
    let ghz = ghz().expect("a circuit");
    let _ = ghz.expectation(&StateVector::new(), &observable!(Z(0) * Z(4)), &GhzParams {});
    let _ = ghz.observe(&observable!(Z(0) * Z(4)));
}
