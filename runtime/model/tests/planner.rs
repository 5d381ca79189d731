//! What the planner promises, held against programs that are laid out to the byte.

use ketline_model::exec::{Program, ProgramOptions};
use ketline_model::models::{Transformer, conv_net, mlp};
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
        ("mlp", mlp(&[256, 512, 256, 512, 256, 10]).unwrap(), 512),
    ]
}

fn sizes(b: usize) -> Sizes {
    Sizes::new().with("B", b).with("P", 9 * b)
}

/// Bytes that the planner expects are those that are alive at once in a stage's program. With 1F1B they are so to a few
/// thousandths where nodes come back one by one; with the others the planner is on the safe side.
#[test]
fn stages_need_what_the_planner_expects() {
    let mut laid_out = 0;
    for (name, graph, b) in models() {
        let derived = Derived::new(&graph).unwrap();
        let cluster = Cluster { devices: 3, memory: 1 << 40, ..Cluster::pcie_16gb() };
        let times = Times::of_cluster(&derived, &sizes(b), &cluster).unwrap();
        for (schedule, least, most) in [
            (PipelineSchedule::GPipe, 0.99, 1.1),
            (PipelineSchedule::OneForwardOneBackward, 0.97, 1.01),
            (PipelineSchedule::PipeDream, 0.99, 1.3),
        ] {
            let planner = Planner { schedules: vec![schedule], micro_batches: 5, ..Planner::new(cluster) };
            let free = planner.plan(&derived, &sizes(b), &times).unwrap();
            let free_bytes = free.stages.iter().map(|stage| stage.bytes).max().unwrap();
            for percent in [100, 80, 60, 50] {
                let methods = [Method::Halves, Method::VPipe];
                // what has no layers is cut at nodes alone
                let methods = if graph.stages().is_empty() { &methods[..1] } else { &methods };
                for &method in methods {
                    let cluster = Cluster { memory: free_bytes * percent / 100, ..cluster };
                    let planner = Planner { cluster, method, ..planner.clone() };
                    let planned = match planner.plan(&derived, &sizes(b), &times) {
                        Ok(planned) => planned,
                        Err(Error::DoesNotFit { .. }) => continue,
                        Err(error) => panic!("{error}"),
                    };
                    let options =
                        ProgramOptions { optimiser: planner.optimiser, ..ProgramOptions::default() };
                    let programs = Program::all(&derived, &planned.partition, &sizes(b), &options).unwrap();
                    for (stage, program) in planned.stages.iter().zip(&programs) {
                        let ratio = stage.bytes as f64 / program.plan().live_bytes() as f64;
                        let what = format!("{name} {schedule} {percent}% {method} {:?}", stage.nodes);
                        assert!(
                            (least..most).contains(&ratio),
                            "{what}: {} expected, {ratio:.3} of it",
                            stage.bytes
                        );
                        laid_out += 1;
                    }
                }
            }
        }
    }
    assert!(laid_out > 200, "{laid_out}");
}
