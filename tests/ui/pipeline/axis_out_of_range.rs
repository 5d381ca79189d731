// mistake: 72
use ketline::prelude::*;

pipeline!(
    fn axes<const S: usize>(x: F32<B, S, 4>, y: F32<C, S, 4>, z: F32<B, S>) -> F32<B, S, 4> {
        let a = concat(x, x, axis = 3);
        let b = concat(x, y, axis = 1);
        let c = stack(x, y, axis = 0);
        let d = x.at(axis = 3, index = 0);
        let e = x.at(axis = 2, index = 4);
        let f = mean(z, axes = [0, 2]);
        let g = permute(x, axes = [1, 0]);
        let h = reshape(x, shape = [B, 4]);
        let i = slice(x, axis = 2, range = 1..6);
        x
    }
);

fn main() {}
