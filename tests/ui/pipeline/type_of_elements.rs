// mistake: 60
// mistake: 71
use ketline::prelude::*;

pipeline!(
    fn mixed(x: F32<B, 4>, ids: I32<B, 4>, wide: F64<B, 4>) -> F32<B, 4> {
        let a = x + ids;
        let b = x * wide;
        let c = gelu(ids);
        let d = embedding(x, rows = 100, dim = 8);
        x
    }
);

fn main() {}
