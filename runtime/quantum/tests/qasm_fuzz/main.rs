//! Feeds the OpenQASM reader with damaged and invented texts: it may refuse them, but never panic, and within its limits of
//! time and memory; what it accepts is written and read again.
//!
//! A few thousand inputs by default. For a long run, in release:
//!
//! ```text
//! KETLINE_FUZZ_INPUTS=1000000 KETLINE_FUZZ_SEED=1 \
//!     cargo test --release -p ketline-quantum --test qasm_fuzz -- --nocapture
//! ```
//!
//! Input `k` of a seed is made from `seed` and `k` alone, so a failure, which prints both, is found again at once with
//! `KETLINE_FUZZ_FIRST=k KETLINE_FUZZ_INPUTS=1`.

mod grammar;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use std::{env, fs};

use grammar::invent;
use ketline_quantum::qasm::{self, Limits, Version};
use ketline_quantum::{Circuit, Error, Instruction};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Pieces that are put into texts: what the grammar has, and what it does not.
#[rustfmt::skip]
const TOKENS: &[&str] = &[
    "OPENQASM 2.0;", "OPENQASM 3;", "include \"qelib1.inc\";", "include \"stdgates.inc\";", "qubit[4000000000] z;", "qreg z[3];",
    "bit[2] d;", "creg d[65];", "gate g a { x a; }", "gate g(t) a, b { g(t) a, b; }", "opaque o a;", "ctrl @ ", "negctrl(2) @ ",
    "inv @ ", "pow(0.5) @ ", "pow(-3) @ ", "pow(1000000000) @ ", "for int i in [0:9] {", "for uint i in {1, 2}", "}", "{", "(", ")",
    "[", "]", "[0:", ":-1]", "[-1]", "[99999999999999999999]", ";", ",", "->", "=", "==", "!=", "<", ">=", "&&", "||", "^", "**",
    "++", "<<", "+", "-", "*", "/", "%", "~", "!", "@", "$0", "$7", "$999999999", "if (c == 1)", "if (c[0]) {", "else", "measure ",
    "c = measure q;", "reset q;", "barrier q;", "let a = q[{0, 1}];", "const int n = 3;", "input float t;", "output bit[1] r;",
    "input array[angle, 2, 3] w;", "def f(qubit q, int k) -> bit { return measure q; }", "f(q[0], 1);", "return", "break;", "while",
    "box {", "delay[10ns] q;", "gphase(pi);", "U(0.1, t, -pi/2) q;", "rx(t) q[0];", "cx q[0], q[1];", "u2(0,pi) q;", "pi", "τ",
    "1e999", "1e-9", "0x", "0b1", "9223372036854775807", "-9223372036854775808", "\"0110\"", "\"", "/*", "*/", "//", "\u{0}", "é",
    "\u{feff}", "\u{1F980}", "int[4](c)", "uint[2](c[0:1])", "bool(c)", "sin(", "sizeof(q)", "mod(7, 0)", "1 / 0", "popcount(c)",
    "bit b = 1;", "uint[4] k = 15;", "k += 1;", "k <<= 70;", "float f = 0.5;", "stretch s;", "defcal", "pragma x", "@a\n", "switch",
];

