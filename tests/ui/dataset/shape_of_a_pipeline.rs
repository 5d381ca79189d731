// mistake: 87
use ketline::prelude::*;

dataset!(
    pub struct ImageNet {
        image: U8<3, 224, 224>,
        #[range(0..1000)]
        label: u16,
    }
);

pipeline!(
    pub fn classifier(x: F32<B, 3, 224, 224>) -> F32<B, 1000> {
        linear(flatten(x), out = 1000)
    }
);

fn inputs<'a>(batch: &ImageNetBatch<'a>) -> ClassifierInputs<'a> {
    ClassifierInputs { x: batch.image }
}

fn main() {}
