use ketline::prelude::*;

pulse!(
    fn odd(q: Qubit, q: Qubit) -> f64 {
        if 1 > 0 {
            play(drive(q), constant(duration = 1us, amp = 0.1));
        }
        while true {}
        h(q);
        measure(q);
        drive(q);
        play(drive(r), constant(duration = 1us, amp = 0.1));
        play(drive(q, q), constant(duration = 1us, amp = 0.1));
        println!("{}", 1);
        q = 3;
        play(duration = 1us, drive(q));
        barrier();
    }
);

pulse!(
    fn gaussian(n: usize) {}
);

pulse!(
    fn endless(q: Qubit) {
        endless(q);
        play(drive(q), 0.5);
        1
    }
);

pulse!(
    fn quiet(q: Qubits<2>) -> Bits<2> {
        delay(drive(q), 10ns);
        delay(drive(q[2]), 10ns);
    }
);

pulse!(
    struct Odd;
);

fn main() {}
