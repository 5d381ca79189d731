//! Random circuits of every row of the gate table are written and read again.
//!
//! With `KETLINE_QASM_OUT` set to a folder the texts are left there, with what they do, for
//! `runtime/quantum/scripts/qasm_qiskit.py`:
//!
//! ```text
//! KETLINE_QASM_OUT=target/qasm cargo test --release -p ketline-quantum --test outside qasm_round_trip
//! ```

use std::f64::consts::PI;
use std::path::{Path, PathBuf};

use ketline_quantum::channel::Channel;
use ketline_quantum::gate::{self, Call, Gate, UnitaryGate};
use ketline_quantum::linalg::haar_unitary;
use ketline_quantum::qasm::{self, Version};
use ketline_quantum::simulator::{Simulator, StateVector};
use ketline_quantum::{Angle, Circuit, Error, Instruction, file};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

const WIDTH: usize = 6;

/// What a random circuit may have besides gates of the table.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)] // each is one kind of step
struct With {
    parameters: bool,
    matrices: bool,
    outcomes: bool,
    phases: bool,
}

struct Draw {
    rng: ChaCha8Rng,
    with: With,
    parameters: usize,
    /// Bits that something has measured into.
    measured: Vec<usize>,
    bits: usize,
}

impl Draw {
    fn angle(&mut self) -> Angle {
        let constant = match self.rng.random_range(0..4) {
            0 => f64::from(self.rng.random_range(-8..9)) * PI / 4.0,
            1 => self.rng.random_range(-1e-9..1e-9),
            _ => self.rng.random_range(-7.0..7.0),
        };
        let mut angle = Angle::radians(constant);
        if self.parameters > 0 && self.rng.random_range(0..2) == 0 {
            for _ in 0..self.rng.random_range(1..4) {
                let factor =
                    [1.0, -1.0, 0.5, -2.0, self.rng.random_range(-3.0..3.0)][self.rng.random_range(0..5)];
                let next = angle + Angle::parameter(self.rng.random_range(0..self.parameters)) * factor;
                angle = if next.is_valid() { next } else { angle };
            }
            if self.rng.random_range(0..3) == 0 {
                angle -= Angle::radians(angle.offset());
            }
        }
        angle
    }

    fn qubits(&mut self) -> Vec<usize> {
        let mut qubits: Vec<_> = (0..WIDTH).collect();
        qubits.shuffle(&mut self.rng);
        qubits
    }

    fn gate(&mut self, row: usize) -> Instruction {
        let row = &gate::table()[row % gate::table().len()];
        let mut qubits = self.qubits();
        let controls = self.rng.random_range(0..3).min(WIDTH - row.operands.len());
        let extra = qubits.split_off(row.operands.len()).into_iter().take(controls).collect::<Vec<_>>();
        let angles: Vec<_> = row.angles.iter().map(|_| self.angle()).collect();
        let extra = if row.name == "gphase" && !self.with.phases { &[][..] } else { &extra };
        Instruction::Gate(Call::new(Gate::Standard(row), angles, qubits).controlled(extra))
    }

    fn matrix(&mut self) -> Instruction {
        let width = self.rng.random_range(1..3);
        let gate = UnitaryGate::new("w", haar_unitary(1 << width, &mut self.rng)).unwrap();
        let mut qubits = self.qubits();
        let controls: Vec<_> =
            qubits.split_off(width).into_iter().take(self.rng.random_range(0..2)).collect();
        Instruction::Gate(Call::new(Gate::Unitary(gate.into()), [], qubits).controlled(&controls))
    }

    fn step(&mut self, number: usize, depth: usize) -> Instruction {
        match self.rng.random_range(0..12) {
            0 if self.with.matrices => self.matrix(),
            1 if self.with.outcomes => {
                let (qubit, bit) = (self.rng.random_range(0..WIDTH), self.rng.random_range(0..self.bits));
                self.measured.push(bit);
                Instruction::Measure { qubit, bit, confusion: None }
            }
            2 if self.with.outcomes => Instruction::Reset { qubit: self.rng.random_range(0..WIDTH) },
            3 => {
                let mut qubits = self.qubits();
                qubits.truncate(self.rng.random_range(1..=WIDTH));
                Instruction::Barrier { qubits }
            }
            4 | 5 if self.with.outcomes && depth < 2 && !self.measured.is_empty() => {
                let bit = self.measured[self.rng.random_range(0..self.measured.len())];
                let value = self.rng.random_range(0..2) == 1;
                let body =
                    (0..self.rng.random_range(1..3)).map(|k| self.step(number + k, depth + 1)).collect();
                Instruction::If { bit, value, body }
            }
            _ => self.gate(number),
        }
    }
}

