// mistake: 47
use ketline::prelude::*;

pulse!(
    fn incomplete(q: Qubit) {
        play(drive(q), drag(duration = 160ns, amp = 0.2, beta = -1.0));
        play(drive(q), gaussian(duration = 160ns, sigma = 40ns, amp = 0.2, sigma = 50ns));
        play(drive(q), gaussian_square(duration = 160ns, sigma = 10ns, amp = 0.2));
        play(drive(q));
    }
);

fn main() {}
