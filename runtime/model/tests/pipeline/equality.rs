//! Losses, gradients and parameters against those of one device.

use std::collections::BTreeMap;

use ketline_model::exec::{Duty, Pace, Pipeline, PipelineOptions, Program, ProgramOptions};
use ketline_model::operator::Peer;
use ketline_model::plan::{Cluster, Derived, Partition, Phase, PipelineSchedule, Times};
use ketline_model::train::{Optimiser, Trainer, TrainerOptions};
use ketline_model::{Plan, PlanOptions, Run};
use proptest::prelude::*;

use super::cases::{Case, MICRO_BATCHES, NAMES, case, one_device, partition};

fn start(case: &Case, derived: &Derived, partition: &Partition) -> Pipeline {
    let options = PipelineOptions {
        seed: 11,
        optimiser: Optimiser::adamw(1e-2),
        clip: Some(0.5),
        ..Default::default()
    };
    let mut pipeline = Pipeline::new(derived, partition, &case.sizes, &options).unwrap();
    give(case, &mut pipeline);
    pipeline
}

fn give(case: &Case, pipeline: &mut Pipeline) {
    for (m, inputs) in case.inputs.iter().enumerate() {
        inputs.iter().for_each(|(name, values)| values.give_stage(pipeline, name, m));
    }
}

/// A step has the loss and the gradients of one device, bit by bit.
fn check_step(name: &str, case: &Case, derived: &Derived, pipeline: &mut Pipeline) {
    let (loss, sums) = one_device(case, derived);
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
}

fn check(name: &str, partition: &Partition) {
    let case = case(name);
    let derived = Derived::new(&case.graph).unwrap();
    let mut pipeline = start(&case, &derived, partition);
    check_step(name, &case, &derived, &mut pipeline);

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

/// How long before they are read tensors come back from the host, in nodes, all together; and how many do.
fn ahead(programs: &[Program]) -> (usize, usize) {
    let mut sum = (0, 0);
    for program in programs {
        let nodes = program.plan().graph().nodes();
        for (k, mark) in program.marks().iter().enumerate() {
            let back =
                matches!(mark.duty, Duty::Receive(Peer::Host, _)) && mark.turn.phase == Phase::Backward;
            if back {
                let reads =
                    nodes[k + 1..].iter().position(|node| node.operands.contains(&nodes[k].results[0]));
                sum = (sum.0 + reads.unwrap(), sum.1 + 1);
            }
        }
    }
    sum
}

#[test]
fn tensors_that_are_asked_back_early_are_the_same() {
    for name in NAMES {
        for schedule in PipelineSchedule::ALL.into_iter().filter(|schedule| schedule.is_synchronous()) {
            let case = case(name);
            let derived = Derived::new(&case.graph).unwrap();
            let partition = partition(name, schedule, &[0.3, 0.6], &[1, 2, 1, 0]);
            let cluster = Cluster { devices: 3, ..Cluster::pcie_16gb() };
            let times = Times::of_cluster(&derived, &case.sizes, &cluster).unwrap();
            let all = |pace| {
                let options =
                    ProgramOptions { optimiser: Optimiser::adamw(1e-2), pace, ..Default::default() };
                Program::all(&derived, &partition, &case.sizes, &options).unwrap()
            };
            let programs = all(Some(Pace { times: &times, host: cluster.host }));
            let (early, late) = (ahead(&programs), ahead(&all(None)));
            assert!(early.0 > late.0 && early.1 == late.1 && late.1 > 0, "{name}: {early:?} {late:?}");
            let options =
                PipelineOptions { seed: 11, optimiser: Optimiser::adamw(1e-2), ..Default::default() };
            let mut pipeline = Pipeline::of(&derived, &partition, programs, &options).unwrap();
            give(&case, &mut pipeline);
            check_step(name, &case, &derived, &mut pipeline);
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
fn check_asynchronous(name: &str, partition: &Partition, early: bool) {
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
    let cluster = Cluster { devices: stages, ..Cluster::pcie_16gb() };
    let times = Times::of_cluster(&derived, &case.sizes, &cluster).unwrap();
    let pace = early.then_some(Pace { times: &times, host: cluster.host });
    let of_programs = ProgramOptions { pace, ..options.of_programs() };
    let programs = Program::all(&derived, partition, &case.sizes, &of_programs).unwrap();
    let mut pipeline = Pipeline::of(&derived, partition, programs, &options).unwrap();
    give(&case, &mut pipeline);
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
            let partition = partition(name, PipelineSchedule::PipeDream, fractions, &draws);
            for early in [false, true] {
                check_asynchronous(name, &partition, early);
            }
        }
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
