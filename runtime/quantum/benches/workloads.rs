//! Time of whole runs, small ones: `cargo bench --bench workloads`. Against other simulators and at full size they are
//! measured by the example `versus_simulators`.
#![allow(missing_docs)] // made by macros

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ketline_quantum::Result;
use ketline_quantum::gradient::Adjoint;
use ketline_quantum::simulator::{DensityMatrix, Plan, QuantumState, Simulator, StateVector, Trajectories};

mod common;

fn workloads(criterion: &mut Criterion) -> Result<()> {
    let simulator = StateVector::new();

    let circuit = common::layers(16, 20)?;
    criterion.bench_function("plan 16 qubits, 20 layers", |bench| {
        bench.iter(|| black_box(simulator.plan(&circuit)));
    });
    let (plan, single) = (simulator.plan(&circuit)?, StateVector::single().plan(&circuit)?);
    criterion.bench_function("state 16 qubits, 20 layers, f64", |bench| {
        bench.iter(|| black_box(plan.run(&[])));
    });
    criterion.bench_function("state 16 qubits, 20 layers, f32", |bench| {
        bench.iter(|| black_box(single.run(&[])));
    });

    let plan = simulator.plan(&common::fourier(16)?)?;
    criterion.bench_function("state 16 qubits, Fourier", |bench| bench.iter(|| black_box(plan.run(&[]))));

    let (circuit, cost) = common::qaoa(16, 5)?;
    let plan = simulator.plan(&circuit)?;
    criterion.bench_function("expectation 16 qubits, QAOA", |bench| {
        bench.iter(|| black_box(plan.expectation(&cost, &[])));
    });

    let (circuit, chain) = common::ansatz(12, 10)?;
    let (plan, values) = (Adjoint::new(&circuit)?, common::sets(1, 240).row(0).to_vec());
    criterion.bench_function("gradient 12 qubits, 10 layers", |bench| {
        bench.iter(|| black_box(plan.gradient(&chain, &values)));
    });

    let (circuit, chain) = common::ansatz(5, 3)?;
    let (plan, sets) = (simulator.batch(&circuit)?, common::sets(1000, 30));
    criterion.bench_function("values 5 qubits, 1,000 sets", |bench| {
        bench.iter(|| black_box(plan.expectations(&chain, &sets)));
    });
    criterion.bench_function("gradients 5 qubits, 1,000 sets", |bench| {
        bench.iter(|| black_box(plan.gradients(&chain, &sets)));
    });

    let circuit = common::noisy(5, 20)?;
    let (density, drawn) = (DensityMatrix::new().plan(&circuit)?, Trajectories::new(64, 4).plan(&circuit)?);
    criterion.bench_function("density 5 qubits, 20 layers", |bench| {
        bench.iter(|| black_box(density.run(&[])));
    });
    criterion.bench_function("trajectories 5 qubits, 20 layers, 64 shots", |bench| {
        bench.iter(|| black_box(drawn.sample(&[], 64, 4)));
    });

    let state = simulator.run(&common::layers(16, 3)?, &[])?.into_state()?;
    criterion.bench_function("samples 16 qubits, 100,000 shots", |bench| {
        bench.iter(|| black_box(state.sample(100_000, 4)));
    });
    Ok(())
}

fn all(criterion: &mut Criterion) {
    workloads(criterion).expect("the circuits are well formed");
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    targets = all
}
criterion_main!(benches);
