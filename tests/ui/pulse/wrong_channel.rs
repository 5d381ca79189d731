// mistake: 50
use ketline::prelude::*;

pulse!(
    fn deaf(q: Qubit) -> Bit {
        let tone = constant(duration = 1us, amp = 0.1);
        play(acquire(q), tone);
        play(q, tone);
        let m = capture(drive(q), 1us);
        m
    }
);

fn main() {}
