// mistake: 46
use ketline::prelude::*;

pulse!(
    fn misspelt(q: Qubit) {
        play(drive(q), drag(duration = 160ns, sigam = 40ns, amp = 0.2, beta = -1.0));
        play(drive(q), gaussian(duration = 160ns, sigma = 40ns, amp = 0.2, chirp = 1.0));
        play(drive(q), gaussian(160ns, 0.2, 40ns));
        play(drive(q), gausian(duration = 160ns, sigma = 40ns, amp = 0.2));
        let tone = square(duration = 160ns, amp = 0.2);
    }
);

fn main() {}
