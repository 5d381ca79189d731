//! Memory: steps allocate nothing, and the arena is all there is. Alone in its program, so that nothing else is counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ketline_model::Sizes;
use ketline_model::exec::{Pipeline, PipelineOptions};
use ketline_model::models::Transformer;
use ketline_model::plan::{Derived, Eviction, Partition, PipelineSchedule};
use ketline_model::train::{Trainer, TrainerOptions};

/// Counts what the program allocates.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes everything on to the system's allocator.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Tests take turns, since all of them count.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn steps_allocate_nothing_and_the_arena_is_the_peak() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let gpt = Transformer {
        vocabulary: 64,
        length: 32,
        width: 64,
        layers: 2,
        dropout: 0.1,
        ..Transformer::default()
    };
    let graph = gpt.gpt(false).unwrap();
    let options = TrainerOptions { clip: Some(1.0), threads: 2, ..TrainerOptions::default() };
    let held = HELD.load(Ordering::Relaxed);
    let mut trainer = Trainer::new(graph, &Sizes::new().with("B", 16), options).unwrap();
    trainer.run_mut().set("ids", &[3; 512]).unwrap();
    trainer.run_mut().set("targets", &[5; 512]).unwrap();
    for _ in 0..3 {
        trainer.step().unwrap();
    }
    let before = CALLS.load(Ordering::Relaxed);
    for _ in 0..20 {
        trainer.step().unwrap();
    }
    assert_eq!(CALLS.load(Ordering::Relaxed) - before, 0);
    // what the trainer holds besides its arena are names and numbers
    let plan = trainer.run().plan();
    let other = HELD.load(Ordering::Relaxed) as f64 - held as f64 - plan.bytes() as f64;
    assert!(other < 400_000.0, "{other} bytes besides {}", plan.bytes());
    assert!((plan.bytes() as f64) < 1.1 * plan.live_bytes() as f64, "{} {}", plan.bytes(), plan.live_bytes());
}

#[test]
fn stages_hold_their_arenas_and_what_is_on_its_way() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let gpt = Transformer { vocabulary: 64, length: 32, width: 64, layers: 2, ..Transformer::default() };
    let derived = Derived::new(&gpt.gpt(false).unwrap()).unwrap();
    let mut partition =
        Partition::new(&derived, PipelineSchedule::OneForwardOneBackward, 4, &[derived.forward() / 2]);
    for cut in &mut partition.stages {
        for node in cut.nodes.clone().filter(|node| node % 3 == 0) {
            let node = &derived.graph().nodes()[node];
            if !node.operator.is_view() {
                cut.evictions.insert(node.results[0], Eviction::Swap);
            }
        }
    }
    let sizes = Sizes::new().with("B", 8);
    let held = HELD.load(Ordering::Relaxed);
    let cap = 12_000_000;
    let options = PipelineOptions { cap: Some(cap), ..PipelineOptions::default() };
    let mut pipeline = Pipeline::new(&derived, &partition, &sizes, &options).unwrap();
    let arenas: usize = pipeline.workers().iter().map(ketline_model::exec::Worker::bytes).sum();
    let other = HELD.load(Ordering::Relaxed) as f64 - held as f64 - arenas as f64;
    assert!(other < 2_000_000.0, "{other} bytes besides {arenas}");
    assert!(pipeline.workers().iter().all(|worker| worker.bytes() <= cap));
    pipeline.set_batch("ids", &[3; 4 * 256]).unwrap();
    pipeline.set_batch("targets", &[5; 4 * 256]).unwrap();
    for _ in 0..3 {
        pipeline.step().unwrap();
    }
    // what waits on the host has its place by now; boxes between stages keep as many messages as were ever on their way
    let before = HELD.load(Ordering::Relaxed);
    for _ in 0..10 {
        pipeline.step().unwrap();
    }
    let more = HELD.load(Ordering::Relaxed).abs_diff(before);
    assert!(more < 500_000, "{more} bytes");
}
