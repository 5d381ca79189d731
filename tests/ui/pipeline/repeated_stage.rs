// mistake: 63
// mistake: 68
use ketline::prelude::*;

const LAYERS: usize = 0;

pipeline!(
    fn pooled<const S: usize, const H: usize>(x: F32<B, S, H>) -> F32<B, H> {
        #[stage(repeat = 12)]
        let x = mean(x, axes = [1]);
        #[stage(repeat = 2)]
        let y = linear(x, out = H);
        y
    }

    fn never<const H: usize>(x: F32<B, H>) -> F32<B, H> {
        #[stage(repeat = 0)]
        let x = linear(x, out = H);
        x
    }
);

pipeline!(
    fn constant(x: F32<B, 4>) -> F32<B, 4> {
        #[stage(repeat = LAYERS)]
        let x = linear(x, out = 4);
        x
    }
);

fn main() {}
