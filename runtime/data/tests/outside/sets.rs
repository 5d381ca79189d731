//! Sets are written, and read as they were written.

use std::collections::HashSet;

use crate::common::{Folder, epoch, fixed, numbers, record, stored, train, varying, write};
use ketline_data::{Bytes, Codec, Dataset, Error, OnDamage, Raw, Schema, Settings, ndarray};

#[test]
fn what_is_written_is_read() {
    for schema in [fixed(), varying()] {
        let folder = Folder::new("round");
        write(folder.as_ref(), &schema, 1000, Settings::new().chunk_bytes(Bytes::kib(1)).in_order());
        let dataset = Dataset::open(&folder).unwrap();
        assert_eq!((dataset.len(), dataset.is_shuffled()), (1000, false));
        assert_eq!(stored(&dataset), (0..1000).collect::<Vec<_>>());
        assert_eq!(dataset.get(517).unwrap(), Raw(record(517, &schema)));
        assert!(dataset.get(1000).is_err());
        assert_eq!(dataset.verify().unwrap(), dataset.chunks().len() as u64);
        let moments = dataset.statistics().fields[0].unwrap();
        assert_eq!((moments.min, moments.count), (0.0, if schema == fixed() { 4000 } else { 1000 }));
    }
}

#[test]
fn the_shuffle_is_the_same_in_memory_and_on_disk_a_permutation() {
    let schema = varying();
    let wide = Schema::new()
        .field("number", <u32 as ketline_data::Field>::kind())
        .field("rest", <Vec<u8> as ketline_data::Field>::kind());
    let folder = Folder::new("shuffle");
    write(folder.as_ref(), &schema, 5000, Settings::new().chunk_samples(100).seed(1));
    let first = stored(&Dataset::open(&folder).unwrap());
    assert_ne!(first, (0..5000).collect::<Vec<_>>());
    write(folder.as_ref(), &schema, 5000, Settings::new().chunk_samples(100).seed(1).threads(7));
    let mut sorted = first.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..5000).collect::<Vec<_>>());
    // 40 MB through 8 MiB of memory
    let large = Folder::new("spill");
    let mut writer = Settings::new().memory(Bytes::mib(8)).seed(2).create_raw(&large, &wide).unwrap();
    for number in 0..4000_u32 {
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.extend(10_000_u32.to_le_bytes());
        bytes.resize(10_008, number as u8);
        writer.push_bytes(&bytes).unwrap();
    }
    assert_eq!(writer.finish().unwrap().samples, 4000);
    let dataset = Dataset::open(&large).unwrap();
    let mut seen = HashSet::new();
    let mut ordered = 0;
    let mut last = 0;
    for batch in dataset.plan().budget(Bytes::mib(16)).eval().unwrap().pass().unwrap() {
        for sample in batch.unwrap().samples() {
            let Raw(bytes) = sample.unwrap();
            let number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            assert!(bytes[8..].iter().all(|byte| *byte == number as u8));
            assert!(seen.insert(number));
            ordered += u32::from(number > last);
            last = number;
        }
    }
    assert_eq!(seen.len(), 4000);
    // half of the neighbours ascend; five standard deviations are 92
    assert!(ordered.abs_diff(2000) < 92, "{ordered}");
    let files = std::fs::read_dir(&large).unwrap().count();
    assert_eq!(files, 3, "index, chunks and lock: no bucket stays");
}

#[test]
fn chunks_are_added_and_sets_replaced_as_a_whole() {
    let (folder, schema) = (Folder::new("append"), varying());
    write(folder.as_ref(), &schema, 100, Settings::new().chunk_samples(8).in_order());
    let before = Dataset::open(&folder).unwrap();
    let mut writer = Settings::new().chunk_samples(8).in_order().append::<Raw>(&folder).unwrap();
    for number in 100..150 {
        writer.push_bytes(&record(number, &schema)).unwrap();
    }
    assert_eq!(Dataset::open(&folder).unwrap().len(), 100, "nothing is seen before the end");
    assert!(matches!(Settings::new().append::<Raw>(&folder), Err(Error::Locked { .. })));
    writer.finish().unwrap();
    let after = Dataset::open(&folder).unwrap();
    assert_eq!(stored(&after), (0..150).collect::<Vec<_>>());
    assert_eq!(after.statistics().samples, 150);
    // a writer that is dropped leaves what was there, and an open set is read to its end
    drop(Settings::new().create_raw(&folder, &fixed()).unwrap());
    assert_eq!(Dataset::open(&folder).unwrap().len(), 150);
    write(folder.as_ref(), &fixed(), 10, Settings::new());
    assert_eq!(stored(&before), (0..100).collect::<Vec<_>>());
    assert_eq!(Dataset::open(&folder).unwrap().len(), 10);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
}

