//! Time of one gate, by its kind and by the qubits that it meets: `cargo bench --bench kernels`.
#![allow(missing_docs)] // made by macros

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ketline_quantum::simulator::{Plan, Precision, Simulator, StateVector};
use ketline_quantum::{Builder, Circuit, QubitSlice, Result};

#[allow(dead_code)] // only its angles are wanted
mod common;

/// A state that fits in the third cache, and not in the second: 4 MiB.
const WIDTH: usize = 18;
/// Gates between which nothing can be joined.
const REPEATED: usize = 20;

/// Adds a gate with an angle on a qubit and another.
type Add = fn(&mut Builder, &QubitSlice, f64, usize, usize);

const GATES: [(&str, Add); 7] = [
    ("u", |b, q, a, t, _| b.u(a, 2.0 * a, 3.0 * a, q.at(t))),
    ("ry", |b, q, a, t, _| b.ry(a, q.at(t))),
    ("rz", |b, q, a, t, _| b.rz(a, q.at(t))),
    ("cx", |b, q, _, t, c| b.cx(q.at(c), q.at(t))),
    ("cp", |b, q, a, t, c| b.cp(a, q.at(c), q.at(t))),
    ("rzz", |b, q, a, t, c| b.rzz(a, q.at(c), q.at(t))),
    ("crx", |b, q, a, t, c| b.crx(a, q.at(c), q.at(t))),
];

/// One gate on `target` and its neighbour, again and again. The gates differ, and barriers keep them apart.
fn repeated(add: Add, target: usize) -> Result<Circuit> {
    let mut b = Builder::new("repeated");
    let q = b.qubits("q", WIDTH);
    for k in 0..REPEATED {
        add(&mut b, &q, common::angle(k + 1), target, (target + 1) % WIDTH);
        b.barrier(&q);
    }
    b.finish()
}

fn gates<T: Precision>(criterion: &mut Criterion, precision: &str, simulator: StateVector<T>) {
    for (name, add) in GATES {
        let mut group = criterion.benchmark_group(format!("{name} {precision}"));
        group.throughput(Throughput::Elements((REPEATED << WIDTH) as u64));
        for target in [0, 2, 8, WIDTH - 1] {
            let circuit = repeated(add, target).expect("the circuit is well formed");
            let plan = simulator.plan(&circuit).expect("the circuit has no noise");
            group.bench_function(BenchmarkId::from_parameter(target), |bench| {
                bench.iter(|| black_box(plan.run(&[])));
            });
        }
        group.finish();
    }
}

fn kernels(criterion: &mut Criterion) {
    gates(criterion, "f64", StateVector::new());
    gates(criterion, "f32", StateVector::single());
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = kernels
}
criterion_main!(benches);
