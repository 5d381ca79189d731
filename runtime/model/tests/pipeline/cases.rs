//! Models that are known, cut and thinned out at random.

#![allow(clippy::cast_possible_wrap)] // small numbers

use std::collections::BTreeMap;

use ketline_model::exec::Pipeline;
use ketline_model::models::{Transformer, conv_net, dlrm};
use ketline_model::operator::Window;
use ketline_model::plan::{Derived, Eviction, Partition, PipelineSchedule, Restore};
use ketline_model::{DType, Dim, Graph, Plan, PlanOptions, Run, Sizes, TensorType};

pub(crate) const MICRO_BATCHES: usize = 3;
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
pub(crate) enum Values {
    Ids(Vec<i32>),
    Reals(Vec<f32>),
    Bits(Vec<u8>),
}

impl Values {
    pub(crate) fn give(&self, run: &mut Run, name: &str) {
        match self {
            Self::Ids(values) => run.set(name, values),
            Self::Reals(values) => run.set(name, values),
            Self::Bits(values) => run.set(name, values),
        }
        .unwrap();
    }

    pub(crate) fn give_stage(&self, pipeline: &mut Pipeline, name: &str, m: usize) {
        match self {
            Self::Ids(values) => pipeline.set(name, m, values),
            Self::Reals(values) => pipeline.set(name, m, values),
            Self::Bits(values) => pipeline.set(name, m, values),
        }
        .unwrap();
    }
}

/// A model, the sizes of a micro-batch, and the inputs of the micro-batches.
pub(crate) struct Case {
    pub(crate) graph: Graph,
    pub(crate) sizes: Sizes,
    pub(crate) inputs: Vec<BTreeMap<&'static str, Values>>,
}

pub(crate) const NAMES: [&str; 6] = ["gpt", "bert", "t5", "conv_net", "dlrm", "norms"];

pub(crate) fn case(name: &str) -> Case {
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

/// Stages that end at fractions of the model, evictions drawn at random.
pub(crate) fn partition(
    name: &str,
    schedule: PipelineSchedule,
    fractions: &[f64],
    draws: &[u8],
) -> Partition {
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

/// One device: losses and gradients summed over micro-batches, bit by bit in their order.
pub(crate) fn one_device(case: &Case, derived: &Derived) -> (f64, BTreeMap<String, Vec<f32>>) {
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
