//! The ground state of the hydrogen molecule by VQE.
//!
//! ```text
//! cargo run --release --example vqe_h2
//! ```

use std::process::ExitCode;

use ketline::prelude::*;
use ketline::quantum::file;
use ketline::quantum::gradient::Adjoint;
use ketline::quantum::linalg::Eigen;
use ketline::quantum::optimise::{Adam, Schedule, descend};
use ketline_examples::{Flag, OUT, Plot, Report, Table, plot, progress, run};
use serde::Deserialize;

/// H2 at 0.735 angstrom in STO-3G; the file says how it was made.
const H2: &str = include_str!("data/h2.json");

#[derive(Deserialize)]
struct Molecule {
    /// Energies in hartree.
    hartree_fock: f64,
    fci: f64,
    /// Pauli products, the first letter for qubit 0, and their coefficients in hartree.
    paulis: Vec<(String, f64)>,
}

// ANCHOR: circuit
circuit!(
    /// Moves the pair of electrons from the lower orbital (qubits 0 and 1) to the upper one (2 and 3):
    /// `cos(theta/2) |0011> + sin(theta/2) |1100>`. At 0 it is the Hartree-Fock state.
    pub fn pair_excitation(q: Qubits<4>, theta: Angle) {
        ry(180deg - theta, q[0]);
        cx(q[0], q[1]);
        x(q[2..]);
        cx(q[0], q[2]);
        cx(q[2], q[3]);
        x(q[3]);
    }
);
// ANCHOR_END: circuit

const FLAGS: [Flag; 2] = [Flag::value("steps", "N", "steps of Adam [100]"), OUT];

fn main() -> ExitCode {
    run("vqe_h2", "The ground state of the hydrogen molecule by VQE.", &FLAGS, |arguments| {
        let steps = arguments.number("steps", 100, "a whole number >= 0")?;
        let out = arguments.out()?;
        let molecule: Molecule = serde_json::from_str(H2)?;

        // ANCHOR: train
        let hamiltonian = Observable::from_paulis(molecule.paulis)?;
        let program = pair_excitation()?;
        let energy = Adjoint::new(&program)?;
        let bar = progress(arguments, "training", steps as u64);
        let mut adam = Adam::new(Schedule::cosine(0.05, steps));
        let minimum = descend(&mut adam, &[0.0], steps, |values| {
            bar.inc(1);
            let energy = energy.gradient(&hamiltonian, values)?;
            Ok((energy.value, energy.gradient))
        })?;
        bar.finish_and_clear();
        // ANCHOR_END: train

        let exact = Eigen::new(&hamiltonian.matrix(4)?)?.values[0];
        let error = minimum.value - molecule.fci;
        let mut table = Table::new(["energy of H2", "hartree", "above FCI"]);
        for (name, value) in [
            ("Hartree-Fock", molecule.hartree_fock),
            ("VQE", minimum.value),
            ("full configuration interaction", molecule.fci),
            ("lowest eigenvalue of the matrix", exact),
        ] {
            table.row([name.to_owned(), format!("{value:.8}"), format!("{:.1e}", value - molecule.fci)]);
        }
        print!("{table}");
        println!("theta = {:.6} rad after {steps} steps", minimum.parameters[0]);

        let above = |value: f64| (value - molecule.fci).max(0.0);
        let trace = minimum.trace.iter().enumerate().map(|(step, value)| (step as f64, above(*value)));
        let errors = Plot::new("VQE for H2, STO-3G, 0.735 Å", "step", "energy above FCI, hartree")
            .logarithmic()
            .line("VQE", trace)
            .dashed("chemical accuracy, 1.6 mHa", [(0.0, 1.6e-3), (steps as f64, 1.6e-3)]);
        let (plotted, drawn) = (out.join("vqe_h2.svg"), out.join("pair_excitation.svg"));
        plot::write(&plotted, &[errors])?;
        file::write(&drawn, &program.to_svg())?;
        println!("plotted in {}, circuit drawn in {}", plotted.display(), drawn.display());

        let mut report = Report::new();
        report.metric("energy", minimum.value).metric("error_hartree", error.abs());
        report.metric("matrix_error_hartree", (exact - molecule.fci).abs());
        Ok(report)
    })
}
