// mistake: 76
use ketline::prelude::*;

dataset!(
    #[chunk(samples = 0)]
    pub struct Digits {
        label: u8,
    }
);

fn main() {}
