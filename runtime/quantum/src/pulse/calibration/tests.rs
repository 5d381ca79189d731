//! Calibrated pulses are what their names say.

use super::*;
use crate::pulse::ScheduleBuilder;

fn manila() -> (PulseDefaults, Hamiltonian) {
    (PulseDefaults::bundled("manila").unwrap(), Hamiltonian::bundled("manila").unwrap())
}

#[test]
fn gates_of_a_pair_are_what_they_are_called_alone_and_one_after_the_other() {
    let (published, model) = manila();
    let published = published.with_gates(&["x", "sx", "rz", "cx"]);
    let pair = published.clone().with_gates(&["x", "sx"]);
    let calibration = PulseCalibration::new(&published, &model).unwrap();
    let cx = calibration.cx(0, 1).unwrap();
    assert!(cx.found.fidelity > 0.999 && cx.found.leakage < 1e-3, "{cx}");
    assert!(cx.published.fidelity < cx.found.fidelity && cx.evaluations > 0, "{cx}");
    assert!((cx.found.fidelity - cx.found.free_fidelity).abs() < 1e-4, "{cx:?}");
    cx.schedule.check(published.target(), &[]).unwrap();
    // Without the other pairs, whose search would take as long again
    let run = PulseCalibration::new(&pair, &model).unwrap().run(|_| ()).unwrap();
    assert!(run.left_out.is_empty() && run.gates.len() == 10);
    for gate in &run.gates {
        assert!(gate.found.fidelity > 0.999_99, "{gate}");
        assert_eq!(run.gate(&gate.gate, &gate.qubits), Some(gate));
    }
    let defaults = run.defaults.with_schedule("cx", &[0, 1], &cx.schedule).unwrap();
    let turned = calibration.turned_cx(&defaults, 1, 0).unwrap();
    assert!(turned.found.fidelity > 0.998, "{turned}");
    // rz by its convention: sx rz sx, and a sequence with cx
    let sequence = |steps: &[(&str, &[usize], f64)]| {
        let mut b = ScheduleBuilder::new("sequence");
        for (name, qubits, angle) in steps {
            let schedule = defaults.schedule(name, qubits).unwrap();
            let values = vec![*angle; schedule.parameters().len()];
            b.append(&schedule.bind(&values).unwrap());
            b.barrier(&[0, 1]);
        }
        b.finish().unwrap()
    };
    let (sx, rz) = (named("sx"), Gate::named("rz").unwrap().matrix(&[0.7]));
    let wanted = sx.dot(&rz).dot(&sx);
    let steps = sequence(&[("sx", &[0], 0.0), ("rz", &[0], 0.7), ("sx", &[0], 0.0)]);
    assert!(calibration.judge(&steps, &[0], &wanted).unwrap().fidelity > 0.9999);
    let steps = sequence(&[
        ("rz", &[1], 0.7),
        ("cx", &[0, 1], 0.0),
        ("sx", &[1], 0.0),
        ("rz", &[0], 0.7),
        ("cx", &[0, 1], 0.0),
    ]);
    let one = Matrix::eye(2);
    let (first, last) = (crate::linalg::kron(&rz, &one), crate::linalg::kron(&sx, &rz));
    let wanted = cx_matrix().dot(&last).dot(&cx_matrix()).dot(&first);
    let found = calibration.judge(&steps, &[0, 1], &wanted).unwrap();
    assert!(found.fidelity > 0.997, "{found:?}");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (published, model) = manila();
    let other = Hamiltonian::bundled("quito").unwrap();
    assert!(matches!(PulseCalibration::new(&published, &other), Err(Error::Shape { .. })));
    let calibration = PulseCalibration::new(&published, &model).unwrap();
    assert!(matches!(calibration.one_qubit("x", 9), Err(Error::NoPulses { .. })));
    assert!(matches!(calibration.cx(0, 3), Err(Error::NoPulses { .. })));
    let few = calibration.with_levels(1);
    assert!(matches!(few.run(|_| ()), Err(Error::OutOfRange { .. })));
}
