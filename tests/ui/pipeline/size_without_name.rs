// mistake: 75
use ketline::prelude::*;

pipeline!(
    fn misread(x: F32<B, 4>, ids: I32<B>) -> F32<B, 2> {
        let a = linear(x, 2);
        let b = linear(x);
        let c = linear(x, uot = 2);
        let d = linear(x, out = 0);
        let e = linear(x, out = B);
        let f = matmul(x);
        let g = dropout(x, probability = 0.1, name = "drop");
        linear(x, out = 2)
    }
);

fn main() {}
