#![deny(warnings, missing_docs, clippy::pedantic)]
//! Pipelines that compile and do what they say.
use ketline::model::{Error, Graph, Sizes};
use ketline::prelude::*;

/// A redefined `Result` disturbs nobody.
pub type Result<T> = std::result::Result<T, String>;

/// A constant of the name that a size has elsewhere.
pub const S: usize = 3;
/// Channels.
pub const WIDTH: usize = 16;
const ROWS: [usize; 3] = [10, 20, 30];

pipeline!(
    /// A BERT-like classifier.
    #[fits(devices = 4, memory = 16GiB, batch = 64)]
    pub fn bert<const S: usize, const H: usize>(ids: I32<B, S>, mask: Bool<B, S>) -> F32<B, 2> {
        #[stage]
        let x = {
            let token = embedding(ids, rows = 30_522, dim = H);
            let place = embedding(arange(S), rows = 512, dim = H);
            layer_norm(token + place)
        };
        #[stage(repeat = 12)]
        let x = encoder(x, mask);
        #[stage]
        let logits = linear(x.at(axis = 1, index = 0), out = 2);
        logits
    }

    fn encoder<const S: usize, const H: usize>(x: F32<B, S, H>, mask: Bool<B, S>) -> F32<B, S, H> {
        let a = x + attention(layer_norm(x), mask, heads = 12);
        a + linear(gelu(linear(layer_norm(a), out = 4 * H)), out = H)
    }
);

mod library {
    use ketline::prelude::*;

    pipeline!(
        /// A head with a size that follows from no argument, and a plain value.
        pub(crate) fn head<const H: usize, const K: usize>(x: F32<B, H>, scale: f64) -> F32<B, K> {
            let y = linear(scale * x, out = K, bias = false);
            y
        }
    );
}

use library::head;

pipeline!(
    /// Bags, hops, several results, plain values, constants.
    pub fn mixed<const H: usize>(
        dense: F32<B, { WIDTH }>,
        bags: [I32<B, 1>; 3],
        targets: I32<B>,
        layers: usize,
        scale: f64,
    ) -> (F32<B, 3>, F32<B, 4>, F32) {
        #[stage]
        let bottom = relu(linear(dense, out = 8));
        #[stage]
        let sums = embedding_bags(bags, rows = ROWS, dim = 8, deviation = 1.0);
        #[stage]
        let products = {
            let all = concat(reshape(bottom, shape = [B, 1, 8]), sums, axis = 1);
            lower_triangle(matmul(all, transpose(all)))
        };
        #[stage]
        let h = linear(concat(bottom, products, axis = 1), out = H);
        #[stage(repeat = layers, name = "tower")]
        let h = {
            let double = 2 * H;
            h + linear(silu(linear(h, out = double, name = "up")), out = H, name = "down") / 2
        };
        #[stage]
        let logits = library::head::<_, 3>(h, scale);
        #[stage]
        let other = head::<H, 4>(-h, 0.5);
        #[stage]
        let loss = cross_entropy(logits, targets) + mean(square(other - 1.0), axes = [0, 1]);
        (logits, other, loss)
    }

    /// Two hops of a graph.
    pub fn sage(h: F32<V0, 16>, hop0: Hop<V0, V1, E0>, hop1: Hop<V1, V2, E1>) -> F32<V2, 8> {
        let near = layer(h, hop0);
        let far = layer(near, hop1);
        far
    }

    fn layer<const H: usize>(h: F32<V, H>, hop: Hop<V, W, E>) -> F32<W, 8> {
        relu(linear(aggregate(h, hop), out = 8))
    }
);

pipeline!(
    /// What is read when the model is built is checked then.
    #[fits(devices = 2, memory = 1MiB, batch = 8)]
    pub fn sized(x: F32<B, width>, width: usize) -> F32<B, width> {
        #[stage(repeat = 2)]
        let x = linear(x, out = width);
        x
    }
);

fn checked(graph: &Graph, names: &[&str]) {
    for name in names {
        assert!(graph.find(name).is_ok(), "{name}: {:?}", graph.find(name));
    }
}

fn main() {
    let graph = bert::<128, 96>().expect("bert");
    assert_eq!((graph.stages().len(), graph.stages()[1].as_str()), (14, "encoder.0"));
    checked(&graph, &["token.weight", "place.weight", "layer_norm.weight", "logits.bias"]);
    checked(&graph, &["encoder.11.attention.qkv.weight", "encoder.3.linear_1.weight"]);

    let graph = mixed::<24>(2, 0.5).expect("mixed");
    assert_eq!(graph.outputs().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["logits", "other", "loss"]);
    checked(&graph, &["bags.2", "sums.2.weight", "tower.1.up.weight", "logits.y.weight", "other.y.weight", "h.weight"]);
    assert!(graph.find("logits.y.bias").is_err());
    assert!(matches!(mixed::<24>(0, 0.5), Err(Error::Setting { name: "repeat", .. })));
    assert_eq!(graph.needs(&Sizes::new().with("B", 4)).expect("needs").len(), 9);

    let graph = sage().expect("sage");
    checked(&graph, &["hop1.from", "near.linear.weight", "far.linear.weight"]);

    assert!(sized(16).is_ok());
    assert!(matches!(sized(1024), Err(Error::StageDoesNotFit { .. })));
}
