// mistake: 79
use ketline::prelude::*;

dataset!(
    #[chunk(sample = 16)]
    #[prefetch(chunks = 2, memory = 64)]
    pub struct Digits {
        #[clip(0..10)]
        label: u8,
    }
);

fn main() {}
