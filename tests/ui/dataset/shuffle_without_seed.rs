// mistake: 79
use ketline::prelude::*;

dataset!(
    #[shuffle(chunks = 64)]
    pub struct Digits {
        label: u8,
    }
);

fn main() {}
