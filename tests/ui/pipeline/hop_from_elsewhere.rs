// mistake: 73
use ketline::prelude::*;

pipeline!(
    fn sage(h: F32<V0, 16>, hop0: Hop<V0, V1, E0>, hop1: Hop<V1, V2, E1>) -> F32<V2, 8> {
        let near = relu(linear(aggregate(h, hop0), out = 8));
        let far = aggregate(h, hop1);
        aggregate(near, hop1)
    }
);

fn main() {}
