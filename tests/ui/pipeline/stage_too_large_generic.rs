use ketline::prelude::*;

pipeline!(
    #[fits(devices = 4, memory = 256MiB, batch = 64)]
    fn deep<const H: usize, const L: usize>(x: F32<B, H>) -> F32<B, H> {
        #[stage(repeat = L)]
        let x = block(x);
        x
    }

    fn block<const H: usize>(x: F32<B, H>) -> F32<B, H> {
        x + linear(gelu(linear(layer_norm(x), out = 4 * H)), out = H)
    }
);

fn main() {
    let _ = deep::<256, 16>();
    let _ = deep::<1024, 16>();
}
