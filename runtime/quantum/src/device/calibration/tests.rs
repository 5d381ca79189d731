use serde_json::{Value, json};

use super::*;

/// IBM's two files of an invented device: three qubits in a line, nothing strange about it.
fn snapshot() -> (Value, Value) {
    let number = |name: &str, unit: &str, value: f64| json!({ "name": name, "unit": unit, "value": value });
    let qubit = json!([
        number("T1", "us", 100.0),
        number("T2", "\u{b5}s", 80.0),
        number("frequency", "GHz", 5.0),
        number("anharmonicity", "GHz", -0.34),
        number("readout_error", "", 0.025),
        number("prob_meas0_prep1", "", 0.03),
        number("prob_meas1_prep0", "", 0.02),
        number("readout_length", "ns", 5000.0)
    ]);
    let gate = |name: &str, qubits: &[usize], error: f64, length: f64| {
        let parameters = [number("gate_error", "", error), number("gate_length", "ns", length)];
        json!({ "gate": name, "qubits": qubits, "parameters": parameters })
    };
    let mut gates: Vec<Value> = Vec::new();
    for q in 0..3 {
        gates.extend([gate("rz", &[q], 0.0, 0.0), gate("sx", &[q], 3e-4, 35.0), gate("x", &[q], 3e-4, 35.0)]);
        gates.push(
            json!({ "gate": "reset", "qubits": [q], "parameters": [number("gate_length", "ns", 900.0)] }),
        );
    }
    for pair in [[0, 1], [1, 0], [1, 2], [2, 1]] {
        gates.push(gate("cx", &pair, 0.01, 300.0));
    }
    let props = json!({
        "backend_name": "ibmq_line",
        "last_update_date": "2024-01-01",
        "qubits": [qubit, qubit, qubit],
        "gates": gates,
        "general": [
            number("jq_01", "GHz", 2e-3), number("zz_01", "GHz", -5e-5),
            number("jq_12", "GHz", 2e-3), number("zz_12", "GHz", -5e-5),
        ],
    });
    let conf = json!({
        "backend_name": "ibmq_line",
        "n_qubits": 3,
        "dt": 0.25,
        "basis_gates": ["rz", "sx", "x", "cx", "reset"],
        "coupling_map": [[0, 1], [1, 0], [1, 2], [2, 1]],
        "hamiltonian": { "vars": { "wq0": 31.4 } },
    });
    (props, conf)
}

/// Reads the invented snapshot after `change` to (props, conf).
fn read(reading: Reading, change: impl FnOnce(&mut Value, &mut Value)) -> Result<Calibration> {
    let (mut props, mut conf) = snapshot();
    change(&mut props, &mut conf);
    Calibration::from_ibm(&props.to_string(), &conf.to_string(), reading)
}

/// Sets one value of a list of `{name, unit, value}`.
fn set(list: &mut Value, name: &str, value: impl Into<Value>) {
    let list = list.as_array_mut().unwrap();
    let item = list.iter_mut().find(|item| item["name"] == name).unwrap();
    item["value"] = value.into();
}

fn drop_named(list: &mut Value, name: &str) {
    list.as_array_mut().unwrap().retain(|item| item["name"] != name);
}

/// The parameters of the gate `name` on `qubits`.
fn gate_of<'a>(props: &'a mut Value, name: &str, qubits: &[usize]) -> &'a mut Value {
    let gates = props["gates"].as_array_mut().unwrap();
    let wanted = json!(qubits);
    let gate = gates.iter_mut().find(|gate| gate["gate"] == name && gate["qubits"] == wanted).unwrap();
    &mut gate["parameters"]
}

fn traps(calibration: &Calibration) -> Vec<(Trap, &str, Option<f64>)> {
    calibration.warnings().iter().map(|w| (w.trap, w.field.as_str(), w.value)).collect()
}

fn refusal(reading: Reading, change: impl FnOnce(&mut Value, &mut Value)) -> String {
    read(reading, change).unwrap_err().to_string()
}

