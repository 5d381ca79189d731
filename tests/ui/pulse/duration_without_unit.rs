// mistake: 39
use ketline::prelude::*;

pulse!(
    fn unitless(q: Qubit) {
        play(drive(q), gaussian(duration = 160, sigma = 40ns, amp = 0.2));
        delay(drive(q), 100.5);
        shift_frequency(drive(q), 5e6);
        shift_phase(drive(q), 90);
    }
);

fn main() {}
