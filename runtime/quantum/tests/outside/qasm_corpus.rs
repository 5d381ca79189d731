//! Reads OpenQASM files that others wrote (`data/qasm`, see its README): each becomes a circuit with the reference state,
//! or is refused for the right reason, and what is written of it is read as an equal circuit.
//!
//! The widest files take a while and are looked at with `cargo test --release -p ketline-quantum --test outside qasm_corpus --
//! --ignored`.

use std::fs;
use std::path::PathBuf;

use ketline_quantum::qasm::{self, Fault, Version};
use ketline_quantum::simulator::{Simulator, StateVector};
use ketline_quantum::{C64, Circuit, Error, Instruction};
use serde_json::Value;

/// Files that are refused: line, column, what the message says.
#[rustfmt::skip]
const REFUSED: &[(&str, usize, usize, &str)] = &[
    // measures registers `q` and `c`, but declares `reg` alone
    ("qasmbench/vqe_uccsd_n4.qasm", 225, 9, "`q` is declared"),
    ("qasmbench/vqe_uccsd_n4_transpiled.qasm", 242, 9, "`q` is declared"),
    ("qasmbench/vqe_uccsd_n6_transpiled.qasm", 2128, 9, "`q` is declared"),
    // a fragment without a register
    ("openqasm/cphase.qasm", 9, 15, "`q` is declared"),
    // durations, pulses, arrays, extern functions, loops without an end: no circuit holds them
    ("openqasm/alignment.qasm", 8, 1, "no durations"),
    ("openqasm/dd.qasm", 7, 1, "no durations"),
    ("openqasm/t1.qasm", 6, 1, "no durations"),
    ("openqasm/defcal.qasm", 1, 1, "pulses"),
    ("openqasm/arrays.qasm", 9, 1, "no arrays"),
    ("openqasm/gateteleport.qasm", 12, 9, "extern function"),
    ("openqasm/vqe.qasm", 75, 24, "extern function"),
    ("openqasm/msd.qasm", 87, 3, "fixed length"),
    ("openqasm/rus.qasm", 34, 1, "fixed length"),
    // an angle that is computed from outcomes
    ("openqasm/ipe.qasm", 26, 15, "no value yet"),
    // subroutines called as no grammar of version 3 has it
    ("openqasm/scqec.qasm", 53, 3, "in parentheses"),
    ("openqasm/varteleport.qasm", 31, 3, "in parentheses"),
    // two bits read as a signed number are never 2
    ("openqasm/qec.qasm", 24, 4, "from -2 to 1"),
];

/// Qubits of the widest file that every run simulates.
const WIDTH: usize = 16;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/qasm")
}

