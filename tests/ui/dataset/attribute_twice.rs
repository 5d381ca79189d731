// mistake: 79
use ketline::prelude::*;

dataset!(
    #[chunk(samples = 16)]
    #[chunk(samples = 32)]
    #[shuffle(chunks = 4, chunks = 8, seed = 7)]
    pub struct Digits {
        #[range(0..10)]
        #[range(0..5)]
        label: u8,
    }
);

fn main() {}
