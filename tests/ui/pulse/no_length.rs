// mistake: 44
use ketline::prelude::*;

pulse!(
    fn nothing(q: Qubit) {
        play(drive(q), gaussian(duration = 0ns, sigma = 40ns, amp = 0.2));
        play(drive(q), gaussian(duration = 160ns, sigma = -40ns, amp = 0.2));
        delay(drive(q), -5ns);
    }
);

fn main() {}
