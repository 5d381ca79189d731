// mistake: 62
use ketline::prelude::*;

const WIDTH: usize = 768;

pipeline!(
    fn odd<const S: usize>(x: F32<B, S, 768>) -> F32<B, S, 768> {
        attention(x, heads = 7)
    }
);

pipeline!(
    fn constant(x: F32<B, 16, { WIDTH }>) -> F32<B, 16, { WIDTH }> {
        attention(x, heads = 10)
    }
);

fn main() {}
