//! Feeds the calibration reader with damaged files: it may refuse them, but never panic, and what it accepts must
//! keep every promise of `Calibration`.
//!
//! A few thousand inputs by default. For a long run, in release:
//!
//! ```text
//! KETLINE_FUZZ_INPUTS=1000000 KETLINE_FUZZ_SEED=1 \
//!     cargo test --release -p ketline-quantum --test outside calibration_fuzz -- --nocapture
//! ```
//!
//! A failure is shrunk and printed as the list of mutations that causes it; the same seed finds it again.

use std::cell::Cell;

use ketline_quantum::device::{Calibration, Reading};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};

/// One way to damage a text. Places are fractions, in 65536ths, of the length or of the number of values.
#[derive(Debug, Clone)]
enum Mutation {
    FlipBits {
        place: u16,
        bits: u8,
    },
    Truncate {
        place: u16,
    },
    Delete {
        place: u16,
        length: u8,
    },
    Repeat {
        place: u16,
        length: u8,
    },
    Insert {
        place: u16,
        token: &'static str,
    },
    /// Puts another value in the place of one.
    Replace {
        place: u16,
        value: &'static str,
    },
    /// Multiplies one number.
    Scale {
        place: u16,
        factor: f64,
    },
    /// Exchanges two values.
    Swap {
        place: u16,
        other: u16,
    },
    /// Removes one member or item.
    Remove {
        place: u16,
    },
    /// Adds a copy of an item at the end of its list.
    Twice {
        place: u16,
    },
}

const TOKENS: &[&str] =
    &["NaN", "-", "1e999", "\u{0}", "[[[[", "{\"", ",", "null", "\\ud800", "\u{feff}", "é", "}", "]", "e308"];

#[rustfmt::skip]
const VALUES: &[&str] = &[
    "null", "true", "0", "-0.0", "1", "2", "-1", "0.5", "1e308", "-1e308", "5e-324", "1e15", "18446744073709551615",
    "-9223372036854775808", "123456789012345678901234567890", "\"\"", "\"us\"", "\"T1\"", "\"jq_01\"", "\"zz_1112\"",
    "\"cx\"", "\"\u{b5}s\"", "\"1\"", "[]", "{}", "[0,0]", "[0,1]", "[[0,1]]", "[9]", "[{\"name\":\"T1\",\"value\":1}]",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    use Mutation as M;
    let place = any::<u16>;
    let factor = prop_oneof![-2.0..2.0, Just(1e3), Just(1e-3), Just(1e9), Just(-1e-9), Just(0.0)];
    prop_oneof![
        1 => (place(), 1..=u8::MAX).prop_map(|(place, bits)| M::FlipBits { place, bits }),
        1 => place().prop_map(|place| M::Truncate { place }),
        1 => (place(), any::<u8>()).prop_map(|(place, length)| M::Delete { place, length }),
        1 => (place(), any::<u8>()).prop_map(|(place, length)| M::Repeat { place, length }),
        1 => (place(), prop::sample::select(TOKENS)).prop_map(|(place, token)| M::Insert { place, token }),
        4 => (place(), prop::sample::select(VALUES)).prop_map(|(place, value)| M::Replace { place, value }),
        4 => (place(), factor).prop_map(|(place, factor)| M::Scale { place, factor }),
        2 => (place(), place()).prop_map(|(place, other)| M::Swap { place, other }),
        3 => place().prop_map(|place| M::Remove { place }),
        2 => place().prop_map(|place| M::Twice { place }),
    ]
}

/// The place below `count` that a fraction means.
fn part(place: u16, count: usize) -> usize {
    (usize::from(place) * count) >> 16
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Value number `index`, counting parents before children.
fn nth<'a>(value: &'a mut Value, index: &mut usize) -> Option<&'a mut Value> {
    if *index == 0 {
        return Some(value);
    }
    *index -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, index)),
        Value::Object(members) => members.values_mut().find_map(|member| nth(member, index)),
        _ => None,
    }
}

