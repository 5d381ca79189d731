//! Simulated times and bytes against closed forms.

use ketline_model::exec::{Program, ProgramOptions, Simulation};
use ketline_model::plan::{Clock, Cluster, Copies, Derived, Link, Partition, PipelineSchedule, Times};
use ketline_model::{DType, Dim, Graph, Sizes, TensorType};

use super::cases::case;

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
        // the first layer needs no gradient of its input, and gets its time with the weights'
        "matmul" if derived.home(k) == 0 => 2.0,
        "linear" | "matmul" => 1.0,
        _ => 0.0,
    });
    let times = Times::new(&derived, seconds.collect(), Clock::Simulated).unwrap();
    let none = Link { latency: 0.0, bandwidth: f64::MAX };
    let cluster = Cluster {
        link: none,
        host: none,
        copies: Copies::Overlap,
        bandwidth: f64::MAX,
        launch: 0.0,
        ..Cluster::threads(4, 1 << 20)
    };
    let simulation = Simulation { times: &times, cluster: &cluster };
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

/// Viewers of traces drop a span that reaches into the next one of its track, be it by a rounding.
#[test]
fn spans_of_a_trace_do_not_reach_into_one_another() {
    let case = case("gpt");
    let derived = Derived::new(&case.graph).unwrap();
    let cluster = Cluster { devices: 2, ..Cluster::pcie_16gb() };
    let times = Times::of_cluster(&derived, &case.sizes, &cluster).unwrap();
    let schedule = PipelineSchedule::OneForwardOneBackward;
    let partition = Partition::new(&derived, schedule, 4, &[derived.forward() / 2]);
    let programs = Program::all(&derived, &partition, &case.sizes, &ProgramOptions::default()).unwrap();
    let timeline = Simulation { times: &times, cluster: &cluster }.run(&programs).unwrap();
    let trace: serde_json::Value = serde_json::from_str(&timeline.chrome_trace()).unwrap();
    let (mut ends, mut spans) = ([0; 2], 0);
    for event in trace["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == "X") {
        let nanoseconds = |key: &str| (event[key].as_f64().unwrap() * 1e3).round() as u64;
        let end = &mut ends[event["tid"].as_u64().unwrap() as usize];
        assert!(nanoseconds("ts") >= *end, "{event}");
        (*end, spans) = (nanoseconds("ts") + nanoseconds("dur"), spans + 1);
    }
    assert!(spans > 100, "{spans}");
}
