//! Sets are written and read; loaders hand out each sample once.
#![allow(missing_docs)]

mod common;

use std::collections::HashSet;
use std::sync::Arc;

use common::{Folder, cases, fixed, numbers, record, stored, varying, write};
use ketline_data::{
    Bytes, Codec, Dataset, Disk, Error, Loader, OnDamage, Position, Raw, Reader, Sampler, Schema, Settings,
    Storage, ndarray,
};
use proptest::prelude::*;

fn train(dataset: &Dataset, open: usize, batch: usize) -> Loader<Raw> {
    dataset.plan().batch(batch).open_chunks(open).ahead(2).budget(Bytes::mib(8)).seed(3).train().unwrap()
}

fn epoch(loader: &Loader<Raw>, number: u64, schema: &Schema) -> Vec<u32> {
    let batches = loader.epoch(number).unwrap();
    let samples = batches.flat_map(|batch| batch.unwrap().samples().map(Result::unwrap).collect::<Vec<_>>());
    numbers(samples, schema)
}

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

/// Batches read by a ring are those of the pool, bit for bit, packed chunks and damage included.
#[test]
fn a_ring_reads_what_threads_read() {
    for (schema, codec) in [(fixed(), Codec::None), (varying(), Codec::None), (varying(), Codec::Lz4)] {
        let folder = Folder::new("ring");
        let settings = Settings::new().chunk_samples(50).codec(codec);
        if settings.clone().create_raw(&folder, &schema).is_err() {
            continue;
        }
        write(folder.as_ref(), &schema, 3000, settings);
        let open = || Dataset::open(&folder).unwrap();
        let plan = |set: &Dataset| set.plan().batch(64).lanes(2).open_chunks(5).ahead(9).seed(4);
        let ring = match plan(&open()).ring(16).train() {
            Err(Error::Feature { feature: "io_uring", .. }) if !cfg!(feature = "io_uring") => return,
            loader => loader.unwrap(),
        };
        assert_eq!(ring.plan().reader(), Reader::Ring(16));
        let start = match ring.epoch(0) {
            // a sandbox may refuse; the error says so, and what else can be done
            Err(error @ Error::Ring { .. }) => {
                return assert!(error.to_string().contains("threads can read instead"), "{error}");
            }
            epoch => {
                epoch.unwrap().next().unwrap().unwrap().samples().map(Result::unwrap).collect::<Vec<_>>()
            }
        };
        let pool = epoch(&plan(&open()).threads(2).train().unwrap(), 0, &schema);
        assert_eq!(numbers(start, &schema), pool[..64]);
        assert_eq!(epoch(&ring, 0, &schema), pool);
        let activity = |loader: &Loader<Raw>| {
            let mut epoch = loader.epoch(1).unwrap();
            assert!(epoch.by_ref().all(|batch| batch.is_ok()));
            epoch.activity()
        };
        assert_eq!((activity(&ring).chunks, activity(&ring).bytes.0 % 4096), (60, 0));
        // a file that is cut while it is read
        let path = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let path = path.into_iter().find(|path| path.extension().is_some_and(|end| end == "chunks")).unwrap();
        let cut = plan(&open()).ring(16).train().unwrap();
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(8192).unwrap();
        let error = cut.epoch(0).unwrap().find_map(Result::err).unwrap();
        assert!(error.is_damage() && error.to_string().contains("the file ends at "), "{error}");
    }
    let folder = Folder::new("depth");
    write(folder.as_ref(), &fixed(), 10, Settings::new());
    assert!(Dataset::open(&folder).unwrap().plan().ring(0).train().is_err());
}

