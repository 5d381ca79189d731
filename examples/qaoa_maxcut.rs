//! QAOA for `MaxCut` on a random 3-regular graph, trained with exact gradients.
//!
//! ```text
//! cargo run --release --example qaoa_maxcut
//! ```

use std::process::ExitCode;

use ketline::prelude::*;
use ketline::quantum::file;
use ketline::quantum::gradient::Adjoint;
use ketline::quantum::optimise::{Adam, Schedule, descend};
use ketline_examples::{Flag, OUT, Plot, Report, Table, plot, progress, run};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Vertices of the graph, one qubit each.
const N: usize = 12;
/// Layers of the circuit.
const P: usize = 4;

// ANCHOR: circuit
circuit!(
    /// QAOA for `MaxCut` on a graph known when the circuit is built (Farhi, Goldstone and Gutmann 2014).
    pub fn qaoa<const N: usize, const P: usize>(
        q: Qubits<N>,
        edges: &[(usize, usize)],
        gamma: [Angle; P],
        beta: [Angle; P],
    ) -> Bits<N> {
        h(q);
        for p in 0..P {
            for (i, j) in edges {
                rzz(2.0 * gamma[p], q[i], q[j]);
            }
            rx(2.0 * beta[p], q);
        }
        measure(q)
    }
);
// ANCHOR_END: circuit

const FLAGS: [Flag; 3] = [
    Flag::value("steps", "N", "steps of Adam [150]"),
    Flag::value("shots", "N", "shots of the trained circuit [1000]"),
    OUT,
];

fn main() -> ExitCode {
    run("qaoa_maxcut", "QAOA for MaxCut on a random 3-regular graph.", &FLAGS, |arguments| {
        let steps = arguments.number("steps", 150, "a whole number >= 0")?;
        let shots = arguments.number("shots", 1000, "a whole number >= 1")?;
        let (seed, out) = (arguments.seed()?, arguments.out()?);
        let edges = cubic_graph(N, seed);

        // ANCHOR: train
        let program = qaoa::<N, P>(&edges)?;
        let maxcut = observable!(sum(&edges, |(i, j)| 0.5 * (1.0 - Z(i) * Z(j))));
        let energy = Adjoint::new(&program)?;
        let bar = progress(arguments, "training", steps as u64);
        let mut adam = Adam::new(Schedule::cosine(0.05, steps));
        let minimum = descend(&mut adam, &ramp().to_flat(), steps, |values| {
            bar.inc(1);
            let cut = energy.gradient(&maxcut, values)?;
            Ok((-cut.value, cut.gradient.iter().map(|slope| -slope).collect()))
        })?;
        bar.finish_and_clear();
        let angles = program.params(&minimum.parameters)?;
        let counts = StateVector::new().sample(&program, &minimum.parameters, shots, seed)?;
        // ANCHOR_END: train

        let cut = |bits: u128| edges.iter().filter(|(i, j)| (bits >> i ^ bits >> j) & 1 == 1).count();
        let best = (0..1 << N).map(cut).max().unwrap_or(0) as f64;
        let sampled = counts.iter().map(|(bits, _)| cut(bits)).max().unwrap_or(0) as f64;
        let (first, last) = (-minimum.trace[0], -minimum.value);
        let chance = counts.frequencies().filter(|(bits, _)| cut(*bits) as f64 == best).map(|(_, p)| p).sum();

        let mut table = Table::new(["cut of", "edges", "of the best"]);
        for (name, value) in [
            ("a random partition, mean", edges.len() as f64 / 2.0),
            ("QAOA, mean at the start", first),
            ("QAOA, mean when trained", last),
            ("QAOA, best of the shots", sampled),
            ("brute force", best),
        ] {
            table.row([name.to_owned(), format!("{value:.3}"), format!("{:.3}", value / best)]);
        }
        print!("{table}");
        println!("gamma {:.3?}, beta {:.3?}", angles.gamma, angles.beta);
        println!("a best cut in {:.1} % of {shots} shots", 100.0 * chance);

        let energies = Plot::new(
            format!("QAOA with {P} layers, {N} vertices"),
            "step",
            "energy: −(expected cut), edges",
        )
        .line("QAOA", numbered(&minimum.trace))
        .dashed("best cut, by brute force", [(0.0, -best), (steps as f64, -best)]);
        let (plotted, drawn) = (out.join("qaoa_maxcut.svg"), out.join("qaoa_circuit.svg"));
        plot::write(&plotted, &[energies])?;
        file::write(&drawn, &qaoa::<N, 1>(&edges)?.to_svg())?;
        println!("plotted in {}, one layer drawn in {}", plotted.display(), drawn.display());

        let mut report = Report::new();
        report.metric("approximation_ratio", last / best).metric("approximation_ratio_start", first / best);
        report.metric("best_sampled_ratio", sampled / best).metric("best_cut", best);
        report.metric("best_cut_share", chance);
        Ok(report)
    })
}

/// Angles that fade the graph in and the mixer out: coarse annealing.
fn ramp() -> QaoaParams<N, P> {
    let along = |p: usize| (p as f64 + 0.5) / P as f64;
    QaoaParams {
        gamma: std::array::from_fn(|p| 0.6 * along(p)),
        beta: std::array::from_fn(|p| -0.6 * (1.0 - along(p))),
    }
}

/// A random graph of `vertices` (an even number of at least 4) with three edges at each: three ends a vertex, paired at
/// random until no edge is a loop or double.
fn cubic_graph(vertices: usize, seed: u64) -> Vec<(usize, usize)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut ends: Vec<_> = (0..3 * vertices).map(|end| end / 3).collect();
    loop {
        ends.shuffle(&mut random);
        let mut edges: Vec<_> =
            ends.chunks_exact(2).map(|ends| (ends[0].min(ends[1]), ends[0].max(ends[1]))).collect();
        edges.sort_unstable();
        edges.dedup();
        if edges.len() == ends.len() / 2 && edges.iter().all(|(i, j)| i != j) {
            return edges;
        }
    }
}

fn numbered(trace: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    trace.iter().enumerate().map(|(step, value)| (step as f64, *value))
}
