// mistake: 50
use ketline::prelude::*;

pulse!(
    fn deaf(q: Qubit) -> Bit {
        let line = acquire(q);
        let other = readout(q);
        play(line, constant(duration = 1us, amp = 0.1));
        capture(other, 1us)
    }
);

fn main() {}
