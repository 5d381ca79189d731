//! `LiH`, `BeH2` and H2O by VQE with unitary coupled cluster: with gradients, and without.
//!
//! ```text
//! cargo run --release --example vqe_molecules
//! ```

use std::error::Error;
use std::process::ExitCode;

use ketline::prelude::*;
use ketline::quantum::ansatz::uccsd;
use ketline::quantum::gradient::Adjoint;
use ketline::quantum::optimise::{Adam, Cobyla, Minimum, Schedule, descend};
use ketline::quantum::simulator::Plan;
use ketline_examples::{Arguments, Flag, OUT, Plot, Report, Table, plot, progress, run};
use rayon::prelude::*;
use serde::Deserialize;

/// Molecules in STO-3G; the file says how they were computed.
const MOLECULES: &str = include_str!("data/molecules.json");

/// What chemistry calls accurate, in hartree.
const CHEMICAL: f64 = 1.6e-3;

#[derive(Deserialize)]
struct File {
    molecules: Vec<Molecule>,
}

#[derive(Deserialize)]
struct Molecule {
    name: String,
    length: f64,
    electrons: usize,
    orbitals: usize,
    hartree_fock: f64,
    /// In the active space.
    exact: f64,
    paulis: Vec<(String, f64)>,
}

const FLAGS: [Flag; 4] = [
    Flag::value("steps", "N", "steps of Adam [120]"),
    Flag::value("evaluations", "N", "evaluations of COBYLA; 0 leaves it out [600]"),
    Flag::value("molecules", "N", "how many molecules, smallest first [6]"),
    OUT,
];

fn main() -> ExitCode {
    run("vqe_molecules", "LiH, BeH2 and H2O by VQE, with and without gradients.", &FLAGS, body)
}

fn body(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let expected = "a whole number >= 0";
    let steps = arguments.number("steps", 120, expected)?;
    let evaluations = arguments.number("evaluations", 600, expected)?;
    let count = arguments.number("molecules", usize::MAX, expected)?;
    let out = arguments.out()?;
    let file: File = serde_json::from_str(MOLECULES)?;
    let molecules: Vec<Molecule> =
        file.molecules.into_iter().filter(|m| m.name != "H2").take(count).collect();
    let bar = progress(arguments, "molecules", molecules.len() as u64);
    let found: Vec<(usize, Minimum, Option<Minimum>)> = molecules
        .par_iter()
        .map(|molecule| {
            let trained = train(molecule, steps, evaluations);
            bar.inc(1);
            trained
        })
        .collect::<ketline::Result<_>>()?;
    bar.finish_and_clear();

    let mut table =
        Table::new(["molecule", "qubits", "angles", "Hartree-Fock", "gradients", "no gradients", "exact"]);
    let (mut worst, mut worst_free) = (0.0_f64, 0.0_f64);
    let mut errors =
        Plot::new("VQE with unitary coupled cluster", "evaluation", "energy above exact, hartree")
            .logarithmic();
    for (molecule, (angles, gradients, free)) in molecules.iter().zip(&found) {
        let above = |energy: f64| energy - molecule.exact;
        table.row([
            format!(
                "{} ({}e,{}o) {} Å",
                molecule.name, molecule.electrons, molecule.orbitals, molecule.length
            ),
            (2 * molecule.orbitals).to_string(),
            angles.to_string(),
            format!("{:+.2} mHa", 1e3 * above(molecule.hartree_fock)),
            format!("{:+.4} mHa", 1e3 * above(gradients.value)),
            free.as_ref().map_or("-".into(), |free| format!("{:+.3} mHa", 1e3 * above(free.value))),
            format!("{:.6}", molecule.exact),
        ]);
        worst = worst.max(above(gradients.value));
        worst_free = worst_free.max(free.as_ref().map_or(0.0, |free| above(free.value)));
        let trace = gradients.trace.iter().enumerate().map(|(k, v)| (k as f64, above(*v).max(1e-9)));
        errors = errors.line(format!("{} {} Å", molecule.name, molecule.length), trace);
    }
    errors = errors.dashed("chemical accuracy, 1.6 mHa", [(0.0, CHEMICAL), (steps as f64, CHEMICAL)]);
    print!("{table}");
    println!(
        "above the lowest energy of the active space; {steps} steps of Adam with adjoint gradients, {evaluations} evaluations of COBYLA"
    );
    plot::write(&out.join("vqe_molecules.svg"), &[errors])?;
    println!("plotted in {}", out.join("vqe_molecules.svg").display());
    let mut report = Report::new();
    report.metric("worst_gradient_mha", 1e3 * worst).metric("worst_gradient_free_mha", 1e3 * worst_free);
    Ok(report)
}

/// The number of angles, and the minima with and without gradients from the Hartree-Fock state.
fn train(
    molecule: &Molecule,
    steps: usize,
    evaluations: usize,
) -> ketline::Result<(usize, Minimum, Option<Minimum>)> {
    // ANCHOR: train
    let hamiltonian = Observable::from_paulis(molecule.paulis.iter().map(|(letters, c)| (letters, *c)))?;
    let ansatz = uccsd(molecule.orbitals, molecule.electrons)?;
    let energy = Adjoint::new(&ansatz)?;
    let start = vec![0.0; ansatz.parameters().len()];
    let mut adam = Adam::new(Schedule::cosine(0.05, steps));
    let gradients = descend(&mut adam, &start, steps, |values| {
        let found = energy.gradient(&hamiltonian, values)?;
        Ok((found.value, found.gradient))
    })?;
    // ANCHOR_END: train
    let plan = StateVector::new().plan(&ansatz)?;
    let free = (evaluations > 0)
        .then(|| Cobyla::new(evaluations).minimise(&start, |values| plan.expectation(&hamiltonian, values)))
        .transpose()?;
    Ok((start.len(), gradients, free))
}