/// A text with some of it changed.
fn damage(text: &str, others: &[String], rng: &mut ChaCha8Rng) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..rng.random_range(1..5) {
        let end = bytes.len();
        let at = rng.random_range(0..=end);
        let length = rng.random_range(0..40).min(end - at);
        match rng.random_range(0..8) {
            0 if at < end => bytes[at] ^= rng.random_range(1..=u8::MAX),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let copy = bytes[at..at + length].to_vec();
                let times = [1, 2, 50][rng.random_range(0..3)];
                bytes.splice(at..at, copy.repeat(times));
            }
            4 => {
                let other = others[rng.random_range(0..others.len())].as_bytes();
                let start = rng.random_range(0..other.len());
                let piece = &other[start..(start + rng.random_range(0..200)).min(other.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            // a word or number in the place of another
            5 => {
                let start = bytes[at..].iter().position(u8::is_ascii_alphanumeric).map_or(end, |k| at + k);
                let stop =
                    bytes[start..].iter().position(|b| !b.is_ascii_alphanumeric()).map_or(end, |k| start + k);
                let token = TOKENS[rng.random_range(0..TOKENS.len())];
                bytes.splice(start..stop, token.bytes());
            }
            _ => {
                let token = TOKENS[rng.random_range(0..TOKENS.len())];
                bytes.splice(at..at, token.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The small files of the corpus.
fn corpus() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/qasm");
    let parts = ["qasmbench", "mqt", "openqasm"];
    let entries = parts.iter().flat_map(|part| fs::read_dir(format!("{folder}/{part}")).unwrap());
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).filter(|text| text.len() < 5_000).collect()
}

/// Whether something measures into a bit.
fn writes(steps: &[Instruction], bit: usize) -> bool {
    steps.iter().any(|step| match step {
        Instruction::Measure { bit: other, .. } => *other == bit,
        Instruction::If { body, .. } => writes(body, bit),
        _ => false,
    })
}

/// What every circuit that was read promises.
fn check(circuit: &Circuit, limits: &Limits) {
    assert!(circuit.width() <= limits.qubits && circuit.bits() <= limits.bits);
    assert!(circuit.instructions().len() <= limits.steps);
    assert!(circuit.outputs().iter().all(|bit| *bit < circuit.bits()));
    let text = circuit.to_qasm(Version::Three).expect("what was read has no noise");
    let again = Circuit::from_qasm(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again.width(), circuit.width(), "{text}");
    // a result that nothing has measured gets a bit of its own
    let measured = |bit: &usize| writes(circuit.instructions(), *bit);
    if circuit.outputs().iter().all(measured) {
        assert_eq!((again.bits(), again.outputs()), (circuit.bits(), circuit.outputs()), "{text}");
    }
    match circuit.to_qasm(Version::Two) {
        Ok(text) => {
            let again = Circuit::from_qasm(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!((again.width(), again.bits()), (circuit.width(), circuit.bits()), "{text}");
        }
        Err(error) => assert!(matches!(error, Error::NotInQasm { version: 2, .. }), "{error}"),
    }
}

fn from_environment(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Whether an input was accepted, and how long it took.
fn one(seed: u64, number: u64, corpus: &[String]) -> (bool, Duration) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    let text = match rng.random_range(0..3) {
        0 => invent(&mut rng),
        1 => {
            let text = invent(&mut rng);
            damage(&text, corpus, &mut rng)
        }
        _ => damage(&corpus[rng.random_range(0..corpus.len())], corpus, &mut rng),
    };
    // small limits for most, so that a million inputs do not all go to the default ones
    let small = Limits { steps: 1 << 14, work: 1 << 16, ..Limits::default() };
    let limits = if number.is_multiple_of(64) { Limits::default() } else { small };
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| match qasm::import_within(&text, &limits) {
        Ok(circuit) => {
            check(&circuit, &limits);
            true
        }
        Err(error) => {
            assert!(matches!(error, Error::Qasm(_)), "{error}");
            assert!(error.to_string().len() < 2_000, "{error}");
            false
        }
    }));
    let accepted = outcome.unwrap_or_else(|_| panic!("seed {seed}, input {number}:\n{text}"));
    (accepted, start.elapsed())
}

#[test]
fn damaged_and_invented_texts_are_refused_or_read_soundly() {
    let inputs = from_environment("KETLINE_FUZZ_INPUTS", 4_000);
    let first = from_environment("KETLINE_FUZZ_FIRST", 0);
    let seed = from_environment("KETLINE_FUZZ_SEED", 0);
    let corpus = corpus();
    let start = Instant::now();
    let both = |a: (u64, Duration, u64), b: (u64, Duration, u64)| {
        (a.0 + b.0, a.1.max(b.1), if a.1 > b.1 { a.2 } else { b.2 })
    };
    let (accepted, slowest, which) = (first..first + inputs)
        .into_par_iter()
        .map(|number| {
            let (accepted, time) = one(seed, number, &corpus);
            (u64::from(accepted), time, number)
        })
        .reduce(|| (0, Duration::ZERO, 0), both);
    println!(
        "{inputs} texts in {:.1?}, {accepted} accepted, slowest {slowest:.1?} (input {which})",
        start.elapsed()
    );
    assert!(slowest < Duration::from_mins(1), "input {which} took {slowest:?}");
    assert!(
        inputs < 1_000 || (inputs / 100..inputs).contains(&accepted),
        "the damage is too strong or too weak"
    );
}
