//! The noise pass against qiskit-aer: `cross_check/aer_noise.py` says how the stored density matrices were made, and
//! makes them again.

use ketline_quantum::device::{Calibration, NoiseModel, NoiseOptions};
use ketline_quantum::gate::{Call, Gate};
use ketline_quantum::{Angle, C64, Channel, Circuit, Instruction, Matrix};
use serde::Deserialize;

#[derive(Deserialize)]
struct Stored {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    device: String,
    physical: Vec<usize>,
    steps: Vec<(String, Vec<f64>, Vec<usize>)>,
    /// Real and imaginary parts, row by row from the diagonal to the right.
    upper: Vec<f64>,
}

/// The density matrix after `circuit`, one superoperator on all qubits a step: slow, and nothing of the simulators.
fn evolve(circuit: &Circuit) -> Matrix {
    let (width, d) = (circuit.width(), 1 << circuit.width());
    let mut rho = Matrix::zeros((d, d));
    rho[[0, 0]] = C64::ONE;
    for step in circuit.instructions() {
        let channel = match step {
            Instruction::Gate(call) => Channel::unitary(call.gate.full_matrix(&call.values(&[]))).unwrap(),
            Instruction::Channel { channel, .. } => channel.as_ref().clone(),
            other => panic!("no {} was put in", other.name()),
        };
        rho = channel.embed(&step.qubits(), width).unwrap().apply(&rho).unwrap();
    }
    rho
}

#[test]
fn density_matrices_agree_with_qiskit_aer() {
    let stored: Stored = serde_json::from_str(include_str!("../cross_check/aer_noise.json")).unwrap();
    assert!(stored.cases.len() >= 20);
    let options = NoiseOptions { gate_noise: true, ..NoiseOptions::NONE };
    let mut largest: f64 = 0.0;
    for case in &stored.cases {
        let model = NoiseModel::new(&Calibration::bundled(&case.device).unwrap(), options).unwrap();
        let mut circuit = Circuit::new(case.physical.len()).unwrap();
        for (name, angles, qubits) in &case.steps {
            let angles: Vec<Angle> = angles.iter().map(|angle| Angle::radians(*angle)).collect();
            let call = Call::new(Gate::named(name).unwrap(), angles, qubits.as_slice());
            circuit.push(Instruction::Gate(call)).unwrap();
        }
        let rho = evolve(&model.apply(&circuit, &case.physical).unwrap());
        let d = rho.nrows();
        let places: Vec<(usize, usize)> =
            (0..d).flat_map(|row| (row..d).map(move |column| (row, column))).collect();
        assert_eq!(case.upper.len(), 2 * places.len());
        for (place, parts) in places.into_iter().zip(case.upper.chunks(2)) {
            let off = (rho[place] - C64::new(parts[0], parts[1])).norm();
            assert!(off < 1e-6, "{} {:?} {place:?}: off by {off:e}", case.device, case.physical);
            largest = largest.max(off);
        }
    }
    println!("{} density matrices, largest deviation {largest:.1e}", stored.cases.len());
}