fn damage_values(document: &mut Value, mutation: &Mutation) {
    let values = count(document);
    let mut at = |place: u16, change: &mut dyn FnMut(&mut Value)| {
        if let Some(value) = nth(document, &mut part(place, values)) {
            change(value);
        }
    };
    match mutation {
        Mutation::Replace { place, value } => {
            at(*place, &mut |old| *old = serde_json::from_str(value).unwrap());
        }
        Mutation::Scale { place, factor } => at(*place, &mut |old| {
            if let Some(number) = old.as_f64() {
                *old = json!(number * factor);
            }
        }),
        Mutation::Swap { place, other } => {
            let (mut first, mut second) = (Value::Null, Value::Null);
            at(*place, &mut |value| first = value.clone());
            at(*other, &mut |value| second = std::mem::replace(value, first.clone()));
            at(*place, &mut |value| *value = second.clone());
        }
        Mutation::Remove { place } => at(*place, &mut |value| match value {
            Value::Array(items) => drop(items.pop()),
            Value::Object(members) => {
                let name = members.keys().nth(usize::from(*place) % members.len().max(1)).cloned();
                name.map(|name| members.remove(&name));
            }
            _ => *value = Value::Null,
        }),
        Mutation::Twice { place } => at(*place, &mut |value| {
            if let Value::Array(items) = value
                && let Some(item) = items.get(usize::from(*place) % items.len().max(1)).cloned()
            {
                items.push(item);
            }
        }),
        _ => {}
    }
}

fn damage_bytes(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let end = bytes.len();
    let range = |place: u16, length: u8| {
        let start = part(place, end);
        start..(start + usize::from(length)).min(end)
    };
    match mutation {
        Mutation::FlipBits { place, bits } if end > 0 => bytes[part(*place, end)] ^= bits,
        Mutation::Truncate { place } => bytes.truncate(part(*place, end)),
        Mutation::Delete { place, length } => drop(bytes.drain(range(*place, *length))),
        Mutation::Repeat { place, length } => {
            let (at, copy) = (part(*place, end), bytes[range(*place, *length)].to_vec());
            bytes.splice(at..at, copy);
        }
        Mutation::Insert { place, token } => {
            let at = part(*place, end);
            bytes.splice(at..at, token.bytes());
        }
        _ => {}
    }
}

