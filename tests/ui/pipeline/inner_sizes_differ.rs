// mistake: 61
use ketline::prelude::*;

pipeline!(
    fn product<const K: usize, const M: usize>(a: F32<B, 8, K>, b: F32<B, M, 8>) -> F32<B, 8, 8> {
        matmul(a, b)
    }
);

fn main() {}
