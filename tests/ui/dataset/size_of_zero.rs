// mistake: 82
use ketline::prelude::*;

const SIDE: usize = 0;

dataset!(
    pub struct Literal {
        image: U8<3, 0, 224>,
    }

    pub struct Constant {
        image: U8<SIDE, 224>,
    }
);

fn main() {}
