//! What programs of OpenQASM become: registers, constants, conditions, and what is refused.

use std::f64::consts::PI;

use ketline_quantum::gate::Call;
use ketline_quantum::qasm::{self, Fault, Limits};
use ketline_quantum::simulator::{DensityMatrix, Simulator, StateVector};
use ketline_quantum::{Circuit, Error, Instruction};

use super::qasm_text::{HEAD, message, refused, three, two};

#[test]
fn registers_are_taken_qubit_by_qubit() {
    assert_eq!(three("qubit[3] q; qubit r; h q; cx r, q;").counts()["cx"], 3);
    let circuit = three(
        "qubit[5] q; let odd = q[1:2:4]; let ends = q[{0, -1}]; let all = odd ++ ends; x all; z all[-1]; y q[3:];",
    );
    let places: Vec<_> = circuit.instructions().iter().map(|step| step.qubits()[0]).collect();
    assert_eq!(places, [1, 3, 0, 4, 4, 3, 4]);
    assert_eq!(
        message("qubit[2] a; qubit[3] b; cx a, b;"),
        "1:31: found a register of 3 qubits, expected one of 2"
    );
    assert_eq!(
        message("qubit[2] a; cx a, a;"),
        "1:13: `cx` needs distinct qubits, but qubit 0 is used twice (step 0)"
    );
    assert_eq!(message("qubit[2] a; x a[2];"), "1:17: index 2 is out of range: `a` has 2 elements");
    assert_eq!(message("qubit[2] a; x a[-3];"), "1:17: index -3 is out of range: `a` has 2 elements");
    // physical qubits are numbered as they are
    let circuit = three("h $2; cx $2, $0; bit[1] c; c[0] = measure $0;");
    assert_eq!((circuit.width(), circuit.registers().len()), (3, 0));
    assert!(message("qubit q; x $0;").contains("either physical qubits or registers"));
}

