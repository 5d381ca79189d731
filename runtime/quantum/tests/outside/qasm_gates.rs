//! The gates of OpenQASM, against closed forms and against the other way to say them.

use std::fs;

use ketline_quantum::qasm::Fault;
use ketline_quantum::{C64, Circuit};

use super::qasm_text::{columns, distance, message, refused, same, three, two};

#[test]
fn the_built_in_gates_are_those_of_the_published_file() {
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/data/qasm/openqasm/stdgates.inc");
    let text = fs::read_to_string(published).unwrap();
    let gates = [
        ("p", 1, 1),
        ("x", 0, 1),
        ("y", 0, 1),
        ("z", 0, 1),
        ("h", 0, 1),
        ("s", 0, 1),
        ("sdg", 0, 1),
        ("t", 0, 1),
        ("tdg", 0, 1),
        ("sx", 0, 1),
        ("rx", 1, 1),
        ("ry", 1, 1),
        ("rz", 1, 1),
        ("cx", 0, 2),
        ("cy", 0, 2),
        ("cz", 0, 2),
        ("cp", 1, 2),
        ("crx", 1, 2),
        ("cry", 1, 2),
        ("crz", 1, 2),
        ("ch", 0, 2),
        ("swap", 0, 2),
        ("ccx", 0, 3),
        ("cswap", 0, 3),
        ("cu", 4, 2),
        ("phase", 1, 1),
        ("cphase", 1, 2),
        ("id", 0, 1),
        ("u1", 1, 1),
        ("u2", 2, 1),
        ("u3", 3, 1),
    ];
    // under other names they are expanded, not recognised
    let renamed: String = text
        .split_inclusive(|c: char| !c.is_alphanumeric() && c != '_')
        .map(|part| {
            let word = part.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_');
            if word == "CX" || gates.iter().any(|(name, ..)| *name == word) {
                format!("my_{part}")
            } else {
                part.to_owned()
            }
        })
        .collect();
    for (name, angles, qubits) in gates {
        let angles = ["0.3", "-1.1", "2.5", "0.9"][..angles].join(", ");
        let angles = if angles.is_empty() { angles } else { format!("({angles})") };
        let qubits: Vec<_> = (0..=qubits).map(|qubit| format!("q[{qubit}]")).collect();
        // a control makes the phase visible
        let call = |prefix: &str| {
            format!(
                "{renamed}\nqubit[{}] q; ctrl @ {prefix}{name}{angles} {};",
                qubits.len(),
                qubits.join(", ")
            )
        };
        let found = distance(&three(&call("my_")), &three(&call("")));
        assert!(found < 1e-12, "{name}: {found}");
    }
    // the file itself, included text and all, has nothing but definitions
    assert!(Circuit::from_qasm(&text).unwrap().instructions().is_empty());
}

#[test]
fn the_gates_of_the_language_have_their_phases() {
    // U of version 3 has 1 + exp(i theta) in its corner
    let theta = 0.7_f64;
    let circuit = three("qubit q; U(0.7, 0.2, -0.4) q;");
    let corner = columns(&circuit)[0][0];
    assert!((corner - (C64::from(1.0) + C64::from_polar(1.0, theta)) / 2.0).norm() < 1e-15);
    same("qubit[2] q; ctrl @ gphase(0.4) q[1];", "qubit[2] q; p(0.4) q[1];");
    same(
        "qubit[3] q; ctrl(2) @ U(0.7, 0.2, -0.4) q[2], q[0], q[1];",
        "qubit[3] q; ctrl @ cu(0.7, 0.2, -0.4, 0.35) q[2], q[0], q[1];",
    );
    same("qubit q; gphase(pi); x q;", "qubit q; x q; z q; x q; z q; x q;");
    // in version 2 it is the row itself
    assert_eq!(two("qreg q[1]; U(0.1,0.2,0.3) q[0];").counts(), [("u".to_owned(), 1)].into());
    assert_eq!(two("qreg q[2]; CX q[0],q[1]; cu3(1,2,3) q[0],q[1];").counts().len(), 2);
}

#[test]
fn modifiers_compose_from_the_inside() {
    same("qubit[2] q; ctrl @ x q[0], q[1];", "qubit[2] q; cx q[0], q[1];");
    same(
        "qubit[3] q; ctrl @ negctrl @ y q[0], q[1], q[2];",
        "qubit[3] q; x q[1]; ctrl(2) @ y q[0], q[1], q[2]; x q[1];",
    );
    same(
        "qubit[3] q; negctrl(2) @ z q[0], q[1], q[2];",
        "qubit[3] q; x q[0:1]; ctrl(2) @ z q[0], q[1], q[2]; x q[0:1];",
    );
    same("qubit q; inv @ pow(3) @ t q;", "qubit q; p(-3*pi/4) q;");
    same("qubit q; pow(-2) @ rx(0.3) q;", "qubit q; rx(-0.6) q;");
    same("qubit q; pow(5) @ h q;", "qubit q; h q;");
    same("qubit q; pow(0) @ h q;", "qubit q;");
    same(
        "qubit[2] q; gate g a, b { h a; cx a, b; t b; } inv @ g q[0], q[1];",
        "qubit[2] q; tdg q[1]; cx q[0], q[1]; h q[0];",
    );
    same(
        "qubit[2] q; gate g a { h a; t a; } ctrl @ pow(2) @ g q[0], q[1];",
        "qubit[2] q; ch q[0], q[1]; ctrl @ t q[0], q[1]; ch q[0], q[1]; ctrl @ t q[0], q[1];",
    );
    // controls take registers qubit by qubit, too
    same("qubit[2] a; qubit[2] b; ctrl @ x a, b;", "qubit[2] a; qubit[2] b; cx a[0], b[0]; cx a[1], b[1];");
}

