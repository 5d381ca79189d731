// mistake: 86
use ketline::prelude::*;

dataset!(
    #[chunk(samples = 1024)]
    #[prefetch(chunks = 64, memory = 4GiB)]
    pub struct ImageNet {
        image: U8<3, 224, 224>,
        label: u16,
    }
);

fn main() {}