#[test]
fn constants_loops_and_variables_are_computed() {
    let angles = |text: &str| -> Vec<f64> {
        let circuit = three(text);
        let angle = |step: &Instruction| match step {
            Instruction::Gate(call) => call.angles[0].offset(),
            _ => f64::NAN,
        };
        circuit.instructions().iter().map(angle).collect()
    };
    assert_eq!(angles("qubit q; for int i in [0:2:6] { rz(i * 0.5) q; }"), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(angles("qubit q; for uint i in {3, 1, 4} rz(i) q;"), [3.0, 1.0, 4.0]);
    assert_eq!(angles("qubit q; for int i in [3:-1:1] { if (i == 2) continue; rz(i) q; }"), [3.0, 1.0]);
    assert_eq!(angles("qubit q; for int i in [0:9] { if (i > 1) { break; } rz(i) q; }"), [0.0, 1.0]);
    assert_eq!(angles("const int n = 2 ** 5 - 1; qubit q; rz(n % 4 + 7 / 2) q;"), [6.0]);
    assert_eq!(angles("qubit q; rz(-2 ** 2) q; rz(2 ** -1) q; rz(1 << 3 | 1) q;"), [-4.0, 0.5, 9.0]);
    assert_eq!(angles("qubit q; rz(sin(pi / 2) + cos(0) + sqrt(4) + arccos(1) + ln(euler)) q;"), [5.0]);
    assert_eq!(
        angles("qubit q; uint[4] k = 5; k += 14; rz(k) q; k <<= 1; rz(k) q; float w = 0.5; w *= k; rz(w) q;"),
        [3.0, 6.0, 3.0]
    );
    assert_eq!(angles("qubit q; uint[3] k = 5; for int i in [0:2] { if (bool(k[i])) rz(i) q; }"), [0.0, 2.0]);
    assert_eq!(
        angles("qubit q; bit[3] k = \"011\"; rz(popcount(k)) q; rz(uint[3](k)) q; rz(sizeof(k)) q;"),
        [2.0, 3.0, 3.0]
    );
    assert_eq!(
        angles("qubit q; rz(0x1f + 0b11 + 0o7 + 1_000) q; rz(1e-3) q; rz(.5) q; rz(τ - 2 * π) q;"),
        [1041.0, 1e-3, 0.5, 0.0]
    );
    // version 2 divides as a calculator does, and its `^` is a power
    let circuit = two("qreg q[1]; rz(1/2) q[0]; rz(2^3) q[0]; rz(-pi/2) q[0];");
    let found = circuit.instructions().iter().map(|step| match step {
        Instruction::Gate(call) => call.angles[0].offset(),
        _ => f64::NAN,
    });
    assert_eq!(found.collect::<Vec<_>>(), [0.5, 8.0, -PI / 2.0]);
    assert_eq!(message("qubit q; rz(1.0 / 0.0) q;"), "1:13: a number: found inf, expected a finite one");
    assert!(message("qubit q; rz(1 / 0) q;").contains("64 bits"));
    assert!(message("const int n = 3; n = 4;").contains("which is constant"));
    assert!(message("int[4] n = 8;").contains("found 8"));
    assert!(message("qubit q; float w; rz(w) q;").contains("no value yet"));
}

#[test]
fn inputs_are_parameters_in_sums() {
    let circuit = three(
        "input float[64] a; input array[angle, 2, 2] w; input angle b;\nqubit q;\n\
         gate g(t) q { rz(t / 2 + pi) q; } g(2 * a - b) q; rx(-w[1, 0]) q; float v = a + 1; ry(v - a) q;",
    );
    assert_eq!(circuit.parameters().names(), ["a", "w[0][0]", "w[0][1]", "w[1][0]", "w[1][1]", "b"]);
    let calls: Vec<&Call> = circuit
        .instructions()
        .iter()
        .filter_map(|step| match step {
            Instruction::Gate(call) => Some(call),
            _ => None,
        })
        .collect();
    let values = [0.3, 1.0, 2.0, 3.0, 4.0, 0.7];
    let angles: Vec<_> = calls.iter().map(|call| call.values(&values)[0]).collect();
    assert!(
        (angles[0] - (0.3 - 0.35 + PI)).abs() < 1e-15 && angles[1] == -3.0 && angles[2] == 1.0,
        "{angles:?}"
    );
    assert_eq!(
        message("input float a; qubit q; rx(a * a) q;"),
        "1:28: `a * a` is no sum of multiples of inputs and numbers; an angle of a circuit must be"
    );
    assert!(message("input float a; qubit q; rx(sin(a)) q;").starts_with("1:28: `sin(a)` is no sum"));
    assert!(message("input float a; qubit q; rx(1 / a) q;").starts_with("1:28: `1 / a` is no sum"));
    assert!(message("input int a;").starts_with("1:7: an input of type `int`"));
    assert!(message("input float a; qubit[2] q; x q[a];").contains("expected a whole number"));
}

/// The outcomes of three bits in every combination, and of a qubit that is flipped under a condition on them.
fn asked(condition: &str, wanted: impl Fn(usize) -> bool) {
    let text =
        format!("qubit[4] q; bit[3] c; bit d; h q[0:2]; c = measure q[0:2]; {condition} d = measure q[3];");
    let found = StateVector::new().probabilities(&three(&text), &[]).unwrap();
    for c in 0..8 {
        let one = usize::from(wanted(c));
        assert!((found[c | one << 3] - 0.125).abs() < 1e-12, "{condition}: {c} {found:?}");
    }
}

#[test]
fn conditions_ask_outcomes() {
    asked("if (c[1]) x q[3];", |c| c >> 1 & 1 == 1);
    asked("if (!c[1]) { x q[3]; }", |c| c >> 1 & 1 == 0);
    asked("if (c[1] == 0) x q[3];", |c| c >> 1 & 1 == 0);
    asked("if (c[1] != true) x q[3];", |c| c >> 1 & 1 == 0);
    asked("if (c == 5) x q[3];", |c| c == 5);
    asked("if (c != 5) x q[3];", |c| c != 5);
    asked("if (c == \"011\") x q[3];", |c| c == 3);
    asked("if (uint[3](c) > 2) x q[3];", |c| c > 2);
    asked("if (int[3](c) < -1) x q[3];", |c| (4..7).contains(&c));
    asked("if (uint[2](c[0:1]) == 2) x q[3];", |c| c & 3 == 2);
    asked("if (c[0] && !c[2]) x q[3];", |c| c & 5 == 1);
    asked("if (c[0] || c[2]) x q[3];", |c| c & 5 != 0);
    asked("if ((c[0] ^ c[1]) == true) x q[3];", |c| (c ^ c >> 1) & 1 == 1);
    asked("if (bool(c[0] & c[1] | c[2])) x q[3];", |c| c & 3 == 3 || c & 4 != 0);
    asked("if (c[0]) { if (c[1]) x q[3]; } else { if (c[2]) { x q[3]; } }", |c| {
        if c & 1 == 1 { c & 2 != 0 } else { c & 4 != 0 }
    });
    asked("if (popcount(c) == 2) x q[3];", |c| c.count_ones() == 2);
    asked("if (c) x q[3]; else z q[3];", |c| c != 0);
    // what is known decides itself: bits start at 0
    assert_eq!(
        three("qubit q; bit[2] c; if (c[0]) x q; if (c == 0) z q;").counts(),
        [("z".to_owned(), 1)].into()
    );
    // the other side may measure what is asked, as long as one of them leaves it alone
    let circuit =
        three("qubit[2] q; bit c; x q[0]; c = measure q[0]; if (c) { c = measure q[1]; } else { x q[1]; }");
    assert!(matches!(&circuit.instructions()[2], Instruction::If { value: false, .. }));
    let circuit = three("qubit[2] q; bit c; c = measure q[0]; if (c) { h q[1]; } else { c = measure q[1]; }");
    assert!(matches!(&circuit.instructions()[1], Instruction::If { value: true, .. }));
    assert!(
        message("qubit q; bit c; c = measure q; if (c) { c = measure q; } else { x q; c = measure q; }")
            .contains("both of its sides")
    );
    assert!(message("qubit q; bit[2] c; c[0] = measure q; if (c[0] == 2) x q;").contains("asks nothing"));
}

#[test]
fn wide_registers_of_which_little_is_used_are_sampled() {
    let circuit = three("qubit[2] q; bit[50] c; x q[0]; h q[1]; c[45] = measure q[0]; c[3] = measure q[1];");
    let counts = StateVector::new().sample(&circuit, &[], 1000, 5).unwrap();
    assert_eq!(counts, DensityMatrix::new().sample(&circuit, &[], 1000, 5).unwrap());
    assert_eq!((counts.width(), counts.total()), (50, 1000));
    assert_eq!(counts.count(1 << 45) + counts.count(1 << 45 | 1 << 3), 1000);
    assert!(counts.count(1 << 45) > 400);
    let counts = StateVector::new().sample(&three("qubit q; bit[40] c; h q;"), &[], 10, 5).unwrap();
    assert_eq!((counts.width(), counts.count(0)), (40, 10));
}

#[test]
fn outcomes_are_kept_apart() {
    // a subroutine's outcomes stay with the caller while it measures again
    let text = "qubit[2] q; bit[2] c; def m(qubit a) -> bit { bit b; b = measure a; return b; }\n\
                x q[0]; c[0] = m(q[0]); c[1] = m(q[1]);";
    let circuit = three(text);
    assert_eq!((circuit.bits(), circuit.outputs()), (4, &[2, 3][..]));
    assert!((StateVector::new().probabilities(&circuit, &[]).unwrap()[1] - 1.0).abs() < 1e-12);
    // a copy is a value
    let circuit = three("qubit q; bit a; bit b; x q; a = measure q; b = a; x q; a = measure q;");
    assert!((StateVector::new().probabilities(&circuit, &[]).unwrap()[2] - 1.0).abs() < 1e-12);
    // outputs alone are the result
    let circuit = three("qubit[2] q; bit[2] c; output bit[1] r; x q[1]; c = measure q; r[0] = c[1];");
    assert_eq!((circuit.bits(), circuit.outputs()), (2, &[1][..]));
    // in a branch a bit is only measured into
    assert!(message("qubit q; bit c; bit d; c = measure q; if (c) { d = 1; }").contains("only by measuring"));
    assert!(
        message("qubit q; bit c; int n = 0; c = measure q; if (c) { n = 1; }")
            .contains("changes no variables")
    );
    assert!(
        message("qubit q; bit c; bit d = 1; c = measure q; if (c) { d = measure q; }")
            .contains("only by measuring")
    );
    assert!(message("qubit q; int n; n = measure q;").contains("measure into bits"));
    assert!(message("qubit q; bit c; c = measure q; rx(c * pi) q;").contains("measured bit"));
    assert!(
        message("qubit q; bit c; c = measure q; for int i in [0:1] { if (c) break; }")
            .contains("fixed length")
    );
}

#[test]
fn what_a_circuit_cannot_hold_is_refused_at_its_place() {
    let starts = |text: &str, start: &str| {
        let found = message(text);
        assert!(found.starts_with(start), "{text}: {found}");
    };
    starts("qubit q;\n  while (true) { x q; }", "2:3: `while`: a circuit has a fixed length");
    starts("defcal x $0 { }", "1:1: `defcal`");
    starts("duration d = 1ns;", "1:1: `duration`");
    starts("extern f(int) -> int; int x = f(3);", "1:31: `f`: what an extern function returns");
    starts("opaque g a; qubit q; g q;", "1:22: `g`: an opaque gate has no definition");
    starts("gate g a { measure a; } qubit q; g q;", "1:20: `measure`: a gate consists of gates");
    starts("gate g a { g a; } qubit q; g q;", "1:12: no gate `g`");
    starts("qubit q; rzz(0.3) q, q;", "1:10: no gate `rzz` is declared here; include");
    starts("qubit q; foo q;", "1:10: no gate `foo` is declared here");
    starts("qubit q; rx q;", "1:10: `rx` takes 1 angles, found 0");
    starts("qubit q; cx q;", "1:10: `cx` takes 2 qubits, found 1");
    starts("qubit q; qubit q;", "1:16: `q` is declared twice");
    starts("qubit x;", "1:7: `x` is declared twice: the included file has a gate of this name");
    starts("qubit if;", "1:7: found `if`, expected a name");
    starts("qubit q; x q", "1:13: found the end of the text, expected `,` or `;`");
    starts("include \"other.inc\";", "1:1: `other.inc` cannot be included");
    starts("qubit q; x[10ns] q;", "1:10: found an expression, expected the name of a gate");
    starts("def f(qubit q) { x q; } qubit q; f q;", "1:34: `f`: it is a subroutine");
    starts("qubit q; @note\nx q; pragma here", "2:6: `pragma`");
    starts("switch (1) { }", "1:1: `switch`");
    starts("array[int, 2] a;", "1:1: an array");
    assert!(matches!(refused("OPENQASM 2.0; opaque g a; qreg q[1]; g q[0];").0, Fault::Unsupported { .. }));
    assert!(matches!(refused("OPENQASM 2.0; qreg q[1]; h q[0];").0, Fault::Undefined { .. }));
    assert!(matches!(refused("OPENQASM 3.0; qubit q; \u{1F980} q;").0, Fault::Syntax { .. }));
}

#[test]
fn time_is_a_barrier() {
    let circuit = three("qubit[2] q; delay[100ns] q[0]; box { x q[1]; } box[2us] { } x q;");
    let names: Vec<_> = circuit.instructions().iter().map(Instruction::name).collect();
    assert_eq!(names, ["barrier", "barrier", "x", "barrier", "x", "x"]);
}

#[test]
fn a_small_text_cannot_ask_for_much() {
    const WORK: &str = "statements and loop turns";
    const LEVELS: &str = "nested levels";
    let doubled = |first: &str| {
        let mut text = format!("{HEAD}gate g0 a {{ {first} }}\n");
        for k in 1..=60 {
            text = format!("{text}gate g{k} a {{ g{} a; g{} a; }}\n", k - 1, k - 1);
        }
        text + "qubit q; g60 q;"
    };
    let nested = |open: &str, close: &str| {
        format!("{HEAD}qubit q; rx({}1{}) q;", open.repeat(10_000), close.repeat(10_000))
    };
    let blocks = format!("{HEAD}qubit q; {} x q; {}", "if (true) {".repeat(10_000), "}".repeat(10_000));
    let calls: Vec<_> = (1..300).map(|k| format!("gate g{k} a {{ g{} a; }}", k - 1)).collect();
    let calls = calls.join("\n");
    let wide = (0..4000).map(|k| format!("q[{k}]")).collect::<Vec<_>>().join(", ");
    let cases = [
        ("qubits", "OPENQASM 3; qubit[4000000000] q;".to_owned()),
        ("qubits", "OPENQASM 2.0; qreg q[4000000000];".to_owned()),
        ("", "OPENQASM 3; qubit[99999999999999999999] q;".to_owned()),
        ("bits", "OPENQASM 3; bit[4000000000] c;".to_owned()),
        ("inputs", "OPENQASM 3; input array[float, 100000, 100000, 100000] a;".to_owned()),
        ("qubits", "U(0, 0, 0) $4000000000;".to_owned()),
        ("qubits", "U(0, 0, 0) $99999999999999999999;".to_owned()),
        (WORK, doubled("x a;")),
        (WORK, doubled("")),
        (WORK, format!("{HEAD}qubit q; for int i in [0:1000000000000] {{ x q; }}")),
        (WORK, format!("{HEAD}qubit q; for int i in [0:99999] {{ for int j in [0:99999] {{ }} }}")),
        ("steps", format!("{HEAD}qubit q; pow(1000000000) @ h q;")),
        ("steps", format!("{HEAD}qubit q; inv @ pow(2000000000) @ pow(2000000000) @ h q;")),
        ("operands of all steps", format!("{HEAD}qubit[4096] q; for int i in [0:99999] {{ barrier q; }}")),
        (WORK, format!("{HEAD}qubit[4000] q; for int i in [0:9999] ctrl(3999) @ x {wide};")),
        (LEVELS, format!("{HEAD}qubit q; rx(1{}) q;", " + 1".repeat(100_000))),
        (LEVELS, nested("(", ")")),
        (LEVELS, nested("-", "")),
        (LEVELS, nested("sin(", ")")),
        (LEVELS, blocks),
        (LEVELS, format!("{HEAD}gate g0 a {{ x a; }}\n{calls} qubit q; g299 q;")),
        (
            "cases of a condition",
            format!("{HEAD}qubit[24] q; bit[24] c; c = measure q; if (uint[24](c) * 3 == 7) x q[0];"),
        ),
        (LEVELS, format!("{HEAD}def f(qubit q) {{ f(q); }} qubit q; f(q);")),
        ("", format!("{HEAD}{}", "/* ".repeat(100_000))),
        ("", format!("{HEAD}qubit q; {}", "@a ".repeat(100_000))),
    ];
    let refusal = |text: &str, limits: &Limits| match qasm::import_within(text, limits) {
        Err(Error::Qasm(found)) => found,
        other => panic!("`{}` gives {other:?}", &text[..text.len().min(120)]),
    };
    // what is gone through is bounded by the limit that stops it, so the same texts end where the limits are a thousandth
    let all = Limits::default();
    let few = Limits { steps: all.steps >> 10, work: all.work >> 10, ..all };
    for (wanted, text) in &cases {
        for limits in [&all, &few] {
            let error = refusal(text, limits);
            match error.fault() {
                Fault::Limit { what, limit } => {
                    assert!(limits == &few || what == wanted, "{error}");
                    let known = [
                        limits.qubits,
                        limits.bits,
                        limits.steps,
                        8 * limits.steps,
                        limits.work,
                        limits.depth,
                        4096,
                    ];
                    assert!(known.contains(limit), "{error}");
                }
                Fault::Syntax { .. } => assert_eq!(*wanted, "", "{error}"),
                _ => panic!("{error}"),
            }
            assert!(error.to_string().len() < 600, "{error}");
        }
    }
    let limits = Limits { bytes: 10, ..Limits::default() };
    let error = qasm::import_within("OPENQASM 3;", &limits).unwrap_err();
    assert!(
        matches!(&error, Error::Qasm(found) if *found.fault() == Fault::Limit { what: "bytes", limit: 10 }),
        "{error}"
    );
}

#[test]
fn messages_show_the_place() {
    let text = "OPENQASM 3;\nqubit[2] θ;\n\tU(0, 0, 0) θ[5];\n";
    assert_eq!(
        Circuit::from_qasm(text).unwrap_err().to_string(),
        "index 5 is out of range: `θ` has 2 elements\n --> line 3, column 15\n  |\n3 |  U(0, 0, 0) θ[5];\n  |               ^"
    );
    // a long line is cut around the place
    let text = format!("OPENQASM 3; /*{}*/ zz y; /*{}*/", "a".repeat(100_000), "b".repeat(100_000));
    let error = Circuit::from_qasm(&text).unwrap_err().to_string();
    assert!(error.len() < 500 && error.contains("zz y"), "{error}");
}
