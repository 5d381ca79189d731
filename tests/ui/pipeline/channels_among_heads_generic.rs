// mistake: 62
use ketline::prelude::*;

pipeline!(
    fn model<const H: usize>(x: F32<B, 16, H>) -> F32<B, 16, H> {
        #[stage(repeat = 2)]
        let x = block(x);
        x
    }

    fn block<const W: usize>(x: F32<B, 16, W>) -> F32<B, 16, W> {
        x + attention(layer_norm(x), heads = 12)
    }
);

fn main() {
    let _ = model::<768>();
    let _ = model::<100>();
}