#[test]
fn images_are_decoded_where_the_build_can() {
    use ketline_data::{Field as _, Jpeg, Kind};
    let schema = Schema::new().field("image", Jpeg::<3, 8, 8>::kind()).field("label", u8::kind());
    assert_eq!(schema.fields()[0].kind, Kind::Jpeg { shape: [3, 8, 8] });
    let folder = Folder::new("images");
    let mut writer = Settings::new().create_raw(&folder, &schema).unwrap();
    let file = include_bytes!("../../../examples/data/clothing/hat/1.jpg");
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(10_000)))]

    /// With budgets, threads, ranks, lanes and ragged ends; some on a real disk, the others in memory, which is faster.
    #[test]
    fn each_sample_comes_once_on_all_ranks(
        samples in 0_u32..700, chunk in 1_usize..40, open in 1_usize..9, threads in 1_usize..4,
        rows in 1_usize..20, (ranks, per_rank) in (1_usize..4, 1_usize..3), varies: bool, seed: u64, from in 0.0..1.0,
        budget in proptest::option::of(1_u64..60), disk in proptest::bool::weighted(0.01),
    ) {
        let (folder, lanes) = (Folder::new("once"), ranks * per_rank);
        let schema = if varies { varying() } else { fixed() };
        let storage: Arc<dyn Storage> = if disk { Arc::new(Disk::default()) } else { ketline_data::fuzzing::memory() };
        let settings = Settings::new().chunk_samples(chunk).seed(seed).threads(1).storage(Arc::clone(&storage));
        write(folder.as_ref(), &schema, samples, settings);
        let dataset = Dataset::<Raw>::open_in(&folder, &*storage).unwrap();
        // open chunks are given, or what a budget has room for
        let open = match budget.map(|kib| dataset.plan().batch(rows * lanes).lanes(lanes).budget(Bytes::kib(kib)).train()) {
            None => open,
            Some(Ok(loader)) => loader.plan().open_chunks() / lanes,
            Some(Err(Error::Budget { .. })) => return Ok(()),
            Some(Err(error)) => return Err(TestCaseError::fail(error.to_string())),
        };
        let plan = |rank| {
            let planner = dataset.plan().batch(rows * lanes).open_chunks(open).ahead(1).threads(threads).lanes(lanes);
            planner.rank(rank, ranks).budget(Bytes::mib(64)).seed(seed).train().unwrap()
        };
        let (mut all, mut read) = (Vec::new(), 0);
        let alone = dataset.plan().batch(rows * lanes).open_chunks(open).ahead(3).lanes(lanes).budget(Bytes::mib(64)).seed(seed);
        let alone = alone.train().unwrap();
        let mut whole = Vec::new();
        for batch in alone.epoch(1).unwrap() {
            whole.push(batch.unwrap().ids().iter().copied().collect::<HashSet<u64>>());
        }
        for rank in 0..ranks {
            let loader = plan(rank);
            let mut batches = loader.epoch(1).unwrap();
            let (mut tail, mut number) = (Vec::new(), 0);
            let start = (from * loader.plan().batches(1) as f64) as u64;
            let mut position = None;
            loop {
                if number == start {
                    position = Some(batches.position());
                }
                let Some(batch) = batches.next() else { break };
                let batch = batch.unwrap();
                prop_assert!(batch.len() <= rows * per_rank);
                // the same batches as with one rank
                prop_assert!(batch.ids().iter().all(|id| whole[number as usize].contains(id)));
                let own = numbers(batch.samples().map(Result::unwrap), &schema);
                if number >= start {
                    tail.extend(own.clone());
                }
                all.extend(own);
                number += 1;
            }
            read += batches.activity().chunks;
            // goes on bit for bit, from the text of the position
            let position: Position = position.unwrap().to_string().parse().unwrap();
            let resumed = loader.resume(&position).unwrap();
            let resumed = resumed.flat_map(|batch| batch.unwrap().samples().map(Result::unwrap).collect::<Vec<_>>());
            prop_assert_eq!(numbers(resumed, &schema), tail);
        }
        all.sort_unstable();
        prop_assert_eq!(all, (0..samples).collect::<Vec<_>>());
        prop_assert_eq!(read, dataset.chunks().len() as u64);
    }
}

#[test]
fn the_order_is_that_of_the_plan_whatever_the_threads() {
    let (folder, schema) = (Folder::new("same"), varying());
    write(folder.as_ref(), &schema, 3000, Settings::new().chunk_samples(30));
    let dataset = Dataset::open(&folder).unwrap();
    let loader = train(&dataset, 10, 64);
    let first = epoch(&loader, 0, &schema);
    let ids: Vec<u64> = loader.epoch(0).unwrap().flat_map(|batch| batch.unwrap().ids().to_vec()).collect();
    assert_eq!(loader.plan().order(0).collect::<Vec<_>>(), ids);
    assert_ne!(epoch(&loader, 1, &schema), first);
    let other = dataset.plan().batch(64).open_chunks(10).ahead(9).threads(5).budget(Bytes::mib(8)).seed(3);
    assert_eq!(epoch(&other.train().unwrap(), 0, &schema), first);
    let position = loader.epoch(0).unwrap().position();
    let error = train(&dataset, 9, 64).resume(&position).unwrap_err().to_string();
    assert_eq!(error, "the place to go on from is of a run with open 10, expected 9");
    assert!(dataset.plan().like(&position).batch(64).train().unwrap().resume(&position).is_ok());
}

