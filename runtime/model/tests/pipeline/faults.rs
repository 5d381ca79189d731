//! What goes wrong in a stage ends the step on all of them, with an error that says where.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ketline_fabric::{Endpoint, Options};
use ketline_model::exec::{Pipeline, PipelineOptions, Program, ProgramOptions};
use ketline_model::plan::{Derived, Eviction, Partition, PipelineSchedule};
use ketline_model::{Error, Sizes};

use super::cases::{Case, MICRO_BATCHES, Values, case, partition};

const PATIENCE: Duration = Duration::from_millis(300);

/// What an endpoint does when its time has come.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Fails,
    Panics,
    Hangs,
}

/// An endpoint that goes wrong in its `at`-th call.
#[derive(Debug)]
struct Faulty {
    inner: Box<dyn Endpoint>,
    fault: Fault,
    at: usize,
    calls: Arc<AtomicUsize>,
}

impl Faulty {
    fn call(&self) -> ketline_fabric::Result<()> {
        if self.calls.fetch_add(1, Ordering::Relaxed) != self.at {
            return Ok(());
        }
        match self.fault {
            Fault::Fails => Err(ketline_fabric::Error::Gone { peer: 99 }),
            Fault::Panics => panic!("a bit fell over"),
            Fault::Hangs => {
                std::thread::sleep(3 * PATIENCE);
                Ok(())
            }
        }
    }
}

impl Endpoint for Faulty {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn send(&self, to: usize, tag: u64, bytes: &[u8]) -> ketline_fabric::Result<()> {
        self.call()?;
        self.inner.send(to, tag, bytes)
    }

    fn receive(&self, from: usize, tag: u64, bytes: &mut [u8]) -> ketline_fabric::Result<()> {
        self.call()?;
        self.inner.receive(from, tag, bytes)
    }

    fn abort(&self, reason: &str) {
        self.inner.abort(reason);
    }
}

fn started(case: &Case, derived: &Derived, partition: &Partition) -> Pipeline {
    let mut pipeline = Pipeline::new(derived, partition, &case.sizes, &PipelineOptions::default()).unwrap();
    give(case, &mut pipeline);
    pipeline
}

fn give(case: &Case, pipeline: &mut Pipeline) {
    for (m, inputs) in case.inputs.iter().enumerate() {
        inputs.iter().for_each(|(name, values)| values.give_stage(pipeline, name, m));
    }
}

#[test]
fn a_worker_that_fails_panics_or_hangs_ends_the_step() {
    let case = case("gpt");
    let derived = Derived::new(&case.graph).unwrap();
    let partition = partition("gpt", PipelineSchedule::OneForwardOneBackward, &[0.3, 0.6], &[0, 1, 2]);
    let options = PipelineOptions::default();
    let mut ended = 0;
    for fault in [Fault::Fails, Fault::Panics, Fault::Hangs] {
        for stage in 0..3 {
            for at in [0, 1, 3, 6, 11].into_iter().filter(|&at| fault != Fault::Hangs || at == 3) {
                let calls = Arc::new(AtomicUsize::new(0));
                let fabric = Options { messages: 64, patience: PATIENCE };
                let mut ends: Vec<Option<Box<dyn Endpoint>>> =
                    ketline_fabric::threads(3, &fabric).unwrap().into_iter().map(Some).collect();
                let inner = ends[stage].take().unwrap();
                ends[stage] = Some(Box::new(Faulty { inner, fault, at, calls: Arc::clone(&calls) }));
                let programs =
                    Program::all(&derived, &partition, &case.sizes, &ProgramOptions::default()).unwrap();
                let ends = ends.into_iter().flatten().collect();
                let mut pipeline = Pipeline::on(&derived, &partition, programs, &options, ends).unwrap();
                give(&case, &mut pipeline);
                let since = Instant::now();
                let result = pipeline.step();
                assert!(since.elapsed() < 8 * PATIENCE, "{fault:?} {stage} {at}: {:?}", since.elapsed());
                if calls.load(Ordering::Relaxed) <= at {
                    assert!(result.is_ok(), "{result:?}");
                    continue;
                }
                ended += 1;
                let error = result.unwrap_err();
                let Error::Stage { stage: found, source, .. } = &error else { panic!("{error}") };
                match fault {
                    Fault::Fails => {
                        assert_eq!(*found, stage, "{error}");
                        assert!(matches!(**source, Error::Fabric(_)), "{error}");
                    }
                    Fault::Panics => {
                        assert_eq!(*found, stage, "{error}");
                        assert!(error.to_string().contains("a bit fell over"), "{error}");
                    }
                    // who waited names whom
                    Fault::Hangs => assert!(
                        matches!(**source, Error::Fabric(ketline_fabric::Error::Patience { .. })),
                        "{error}"
                    ),
                }
                // and the group stays at its end
                assert!(pipeline.step().is_err());
            }
        }
    }
    assert!(ended > 25, "{ended}");
}

