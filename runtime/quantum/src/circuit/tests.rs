//! Circuits against the dense algebra of their gates.

use super::*;
use crate::gate::{Gate, dense};
use crate::{C64, Matrix};

fn unitary(circuit: &Circuit, values: &[f64]) -> Matrix {
    let calls: Vec<_> = circuit
        .instructions()
        .iter()
        .filter_map(|step| match step {
            Instruction::Gate(call) => Some(call.clone()),
            _ => None,
        })
        .collect();
    dense(&calls, circuit.width(), values)
}

fn close(a: &Matrix, b: &Matrix) -> bool {
    a.dim() == b.dim() && a.iter().zip(b).all(|(x, y)| (x - y).norm() < 1e-12)
}

/// A circuit with a bit of everything.
fn sample() -> Circuit {
    let mut b = Builder::new("sample");
    let q: Qubits<3> = b.register("q");
    let theta: [Angle; 3] = b.parameter("theta");
    let phi: Angle = b.parameter("phi");
    b.h(q);
    b.u(theta[0], 2.0 * phi, -theta[1], q.at(0));
    b.cx(q.at(0), q.at(1..));
    b.rzz(theta[2] + phi, q.at(1), q.at(2));
    b.control(q.at(2), |b| b.rx(phi, q.at(0)));
    b.inverse(|b| {
        b.s(q.at(1));
        b.iswap(q.at(0), q.at(2));
    });
    b.power(2, |b| b.ry(theta[0] / 3.0, q.at(1)));
    b.finish().unwrap()
}

const VALUES: [f64; 4] = [0.3, -1.2, 0.8, 2.1];

#[test]
fn inverse_control_power_and_lowering_are_what_they_say() {
    let circuit = sample();
    let plain = unitary(&circuit, &VALUES);
    assert!(close(&unitary(&circuit.inverse().unwrap(), &VALUES).dot(&plain), &Matrix::eye(8)));
    assert!(close(&unitary(&circuit.power(3).unwrap(), &VALUES), &plain.dot(&plain).dot(&plain)));
    assert!(close(&unitary(&circuit.lower(), &VALUES), &plain));
    assert!(close(&unitary(&circuit.bind(&VALUES).unwrap(), &[]), &plain));
    let controlled = unitary(&circuit.control(1).unwrap(), &VALUES);
    let expected = Matrix::from_shape_fn((16, 16), |(r, c)| match (r >> 3, c >> 3) {
        (1, 1) => plain[(r & 7, c & 7)],
        (0, 0) => C64::from(f64::from(r == c)),
        _ => C64::from(0.0),
    });
    assert!(close(&controlled, &expected));
}

#[test]
fn a_circuit_has_so_many_qubits_at_most() {
    assert_eq!(Circuit::new(1 << 16).unwrap().width(), 1 << 16);
    let wide = Circuit::new(usize::MAX);
    assert_eq!(wide, Err(Error::TooManyQubits { found: usize::MAX, limit: 1 << 16 }));
}

#[test]
fn appending_joins_parameters_by_name() {
    let part = sample();
    let mut whole = Circuit::new(4).unwrap();
    whole.append(&part, &[3, 0, 2]).unwrap();
    whole.append(&part, &[0, 1, 2]).unwrap();
    assert_eq!(whole.parameters().len(), 4);
    let renamed = whole.bind_named(&[("phi", &[2.1]), ("theta", &[0.3, -1.2, 0.8])]).unwrap();
    assert!(close(&unitary(&renamed, &[]), &unitary(&whole, &VALUES)));
    assert!(matches!(whole.append(&part, &[0, 0, 1]), Err(Error::SameQubit { .. })));
    assert!(matches!(whole.append(&part, &[0, 1]), Err(Error::Width { found: 2, expected: 3, .. })));

    let mut other = Builder::new("other");
    let q: Qubits<3> = other.register("q");
    let theta: [Angle; 2] = other.parameter("theta");
    other.rx(theta[1], q);
    let before = whole.clone();
    assert!(matches!(whole.append(&other.finish().unwrap(), &[0, 1, 2]), Err(Error::ParameterShape { .. })));
    assert_eq!(whole, before, "a refused circuit leaves nothing behind");
}