fn random(seed: u64, with: With) -> Circuit {
    let mut circuit = Circuit::new(0).unwrap();
    circuit.declare("q", 4).unwrap();
    circuit.declare("anc", 2).unwrap();
    let mut parameters = 0;
    if with.parameters {
        circuit.declare_parameters("theta", &[]).unwrap();
        circuit.declare_parameters("w", &[]).unwrap();
        circuit.declare_parameters("gamma", &[]).unwrap();
        parameters = 3;
    }
    let bits = if with.outcomes { 4 } else { 0 };
    circuit.declare_bits(bits).unwrap();
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = Draw { rng, with, parameters, measured: Vec::new(), bits };
    for number in 0..24 {
        // every row comes up in every few circuits
        let step = draw.step(seed as usize * 24 + number, 0);
        circuit.push(step).unwrap();
    }
    if with.outcomes {
        for qubit in 0..bits {
            circuit.push(Instruction::Measure { qubit, bit: qubit, confusion: None }).unwrap();
        }
    }
    circuit
}

/// The steps as a text says them: matrices lowered.
fn lowered(steps: &[Instruction]) -> Vec<Instruction> {
    let one = |step: &Instruction| match step {
        Instruction::Gate(call) if matches!(call.gate, Gate::Unitary(_)) => {
            call.lower().into_iter().map(Instruction::Gate).collect()
        }
        Instruction::If { bit, value, body } => {
            vec![Instruction::If { bit: *bit, value: *value, body: lowered(body) }]
        }
        step => vec![step.clone()],
    };
    steps.iter().flat_map(one).collect()
}

/// The same for version 2: phases and some controls gone, conditions taken apart and sorted by bit.
fn lowered_2(steps: &[Instruction], asked: &[(usize, bool)], out: &mut Vec<Instruction>) {
    for step in steps {
        match step {
            Instruction::Gate(call) => {
                let named =
                    matches!((call.gate.name(), call.controls.len()), (_, 0) | ("ccx", 1 | 2) | ("csx", 2))
                        && matches!(call.gate, Gate::Standard(_));
                let calls = if named { vec![call.clone()] } else { call.lower() };
                for call in calls.into_iter().filter(|call| call.gate.name() != "gphase") {
                    out.push(under(asked, Instruction::Gate(call)));
                }
            }
            Instruction::If { bit, value, body } => {
                let known = asked.iter().find(|(other, _)| other == bit).map(|(_, value)| *value);
                let mut inner = asked.to_vec();
                match known {
                    Some(known) if known != *value => continue,
                    Some(_) => {}
                    None => inner.push((*bit, *value)),
                }
                lowered_2(body, &inner, out);
            }
            Instruction::Barrier { .. } => out.push(step.clone()),
            _ => out.push(under(asked, step.clone())),
        }
    }
}

fn under(asked: &[(usize, bool)], step: Instruction) -> Instruction {
    let mut asked = asked.to_vec();
    asked.sort_unstable();
    asked.into_iter().rev().fold(step, |step, (bit, value)| Instruction::If { bit, value, body: vec![step] })
}

fn same(seed: u64, text: &str, found: &[Instruction], wanted: &[Instruction]) {
    if let Some(at) = (0..wanted.len().max(found.len())).find(|at| found.get(*at) != wanted.get(*at)) {
        panic!("{seed}: step {at} is {:?}, not {:?}\n{text}", found.get(at), wanted.get(at));
    }
}

