//! What the planner promises, held against programs that are laid out to the byte.

use ketline_model::exec::{Pace, Program, ProgramOptions};
use ketline_model::models::{Transformer, conv_net, mlp, residual_net};
use ketline_model::plan::{Cluster, Derived, Method, PipelineSchedule, Planner, Times};
use ketline_model::{Error, Graph, Sizes};

fn small() -> Transformer {
    Transformer { layers: 4, vocabulary: 500, length: 64, width: 64, heads: 4, ..Transformer::default() }
}

fn models() -> Vec<(&'static str, Graph, usize)> {
    vec![
        ("gpt", small().gpt(false).unwrap(), 8),
        ("bert", small().bert().unwrap(), 8),
        ("t5", Transformer { layers: 2, ..small() }.t5().unwrap(), 8),
        ("conv", conv_net(3, 32, 16, 10).unwrap(), 8),
        ("residual", residual_net(3, 16, 8, [2, 1, 1, 1], 10).unwrap(), 8),
        ("mlp", mlp(&[256, 512, 256, 512, 256, 10]).unwrap(), 512),
    ]
}

fn sizes(b: usize) -> Sizes {
    Sizes::new().with("B", b).with("P", 9 * b)
}

/// What the planner expects of each stage, and its arena, over what is alive in the stage's program.
fn stages(name: &str, graph: &Graph, b: usize) -> Vec<(f64, f64)> {
    let derived = Derived::new(graph).unwrap();
    let cluster = Cluster { devices: 3, memory: 1 << 40, ..Cluster::pcie_16gb() };
    let times = Times::of_cluster(&derived, &sizes(b), &cluster).unwrap();
    let mut stages = Vec::new();
    for schedule in PipelineSchedule::ALL {
        let planner = Planner { schedules: vec![schedule], micro_batches: 5, ..Planner::new(cluster) };
        let free = planner.plan(&derived, &sizes(b), &times).unwrap();
        let most = free.stages.iter().map(|stage| stage.bytes).max().unwrap();
        for percent in [100, 80, 60, 50] {
            let methods = [Method::Halves, Method::VPipe];
            let methods = if graph.stages().is_empty() { &methods[..1] } else { &methods };
            for &method in methods {
                let cluster = Cluster { memory: most * percent / 100, ..cluster };
                let planner = Planner { cluster, method, ..planner.clone() };
                let planned = match planner.plan(&derived, &sizes(b), &times) {
                    Ok(planned) => planned,
                    Err(Error::DoesNotFit { .. }) => continue,
                    Err(error) => panic!("{error}"),
                };
                let pace = Some(Pace { times: &times, host: cluster.host });
                let options =
                    ProgramOptions { optimiser: planner.optimiser, pace, ..ProgramOptions::default() };
                let programs = Program::all(&derived, &planned.partition, &sizes(b), &options).unwrap();
                for (stage, program) in planned.stages.iter().zip(&programs) {
                    let alive = program.plan().live_bytes() as f64;
                    let ratio = stage.bytes as f64 / alive;
                    assert!((0.98..1.10).contains(&ratio), "{name} {schedule} {method} {percent}: {ratio}");
                    stages.push((ratio, program.plan().bytes() as f64 / alive));
                }
            }
        }
    }
    stages
}

/// The bytes that the planner expects are those that are alive in a stage's program, and arenas have few more.
#[test]
fn stages_need_what_the_planner_expects() {
    let models = models();
    let all: Vec<(f64, f64)> = std::thread::scope(|scope| {
        let each = |(name, graph, b)| scope.spawn(move || stages(name, &graph, b));
        let threads: Vec<_> = models.into_iter().map(each).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let count = |off: &dyn Fn(&(f64, f64)) -> f64| all.iter().filter(|stage| off(stage) <= 0.01).count();
    let mean = |off: &dyn Fn(&(f64, f64)) -> f64| all.iter().map(off).sum::<f64>() / all.len() as f64;
    let (expected, laid_out) =
        (|stage: &(f64, f64)| (stage.0 - 1.0).abs(), |stage: &(f64, f64)| stage.1 - 1.0);
    println!("{} of {} stages within 1 %, {} on average", count(&expected), all.len(), mean(&expected));
    println!("{} arenas within 1 % of that, {} on average", count(&laid_out), mean(&laid_out));
    assert!(count(&laid_out) * 10 >= all.len() * 9 && mean(&laid_out) < 0.005);
    assert!(all.len() > 300 && count(&expected) * 100 >= all.len() * 94 && mean(&expected) < 0.003);
}

#[test]
fn what_cannot_be_planned_is_said() {
    let derived = Derived::new(&small().gpt(false).unwrap()).unwrap();
    let plan = |cluster: Cluster, method: Method| {
        let times = Times::of_cluster(&derived, &sizes(8), &cluster)?;
        Planner { method, ..Planner::new(cluster) }.plan(&derived, &sizes(8), &times)
    };
    let cluster = Cluster::pcie_16gb();
    // 8 * 64 positions of 500 logits are never there at once; the largest tensor is that of the widened channels
    let error = plan(Cluster { memory: 100_000, ..cluster }, Method::Halves).unwrap_err();
    let Error::DoesNotFit { stage, tensor, bytes, needed, cap } = &error else { panic!("{error}") };
    assert!(stage.parse::<usize>().unwrap() < 4 && !tensor.is_empty(), "{error}");
    assert!(*bytes >= 100_000 && *needed > *bytes && *cap == 100_000, "{error}");
    let error = plan(Cluster { devices: 1000, ..cluster }, Method::Halves).unwrap_err();
    assert!(matches!(error, Error::Partition { .. }) && error.to_string().contains("1000 stages"), "{error}");
    let error = plan(Cluster { devices: 7, ..cluster }, Method::VPipe).unwrap_err();
    assert!(error.to_string().contains("at most 6"), "{error}");
    assert!(matches!(plan(Cluster { memory: 0, ..cluster }, Method::Halves), Err(Error::Setting { .. })));
}
