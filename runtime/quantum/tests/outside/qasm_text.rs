//! Circuits from texts, compared and refused.

use ketline_quantum::gate::{Call, Gate};
use ketline_quantum::qasm::Fault;
use ketline_quantum::simulator::{Simulator, StateVector};
use ketline_quantum::{C64, Circuit, Error};

pub(crate) const HEAD: &str = "OPENQASM 3.0; include \"stdgates.inc\";\n";

pub(crate) fn three(text: &str) -> Circuit {
    Circuit::from_qasm(&format!("{HEAD}{text}")).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn two(text: &str) -> Circuit {
    Circuit::from_qasm(&format!("OPENQASM 2.0; include \"qelib1.inc\";\n{text}"))
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The columns of the unitary of a circuit, global phase included.
pub(crate) fn columns(circuit: &Circuit) -> Vec<Vec<C64>> {
    let column = |index: usize| {
        let mut prepared = circuit.emptied();
        for qubit in (0..circuit.width()).filter(|qubit| index >> qubit & 1 == 1) {
            prepared.push(Call::new(Gate::named("x").unwrap(), [], [qubit]).into()).unwrap();
        }
        circuit.instructions().iter().for_each(|step| prepared.push(step.clone()).unwrap());
        StateVector::new().run(&prepared, &[]).unwrap().into_state().unwrap().amplitudes().to_vec()
    };
    (0..1 << circuit.width()).map(column).collect()
}

#[track_caller]
pub(crate) fn same(a: &str, b: &str) {
    let off = distance(&three(a), &three(b));
    assert!(off < 1e-12, "`{a}` and `{b}` differ by {off}");
}

pub(crate) fn distance(a: &Circuit, b: &Circuit) -> f64 {
    assert_eq!(a.width(), b.width());
    let (a, b) = (columns(a), columns(b));
    a.iter().flatten().zip(b.iter().flatten()).map(|(x, y)| (x - y).norm()).fold(0.0, f64::max)
}

#[track_caller]
pub(crate) fn refused(text: &str) -> (Fault, usize, usize) {
    match Circuit::from_qasm(text) {
        Err(Error::Qasm(found)) => (found.fault().clone(), found.line(), found.column()),
        other => panic!("`{text}` gives {other:?}"),
    }
}

/// The message and place of what is wrong after the header of version 3, whose lines are not counted.
#[track_caller]
pub(crate) fn message(text: &str) -> String {
    let (fault, line, column) = refused(&format!("{HEAD}{text}"));
    format!("{}:{column}: {fault}", line - 1)
}
