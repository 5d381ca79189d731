use ketline::prelude::*;

const WIDTH: usize = 32_768;

pipeline!(
    #[fits(devices = 2, memory = 16GiB, batch = 64)]
    fn wide(x: F32<B, 1024>) -> F32<B, 10> {
        #[stage]
        let hidden = relu(linear(x, out = { WIDTH }));
        #[stage]
        let middle = relu(linear(hidden, out = { WIDTH }));
        #[stage]
        let logits = linear(middle, out = 10);
        logits
    }
);

pipeline!(
    #[fits(devices = 4, memory = 256MiB, batch = 64)]
    fn deep(x: F32<B, 1024>) -> F32<B, 1024> {
        #[stage(repeat = 64)]
        let x = block(x);
        x
    }

    fn block<const H: usize>(x: F32<B, H>) -> F32<B, H> {
        x + linear(gelu(linear(layer_norm(x), out = 4 * H)), out = H)
    }
);

fn main() {}
