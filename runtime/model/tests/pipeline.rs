//! Pipelines against one device that takes the micro-batches one after another.

#![allow(clippy::cast_possible_wrap)] // small numbers

use std::collections::BTreeMap;

use ketline_model::exec::{Host, Pipeline, PipelineOptions, Program, ProgramOptions, Simulation};
use ketline_model::models::{Transformer, conv_net, dlrm};
use ketline_model::operator::Window;
use ketline_model::plan::{
    Clock, Cluster, Derived, Eviction, Link, Partition, PipelineSchedule, Restore, Times,
};
use ketline_model::train::{Optimiser, Trainer, TrainerOptions};
use ketline_model::{DType, Dim, Graph, Plan, PlanOptions, Run, Sizes, TensorType};
use proptest::prelude::*;

const MICRO_BATCHES: usize = 3;
const SMALL: Transformer =
    Transformer { vocabulary: 19, length: 5, width: 8, heads: 2, layers: 2, dropout: 0.1, seed: 3 };

fn ids(n: usize, k: usize, below: usize) -> Vec<i32> {
    (0..n).map(|i| ((i * i * 7 + 3 * i + k) % below) as i32).collect()
}

fn wave(n: usize, k: usize) -> Vec<f32> {
    (0..n).map(|i| ((i as f64).mul_add(0.9, k as f64)).sin() as f32).collect()
}

/// Values of an input.
#[derive(Debug, Clone)]
enum Values {
    Ids(Vec<i32>),
    Reals(Vec<f32>),
    Bits(Vec<u8>),
}

impl Values {
    fn give(&self, run: &mut Run, name: &str) {
        match self {
            Self::Ids(values) => run.set(name, values),
            Self::Reals(values) => run.set(name, values),
            Self::Bits(values) => run.set(name, values),
        }
        .unwrap();
    }

    fn give_stage(&self, pipeline: &mut Pipeline, name: &str, m: usize) {
        match self {
            Self::Ids(values) => pipeline.set(name, m, values),
            Self::Reals(values) => pipeline.set(name, m, values),
            Self::Bits(values) => pipeline.set(name, m, values),
        }
        .unwrap();
    }
}

/// A model, the sizes of a micro-batch, and the inputs of the micro-batches.
struct Case {
    graph: Graph,
    sizes: Sizes,
    inputs: Vec<BTreeMap<&'static str, Values>>,
}

const NAMES: [&str; 6] = ["gpt", "bert", "t5", "conv_net", "dlrm", "norms"];

fn case(name: &str) -> Case {
    let sizes = Sizes::new().with("B", 2);
    let all = |of: &dyn Fn(usize) -> Vec<(&'static str, Values)>| {
        (0..MICRO_BATCHES).map(|m| of(m).into_iter().collect()).collect::<Vec<BTreeMap<_, _>>>()
    };
    let mask = || Values::Bits((0..2).flat_map(|b| (0..5).map(move |i| u8::from(i < 5 - b))).collect());
    let text = |k, below| Values::Ids(ids(10, k, below));
    match name {
        "gpt" => Case {
            graph: SMALL.gpt(false).unwrap(),
            sizes,
            inputs: all(&|m| vec![("ids", text(m, 19)), ("targets", text(m + 5, 19))]),
        },
        "bert" => Case {
            graph: SMALL.bert().unwrap(),
            sizes: sizes.with("P", 4),
            inputs: all(&|m| {
                let places = ("positions", Values::Ids(ids(4, m, 10)));
                vec![("ids", text(m, 19)), ("mask", mask()), places, ("targets", Values::Ids(ids(4, m, 19)))]
            }),
        },
        "t5" => Case {
            graph: SMALL.t5().unwrap(),
            sizes,
            inputs: all(&|m| {
                let decoder = ("decoder_ids", text(m + 2, 19));
                vec![("ids", text(m, 19)), ("mask", mask()), decoder, ("targets", text(m + 5, 19))]
            }),
        },
        "conv_net" => Case {
            graph: conv_net(3, 8, 4, 10).unwrap(),
            sizes,
            inputs: all(&|m| {
                vec![("x", Values::Reals(wave(2 * 3 * 64, m))), ("targets", Values::Ids(ids(2, m, 10)))]
            }),
        },
        "dlrm" => Case {
            graph: dlrm(5, 3, 11, 6).unwrap(),
            sizes,
            inputs: all(&|m| {
                let bits = Values::Reals((0..2).map(|k| ((k + m) % 2) as f32).collect());
                let ids = |k| Values::Ids(ids(2, k + m, 11));
                let x = ("x", Values::Reals(wave(10, m)));
                vec![x, ("ids.0", ids(0)), ("ids.1", ids(1)), ("ids.2", ids(2)), ("targets", bits)]
            }),
        },
        _ => Case {
            graph: norms().unwrap(),
            sizes,
            inputs: all(&|m| {
                vec![("x", Values::Reals(wave(2 * 2 * 36, m))), ("targets", Values::Reals(wave(2 * 3, m)))]
            }),
        },
    }
}