#[test]
fn figures_come_out_in_seconds_and_hertz() {
    let line = read(Reading::Strict, |_, _| {}).unwrap();
    assert_eq!((line.name(), line.date(), line.width()), ("line", "2024-01-01", 3));
    assert!(line.warnings().is_empty());
    let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-12;
    let qubit = line.qubits()[2];
    assert!(close(qubit.t1, 1e-4) && close(qubit.t2, 8e-5) && close(qubit.frequency, 5e9));
    assert!(close(qubit.anharmonicity.unwrap(), -3.4e8) && close(qubit.readout_length, 5e-6));
    assert_eq!((qubit.p1_given_0, qubit.p0_given_1), (0.02, 0.03));
    assert!(close(line.dt().unwrap(), 2.5e-10));
    let cx = line.gate("cx", &[2, 1]).unwrap();
    assert!(close(cx.length, 3e-7) && cx.error == 0.01 && !cx.is_dead());
    assert!(line.gate("cx", &[0, 2]).is_none());
    assert_eq!(line.edges(), [(0, 1), (1, 0), (1, 2), (2, 1)]);
    let coupling = line.coupling(2, 1).unwrap();
    assert!(close(coupling.exchange.unwrap(), 2e6) && close(coupling.zz.unwrap(), -5e4));
    assert_eq!(line.gate("reset", &[0]).unwrap().error, 0.0);
}

#[test]
fn t2_above_twice_t1_is_refused_or_clamped() {
    let long = |props: &mut Value, _: &mut Value| set(&mut props["qubits"][1], "T2", 250.0);
    let message = refusal(Reading::Strict, long);
    assert!(
        message.starts_with("props: `qubits[1].T2` is 2.5e-4, expected at most 2 T1 = 2e-4 s"),
        "{message}"
    );
    let line = read(Reading::Lenient, long).unwrap();
    assert_eq!(line.qubits()[1].t2, 2.0 * line.qubits()[1].t1);
    assert_eq!(traps(&line), [(Trap::LongT2, "qubits[1].T2", Some(0.000_25))]);
    // The repair is not forgotten when the repaired figures are written and read again.
    let again = Calibration::from_compact("line.json", &line.to_compact(), Reading::Strict).unwrap();
    assert_eq!(again, line);
}

#[test]
fn absent_and_zero_values_are_refused_or_filled() {
    let absent = |props: &mut Value, _: &mut Value| drop_named(&mut props["qubits"][0], "T1");
    assert_eq!(refusal(Reading::Strict, absent), "props: `qubits[0].T1` is missing");
    let line = read(Reading::Lenient, absent).unwrap();
    assert_eq!(line.qubits()[0].t1, line.qubits()[1].t1);
    assert_eq!(traps(&line), [(Trap::Filled, "qubits[0].T1", None)]);

    let zero = |props: &mut Value, _: &mut Value| set(gate_of(props, "cx", &[1, 0]), "gate_length", 0);
    assert_eq!(
        refusal(Reading::Strict, zero),
        "props: `gates[cx 1 0].gate_length` is 0e0, expected more than 0"
    );
    assert_eq!(traps(&read(Reading::Lenient, zero).unwrap())[0].0, Trap::Filled);

    let null = |props: &mut Value, _: &mut Value| set(gate_of(props, "sx", &[2]), "gate_error", Value::Null);
    assert_eq!(refusal(Reading::Strict, null), "props: `gates[sx 2].gate_error` is missing");
    assert!(read(Reading::Lenient, null).unwrap().gate("sx", &[2]).unwrap().error == 3e-4);

    // The mean readout error stands in for its two parts; the error of a gate cannot be guessed from nothing.
    let line =
        read(Reading::Strict, |props, _| drop_named(&mut props["qubits"][0], "prob_meas1_prep0")).unwrap();
    assert_eq!(line.qubits()[0].p1_given_0, 0.025);
    assert_eq!(traps(&line), [(Trap::Filled, "qubits[0].prob_meas1_prep0", None)]);
    let message = refusal(Reading::Lenient, |props, _| {
        for q in 0..3 {
            drop_named(gate_of(props, "x", &[q]), "gate_error");
        }
    });
    assert_eq!(message, "props: `gates[x 0].gate_error` is missing");

    let free = read(Reading::Strict, |props, _| set(gate_of(props, "x", &[0]), "gate_error", 0)).unwrap();
    assert_eq!(traps(&free), [(Trap::NoGateError, "gates[x 0].gate_error", Some(0.0))]);
}