#[test]
fn figures_of_an_order_are_near_a_random_one() {
    let (folder, schema) = (Folder::new("figures"), fixed());
    write(folder.as_ref(), &schema, 40_000, Settings::new().chunk_samples(50));
    let dataset = Dataset::open(&folder).unwrap();
    let plan =
        |open| dataset.plan().batch(256).open_chunks(open).ahead(2).budget(Bytes::mib(32)).train().unwrap();
    let good = plan(170).plan().randomness(0);
    // more than the chunks that draws from 170 open ones would meet: A (1 - (1 - 1/A)^B)
    assert!(good.chunks > 132.4 && good.bins > 120.0, "{good}");
    assert!(good.bias.abs() < 0.05 && (good.displacement - 1.0).abs() < 0.05, "{good}");
    assert!(good.chunks_at_ends.0 > 40.0 && good.chunks_at_ends.1 > 40.0, "{good}");
    let poor = plan(4).plan().randomness(0);
    assert!(poor.chunks < 12.0 && poor.pairs > 20.0, "{poor}");
}

#[test]
fn splits_and_shares_are_disjoint() {
    let (folder, schema) = (Folder::new("splits"), fixed());
    write(folder.as_ref(), &schema, 1000, Settings::new().chunk_samples(30));
    let dataset = Dataset::open(&folder).unwrap();
    let share = |share| {
        let loader = dataset.plan().batch(10).share(share, 5).train().unwrap();
        epoch(&loader, 2, &schema)
    };
    let (train, valid) = (share(0.0..0.9), share(0.9..1.0));
    assert_eq!((train.len(), valid.len()), (900, 100));
    assert_eq!(train.iter().chain(&valid).collect::<HashSet<_>>().len(), 1000);
    assert!(dataset.plan().share(0.5..0.5, 0).train().is_err());
    let error = dataset.plan().split("valid").train().unwrap_err().to_string();
    assert_eq!(error, "the split is `valid`, expected one of []");
}

#[test]
fn drop_last_is_the_same_number_of_full_batches_on_each_rank() {
    let (folder, schema) = (Folder::new("last"), fixed());
    write(folder.as_ref(), &schema, 1001, Settings::new().chunk_samples(30));
    let dataset = Dataset::open(&folder).unwrap();
    let counts: Vec<usize> = (0..2)
        .map(|rank| {
            let loader = dataset.plan().batch(64).rank(rank, 2).drop_last().train().unwrap();
            loader.epoch(0).unwrap().map(|batch| assert_eq!(batch.unwrap().len(), 32)).count()
        })
        .collect();
    // the second rank has 16 of 34 chunks: 480 samples
    assert_eq!(counts, [15, 15]);
}

#[test]
fn samplers_repeat_within_chunks() {
    let (folder, schema) = (Folder::new("weights"), fixed());
    write(folder.as_ref(), &schema, 2000, Settings::new().chunk_samples(40).in_order());
    let dataset = Dataset::open(&folder).unwrap();
    let heavy = Sampler::weighted((0..2000).map(|id| if id < 1000 { 1.0 } else { 3.0 })).unwrap();
    let loader = dataset.plan().batch(50).sampler(heavy).seed(1).train().unwrap();
    let mut batches = loader.epoch(0).unwrap();
    let drawn: Vec<u64> = batches.by_ref().flat_map(|batch| batch.unwrap().ids().to_vec()).collect();
    assert_eq!(batches.activity().chunks, 50, "each chunk is read once");
    let late = drawn.iter().filter(|id| **id >= 1000).count();
    assert!(drawn.len().abs_diff(2000) < 120 && late.abs_diff(1500) < 110, "{} {late}", drawn.len());
    assert!(matches!(dataset.plan().sampler(Sampler::WithReplacement).eval(), Err(Error::Sampler { .. })));
}