/// Convolutions with norms that keep running means, and dropout.
fn norms() -> ketline_model::Result<Graph> {
    let mut graph = Graph::new();
    let shape = [Dim::named("B"), 2.into(), 6.into(), 6.into()];
    let mut x = graph.input("x", TensorType::new(DType::F32, shape))?;
    let targets = graph.input("targets", TensorType::new(DType::F32, [Dim::named("B"), 3.into()]))?;
    for k in 0..3 {
        graph.stage(format!("block.{k}"));
        x = graph.conv2d(&format!("conv.{k}"), x, 4, Window::square(3, 1, 1))?;
        x = graph.batch_norm(&format!("norm.{k}"), x, true)?;
        x = graph.relu(x)?;
        x = graph.dropout(x, 0.2, k)?;
    }
    let x = graph.flatten(x)?;
    let y = graph.linear("out", x, 3)?;
    let loss = graph.mean_squared_error(y, targets)?;
    graph.output("loss", loss)?;
    Ok(graph)
}

/// One device: losses and gradients summed over micro-batches, bit by bit in their order.
fn one_device(case: &Case, derived: &Derived) -> (f64, BTreeMap<String, Vec<f32>>) {
    let keep: Vec<_> = derived.gradients().iter().map(|&(_, gradient)| gradient).collect();
    let options = PlanOptions { threads: 1, keep, ..PlanOptions::default() };
    let mut run = Plan::new(derived.graph(), &case.sizes, &options).unwrap().start(11).unwrap();
    let (mut loss, mut sums) = (0.0, BTreeMap::new());
    for inputs in &case.inputs {
        inputs.iter().for_each(|(name, values)| values.give(&mut run, name));
        run.step().unwrap();
        loss += f64::from(run.output::<f32>("loss").unwrap()[0]);
        for &(parameter, gradient) in derived.gradients() {
            let name = derived.graph().tensor(parameter).name.clone();
            let gradient = run.values::<f32>(gradient).unwrap();
            let sum = sums.entry(name).or_insert_with(|| vec![-0.0_f32; gradient.len()]);
            sum.iter_mut().zip(gradient).for_each(|(sum, x)| *sum += x);
        }
    }
    (loss / MICRO_BATCHES as f64, sums)
}

fn start(case: &Case, derived: &Derived, partition: &Partition) -> Pipeline {
    let options = PipelineOptions {
        seed: 11,
        optimiser: Optimiser::adamw(1e-2),
        clip: Some(0.5),
        ..Default::default()
    };
    let mut pipeline = Pipeline::new(derived, partition, &case.sizes, &options).unwrap();
    for (m, inputs) in case.inputs.iter().enumerate() {
        inputs.iter().for_each(|(name, values)| values.give_stage(&mut pipeline, name, m));
    }
    pipeline
}

