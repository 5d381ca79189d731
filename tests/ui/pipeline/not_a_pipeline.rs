use ketline::prelude::*;

pipeline!(
    async fn odd<T>(self, mut y: F32<B>, x: F32<B, 0>) -> f64 {
        for k in 0..3 {
            let x = relu(x);
        }
        if true {}
        relu(x);
        let z = println!("{}", x);
        #[repeat]
        let z = x % 2.0;
        #[stage(repaet = 2)]
        let z = x;
        let w = {};
        2.0 / x
    }
);

pipeline!(
    #[fits(devices = 2, memory = 16, batch = 8)]
    fn linear(x: F32<B, 2>) -> F32<B, 2> {
        x
    }
);

pipeline!(
    fn caller<const H: usize>(x: F32<B, H>, t: I32<B>, heads: usize) -> F32<B, H> {
        let a = helper(x);
        let b = helper(x, t, out = 2);
        let c = helper(x, x);
        let d = helper(t, heads);
        let (e, f) = helper(x, heads);
        helper(x, heads)
    }

    fn helper<const H: usize, const K: usize>(x: F32<B, H>, heads: usize) -> F32<B, H> {
        x
    }
);

pipeline!(
    fn ping(x: F32<B, { 2 * B }>) -> F32<B, 2> {
        pong(x)
    }

    fn pong(x: F32<B, 4>) -> F32<B, 2> {
        let y = reshape(x, shape = [B + 1, 4]);
        ping(x)
    }
);

pipeline!(
    struct Odd;
);

fn main() {}
