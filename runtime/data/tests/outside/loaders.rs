//! Loaders hand out each sample once, in the order of their plan, within its budget.

use std::collections::HashSet;
use std::sync::Arc;

use crate::common::{Folder, cases, epoch, fixed, numbers, train, varying, write};
use ketline_data::{
    Bytes, Codec, Dataset, Disk, Error, Loader, Position, Raw, Reader, Sampler, Schema, Settings, Storage,
};
use proptest::prelude::*;

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

/// A set and a way to read it.
#[derive(Clone, Debug)]
struct Case {
    samples: u32,
    chunk: usize,
    open: usize,
    /// In KiB; chunks are then open as it has room for.
    budget: Option<u64>,
    threads: usize,
    rows: usize,
    ranks: usize,
    /// Lanes of each rank.
    lanes: usize,
    seed: u64,
    /// Where a run is left, as a share of the epoch.
    left: f64,
    /// On a real disk; memory is faster.
    disk: bool,
}

prop_compose! {
    fn any_case()(
        (samples, chunk, rows) in (0_u32..300, 1_usize..40, 1_usize..20),
        (open, budget, threads) in (1_usize..9, proptest::option::of(1_u64..60), 1_usize..4),
        (ranks, lanes, seed) in (1_usize..4, 1_usize..3, any::<u64>()),
        (left, disk) in (0.0..1.0, proptest::bool::weighted(0.01)),
    ) -> Case {
        Case { samples, chunk, open, budget, threads, rows, ranks, lanes, seed, left, disk }
    }
}

fn comes_once(case: &Case, schema: &Schema) -> Result<(), TestCaseError> {
    let Case { samples, chunk, open, budget, threads, rows, ranks, lanes: per_rank, seed, left, disk } =
        *case;
    let (folder, lanes) = (Folder::new("once"), ranks * per_rank);
    let storage: Arc<dyn Storage> =
        if disk { Arc::new(Disk::default()) } else { ketline_data::fuzzing::memory() };
    let settings = Settings::new().chunk_samples(chunk).seed(seed).threads(1).storage(Arc::clone(&storage));
    write(folder.as_ref(), schema, samples, settings);
    let dataset = Dataset::<Raw>::open_in(&folder, &*storage).unwrap();
    // open chunks are given, or what a budget has room for
    let open = match budget
        .map(|kib| dataset.plan().batch(rows * lanes).lanes(lanes).budget(Bytes::kib(kib)).train())
    {
        None => open,
        Some(Ok(loader)) => loader.plan().open_chunks() / lanes,
        Some(Err(Error::Budget { .. })) => return Ok(()),
        Some(Err(error)) => return Err(TestCaseError::fail(error.to_string())),
    };
    let plan = |rank| {
        let planner =
            dataset.plan().batch(rows * lanes).open_chunks(open).ahead(1).threads(threads).lanes(lanes);
        planner.rank(rank, ranks).budget(Bytes::mib(64)).seed(seed).train().unwrap()
    };
    let (mut all, mut read) = (Vec::new(), 0);
    let alone = dataset
        .plan()
        .batch(rows * lanes)
        .open_chunks(open)
        .ahead(3)
        .lanes(lanes)
        .budget(Bytes::mib(64))
        .seed(seed);
    let alone = alone.train().unwrap();
    let mut whole = Vec::new();
    for batch in alone.epoch(1).unwrap() {
        whole.push(batch.unwrap().ids().iter().copied().collect::<HashSet<u64>>());
    }
    for rank in 0..ranks {
        let loader = plan(rank);
        let mut batches = loader.epoch(1).unwrap();
        let (mut tail, mut number) = (Vec::new(), 0);
        let start = (left * loader.plan().batches(1) as f64) as u64;
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
            let own = numbers(batch.samples().map(Result::unwrap), schema);
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
        let resumed =
            resumed.flat_map(|batch| batch.unwrap().samples().map(Result::unwrap).collect::<Vec<_>>());
        prop_assert_eq!(numbers(resumed, schema), tail);
    }
    all.sort_unstable();
    prop_assert_eq!(all, (0..samples).collect::<Vec<_>>());
    prop_assert_eq!(read, dataset.chunks().len() as u64);
    Ok(())
}

// Two tests of half of the cases each, because they run beside each other.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(5000)))]

    #[test]
    fn samples_of_one_size_come_once_on_all_ranks(case in any_case()) {
        comes_once(&case, &fixed())?;
    }

    #[test]
    fn samples_of_any_size_come_once_on_all_ranks(case in any_case()) {
        comes_once(&case, &varying())?;
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