fn check(name: &str, partition: &Partition) {
    let case = case(name);
    let derived = Derived::new(&case.graph).unwrap();
    let (loss, sums) = one_device(&case, &derived);
    let mut pipeline = start(&case, &derived, partition);
    let record = pipeline.step().unwrap();
    assert_eq!(record.loss.to_bits(), loss.to_bits(), "{name}: {} {loss}", record.loss);
    let mut seen = 0;
    for worker in pipeline.workers() {
        for (parameter, sum) in &sums {
            if let Some(gradient) = worker.gradient(parameter) {
                assert_eq!(worker.run().values::<f32>(gradient).unwrap(), sum, "{name}: {parameter}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, sums.len(), "{name}");

    // two steps of a trainer that accumulates; the norm is summed in another order
    let options = TrainerOptions {
        seed: 11,
        optimiser: Optimiser::adamw(1e-2),
        clip: Some(0.5),
        accumulate: MICRO_BATCHES as u32,
        threads: 1,
        ..TrainerOptions::default()
    };
    let mut trainer = Trainer::new(case.graph.clone(), &case.sizes, options).unwrap();
    for _ in 0..2 {
        for inputs in &case.inputs {
            inputs.iter().for_each(|(name, values)| values.give(trainer.run_mut(), name));
            trainer.step().unwrap();
        }
    }
    let second = pipeline.step().unwrap();
    assert_eq!(second.step, 2);
    let (found, expected) = (pipeline.weights(), trainer.run().weights());
    assert_eq!(found.tensors.keys().collect::<Vec<_>>(), expected.tensors.keys().collect::<Vec<_>>());
    for (tensor, entry) in &expected.tensors {
        let reals = |bytes: &[u8]| {
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect::<Vec<_>>()
        };
        for (a, b) in reals(&found.tensors[tensor].bytes).iter().zip(reals(&entry.bytes)) {
            assert!((a - b).abs() <= 1e-5 * b.abs().max(1e-2), "{name}: {tensor}: {a} {b}");
        }
    }
}

/// Stages that end at fractions of the model, evictions drawn at random.
fn partition(name: &str, schedule: PipelineSchedule, fractions: &[f64], draws: &[u8]) -> Partition {
    let derived = Derived::new(&case(name).graph).unwrap();
    let n = derived.forward();
    let mut ends: Vec<usize> =
        fractions.iter().map(|f| 1 + (f * (n - 1 - fractions.len()) as f64) as usize).collect();
    ends.sort_unstable();
    ends.iter_mut().enumerate().for_each(|(k, end)| *end += k);
    ends.iter_mut().for_each(|end| *end = (*end..n).find(|&end| derived.can_cut(end)).unwrap_or(n));
    ends.dedup();
    ends.retain(|&end| end < n);
    let mut partition = Partition::new(&derived, schedule, MICRO_BATCHES, &ends);
    let graph = derived.graph();
    for (stage, cut) in partition.stages.iter_mut().enumerate() {
        cut.restore = if (stage + draws.len()).is_multiple_of(3) { Restore::Layer } else { Restore::Node };
        for node in cut.nodes.clone().filter(|&node| !graph.nodes()[node].operator.is_view()) {
            for (k, &value) in graph.nodes()[node].results.iter().enumerate() {
                match draws[(7 * node + k) % draws.len()] {
                    1 => cut.evictions.insert(value, Eviction::Swap),
                    2 => cut.evictions.insert(value, Eviction::Recompute),
                    _ => None,
                };
            }
        }
    }
    partition
}

#[test]
fn every_model_in_stages_is_the_model() {
    for name in NAMES {
        for schedule in PipelineSchedule::ALL.into_iter().filter(|schedule| schedule.is_synchronous()) {
            check(name, &partition(name, schedule, &[0.3, 0.6], &[0]));
            check(name, &partition(name, schedule, &[0.5], &[1]));
            check(name, &partition(name, schedule, &[0.5], &[2]));
        }
    }
}

/// A plain step of momentum, as PyTorch's.
fn descend(p: &mut [f32], v: &mut [f32], g: &[f32]) {
    for ((p, v), g) in p.iter_mut().zip(v).zip(g) {
        *v = 0.9 * *v + g;
        *p -= 0.05 * *v;
    }
}

/// Parameters that change after each micro-batch, which in both of its passes sees those from before `ahead` others: computed
/// on one device, that is given the versions of each stage.
fn check_asynchronous(name: &str, partition: &Partition) {
    let case = case(name);
    let derived = Derived::new(&case.graph).unwrap();
    let graph = derived.graph();
    let stages = partition.stages.len();
    // a parameter is that of the first stage that uses it
    let mut stage_of = BTreeMap::new();
    for (k, node) in graph.nodes().iter().enumerate().take(derived.forward()) {
        for &operand in &node.operands {
            stage_of.entry(derived.behind_views(operand)).or_insert_with(|| partition.stage_of(k));
        }
    }
    let keep: Vec<_> = derived.gradients().iter().map(|&(_, gradient)| gradient).collect();
    let options = PlanOptions { threads: 1, keep, ..PlanOptions::default() };
    let mut run = Plan::new(graph, &case.sizes, &options).unwrap().start(11).unwrap();
    let of = |run: &Run, parameter| run.values::<f32>(parameter).unwrap().to_vec();
    let mut versions: BTreeMap<_, Vec<Vec<f32>>> =
        derived.gradients().iter().map(|&(parameter, _)| (parameter, vec![of(&run, parameter)])).collect();
    let mut velocity: BTreeMap<_, Vec<f32>> =
        versions.iter().map(|(&parameter, all)| (parameter, vec![0.0; all[0].len()])).collect();
    let options =
        PipelineOptions { seed: 11, optimiser: Optimiser::momentum(0.05, 0.9), ..PipelineOptions::default() };
    let mut pipeline = Pipeline::new(&derived, partition, &case.sizes, &options).unwrap();
    for (m, inputs) in case.inputs.iter().enumerate() {
        inputs.iter().for_each(|(name, values)| values.give_stage(&mut pipeline, name, m));
    }
    for _ in 0..2 {
        let begin = versions.values().next().unwrap().len() - 1;
        let mut loss = 0.0;
        for (m, inputs) in case.inputs.iter().enumerate() {
            for (&parameter, all) in &versions {
                let ahead = partition.schedule.in_flight(stage_of[&parameter], stages, MICRO_BATCHES);
                let seen = &all[begin + (m + 1).saturating_sub(ahead)];
                run.values_mut::<f32>(parameter).unwrap().copy_from_slice(seen);
            }
            inputs.iter().for_each(|(name, values)| values.give(&mut run, name));
            run.step().unwrap();
            loss += f64::from(run.output::<f32>("loss").unwrap()[0]);
            for &(parameter, gradient) in derived.gradients() {
                let all = versions.get_mut(&parameter).unwrap();
                let mut next = all.last().unwrap().clone();
                descend(&mut next, velocity.get_mut(&parameter).unwrap(), run.values(gradient).unwrap());
                all.push(next);
            }
        }
        let record = pipeline.step().unwrap();
        let loss = loss / MICRO_BATCHES as f64;
        assert!((record.loss - loss).abs() < 1e-5 * loss.abs(), "{name}: {} {loss}", record.loss);
    }
    let mut seen = 0;
    for worker in pipeline.workers() {
        for (parameter, all) in &versions {
            let Ok(own) = worker.run().plan().graph().find(&graph.tensor(*parameter).name) else { continue };
            for (a, b) in worker.run().values::<f32>(own).unwrap().iter().zip(all.last().unwrap()) {
                assert!(
                    (a - b).abs() <= 1e-5 * b.abs().max(1e-2),
                    "{name}: {}: {a} {b}",
                    graph.tensor(*parameter).name
                );
            }
            seen += 1;
        }
    }
    assert_eq!(seen, versions.len(), "{name}");
}

#[test]
fn versions_of_parameters_are_those_of_pipedream() {
    for name in NAMES {
        for (fractions, draws) in
            [(&[0.5][..], [0, 0, 0]), (&[0.3, 0.6], [0, 1, 2]), (&[0.1, 0.3, 0.6], [2, 0, 1])]
        {
            check_asynchronous(name, &partition(name, PipelineSchedule::PipeDream, fractions, &draws));
        }
    }
}

/// Stages of equal work, links that take no time: what textbooks say of the schedules.
#[test]
fn simulated_steps_take_what_textbooks_say() {
    let mut graph = Graph::new();
    let mut x = graph.input("x", TensorType::new(DType::F32, [Dim::named("B"), 8.into()])).unwrap();
    let targets = graph.input("targets", TensorType::new(DType::F32, [Dim::named("B"), 8.into()])).unwrap();
    for k in 0..4 {
        x = graph.linear(&format!("line.{k}"), x, 8).unwrap();
    }
    let loss = graph.mean_squared_error(x, targets).unwrap();
    graph.output("loss", loss).unwrap();
    let derived = Derived::new(&graph).unwrap();
    let graph = derived.graph();
    // one unit forward, one for activations' gradients, one for weights'; nothing else takes time
    let seconds = graph.nodes().iter().enumerate().map(|(k, node)| match node.operator.name() {
        "linear" => 1.0,
        // the first layer needs no gradient of its input, and gets its time with the weights'
        "matmul" if derived.home(k) == 0 => 2.0,
        "matmul" => 1.0,
        _ => 0.0,
    });
    let times = Times::new(&derived, seconds.collect(), Clock::Simulated).unwrap();
    let none = Link { latency: 0.0, bandwidth: f64::MAX };
    let cluster =
        Cluster { link: none, host: none, bandwidth: f64::MAX, launch: 0.0, ..Cluster::threads(4, 1 << 20) };
    let simulation = Simulation { times: &times, cluster: &cluster, host: Host::Overlaps };
    let (stages, sizes) = (4, Sizes::new().with("B", 2));
    for micro_batches in [1, 2, 4, 8] {
        for schedule in PipelineSchedule::ALL {
            let partition = Partition::new(&derived, schedule, micro_batches, &[1, 2, 3]);
            let programs = Program::all(&derived, &partition, &sizes, &ProgramOptions::default()).unwrap();
            let timeline = simulation.run(&programs).unwrap();
            let found = timeline.seconds();
            let full = 3.0 * (micro_batches + stages - 1) as f64;
            if schedule == PipelineSchedule::ZeroBubble {
                // 1F1B but for weights' gradients in the bubble, of which the first stage has none that can wait
                assert!(found <= full && found >= 3.0 * micro_batches as f64, "{micro_batches}: {found}");
            } else {
                assert!((found - full).abs() < 1e-9, "{schedule} {micro_batches}: {found}, expected {full}");
            }
            let busy: f64 = (0..stages).map(|stage| timeline.busy(stage)).sum();
            assert!((busy - 3.0 * (micro_batches * stages) as f64).abs() < 1e-9, "{busy}");
        }
    }
}

/// The bytes of a program are those that the closed forms of the schedules say.
#[test]
fn schedules_hold_as_many_micro_batches_as_they_say() {
    let case = case("gpt");
    let derived = Derived::new(&case.graph).unwrap();
    let bytes = |schedule, micro_batches| {
        let partition = Partition::new(&derived, schedule, micro_batches, &[derived.forward() / 2]);
        let sizes = Sizes::new().with("B", 64);
        let programs = Program::all(&derived, &partition, &sizes, &ProgramOptions::default()).unwrap();
        programs.iter().map(|program| program.bytes() as f64).collect::<Vec<_>>()
    };
    let one = bytes(PipelineSchedule::GPipe, 1);
    let gpipe: Vec<_> = [2, 4, 8].into_iter().map(|m| bytes(PipelineSchedule::GPipe, m)).collect();
    let flushed = bytes(PipelineSchedule::OneForwardOneBackward, 8);
    for stage in 0..2 {
        // a straight line in the number of micro-batches
        let each = (gpipe[2][stage] - gpipe[0][stage]) / 6.0;
        assert!((gpipe[1][stage] - gpipe[0][stage] - 2.0 * each).abs() < 0.02 * gpipe[1][stage]);
        let flight = (2 - stage) as f64;
        assert!((flushed[stage] - one[stage] - (flight - 1.0) * each).abs() < 0.02 * flushed[stage]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_cut_and_evicted(
        name in 0..NAMES.len(),
        schedule in 0..3_usize,
        fractions in proptest::collection::vec(0.0..1.0, 1..4),
        draws in proptest::collection::vec(0..3_u8, 5..40),
    ) {
        let schedules: Vec<_> = PipelineSchedule::ALL.into_iter().filter(|s| s.is_synchronous()).collect();
        check(NAMES[name], &partition(NAMES[name], schedules[schedule], &fractions, &draws));
    }
}