#[test]
fn strange_but_possible_values_are_flagged() {
    let flagged = |change: fn(&mut Value, &mut Value)| {
        let line = read(Reading::Strict, change).unwrap();
        let all: Vec<Trap> = line.warnings().iter().map(|warning| warning.trap).collect();
        // What is flagged must survive the compact form.
        let again = Calibration::from_compact("x", &line.to_compact(), Reading::Strict).unwrap();
        let mut found: Vec<Trap> = again.warnings().iter().map(|warning| warning.trap).collect();
        found.sort_by_key(|trap| *trap as u8);
        let mut wanted = all.clone();
        wanted.sort_by_key(|trap| *trap as u8);
        assert_eq!(found, wanted);
        all
    };
    // toronto
    let stretched = flagged(|props, _| {
        for q in 0..3 {
            set(gate_of(props, "sx", &[q]), "gate_length", 569);
            set(gate_of(props, "x", &[q]), "gate_length", 569);
        }
    });
    assert_eq!(stretched, [Trap::StretchedPulses]);
    // lagos
    assert_eq!(flagged(|p, _| set(&mut p["qubits"][2], "prob_meas1_prep0", 0.62)), [Trap::ReadoutError]);
    // perth
    assert_eq!(flagged(|p, _| set(&mut p["general"], "jq_01", 4.75e-5)), [Trap::WeakCoupling]);
    assert_eq!(flagged(|p, _| set(&mut p["general"], "zz_12", 7.4e-4)), [Trap::LargeZz]);
    // kyoto
    assert_eq!(flagged(|p, _| set(gate_of(p, "cx", &[0, 1]), "gate_error", 1)), [Trap::DeadGate]);
    // geneva
    let decoupled = flagged(|props, _| {
        for name in ["jq_01", "zz_01", "jq_12", "zz_12"] {
            set(&mut props["general"], name, 0);
        }
    });
    assert_eq!(decoupled, [Trap::NoCoupling, Trap::NoCoupling]);
    // torino
    assert_eq!(flagged(|_, conf| conf["hamiltonian"]["vars"] = json!({})), [Trap::NoHamiltonian]);
    assert_eq!(flagged(|_, conf| conf["hamiltonian"] = Value::Null), [Trap::NoHamiltonian]);
    // poughkeepsie
    assert_eq!(flagged(|_, conf| conf["dt"] = json!(3.5e-9)), [Trap::DtInSeconds]);
    assert_eq!(flagged(|_, conf| conf["dt"] = Value::Null), [Trap::Absent]);
    assert_eq!(flagged(|p, _| drop_named(&mut p["qubits"][1], "anharmonicity")), [Trap::Absent]);
    assert_eq!(flagged(|p, _| drop_named(&mut p["qubits"][1], "readout_length")), [Trap::Absent]);
    // cairo
    let mixed = flagged(|props, _| {
        for gate in props["gates"].as_array_mut().unwrap() {
            if gate["qubits"] == json!([1, 2]) || gate["qubits"] == json!([2, 1]) {
                gate["gate"] = json!("ecr");
            }
        }
    });
    assert_eq!(mixed, [Trap::MixedGates]);
    let bare =
        flagged(|p, _| p["gates"].as_array_mut().unwrap().retain(|gate| gate["qubits"] != json!([2, 1])));
    assert_eq!(bare, [Trap::EdgeWithoutGate]);
}

#[test]
fn couplings_are_found_by_the_numbers_run_together() {
    // On a line of 13, `112` is 1 and 12 or 11 and 2: neither is an edge, unless it is added.
    let wide = |extra: &[[usize; 2]]| {
        let (mut props, mut conf) = snapshot();
        let qubit = props["qubits"][0].clone();
        props["qubits"] = Value::Array(vec![qubit; 13]);
        props["gates"] = json!([]);
        let mut map: Vec<[usize; 2]> = (0..12).map(|q| [q, q + 1]).collect();
        map.extend(extra);
        (conf["coupling_map"], conf["n_qubits"]) = (json!(map), json!(13));
        conf["hamiltonian"]["vars"]["jq1q12"] = json!(std::f64::consts::TAU * 3e-3);
        props["general"] = json!([
            { "name": "jq_1112", "unit": "GHz", "value": 2e-3 },
            { "name": "jq_112", "unit": "GHz", "value": 1e-3 },
            { "name": "zz_1", "unit": "GHz", "value": 1e-3 },
            { "name": "lf_01", "unit": "", "value": 0.9 },
        ]);
        Calibration::from_ibm(&props.to_string(), &conf.to_string(), Reading::Strict).unwrap()
    };
    let unclear = |calibration: &Calibration| {
        calibration.warnings().iter().filter(|warning| warning.trap == Trap::UnclearCoupling).count()
    };
    let line = wide(&[]);
    assert!((line.coupling(11, 12).unwrap().exchange.unwrap() - 2e6).abs() < 1e-6);
    assert_eq!(unclear(&line), 2);
    let one = wide(&[[12, 1]]);
    assert!((one.coupling(1, 12).unwrap().exchange.unwrap() - 1e6).abs() < 1e-6);
    assert_eq!(unclear(&one), 1);
    // Two meanings: the Hamiltonian, which separates the numbers, decides for the pair that it names.
    let two = wide(&[[1, 12], [2, 11]]);
    assert!((two.coupling(1, 12).unwrap().exchange.unwrap() - 3e6).abs() < 1e-6);
    assert_eq!(two.coupling(2, 11).unwrap().exchange, None);
    assert_eq!(unclear(&two), 2);
}