fn check(seed: u64, circuit: &Circuit) -> bool {
    let text = circuit.to_qasm(Version::Three).unwrap();
    let again = Circuit::from_qasm(&text).unwrap_or_else(|error| panic!("{seed}: {error}\n{text}"));
    same(seed, &text, again.instructions(), &lowered(circuit.instructions()));
    assert_eq!(
        (again.width(), again.bits(), again.outputs()),
        (circuit.width(), circuit.bits(), circuit.outputs())
    );
    assert_eq!((again.registers(), again.parameters()), (circuit.registers(), circuit.parameters()));
    // written again it is the same text
    assert_eq!(again.to_qasm(Version::Three).unwrap(), text);
    if !circuit.parameters().is_empty() {
        assert!(matches!(circuit.to_qasm(Version::Two), Err(Error::NotInQasm { version: 2, .. })));
        return false;
    }
    match circuit.to_qasm(Version::Two) {
        Ok(text) => {
            let again = Circuit::from_qasm(&text).unwrap_or_else(|error| panic!("{seed}: {error}\n{text}"));
            let mut wanted = Vec::new();
            lowered_2(circuit.instructions(), &[], &mut wanted);
            same(seed, &text, again.instructions(), &wanted);
            assert_eq!((again.width(), again.bits()), (circuit.width(), circuit.bits()));
            true
        }
        Err(error) => {
            assert!(matches!(error, Error::NotInQasm { version: 2, .. }), "{error}");
            false
        }
    }
}

const KINDS: [With; 5] = [
    With { parameters: false, matrices: false, outcomes: false, phases: true },
    With { parameters: true, matrices: false, outcomes: false, phases: true },
    With { parameters: false, matrices: true, outcomes: false, phases: true },
    With { parameters: false, matrices: false, outcomes: true, phases: false },
    With { parameters: true, matrices: true, outcomes: true, phases: true },
];

#[test]
fn random_circuits_are_read_as_they_were_written() {
    let mut twos = [0; KINDS.len()];
    for (kind, with) in KINDS.into_iter().enumerate() {
        for seed in 0..60 {
            twos[kind] += usize::from(check(seed, &random(seed, with)));
        }
    }
    println!("as version 2, of 60 each: {twos:?}");
    assert!(twos[0] == 60 && twos[2] == 60 && twos[3] > 5 && twos[1] == 0);
}

#[test]
fn every_row_is_written_alone() {
    for row in gate::table() {
        for extra in 0..3 {
            let mut circuit = Circuit::new(0).unwrap();
            circuit.declare("q", (row.operands.len() + extra).max(1)).unwrap();
            let angles: Vec<_> = (0..row.angles.len()).map(|k| Angle::radians(0.3 + k as f64)).collect();
            let qubits: Vec<_> = (0..row.operands.len()).collect();
            let controls: Vec<_> = (qubits.len()..qubits.len() + extra).collect();
            circuit
                .push(Call::new(Gate::Standard(row), angles, qubits).controlled(&controls).into())
                .unwrap();
            assert!(check(0, &circuit), "{}", row.name);
            let text = circuit.to_qasm(Version::Three).unwrap();
            assert_eq!(Circuit::from_qasm(&text).unwrap(), circuit, "{}", row.name);
        }
    }
}

#[test]
fn names_that_are_none_get_others() {
    let mut circuit = Circuit::new(2).unwrap();
    for name in ["my qubits", "if", "x", "θ", "2nd", "", "Q"] {
        circuit.declare(name, 1).unwrap();
    }
    circuit.declare_parameters("w", &[2, 2]).unwrap();
    circuit.declare_parameters("pi", &[]).unwrap();
    for parameter in 0..5 {
        let call = Call::new(Gate::named("rx").unwrap(), [Angle::parameter(parameter)], [8]);
        circuit.push(call.into()).unwrap();
    }
    let again = Circuit::from_qasm(&circuit.to_qasm(Version::Three).unwrap()).unwrap();
    let names: Vec<_> = again.registers().iter().map(|register| register.name.as_str()).collect();
    assert_eq!(names, ["q", "my_qubits", "if_2", "x_2", "θ", "r_2nd", "r_", "Q"]);
    assert_eq!(again.parameters().names(), ["w_0_0", "w_0_1", "w_1_0", "w_1_1", "pi_2"]);
    assert_eq!(again.instructions(), circuit.instructions());
    let text = circuit.bind(&[0.1; 5]).unwrap().to_qasm(Version::Two).unwrap();
    let names: Vec<_> =
        Circuit::from_qasm(&text).unwrap().registers().iter().map(|r| r.name.clone()).collect();
    assert_eq!(names, ["q", "my_qubits", "if_2", "x_2", "r_", "r_2nd", "r__2", "r_Q"]);
}

