// mistake: 83
use ketline::prelude::*;

const CLASSES: usize = 1000;

dataset!(
    pub struct Literal {
        #[range(0..1000)]
        label: u8,
    }

    pub struct Negative {
        #[range(-1..=1)]
        sign: U16<4>,
    }

    pub struct Constant {
        #[range(0..CLASSES)]
        label: u8,
    }

    pub struct Backwards {
        #[range(9..3)]
        label: u8,
    }
);

fn main() {}