#[test]
fn values_are_checked_by_name_and_number() {
    let circuit = sample();
    assert!(matches!(circuit.bind(&[0.0; 3]), Err(Error::ParameterCount { found: 3, expected: 4 })));
    let error = circuit.bind(&[0.0, f64::NAN, 0.0, 0.0]).unwrap_err();
    assert_eq!(error.to_string(), "parameter `theta[1]` is NaN, expected a finite number");
    assert!(matches!(circuit.bind_named(&[("phi", &[1.0])]), Err(Error::ParameterName { .. })));
    assert!(matches!(
        circuit.bind_named(&[("phi", &[1.0]), ("phi", &[1.0])]),
        Err(Error::ParameterName { .. })
    ));
    assert!(matches!(circuit.bind_named(&[("psi", &[1.0])]), Err(Error::ParameterName { .. })));
    let error = circuit.bind_named(&[("thet", &[1.0])]).unwrap_err().to_string();
    assert!(error.starts_with("parameter `thet` is unknown; the circuit has: "), "{error}");
    // finite values, infinite angle
    let mut b = Builder::new("steep");
    let (q, t): (_, Angle) = (b.qubit("q"), b.parameter("t"));
    b.rx(1e300 * t, q);
    assert!(matches!(b.finish().unwrap().bind(&[1e300]), Err(Error::Angle { .. })));
}

#[test]
fn the_builder_reports_the_first_mistake() {
    let build = |body: &dyn Fn(&mut Builder, Qubits<2>)| {
        let mut b = Builder::new("wrong");
        let q = b.register("q");
        body(&mut b, q);
        b.finish().unwrap_err()
    };
    assert!(matches!(build(&|b, q| b.h(q.at(2))), Error::QubitRange { qubit: 2, width: 2, .. }));
    assert!(matches!(build(&|b, q| b.h(q.at(1..4))), Error::QubitRange { qubit: 3, width: 2, .. }));
    assert!(matches!(build(&|b, q| b.cx(q.at(1), q.at(1))), Error::SameQubit { qubit: 1, .. }));
    assert!(matches!(build(&|b, q| b.cx(q, q.at(..1))), Error::Width { found: 1, expected: 2, .. }));
    assert!(matches!(build(&|b, q| b.rx(f64::INFINITY, q)), Error::Angle { .. }));
    let crowded = build(&|b, q| {
        let theta: [Angle; 5] = b.parameter("theta");
        b.rx(theta.into_iter().fold(Angle::ZERO, |sum, angle| sum + angle), q.at(0));
    });
    assert_eq!(crowded.to_string(), "an angle of `rx` mixes more than 4 parameters (step 0)");
    assert!(matches!(build(&|b, q| b.control(q.at(0), |b| b.x(q.at(0)))), Error::SameQubit { .. }));
    assert!(matches!(
        build(&|b, q| b.inverse(|b| b.reset(q))),
        Error::NotUnitaryStep { what: "inverse", .. }
    ));
    assert!(matches!(build(&|b, q| b.power(usize::MAX, |b| b.x(q))), Error::TooManySteps { .. }));
    assert!(matches!(
        build(&|b, _| {
            b.register::<1>("q");
        }),
        Error::DeclaredTwice { .. }
    ));
}

#[test]
fn absurd_sizes_end_at_once() {
    let mut b = Builder::new("wide");
    b.qubit("a");
    assert!(b.qubits("b", usize::MAX).is_empty());
    assert!(matches!(b.finish(), Err(Error::TooManyQubits { .. })));
    let mut b = Builder::new("empty");
    b.power(usize::MAX, |_| {});
    let empty = b.finish().unwrap();
    assert_eq!(empty.power(usize::MAX).unwrap().depth(), 0);
    assert!(matches!(empty.control(usize::MAX), Err(Error::TooManyQubits { .. })));
    let mut b = Builder::new("trained");
    assert!(b.parameters("t", 1 << 30).is_empty());
    assert!(matches!(b.finish(), Err(Error::TooManyParameters { .. })));
}