/// Damages the values, then the bytes. Broken UTF-8 is mended, since the reader takes texts.
fn damage(document: &Value, mutations: &[Mutation]) -> String {
    let mut document = document.clone();
    for mutation in mutations {
        damage_values(&mut document, mutation);
    }
    let mut bytes = document.to_string().into_bytes();
    for mutation in mutations {
        damage_bytes(&mut bytes, mutation);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// IBM's two files with the figures of a bundled snapshot.
fn ibm(calibration: &Calibration) -> (Value, Value) {
    let number = |name: &str, unit: &str, value: f64| json!({ "name": name, "unit": unit, "value": value, "date": "d" });
    let qubits = calibration.qubits().iter().map(|qubit| {
        json!([
            number("T1", "us", qubit.t1 * 1e6),
            number("T2", "us", qubit.t2 * 1e6),
            number("frequency", "GHz", qubit.frequency / 1e9),
            number("anharmonicity", "GHz", qubit.anharmonicity.unwrap_or(0.0) / 1e9),
            number("readout_error", "", qubit.readout_error()),
            number("prob_meas0_prep1", "", qubit.p0_given_1),
            number("prob_meas1_prep0", "", qubit.p1_given_0),
            number("readout_length", "ns", qubit.readout_length * 1e9),
        ])
    });
    let gates = calibration.gates().iter().map(|gate| {
        let values = [number("gate_error", "", gate.error), number("gate_length", "ns", gate.length * 1e9)];
        json!({ "gate": gate.name, "qubits": gate.qubits, "parameters": values, "name": gate.name })
    });
    let general = calibration.couplings().iter().flat_map(|pair| {
        let name = |kind: &str| format!("{kind}_{}{}", pair.a, pair.b);
        [
            number(&name("jq"), "GHz", pair.exchange.unwrap_or(0.0) / 1e9),
            number(&name("zz"), "GHz", pair.zz.unwrap_or(0.0) / 1e9),
        ]
    });
    let props = json!({
        "backend_name": format!("ibmq_{}", calibration.name()),
        "last_update_date": calibration.date(),
        "qubits": qubits.collect::<Vec<_>>(),
        "gates": gates.collect::<Vec<_>>(),
        "general": general.collect::<Vec<_>>(),
    });
    let conf = json!({
        "backend_name": format!("ibmq_{}", calibration.name()),
        "n_qubits": calibration.width(),
        "dt": calibration.dt().unwrap_or(0.0) * 1e9,
        "basis_gates": calibration.basis(),
        "coupling_map": calibration.edges(),
        "hamiltonian": { "vars": { "jq0q1": 0.0118, "wq0": 31.2 } },
    });
    (props, conf)
}

/// What every calibration promises.
fn check(calibration: &Calibration) -> Result<(), TestCaseError> {
    let width = calibration.width();
    prop_assert!(width > 0);
    for qubit in calibration.qubits() {
        prop_assert!(qubit.t1 > 0.0 && qubit.t1.is_finite());
        prop_assert!(qubit.t2 > 0.0 && qubit.t2 <= 2.0 * qubit.t1);
        prop_assert!(qubit.frequency > 0.0 && qubit.frequency.is_finite());
        prop_assert!(qubit.anharmonicity.is_none_or(f64::is_finite));
        prop_assert!((0.0..=1.0).contains(&qubit.p1_given_0) && (0.0..=1.0).contains(&qubit.p0_given_1));
        prop_assert!(qubit.readout_length >= 0.0 && qubit.readout_length.is_finite());
    }
    for gate in calibration.gates() {
        prop_assert!(gate.qubits.iter().all(|qubit| *qubit < width));
        prop_assert!((0.0..=1.0).contains(&gate.error) && (0.0..=1.0).contains(&gate.length));
        prop_assert_eq!(calibration.gate(&gate.name, &gate.qubits), Some(gate));
    }
    prop_assert!(calibration.edges().iter().all(|(a, b)| a != b && *a < width && *b < width));
    for pair in calibration.couplings() {
        prop_assert!(pair.a < pair.b && pair.b < width);
        prop_assert!(pair.exchange.is_none_or(f64::is_finite) && pair.zz.is_none_or(f64::is_finite));
    }
    let text = calibration.to_compact();
    let again = Calibration::from_compact("again", &text, Reading::Strict).map(|again| again.to_compact());
    prop_assert_eq!(again, Ok(text));
    Ok(())
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn damaged_files_are_refused_or_read_soundly() {
    let inputs = from_environment("KETLINE_FUZZ_INPUTS", 4_000);
    let seed = from_environment("KETLINE_FUZZ_SEED", 0);
    let sources: Vec<(Value, Value, Value)> = ["lima", "perth", "guadalupe"]
        .iter()
        .map(|name| {
            let calibration = Calibration::bundled(name).unwrap();
            let (props, conf) = ibm(&calibration);
            (serde_json::from_str(&calibration.to_compact()).unwrap(), props, conf)
        })
        .collect();
    for (compact, props, conf) in &sources {
        Calibration::from_compact("x", &compact.to_string(), Reading::Strict).unwrap();
        Calibration::from_ibm(&props.to_string(), &conf.to_string(), Reading::Strict).unwrap();
    }
    let mut bytes = [0_u8; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let cases = u32::try_from(inputs).unwrap_or(u32::MAX);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let source = prop_oneof![16 => Just(0_usize), 4 => Just(1), 1 => Just(2)];
    let strategy = (source, 0..3_u8, any::<bool>(), prop::collection::vec(mutation(), 1..5));
    let (read, accepted) = (Cell::new(0_u64), Cell::new(0_u64));
    let outcome = runner.run(&strategy, |(source, target, lenient, mutations)| {
        let (compact, props, conf) = &sources[source];
        let reading = if lenient { Reading::Lenient } else { Reading::Strict };
        let result = match target {
            0 => Calibration::from_compact("fuzz", &damage(compact, &mutations), reading),
            1 => Calibration::from_ibm(&damage(props, &mutations), &conf.to_string(), reading),
            _ => Calibration::from_ibm(&props.to_string(), &damage(conf, &mutations), reading),
        };
        read.set(read.get() + 1);
        match result {
            Ok(calibration) => {
                accepted.set(accepted.get() + 1);
                check(&calibration)
            }
            Err(error) => {
                prop_assert!(error.to_string().contains(": "), "an error without file or field: {}", error);
                Ok(())
            }
        }
    });
    println!("{} damaged files read, {} accepted", read.get(), accepted.get());
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    assert!(accepted.get() > 0 && accepted.get() < read.get(), "the mutations are too strong or too weak");
}
