// mistake: 69
use ketline::prelude::*;

pipeline!(
    fn typo(x: F32<B, 4>) -> F32<B, 2> {
        let h = relu(liner(x, out = 8));
        linear(h, out = 2)
    }
);

fn main() {}