#[test]
fn controls_are_added_as_often_as_wanted() {
    let mut b = Builder::new("flip");
    let q = b.qubit("q");
    b.x(q);
    let twice = b.finish().unwrap().control(1).unwrap().control(0).unwrap().control(1).unwrap();
    assert_eq!((twice.width(), twice.counts()["ccx"]), (3, 1));
    assert_eq!((twice.qubit_name(1), twice.qubit_name(2)), ("control[0]".into(), "control2[0]".into()));
}

#[test]
fn simplification_keeps_the_unitary_and_removes_what_cancels() {
    let mut b = Builder::new("redundant");
    let q: Qubits<3> = b.register("q");
    let theta: [Angle; 2] = b.parameter("theta");
    b.h(q.at(0));
    b.rz(theta[0], q.at(1));
    b.cx(q.at(1), q.at(2)); // rz commutes with the control
    b.rz(theta[1], q.at(1));
    b.cz(q.at(0), q.at(1));
    b.cz(q.at(1), q.at(0)); // symmetric
    b.x(q.at(2)); // commutes with the target
    b.cx(q.at(1), q.at(2));
    b.x(q.at(2));
    b.rz(-theta[0] - theta[1], q.at(1));
    b.h(q.at(0));
    let circuit = b.finish().unwrap();
    let simple = circuit.simplify();
    assert!(simple.instructions().is_empty(), "{simple}");
    assert!(close(&unitary(&circuit, &[0.4, 0.9]), &Matrix::eye(8)));
    let sample = sample();
    assert!(close(&unitary(&sample.simplify(), &VALUES), &unitary(&sample, &VALUES)));
}

/// Random circuits from all rows: whatever is removed or moved, the unitary stays.
#[test]
fn simplification_of_random_circuits_is_exact() {
    let mut state = 12345_u64;
    let mut draw = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut removed = 0;
    for _ in 0..60 {
        let mut circuit = Circuit::new(3).unwrap();
        for _ in 0..40 {
            let row = &crate::gate::table()[draw(crate::gate::table().len())];
            let mut qubits = [0, 1, 2];
            qubits.rotate_left(draw(3));
            if draw(2) == 0 {
                qubits.swap(0, 1);
            }
            let angles: Vec<_> =
                row.angles.iter().map(|_| Angle::radians(draw(9) as f64 * 0.25 - 1.0)).collect();
            circuit
                .push(Call::new(Gate::Standard(row), angles, &qubits[..row.operands.len()]).into())
                .unwrap();
        }
        let simple = circuit.simplify();
        removed += circuit.instructions().len() - simple.instructions().len();
        assert!(close(&unitary(&simple, &[]), &unitary(&circuit, &[])));
    }
    assert!(removed > 100, "only {removed} gates were removed");
}

#[test]
fn depth_counts_and_drawings() {
    let mut b = Builder::new("teleport");
    let q: Qubits<3> = b.register("q");
    b.h(q.at(1));
    b.cx(q.at(1), q.at(2));
    b.cx(q.at(0), q.at(1));
    b.h(q.at(0));
    let m = b.measure(q.at(..2));
    b.when(m[1], |b| b.x(q.at(2)));
    b.when(!m[0], |b| b.z(q.at(2)));
    b.swap(q.at(0), q.at(2));
    b.returns(m);
    let circuit = b.finish().unwrap();
    assert_eq!((circuit.depth(), circuit.bits(), circuit.outputs()), (7, 2, &[0, 1][..]));
    assert_eq!(circuit.counts()["cx"], 2);
    assert_eq!(circuit.counts()["z"], 1);
    let text = circuit.to_string();
    assert!(text.contains("⊕") && text.contains("[M c1]") && text.contains("[if !c0: z]"), "{text}");
    assert!(text.contains('╳'), "{text}");
    let svg = circuit.to_svg();
    assert_eq!(svg.matches("<rect").count(), 1 + 6, "{svg}");
    assert!(svg.ends_with("</svg>\n"));
}