#[test]
fn outputs_and_what_has_no_words() {
    let mut circuit = Circuit::new(2).unwrap();
    for qubit in 0..2 {
        circuit.push(Instruction::Measure { qubit, bit: qubit, confusion: None }).unwrap();
    }
    circuit.set_outputs([1]).unwrap();
    let again = Circuit::from_qasm(&circuit.to_qasm(Version::Three).unwrap()).unwrap();
    assert_eq!((again.outputs(), again.bits()), (&[1][..], 2));
    assert!(matches!(circuit.to_qasm(Version::Two), Err(Error::NotInQasm { version: 2, .. })));
    // all bits in their order need no words
    circuit.set_outputs([0, 1]).unwrap();
    assert!(Circuit::from_qasm(&circuit.to_qasm(Version::Two).unwrap()).unwrap().outputs().is_empty());
    let noise = Channel::depolarizing(0.1, 1).unwrap();
    circuit.push(Instruction::Channel { channel: noise.into(), qubits: vec![0] }).unwrap();
    let error = circuit.to_qasm(Version::Three).unwrap_err();
    assert!(error.to_string().ends_with("noise is the device's, not the program's"), "{error}");
}

fn write(folder: &Path, name: &str, circuit: &Circuit, source: Option<&Path>) {
    let mut texts = vec![("qasm3", circuit.to_qasm(Version::Three).unwrap())];
    texts.extend(circuit.to_qasm(Version::Two).ok().map(|text| ("qasm", text)));
    for (ending, text) in &texts {
        file::write(&folder.join(format!("{name}.{ending}")), text).unwrap();
    }
    let values: Vec<_> = (0..circuit.parameters().len()).map(|k| 0.3 + 0.4 * k as f64).collect();
    let mut about = json!({ "values": values, "source": source, "bits": circuit.bits() });
    let simulator = StateVector::new();
    if circuit.is_unitary() && circuit.width() <= 6 {
        let columns: Vec<_> = (0..1_usize << circuit.width())
            .map(|index| {
                let mut prepared = circuit.emptied();
                for qubit in (0..circuit.width()).filter(|qubit| index >> qubit & 1 == 1) {
                    prepared.push(Call::new(Gate::named("x").unwrap(), [], [qubit]).into()).unwrap();
                }
                circuit.instructions().iter().for_each(|step| prepared.push(step.clone()).unwrap());
                let state = simulator.run(&prepared, &values).unwrap().into_state().unwrap();
                state.amplitudes().iter().map(|a| [a.re, a.im]).collect::<Vec<_>>()
            })
            .collect();
        about["unitary"] = json!(columns);
    } else if circuit.bits() > 0 && circuit.bits() <= 12 && circuit.width() <= 12 {
        about["probabilities"] = json!(simulator.probabilities(circuit, &values).unwrap());
    } else if circuit.width() <= 12 {
        let state = simulator.run(circuit, &values).unwrap().into_state().unwrap();
        about["state"] = json!(state.amplitudes().iter().map(|a| [a.re, a.im]).collect::<Vec<_>>());
    }
    file::write(&folder.join(format!("{name}.json")), &about.to_string()).unwrap();
}

#[test]
fn texts_are_left_for_others() {
    let Some(folder) = std::env::var_os("KETLINE_QASM_OUT").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    for (kind, with) in KINDS.into_iter().enumerate() {
        for seed in 0..40 {
            write(&folder, &format!("random_{kind}_{seed}"), &random(seed, with), None);
        }
    }
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/qasm");
    for part in ["qasmbench", "mqt", "openqasm"] {
        for entry in std::fs::read_dir(data.join(part)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(circuit) = qasm::read(&path) else { continue };
            let name = path.file_name().unwrap().to_string_lossy().replace('.', "_");
            write(&folder, &format!("{part}_{name}"), &circuit, Some(&path));
        }
    }
}
