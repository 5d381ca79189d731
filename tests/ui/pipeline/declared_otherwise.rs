// mistake: 64
use ketline::prelude::*;

pipeline!(
    fn classifier<const S: usize, const H: usize>(ids: I32<B, S>) -> F32<B, 2> {
        let x = embedding(ids, rows = 1000, dim = H);
        let logits = linear(x.at(axis = 1, index = 0), out = 3);
        logits
    }

    fn nothing(x: F32<B, 2>) -> F32<B, 2> {
        let y = relu(x);
    }

    fn two(x: F32<B, 2>) -> (F32<B, 2>, F32) {
        relu(x)
    }

    fn silent(x: F32<B, 2>) {
        relu(x)
    }
);

fn main() {}