#[test]
fn impossible_values_are_refused_whatever_the_reading() {
    let refused = |wanted: &str, change: fn(&mut Value, &mut Value)| {
        for reading in [Reading::Strict, Reading::Lenient] {
            let message = refusal(reading, change);
            assert!(message.contains(wanted), "{message}");
        }
    };
    refused("`qubits[0].T1` is -1e-4, expected 0e0 to 1e1 s", |p, _| set(&mut p["qubits"][0], "T1", -100));
    refused("`qubits[1].prob_meas0_prep1` is 1.5e0, expected 0e0 to 1e0", |p, _| {
        set(&mut p["qubits"][1], "prob_meas0_prep1", 1.5);
    });
    refused("`qubits[0].frequency` is 0e0, expected 1e6 to 1e12 Hz", |p, _| {
        set(&mut p["qubits"][0], "frequency", 0);
    });
    refused("`qubits[0].frequency` is missing", |p, _| drop_named(&mut p["qubits"][0], "frequency"));
    refused("`gates[cx 1 2].gate_error` is 2e0, expected 0e0 to 1e0", |p, _| {
        set(gate_of(p, "cx", &[1, 2]), "gate_error", 2);
    });
    refused("`qubits[0][0].value` is \"long\", expected a finite number", |p, _| {
        set(&mut p["qubits"][0], "T1", "long");
    });
    refused("`qubits[2][0].unit` is \"furlong\", expected one of s, ms", |p, _| {
        p["qubits"][2][0]["unit"] = json!("furlong");
    });
    refused("`qubits` is 2 qubits, expected 3 qubits", |p, _| {
        p["qubits"].as_array_mut().unwrap().pop();
    });
    refused("`gates[0].qubits[0]` is 3, expected a whole number below 3", |p, _| {
        p["gates"][0]["qubits"] = json!([3]);
    });
    refused("expected two distinct qubits", |_, conf| conf["coupling_map"][0] = json!([1, 1]));
    refused("expected one or two qubits", |p, _| p["gates"][0]["qubits"] = json!([0, 1, 2]));
    refused("`gates[cx 0 2]` is qubits [0, 2], expected an edge", |p, _| {
        for gate in p["gates"].as_array_mut().unwrap() {
            if gate["qubits"] == json!([0, 1]) {
                gate["qubits"] = json!([0, 2]);
            }
        }
    });
    refused("`gates[sx 1]` is missing", |p, _| {
        let keep = |gate: &Value| gate["gate"] != "sx" || gate["qubits"] != json!([1]);
        p["gates"].as_array_mut().unwrap().retain(keep);
    });
    refused("`gates[rz 0]` is two entries, expected one", |p, _| {
        let twice = p["gates"][0].clone();
        p["gates"].as_array_mut().unwrap().push(twice);
    });
    refused("expected each name once", |p, _| {
        let twice = p["qubits"][0][0].clone();
        p["qubits"][0].as_array_mut().unwrap().push(twice);
    });
    refused("`n_qubits` is 0, expected at least 1 qubit", |_, conf| conf["n_qubits"] = json!(0));
    refused("`n_qubits` is 100000, expected a whole number below 1025", |_, conf| {
        conf["n_qubits"] = json!(100_000);
    });
    refused("`coupling_map` is missing", |_, conf| conf["coupling_map"] = Value::Null);
    refused("expected `ibmq_line`, as in conf", |p, _| p["backend_name"] = json!("ibmq_manila"));
    refused("`dt` is -1e-9, expected 1e-12 to 1e-6 s", |_, conf| conf["dt"] = json!(-1));
    refused("`coupling_map` joins only 2 of 3 qubits, and qubit 2 is not among them", |p, conf| {
        conf["coupling_map"] = json!([[0, 1], [1, 0]]);
        p["gates"].as_array_mut().unwrap().retain(|gate| gate["qubits"].as_array().unwrap().len() == 1);
    });
}