#[test]
fn fractional_powers_are_principal() {
    same("qubit q; pow(0.5) @ x q;", "qubit q; sx q;");
    same("qubit q; pow(0.25) @ z q;", "qubit q; t q;");
    same("qubit q; pow(-0.5) @ z q;", "qubit q; sdg q;");
    same("qubit q; pow(1.5) @ rz(0.4) q;", "qubit q; rz(0.6) q;");
    // at a whole turn the rotation is -1, whose root is i, with either sign of the turn
    same("qubit[2] q; ctrl @ pow(0.5) @ rx(2*pi) q[0], q[1];", "qubit[2] q; s q[0];");
    same("qubit[2] q; ctrl @ pow(0.5) @ rx(-2*pi) q[0], q[1];", "qubit[2] q; s q[0];");
    // beyond it the phase of the eigenvalues comes round
    same("qubit q; pow(0.5) @ rx(3*pi) q;", "qubit q; rx(-pi/2) q;");
    for gate in [
        "h q[0]",
        "y q[0]",
        "cx q[0], q[1]",
        "swap q[0], q[1]",
        "U(0.3, 1.2, -0.7) q[1]",
        "ch q[1], q[0]",
        "g q[0], q[1]",
    ] {
        let define = "gate g a, b { h a; cx a, b; rz(0.3) b; } qubit[2] q;";
        let third = format!("pow(1.0/3.0) @ {gate};");
        same(&format!("{define}{third}{third}{third}"), &format!("{define}{gate};"));
    }
    assert!(message("input float a; qubit q; pow(0.5) @ rx(a) q;").contains("not affine"));
    assert!(message("input float a; qubit q; pow(a) @ x q;").starts_with("1:29: `a` is no sum"));
}

#[test]
fn definitions_that_are_rows_are_recognised() {
    let circuit = three("gate rzz(t) a, b { cx a, b; rz(t) b; cx a, b; } qubit[2] q; rzz(0.3) q[0], q[1];");
    assert_eq!(circuit.counts(), [("rzz".to_owned(), 1)].into());
    // an input passes through
    let circuit = three(
        "input float u; gate rzz(t) a, b { cx a, b; rz(t) b; cx a, b; } qubit[2] q; rzz(2*u) q[0], q[1];",
    );
    assert_eq!(circuit.counts(), [("rzz".to_owned(), 1)].into());
    // the same name for something else, and the same gate up to a phase, which version 3 can see
    for body in ["cx a, b; rz(2*t) b; cx a, b;", "cx a, b; p(t) b; cx a, b;"] {
        let circuit = three(&format!("gate rzz(t) a, b {{ {body} }} qubit[2] q; rzz(0.3) q[0], q[1];"));
        assert_eq!(circuit.instructions().len(), 3, "{body}");
    }
    let circuit = two("gate rzz(t) a, b { cx a, b; u1(t) b; cx a, b; } qreg q[2]; rzz(0.3) q[0], q[1];");
    assert_eq!(circuit.counts(), [("rzz".to_owned(), 1)].into());
    assert!(matches!(
        refused("OPENQASM 2.0; include \"qelib1.inc\"; gate cx a,b { CX a,b; }").0,
        Fault::DeclaredTwice { .. }
    ));
}

#[test]
fn gates_of_qelib1_beyond_the_table() {
    let check = |a: &str, b: &str| assert!(distance(&two(a), &two(b)) < 1e-12, "{a}");
    let half = "c3sqrtx q[0],q[1],q[2],q[3];";
    check("qreg q[4]; c3x q[0],q[1],q[2],q[3];", &format!("qreg q[4]; {half}{half}"));
    check("qreg q[1]; u2(0.3,0.4) q[0];", "qreg q[1]; u3(pi/2,0.3,0.4) q[0];");
    check("qreg q[1]; u0(3) q[0];", "qreg q[1]; id q[0];");
    // Margolus' gates are Toffoli gates up to the signs of some basis states
    for (relative, exact, qubits) in [("rccx", "ccx", 3), ("rc3x", "c3x", 4)] {
        let operands = (0..qubits).map(|k| format!("q[{k}]")).collect::<Vec<_>>().join(",");
        let of = |gate: &str| columns(&two(&format!("qreg q[{qubits}]; {gate} {operands};")));
        for (a, b) in of(relative).iter().flatten().zip(of(exact).iter().flatten()) {
            assert!((a.norm() - b.norm()).abs() < 1e-12, "{relative}");
        }
    }
}