#[test]
fn budgets_are_limits() {
    let (folder, schema) = (Folder::new("budget"), fixed());
    write(folder.as_ref(), &schema, 10_000, Settings::new().chunk_bytes(Bytes::kib(4)));
    let dataset = Dataset::open(&folder).unwrap();
    let error = dataset.plan().batch(100).budget(Bytes::kib(8)).train().unwrap_err().to_string();
    assert!(error.starts_with("a budget of 8 KiB is too small, expected at least "), "{error}");
    for kib in [40, 100, 1000] {
        let loader = dataset.plan().batch(100).budget(Bytes::kib(kib)).train().unwrap();
        assert!(loader.plan().resident() <= Bytes::kib(kib), "{}", loader.plan());
        assert!(loader.epoch(0).unwrap().all(|batch| batch.is_ok()));
    }
    let loader = dataset.plan().batch(100).batches_held(2).train().unwrap();
    let mut batches = loader.epoch(0).unwrap();
    let held = [batches.next().unwrap().unwrap(), batches.next().unwrap().unwrap()];
    let error = batches.next().unwrap().unwrap_err().to_string();
    assert_eq!(error, "3 batches are held at once, expected at most 2; drop one or plan for more");
    drop(held);
    let kept: Vec<_> = loader.epoch(0).unwrap().collect();
    assert!(kept.len() == 3 && kept[2].is_err(), "who keeps all batches gets one error, and no more");
    drop(kept);
    assert_eq!(batches.map(|batch| batch.unwrap().len()).sum::<usize>(), 9800, "nothing was lost");
}

#[test]
fn baselines_give_each_sample_once() {
    use ketline_data::baseline::Baseline;
    for schema in [fixed(), varying()] {
        let folder = Folder::new("baseline");
        write(folder.as_ref(), &schema, 900, Settings::new().chunk_samples(30));
        let dataset = Dataset::open(&folder).unwrap();
        for (way, reads) in [
            (Baseline::Random, 900..901),
            (Baseline::RandomAhead { depth: 8 }, 900..901),
            (Baseline::ShuffleBuffer { samples: 100 }, 30..31),
            // two thirds of the accesses miss a cache of a third of the chunks
            (Baseline::ChunkCache { chunks: 10 }, 500..700),
        ] {
            let mut epoch = way.epoch(&dataset, 64, 5, 0).unwrap();
            let mut seen = Vec::new();
            for batch in epoch.by_ref() {
                let batch = batch.unwrap();
                assert_eq!(batch.columns(&dataset).unwrap().ids(), batch.ids);
                seen.extend(numbers(batch.read::<Raw>().map(Result::unwrap), &schema));
            }
            assert!(reads.contains(&epoch.read().1), "{way:?}: {:?}", epoch.read());
            seen.sort_unstable();
            assert_eq!(seen, (0..900).collect::<Vec<_>>());
        }
        assert!(Baseline::Random.epoch(&dataset, 0, 0, 0).is_err());
    }
}

#[test]
fn transforms_run_ahead_and_their_faults_name_the_sample() {
    use ketline_data::OnFault;
    let (folder, schema) = (Folder::new("map"), fixed());
    write(folder.as_ref(), &schema, 1000, Settings::new().chunk_samples(30));
    let dataset = Dataset::open(&folder).unwrap();
    let loader = dataset.plan().batch(64).batches_held(3).seed(3).train().unwrap();
    let plain = epoch(&loader, 0, &schema);
    let ahead = loader.epoch(0).unwrap().ahead().unwrap();
    let ids = ahead.flat_map(|batch| numbers(batch.unwrap().samples().map(Result::unwrap), &fixed()));
    assert_eq!(ids.collect::<Vec<_>>(), plain);
    drop(loader.epoch(0).unwrap().ahead().unwrap());
    let mapped = |on_fault| {
        loader.epoch(0).unwrap().transform(3, on_fault, |id, Raw(bytes)| {
            assert!(id != 77, "no 77");
            if id == 78 { Err("no 78".into()) } else { Ok(bytes[0]) }
        })
    };
    let mut skipping = mapped(OnFault::Skip);
    let values: Vec<_> = skipping.by_ref().flat_map(Result::unwrap).collect();
    assert_eq!((values.len(), skipping.skipped()), (998, 2));
    let error = mapped(OnFault::Stop).find_map(Result::err).unwrap().to_string();
    assert!(
        error == "the transform of sample 77 panicked: no 77" || error.ends_with("78 failed: no 78"),
        "{error}"
    );
}