#[test]
fn what_is_no_snapshot_is_refused_with_its_place() {
    let (props, conf) = snapshot();
    let (props, conf) = (props.to_string(), conf.to_string());
    for end in (0..props.len()).step_by(97).filter(|end| props.is_char_boundary(*end)) {
        let error = Calibration::from_ibm(&props[..end], &conf, Reading::Lenient).unwrap_err();
        assert!(matches!(&error, Error::Json { file, .. } if file == "props"), "{error}");
        assert!(error.to_string().contains("ends too early"), "{error}");
    }
    for foreign in ["[]", "{}", "7", "null", "\"text\"", "{\"qubits\": 5}"] {
        assert!(Calibration::from_ibm(foreign, &conf, Reading::Lenient).is_err());
        assert!(Calibration::from_ibm(&props, foreign, Reading::Lenient).is_err());
        assert!(Calibration::from_compact("x", foreign, Reading::Lenient).is_err());
    }
    assert!(Calibration::from_ibm("{\"a\": NaN}", &conf, Reading::Strict).is_err());
    assert!(Calibration::from_ibm("{\"a\": 1e999}", &conf, Reading::Strict).is_err());
    let deep = "[".repeat(100_000);
    assert!(matches!(Calibration::from_compact("x", &deep, Reading::Strict), Err(Error::Json { .. })));
    let newer =
        Calibration::bundled("lima").unwrap().to_compact().replace("\"version\": 1", "\"version\": 2");
    let error = Calibration::from_compact("lima.json", &newer, Reading::Strict).unwrap_err();
    assert_eq!(error.to_string(), "lima.json: `version` is 2, expected version 1");
}

#[test]
fn files_are_found_by_either_name_and_by_folder() {
    let folder = std::env::temp_dir().join(format!("ketline-calibration-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (props, conf) = snapshot();
    let (props_file, conf_file) = (folder.join("props_line.json"), folder.join("conf_line.json"));
    file::write(&props_file, &props.to_string()).unwrap();
    let alone = Calibration::read(&props_file).unwrap_err().to_string();
    assert!(alone.contains("conf_line.json"), "{alone}");
    let lone = Calibration::read(&folder).unwrap_err().to_string();
    assert!(
        lone.ends_with("found 1 files props_*.json and 0 files conf_*.json, expected one of each"),
        "{lone}"
    );
    file::write(&conf_file, &conf.to_string()).unwrap();
    let line = Calibration::read(&props_file).unwrap();
    assert_eq!(Calibration::read(&conf_file).unwrap(), line);
    assert_eq!(Calibration::read(&folder).unwrap(), line);
    let compact = folder.join("compact.json");
    line.write(&compact).unwrap();
    assert_eq!(Calibration::read(&compact).unwrap(), line);
    let other = folder.join("other.json");
    file::write(&other, "{\"nodes\": []}").unwrap();
    let foreign = Calibration::read(&other).unwrap_err().to_string();
    assert!(foreign.contains("`top level` is {\"nodes\":[]}, expected a calibration"), "{foreign}");
    file::write(&other, &props.to_string()).unwrap();
    assert!(Calibration::read(&other).unwrap_err().to_string().contains("does not contain `props`"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn every_bundled_snapshot_reads_strictly_and_comes_back_equal() {
    assert!(Calibration::bundled_names().count() >= 12);
    for name in Calibration::bundled_names() {
        let calibration = Calibration::bundled(name).unwrap();
        assert_eq!(calibration.name(), name);
        assert!(!calibration.source().is_empty() && calibration.dt().is_some());
        let again = Calibration::from_compact("again", &calibration.to_compact(), Reading::Strict).unwrap();
        assert_eq!(again.to_compact(), calibration.to_compact());
        for (a, b) in calibration.edges() {
            assert!(calibration.gate("cx", &[*a, *b]).is_some());
        }
    }
    let perth = Calibration::bundled("perth").unwrap();
    let mut found: Vec<Trap> = perth.warnings().iter().map(|warning| warning.trap).collect();
    found.sort_by_key(|trap| *trap as u8);
    assert_eq!(found, [Trap::WeakCoupling, Trap::WeakCoupling, Trap::LargeZz]);
    assert!(perth.warnings()[0].to_string().starts_with("perth.json: couplings["));
    let unknown = Calibration::bundled("venus").unwrap_err().to_string();
    assert!(
        unknown.starts_with("no device `venus` comes with the crate, expected one of belem, lima"),
        "{unknown}"
    );
}
