// mistake: 66
// mistake: 67
use ketline::prelude::*;

pipeline!(
    fn gaps(x: F32<B, 4>) -> F32<B, 4> {
        #[stage]
        let a = linear(x, out = 4);
        let b = relu(a);
        #[stage]
        let c = linear(b, out = 4);
        #[stage]
        let d = gelu(c);
        softmax(c)
    }

    fn outer(x: F32<B, 4>) -> F32<B, 4> {
        #[stage]
        let y = inner(x);
        y
    }

    fn inner(x: F32<B, 4>) -> F32<B, 4> {
        #[stage]
        let y = {
            #[stage]
            let z = linear(x, out = 4);
            relu(z)
        };
        y
    }
);

fn main() {}