#[test]
fn a_loss_that_is_no_number_leaves_everything_as_it_was() {
    let case = case("norms");
    let derived = Derived::new(&case.graph).unwrap();
    let partition = partition("norms", PipelineSchedule::OneForwardOneBackward, &[0.5], &[0]);
    let mut pipeline = started(&case, &derived, &partition);
    pipeline.step().unwrap();
    let before = pipeline.weights();
    let Values::Reals(x) = &case.inputs[1]["targets"] else { unreachable!() };
    let mut bad = x.clone();
    bad[3] = f32::NAN;
    pipeline.set("targets", 1, &bad).unwrap();
    let error = pipeline.step().unwrap_err();
    assert_eq!(
        error.to_string(),
        "stage 1, micro-batch 1: the loss is NaN in step 2; the parameters are those before this step"
    );
    assert_eq!(pipeline.weights(), before);
    pipeline.set("targets", 1, x).unwrap();
    assert_eq!(pipeline.step().unwrap().step, 2);
}

#[test]
fn an_id_that_is_none_names_stage_micro_batch_and_node() {
    let case = case("gpt");
    let derived = Derived::new(&case.graph).unwrap();
    let partition = partition("gpt", PipelineSchedule::GPipe, &[0.5], &[0]);
    let mut pipeline = started(&case, &derived, &partition);
    pipeline.set("ids", 2, &[77_i32; 10]).unwrap();
    let error = pipeline.step().unwrap_err().to_string();
    assert!(error.starts_with("stage 0, micro-batch 2: `embedding@2`: id 77"), "{error}");
}

#[test]
fn what_cannot_be_is_named() {
    let case = case("gpt");
    let derived = Derived::new(&case.graph).unwrap();
    let schedule = PipelineSchedule::OneForwardOneBackward;
    let plan = |partition: &Partition, cap| {
        let options = PipelineOptions { cap, ..PipelineOptions::default() };
        Pipeline::new(&derived, partition, &case.sizes, &options).map(drop)
    };
    let half = partition("gpt", schedule, &[0.5], &[0]);
    match plan(&half, Some(1000)).unwrap_err() {
        Error::DoesNotFit { stage, bytes, cap: 1000, .. } => {
            assert!(stage.starts_with("stage ") && bytes > 0);
        }
        error => panic!("{error}"),
    }
    let ends: Vec<usize> = (1..=derived.forward()).collect();
    let many = Partition::new(&derived, schedule, 2, &ends);
    assert!(matches!(plan(&many, None), Err(Error::Partition { .. })));
    assert!(matches!(
        plan(&Partition { micro_batches: 0, ..half.clone() }, None),
        Err(Error::Partition { .. })
    ));
    let mut gap = half.clone();
    gap.stages[1].nodes.start += 1;
    assert!(matches!(plan(&gap, None), Err(Error::Partition { .. })));
    // a tensor of the second stage, evicted in the first
    let mut foreign = half.clone();
    let theirs = derived.graph().nodes()[half.stages[1].nodes.end - 1].results[0];
    foreign.stages[0].evictions.insert(theirs, Eviction::Swap);
    assert!(matches!(plan(&foreign, None), Err(Error::Partition { .. })));

    let mut pipeline = Pipeline::new(&derived, &half, &case.sizes, &PipelineOptions::default()).unwrap();
    assert!(matches!(pipeline.set("idle", 0, &[0_i32; 10]), Err(Error::Unknown { .. })));
    assert!(matches!(pipeline.set("ids", MICRO_BATCHES, &[0_i32; 10]), Err(Error::Setting { .. })));
    assert!(matches!(pipeline.set("ids", 0, &[0_i32; 9]), Err(Error::Values { .. })));
    assert!(matches!(pipeline.set("ids", 0, &[0_f32; 10]), Err(Error::Tensor { .. })));
    let error = pipeline.set_batch("ids", &[0_i32; 10 * MICRO_BATCHES + 1]).unwrap_err();
    assert_eq!(error.to_string(), "`ids`: 31 values, which 3 micro-batches do not divide");
    let error = pipeline.step().unwrap_err().to_string();
    assert_eq!(error, "stage 0, micro-batch 0: input `ids` of micro-batch 0 was not given");
    let sizes = Sizes::new();
    assert!(matches!(
        Pipeline::new(&derived, &half, &sizes, &PipelineOptions::default()).map(drop),
        Err(Error::Size { .. })
    ));
    let asynchronous = partition("gpt", PipelineSchedule::PipeDream, &[0.5], &[0]);
    let clipped = PipelineOptions { clip: Some(1.0), ..PipelineOptions::default() };
    assert!(matches!(
        Pipeline::new(&derived, &asynchronous, &case.sizes, &clipped).map(drop),
        Err(Error::Setting { .. })
    ));
}
