// mistake: 78
use ketline::prelude::*;

const VALID: f64 = 0.1;

dataset!(
    #[split(train = 0.98, valid = 0.03)]
    pub struct Literal {
        label: u8,
    }

    #[split(train = 0.98, valid = VALID)]
    pub struct Constant {
        label: u8,
    }

    #[split(train = 1.2, valid = -0.2)]
    pub struct Negative {
        label: u8,
    }
);

fn main() {}
