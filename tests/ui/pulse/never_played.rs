// mistake: 51
#![deny(warnings)]
use ketline::prelude::*;

pulse!(
    fn silent(q: Qubit) {
        let x = gaussian(duration = 160ns, sigma = 40ns, amp = 0.2);
        let cr = gaussian_square(duration = 848ns, width = 592ns, sigma = 64ns, amp = 0.2);
        let back = -cr;
        play(drive(q), x);
    }
);

fn main() {}
