// mistake: 65
use ketline::prelude::*;

pipeline!(
    fn late<const S: usize>(ids: I32<B, S>) -> F32<B, S, 8> {
        #[stage]
        let x = attention(embedding(ids, rows = 100, dim = 8), mask, heads = 2);
        #[stage]
        let y = x + later;
        #[stage]
        let later = relu(y);
        later
    }

    fn twice(x: F32<B, 2>, x: F32<B, 2>) -> F32<B, 2> {
        x
    }

    fn endless(x: F32<B, 2>) -> F32<B, 2> {
        endless(x)
    }
);

fn main() {}
