// mistake: 74
use ketline::prelude::*;

const BATCH: usize = 10;

pipeline!(
    #[fits(devices = 2, memory = 1GiB, batch = 10, microbatches = 4)]
    fn uneven(x: F32<B, 4>) -> F32<B, 4> {
        #[stage]
        let a = linear(x, out = 4);
        #[stage]
        let b = linear(a, out = 4);
        b
    }
);

pipeline!(
    #[fits(devices = 3, memory = 1GiB, batch = 12)]
    fn idle(x: F32<B, 4>) -> F32<B, 4> {
        #[stage(repeat = 2)]
        let x = linear(x, out = 4);
        x
    }
);

pipeline!(
    #[fits(devices = 4, memory = 1GiB, batch = BATCH)]
    fn constant(x: F32<B, 4>) -> F32<B, 4> {
        #[stage(repeat = 4)]
        let x = linear(x, out = 4);
        x
    }
);

fn main() {}
