// mistake: 52
use ketline::prelude::*;

pulse!(
    fn forgetful(q: Qubit) {
        play(readout(q), constant(duration = 1us, amp = 0.1));
        capture(acquire(q), 1us);
    }
);

pulse!(
    fn undone(q: Qubit) {
        inverse(forgetful(q));
    }
);

circuit!(
    fn inline(q: Qubits<2>) {
        h(q);
        inverse({
            pulse!({
                play(drive(q[0]), gaussian(duration = 160ns, sigma = 40ns, amp = 0.2));
            });
        });
        pulse!({
            capture(acquire(q[1]), 1us);
        });
    }
);

fn main() {}
