// mistake: 52
use ketline::prelude::*;

pulse!(
    fn x90(q: Qubit) {
        play(drive(q), gaussian(duration = 160ns, sigma = 40ns, amp = 0.2));
    }
);

pulse!(
    fn read(q: Qubit) -> Bit {
        play(readout(q), constant(duration = 1us, amp = 0.1));
        capture(acquire(q), 1us)
    }
);

circuit!(
    fn undone(q: Qubits<2>) {
        inverse(x90(q[0]));
        control(q[0], x90(q[1]));
    }
);

circuit!(
    fn reads(q: Qubits<2>) {
        h(q);
        read(q[0]);
    }
);

fn main() {}
