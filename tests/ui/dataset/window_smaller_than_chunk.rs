// mistake: 77
use ketline::prelude::*;

const WINDOW: usize = 100;

dataset!(
    #[chunk(samples = 1024)]
    #[shuffle(samples = 512, seed = 7)]
    pub struct Literal {
        label: u8,
    }

    #[chunk(samples = 1024)]
    #[shuffle(samples = WINDOW, seed = 7)]
    pub struct Constant {
        label: u8,
    }
);

fn main() {}
