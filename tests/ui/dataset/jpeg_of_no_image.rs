// mistake: 84
use ketline::prelude::*;

dataset!(
    pub struct Sound {
        #[jpeg]
        audio: F32<16_000>,
    }

    pub struct Grey {
        #[jpeg]
        image: U8<28, 28>,
    }
);

fn main() {}
