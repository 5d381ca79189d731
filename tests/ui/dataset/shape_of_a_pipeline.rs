// mistake: 87
use ketline::prelude::*;

use ketline::data::ndarray::ArrayView4;

dataset!(
    pub struct ImageNet {
        image: U8<3, 224, 224>,
        #[range(0..1000)]
        label: u16,
    }
);

fn forward(images: ArrayView4<'_, f32>) -> usize {
    images.len()
}

fn train(batch: &ImageNetBatch<'_>) -> usize {
    forward(batch.image)
}

fn main() {}
