//! Our side of a row, in a process of its own so that its peak of memory can be read.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

use ketline::model::models::{Transformer, conv_net, dlrm, mlp};
use ketline::model::train::{Optimiser, Trainer, TrainerOptions};
use ketline::model::{Graph, Sizes};
use serde_json::json;

/// Sizes that all sides share: those of the peers' script.
const GPT: Transformer =
    Transformer { vocabulary: 8192, length: 128, width: 256, heads: 4, layers: 4, dropout: 0.0, seed: 0 };

/// Numbers below a bound, and reals between -1 and 1, that look random.
struct Noise(u64);

impl Noise {
    fn below(&mut self, n: u64) -> i32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 33) % n) as i32
    }

    fn ids(&mut self, count: usize, n: u64) -> Vec<i32> {
        (0..count).map(|_| self.below(n)).collect()
    }

    fn reals(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.below(1 << 20) as f32 / f32::from(1_u16 << 15) / 16.0 - 1.0).collect()
    }
}

/// The model of a row, ready to step.
pub(crate) fn trainer(what: &str, threads: usize) -> Result<Trainer, Box<dyn Error>> {
    let options = |optimiser| TrainerOptions { optimiser, threads, ..TrainerOptions::default() };
    let make = |graph: Graph, sizes: Sizes, optimiser| Trainer::new(graph, &sizes, options(optimiser));
    let mut noise = Noise(88_172_645_463_325_252);
    let batch = |n| Sizes::new().with("B", n);
    Ok(match what {
        "gpt" => {
            let mut trainer = make(GPT.gpt(false)?, batch(8), Optimiser::adamw(3e-4))?;
            trainer.run_mut().set("ids", &noise.ids(1024, 8192))?;
            trainer.run_mut().set("targets", &noise.ids(1024, 8192))?;
            trainer
        }
        "bert" => {
            let mut trainer = make(GPT.bert()?, batch(8).with("P", 152), Optimiser::adamw(3e-4))?;
            trainer.run_mut().set("ids", &noise.ids(1024, 8192))?;
            trainer.run_mut().set("mask", &[1_u8; 1024])?;
            trainer.run_mut().set("positions", &noise.ids(152, 1024))?;
            trainer.run_mut().set("targets", &noise.ids(152, 8192))?;
            trainer
        }
        "mlp" => {
            let mut trainer = make(mlp(&[784, 512, 512, 10])?, batch(256), Optimiser::adamw(1e-3))?;
            trainer.run_mut().set("x", &noise.reals(256 * 784))?;
            trainer.run_mut().set("targets", &noise.ids(256, 10))?;
            trainer
        }
        "dlrm" => {
            let graph = dlrm(13, 26, 100_000, 16)?;
            let sparse = (0..26).map(|k| format!("table.{k}.weight")).collect();
            let options = TrainerOptions { sparse, ..options(Optimiser::sgd(0.1)) };
            let mut trainer = Trainer::new(graph, &batch(2048), options)?;
            trainer.run_mut().set("x", &noise.reals(2048 * 13))?;
            for k in 0..26 {
                trainer.run_mut().set(&format!("ids.{k}"), &noise.ids(2048, 100_000))?;
            }
            let targets: Vec<f32> = noise.ids(2048, 2).iter().map(|&x| x as f32).collect();
            trainer.run_mut().set("targets", &targets)?;
            trainer
        }
        _ => {
            let graph = conv_net(3, 32, 32, 10)?;
            let mut trainer = make(graph, batch(64), Optimiser::momentum(0.01, 0.9))?;
            trainer.run_mut().set("x", &noise.reals(64 * 3 * 32 * 32))?;
            trainer.run_mut().set("targets", &noise.ids(64, 10))?;
            trainer
        }
    })
}

/// A line of `/proc/self/status` in bytes; zero where there is none.
fn status(key: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
    1024.0 * kib.unwrap_or(0.0)
}

/// Answers lines with a number of steps by seconds a step, as the peer does.
pub(crate) fn serve(what: &str, threads: usize) -> Result<(), Box<dyn Error>> {
    let before = status("VmRSS");
    let mut trainer = trainer(what, threads)?;
    for _ in 0..3 {
        trainer.step()?;
    }
    let mut out = std::io::stdout();
    writeln!(out, "{}", json!({ "ready": env!("CARGO_PKG_VERSION") }))?;
    for line in std::io::stdin().lock().lines() {
        let count: u32 = line?.trim().parse()?;
        let since = Instant::now();
        let mut loss = f64::NAN;
        for _ in 0..count {
            loss = trainer.step()?.map_or(loss, |record| record.loss);
        }
        let seconds = since.elapsed().as_secs_f64() / f64::from(count);
        writeln!(out, "{}", json!({ "seconds": seconds, "bytes": status("VmHWM") - before, "loss": loss }))?;
    }
    Ok(())
}

/// Prints where the time of a step goes, operator by operator.
pub(crate) fn profile(what: &str, threads: usize) -> Result<(), Box<dyn Error>> {
    let mut trainer = trainer(what, threads)?;
    let times = trainer.run_mut().profile(9)?;
    let plan = trainer.run().plan();
    let mut sums = std::collections::BTreeMap::<String, (f64, u64, u64, u32)>::new();
    for (k, time) in times.iter().enumerate() {
        let (node, cost) = (&plan.graph().nodes()[k], plan.cost(k));
        let shape = plan.extent(node.results[0]);
        let sum = sums.entry(format!("{} {shape}", node.operator.name())).or_default();
        *sum = (sum.0 + time.as_secs_f64(), sum.1 + cost.flops, sum.2 + cost.bytes, sum.3 + 1);
    }
    let mut rows: Vec<_> = sums.into_iter().collect();
    rows.sort_by(|a, b| b.1.0.total_cmp(&a.1.0));
    println!("nodes {:.2} ms", 1e3 * times.iter().map(std::time::Duration::as_secs_f64).sum::<f64>());
    for (name, (seconds, flops, bytes, count)) in rows {
        let (rate, stream) = (flops as f64 / seconds / 1e9, bytes as f64 / seconds / 1e9);
        println!("{:8.3} ms {count:3} x {name:48} {rate:7.1} GFLOP/s {stream:6.1} GB/s", 1e3 * seconds);
    }
    let since = Instant::now();
    for _ in 0..5 {
        trainer.step()?;
    }
    println!("step {:.2} ms", 200.0 * since.elapsed().as_secs_f64());
    Ok(())
}
