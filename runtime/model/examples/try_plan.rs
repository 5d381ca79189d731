use ketline_model::{models::*, plan::*, *};
use std::time::Instant;
fn main() {
    let layers: usize = 24;
    let t = Transformer {
        vocabulary: 30522,
        length: 512,
        width: 1024,
        heads: 16,
        layers,
        ..Transformer::default()
    };
    let which = std::env::args().nth(1).unwrap_or("bert".into());
    let g = match &*which {
        "gpt" => t.gpt(false),
        "bert" => t.bert(),
        "t5" => Transformer { layers: 12, ..t }.t5(),
        _ => conv_net(3, 224, 64, 1000),
    }
    .unwrap();
    let d = Derived::new(&g).unwrap();
    println!("{} forward nodes, {} in all", d.forward(), d.graph().nodes().len());
    let sizes = |b: usize| Sizes::new().with("B", b).with("P", 77 * b);
    for (cluster, schedule) in [
        (Cluster::pcie_16gb(), PipelineSchedule::OneForwardOneBackward),
        (Cluster::pcie_16gb(), PipelineSchedule::PipeDream),
        (Cluster::pcie_11gb(), PipelineSchedule::OneForwardOneBackward),
        (Cluster::pcie_11gb(), PipelineSchedule::PipeDream),
    ] {
        let mut line = format!("{} {} {schedule}: ", cluster.devices, cluster.memory);
        for method in Method::ALL {
            let planner = Planner { method, schedules: vec![schedule], ..Planner::new(cluster) };
            let since = Instant::now();
            let found = capacity(4096, |b| {
                let times = Times::of_cluster(&d, &sizes(b), &cluster)?;
                let s = Instant::now();
                let r = planner.plan(&d, &sizes(b), &times);
                if std::env::var("V").is_ok() {
                    println!(
                        "{method} b {b} {} in {:?} {}",
                        r.is_ok(),
                        s.elapsed(),
                        r.as_ref().map_or(0, |p| p.leaves)
                    );
                }
                r
            })
            .unwrap();
            line += &format!("{method} {} ({:.1?}); ", found.as_ref().map_or(0, |f| f.0), since.elapsed());
            if std::env::var("V").is_ok() {
                if let Some((b, p)) = found {
                    println!("b {b} {p}");
                }
            }
        }
        println!("{line}");
    }
}
