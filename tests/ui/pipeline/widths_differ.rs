// mistake: 59
use ketline::prelude::*;

pipeline!(
    pub fn bert<const S: usize>(x: F32<B, S, 768>, mask: Bool<B, S>, half: Bool<B, 64>) -> F32<B, S, 512> {
        #[stage]
        let y = encoder(x, mask);
        #[stage]
        let z = encoder(y, half);
        z
    }

    fn encoder<const S: usize>(x: F32<B, S, 512>, mask: Bool<B, S>) -> F32<B, S, 512> {
        x + attention(layer_norm(x), mask, heads = 8)
    }
);

pipeline!(
    fn towers<const H: usize, const K: usize>(a: F32<B, H>, b: F32<B, K>) -> F32<B, H> {
        a + relu(b)
    }
);

fn main() {}