fn references() -> Vec<Value> {
    let text = fs::read_to_string(folder().join("references.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn name(reference: &Value) -> &str {
    reference["file"].as_str().unwrap()
}

/// All files that are not refused.
fn circuits() -> Vec<(Value, Circuit)> {
    let accepted = |reference: &Value| REFUSED.iter().all(|(file, ..)| *file != name(reference));
    let read = |reference: Value| {
        let circuit = qasm::read(&folder().join(name(&reference)))
            .unwrap_or_else(|e| panic!("{}: {e}", name(&reference)));
        (reference, circuit)
    };
    references().into_iter().filter(accepted).map(read).collect()
}

fn amplitudes(circuit: &Circuit) -> Vec<C64> {
    StateVector::new().run(circuit, &[]).unwrap().into_state().unwrap().amplitudes().to_vec()
}

/// Compares with the reference state, whose phase is free, and with its probabilities.
fn compare(reference: &Value, circuit: &Circuit) {
    let name = name(reference);
    let state = amplitudes(circuit);
    for (bits, probability) in reference["probabilities"].as_object().unwrap() {
        let found = state[usize::from_str_radix(bits, 2).unwrap()].norm_sqr();
        assert!(
            (found - probability.as_f64().unwrap()).abs() < 1e-9,
            "{name}: {bits} has {found}, not {probability}"
        );
    }
    let nonzero = state.iter().filter(|a| a.norm_sqr() > 1e-12).count() as u64;
    assert_eq!(nonzero, reference["nonzero"].as_u64().unwrap(), "{name}");
    if let Some(wanted) = reference["amplitudes"].as_array() {
        let wanted = wanted.iter().map(|a| C64::new(a[0].as_f64().unwrap(), a[1].as_f64().unwrap()));
        let overlap: C64 = state.iter().zip(wanted).map(|(a, b)| a.conj() * b).sum();
        assert!((overlap.norm() - 1.0).abs() < 1e-9, "{name}: overlap {overlap}");
    }
}

#[test]
fn every_file_is_read_or_refused_with_its_reason() {
    let all = references();
    assert_eq!(all.len(), 120);
    for (reference, circuit) in circuits() {
        if let Some(qubits) = reference["qubits"].as_u64() {
            assert_eq!(circuit.width() as u64, qubits, "{}", name(&reference));
            assert_eq!(circuit.bits() as u64, reference["bits"].as_u64().unwrap(), "{}", name(&reference));
        }
    }
    for (file, line, column, message) in REFUSED {
        assert!(all.iter().any(|reference| name(reference) == *file), "{file}");
        let error = qasm::read(&folder().join(file)).unwrap_err();
        let Error::Qasm(diagnostic) = &error else { panic!("{file}: {error}") };
        assert_eq!((diagnostic.line(), diagnostic.column()), (*line, *column), "{file}: {error}");
        assert!(error.to_string().contains(message), "{file}: {error}");
        assert!(error.to_string().ends_with('^'), "{file}: {error}");
    }
}

#[test]
fn states_are_those_of_the_references() {
    let circuits = circuits();
    let known: Vec<_> =
        circuits.iter().filter(|(reference, _)| reference["probabilities"].is_object()).collect();
    assert_eq!(known.len(), 54);
    for (reference, circuit) in known {
        compare(reference, circuit);
    }
}

/// Names of registers and the global phase aside, which version 2 does not have.
fn steps(circuit: &Circuit, version: Version) -> Vec<Instruction> {
    let kept = |step: &&Instruction| match step {
        Instruction::Gate(call) => version == Version::Three || call.gate.name() != "gphase",
        _ => true,
    };
    circuit.instructions().iter().filter(kept).cloned().collect()
}

fn same(name: &str, found: &[Instruction], wanted: &[Instruction]) {
    if let Some(at) = (0..wanted.len()).find(|at| found.get(*at) != wanted.get(*at)) {
        panic!("{name}: step {at} is {:?}, not {:?}", found.get(at), wanted[at]);
    }
    assert_eq!(found.len(), wanted.len(), "{name}");
}

#[test]
fn what_is_written_is_read_again() {
    let mut twos = 0;
    for (reference, circuit) in circuits() {
        let name = name(&reference);
        let text = circuit.to_qasm(Version::Three).unwrap();
        let again = Circuit::from_qasm(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
        same(name, again.instructions(), circuit.instructions());
        assert_eq!(
            (again.width(), again.bits(), again.outputs()),
            (circuit.width(), circuit.bits(), circuit.outputs())
        );
        if !circuit.registers().is_empty() {
            assert_eq!(again.registers(), circuit.registers(), "{name}");
        }
        match circuit.to_qasm(Version::Two) {
            Ok(text) => {
                twos += 1;
                let again =
                    Circuit::from_qasm(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
                same(name, &steps(&again, Version::Two), &steps(&circuit, Version::Two));
                assert_eq!((again.width(), again.bits()), (circuit.width(), circuit.bits()), "{name}");
            }
            Err(error) => println!("{name}: {error}"),
        }
    }
    println!("{twos} files as version 2");
    assert!(twos >= 95);
}

#[test]
fn programs_with_outcomes_inside_do_what_their_comments_say() {
    let read = |file: &str| qasm::read(&folder().join("openqasm").join(file)).unwrap();
    let only = |circuit: &Circuit, wanted: usize| {
        let found = StateVector::new().probabilities(circuit, &[]).unwrap();
        assert!((found[wanted] - 1.0).abs() < 1e-9, "{found:?}");
    };
    // 1 + 15, the four low bits in b and the carry last
    only(&read("adder.qasm"), 16);
    // the inverse transform of a uniform superposition
    only(&read("inverseqft1.qasm"), 0);
    only(&read("inverseqft2.qasm"), 0);
    // the state of q[0] arrives in q[2], whatever the outcomes on the way are
    let found = StateVector::new().probabilities(&read("teleport.qasm"), &[]).unwrap();
    let one: f64 = (4..8).map(|outcome| found[outcome]).sum();
    assert!((one - 0.15_f64.sin().powi(2)).abs() < 1e-12);
    // the inserted error is found and undone once the syndrome is read as it is meant
    let text = fs::read_to_string(folder().join("openqasm/qec.qasm")).unwrap();
    let circuit = Circuit::from_qasm(&text.replace("int[2](syn)", "uint[2](syn)")).unwrap();
    assert_eq!((circuit.width(), circuit.outputs().len()), (5, 5));
    let found = StateVector::new().probabilities(&circuit, &[]).unwrap();
    let corrected: f64 = (0..4).map(|syndrome| found[syndrome << 3]).sum();
    assert!((corrected - 1.0).abs() < 1e-9);
    // every outcome of the dynamic GHZ state is a GHZ outcome
    let circuit = qasm::read(&folder().join("mqt/ghz_dynamic_n5.qasm3")).unwrap();
    let found = StateVector::new().probabilities(&circuit, &[]).unwrap();
    let ghz: f64 = found.iter().enumerate().filter(|(at, _)| matches!(at & 31, 0 | 31)).map(|(_, p)| p).sum();
    assert!((ghz - 1.0).abs() < 1e-9);
}

#[test]
fn conditions_of_version_2_compare_whole_registers() {
    // Shor's algorithm for 15 with one recycled qubit: the period 4 makes the outcomes 0, 2, 4 and 6 alike
    let circuit = qasm::read(&folder().join("qasmbench/shor_n5.qasm")).unwrap();
    let found = StateVector::new().probabilities(&circuit, &[]).unwrap();
    for (outcome, probability) in found.iter().enumerate() {
        let wanted = if outcome < 8 && outcome % 2 == 0 { 0.25 } else { 0.0 };
        assert!((probability - wanted).abs() < 1e-9, "{outcome}: {probability}");
    }
}

fn simulate(widths: impl Fn(usize) -> bool) {
    for (reference, circuit) in circuits() {
        if !widths(circuit.width()) || circuit.width() == 0 {
            continue;
        }
        let again = Circuit::from_qasm(&circuit.to_qasm(Version::Three).unwrap()).unwrap();
        let (a, b) = (StateVector::new(), StateVector::new());
        let first = a.sample(&circuit, &[], 64, 3).unwrap();
        assert_eq!(first, b.sample(&again, &[], 64, 3).unwrap(), "{}", name(&reference));
    }
}

#[test]
fn what_is_read_again_samples_the_same() {
    simulate(|width| width <= WIDTH);
}

#[test]
#[ignore = "up to 27 qubits"]
fn wide_files_sample_the_same() {
    simulate(|width| width > WIDTH);
}

#[test]
fn a_file_that_is_none_is_an_error() {
    assert!(matches!(qasm::read(&folder().join("none.qasm")), Err(Error::File { .. })));
    assert!(matches!(qasm::read(&folder()), Err(Error::File { .. })));
    let error = qasm::import("OPENQASM 4.0;").unwrap_err();
    assert!(
        matches!(&error, Error::Qasm(found) if matches!(found.fault(), Fault::Version { .. })),
        "{error}"
    );
}
