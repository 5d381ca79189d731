// mistake: 38
use ketline::prelude::*;

pulse!(
    fn mixed_up(q: Qubit) {
        delay(drive(q), 5GHz);
        shift_phase(drive(q), 160ns);
        shift_frequency(drive(q), 90deg);
        play(drive(q), gaussian(duration = 2 * 90deg, sigma = 40ns, amp = 0.2));
        play(drive(q), drag(duration = 160ns, sigma = 40ns, amp = 200ns, beta = -1.0));
        delay(drive(q), 160nanoseconds);
    }
);

fn main() {}
