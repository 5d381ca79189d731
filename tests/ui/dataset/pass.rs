//! What stands here compiles, also under strict lints.
#![deny(missing_docs, unused, clippy::pedantic)]
#![allow(clippy::missing_errors_doc)]

use ketline::data::Sample as _;
use ketline::prelude::*;

#[allow(dead_code)]
type Result<T> = std::result::Result<T, ()>;

const SIDE: usize = 28;

dataset!(
    /// ImageNet-1k at 224 px.
    #[chunk(samples = 1024)]
    #[shuffle(chunks = 64, samples = 8192, seed = 7)]
    #[prefetch(chunks = 4, threads = 2)]
    #[split(train = 0.98, valid = 0.02)]
    pub struct ImageNet {
        image: U8<3, 224, 224>,
        #[range(0..1000)]
        label: u16,
    }

    /// Every kind of field.
    #[derive(Clone, Debug)]
    #[chunk(bytes = 64KiB)]
    #[batch(samples = 4)]
    pub(crate) struct Everything {
        square: F32<SIDE, { 2 * SIDE }>,
        flag: bool,
        scalar: F64,
        #[range(-1.0..=1.0)]
        list: Vec<f32>,
        text: String,
        r#type: I64<2, 2, 2, 2>,
    }

    /// A size that its user chooses.
    pub struct Patch<const N: usize> {
        /// Numbers.
        pub values: I16<N, N>,
        label: u8,
    }

    struct Photo {
        #[jpeg]
        image: U8<3, 64, 64>,
        #[range(0..=9)]
        label: u8,
    }
);

fn classes(batch: &ImageNetBatch<'_>) -> usize {
    let image = batch.image;
    assert_eq!(image.shape()[1..], [3, 224, 224]);
    batch.label.iter().map(|label| usize::from(*label)).sum()
}

fn main() {
    let _ = (classes, Patch::<4>::schema());
    assert_eq!(Photo::schema().map(|schema| schema.to_string()).as_deref(), Some("image: jpeg[3, 64, 64], label: u8 in 0..10"));
    let folder = std::env::temp_dir().join(format!("ketline-ui-pass-{}", std::process::id()));
    let mut writer = Everything::create(&folder).expect("a folder that can be written");
    let sample = |at: u8| Everything {
        square: ketline::data::Tensor::zeros(),
        flag: at % 2 == 0,
        scalar: f64::from(at),
        list: vec![0.5; usize::from(at)],
        text: format!("{at}"),
        r#type: ketline::data::Tensor::zeros(),
    };
    for at in 0..10 {
        writer.push(&sample(at)).expect("room for ten samples");
    }
    writer.finish().expect("room for an index");
    let set = Everything::open(&folder).expect("what was written");
    let mut sum = 0.0;
    for batch in set.plan().train().expect("a plan").epoch(0).expect("threads") {
        let batch = batch.expect("a batch");
        let fields = batch.view().expect("its fields");
        sum += fields.scalar.sum();
        for (text, list) in fields.text.iter().zip(fields.list.iter()) {
            assert_eq!(text, list.len().to_string());
        }
        assert_eq!(fields.r#type.shape(), [batch.len(), 2, 2, 2, 2]);
    }
    assert!((sum - 45.0).abs() < 1e-12);
    assert!(writer_refuses(&folder).contains("`list` is 1.5, expected -1..1"));
    let _ = std::fs::remove_dir_all(&folder);
}

fn writer_refuses(folder: &std::path::Path) -> String {
    let mut writer = Everything::create(folder).expect("a folder that can be written");
    let wrong = Everything {
        square: ketline::data::Tensor::zeros(),
        flag: false,
        scalar: 0.0,
        list: vec![1.5],
        text: String::new(),
        r#type: ketline::data::Tensor::zeros(),
    };
    writer.push(&wrong).expect_err("a number outside of its range").to_string()
}