#[test]
fn samples_that_cannot_be_are_refused() {
    let folder = Folder::new("refused");
    let schema = varying().range(0.0, 1.0);
    let mut writer = Settings::new().create_raw(&folder, &schema.clone()).unwrap();
    assert!(writer.push_bytes(&[0; 7]).unwrap_err().to_string().contains("do not hold `text`"));
    drop(writer);
    assert!(Settings::new().chunk_samples(0).create_raw(&folder, &schema).is_err());
    assert!(matches!(Dataset::open(&folder), Err(Error::NoDataset { .. })));
    assert!(
        Settings::new().chunk_samples(100_000).memory(Bytes::mib(8)).create_raw(&folder, &schema).is_ok()
    );
}

#[test]
fn packed_chunks_are_read_where_the_build_can() {
    for (codec, feature) in [(Codec::Zstd, "zstd"), (Codec::Lz4, "lz4")] {
        for schema in [fixed(), varying()] {
            let folder = Folder::new("packed");
            let settings = Settings::new().codec(codec).chunk_samples(100);
            match settings.clone().create_raw(&folder, &schema) {
                Err(error) => {
                    assert!(error.to_string().contains(&format!("needs the feature `{feature}`")), "{error}");
                }
                Ok(writer) => {
                    drop(writer);
                    write(folder.as_ref(), &schema, 1000, settings);
                    let dataset = Dataset::open(&folder).unwrap();
                    assert!(
                        dataset.chunks().iter().all(|chunk| chunk.codec == codec && chunk.stored < chunk.raw)
                    );
                    let mut all = epoch(&train(&dataset, 4, 32), 0, &schema);
                    all.sort_unstable();
                    assert_eq!(all, (0..1000).collect::<Vec<_>>());
                    assert!(stored(&dataset).contains(&numbers([dataset.get(7).unwrap()], &schema)[0]));
                }
            }
        }
    }
}

#[test]
fn images_are_decoded_where_the_build_can() {
    use ketline_data::{Field as _, Jpeg, Kind};
    let schema = Schema::new().field("image", Jpeg::<3, 8, 8>::kind()).field("label", u8::kind());
    assert_eq!(schema.fields()[0].kind, Kind::Jpeg { shape: [3, 8, 8] });
    let folder = Folder::new("images");
    let mut writer = Settings::new().create_raw(&folder, &schema).unwrap();
    let file = include_bytes!("../../../../examples/data/clothing/hat/1.jpg");
    for (label, bytes) in [(0, &file[..]), (1, &file[..]), (2, &file[..100])] {
        let mut record = (bytes.len() as u32).to_le_bytes().to_vec();
        record.extend(bytes);
        record.push(label);
        writer.push_bytes(&record).unwrap();
    }
    writer.finish().unwrap();
    let dataset = Dataset::open(&folder).unwrap();
    if cfg!(feature = "jpeg") {
        // of three samples one is cut, wherever it lies
        let bad = (0..3).find(|id| dataset.get(*id).unwrap().0.ends_with(&[2])).unwrap();
        let batches = dataset.plan().batch(1).eval().unwrap().pass().unwrap();
        let error = batches.map(|batch| batch.map(drop)).find_map(Result::err).unwrap();
        assert!(matches!(error, Error::Transform { sample, .. } if sample == bad), "{error}");
        // it is passed over if that is wanted, and the others stay what they are
        let skipping = dataset.plan().on_damage(OnDamage::Skip).decoders(2).train().unwrap();
        let mut batches = skipping.epoch(0).unwrap();
        let batch = batches.next().unwrap().unwrap();
        assert_eq!((batch.len(), batch.ids().contains(&bad), batches.activity().skipped), (2, false, 1));
        let images = batch.columns().tensor::<u8, ketline_data::Axes3<3, 8, 8>>("image").unwrap();
        assert_eq!(images.index_axis(ndarray::Axis(0), 0), images.index_axis(ndarray::Axis(0), 1));
        assert!(images.iter().any(|pixel| *pixel != images[[0, 0, 0, 0]]));
        let mut labels = batch.columns().array::<u8>("label").unwrap().to_owned().into_raw_vec_and_offset().0;
        labels.sort_unstable();
        assert_eq!(labels, [0, 1]);
        assert!(batch.samples().all(|sample| sample.unwrap().0.len() > file.len()));
        assert!(batches.next().is_none());
    } else {
        let found = dataset.plan().share(0.0..0.6, 0).train().unwrap().epoch(0).unwrap().next().unwrap();
        let error = found.unwrap().columns().array::<u8>("image").unwrap_err().to_string();
        assert_eq!(error, "field `image` is jpeg[3, 8, 8], expected a fixed shape");
    }
}
