// mistake: 40
use ketline::prelude::*;

pulse!(
    fn nowhere(q: Qubit) {
        play(drive(q), gaussian(duration = 160dt, sigma = 40ns, amp = 0.2));
    }
);

circuit!(
    fn hybrid(q: Qubits<2>) {
        cx(q[0], q[1]);
        pulse!({
            delay(drive(q[0]), 64dt);
        });
    }
);

fn main() {}
