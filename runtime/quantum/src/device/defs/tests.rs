use serde_json::{Value, json};

use super::*;
use crate::pulse::{Frequency, control, drive};

/// What a test does to (defs, conf).
type Change = fn(&mut Value, &mut Value);

/// IBM's two files of an invented device: two qubits, an x, an rz and a cx.
fn snapshot() -> (Value, Value) {
    let drag = |t0: usize, ch: &str, amp: f64| {
        json!({ "name": "parametric_pulse", "t0": t0, "ch": ch, "pulse_shape": "drag",
            "parameters": { "amp": [amp, 0.0], "beta": -1.0, "duration": 160, "sigma": 40 } })
    };
    let flat = |t0: usize, ch: &str, amp: f64| {
        json!({ "name": "parametric_pulse", "t0": t0, "ch": ch, "pulse_shape": "gaussian_square",
            "parameters": { "amp": [0.0, amp], "duration": 320, "sigma": 64, "width": 64 } })
    };
    let turn = |ch: &str, phase: Value| json!({ "name": "fc", "t0": 0, "ch": ch, "phase": phase });
    let defs = json!({
        "qubit_freq_est": [5.0, 5.1],
        "meas_freq_est": [7.0, 7.1],
        "pulse_library": [
            { "name": "QId_d0", "samples": [[0.0, 0.0], [0.0, 0.0]] },
            { "name": "own", "samples": [[0.1, 0.0], [0.2, -0.1]] },
        ],
        "cmd_def": [
            { "name": "id", "qubits": [0], "sequence": [{ "name": "QId_d0", "t0": 0, "ch": "d0" }] },
            { "name": "own", "qubits": [0], "sequence": [{ "name": "own", "t0": 0, "ch": "d0" }] },
            { "name": "x", "qubits": [0], "sequence": [drag(0, "d0", 0.2)] },
            { "name": "rz", "qubits": [1], "sequence": [turn("d1", json!("-(P0)")), turn("u0", json!("-(P0)"))] },
            { "name": "cx", "qubits": [0, 1], "sequence": [
                turn("d0", json!(1.5)), drag(320, "d0", 0.2), flat(0, "u0", 0.3), flat(480, "u0", -0.3) ] },
            { "name": "measure", "qubits": [0], "sequence": [
                flat(0, "m0", 0.1), { "name": "delay", "t0": 320, "ch": "m0", "duration": 80 },
                { "name": "acquire", "t0": 0, "duration": 320, "qubits": [0, 1], "memory_slot": [0, 1] } ] },
        ],
    });
    let conf = json!({
        "backend_name": "ibmq_two",
        "n_qubits": 2,
        "dt": 0.25,
        "coupling_map": [[0, 1], [1, 0]],
        "u_channel_lo": [[{ "q": 1, "scale": [1.0, 0.0] }], [{ "q": 0, "scale": [1.0, 0.0] }]],
        "qubit_lo_range": [[4.5, 5.5], [4.6, 5.6]],
        "timing_constraints": { "granularity": 16, "min_length": 64, "pulse_alignment": 16, "acquire_alignment": 16 },
    });
    (defs, conf)
}

fn read(reading: Reading, change: impl FnOnce(&mut Value, &mut Value)) -> Result<PulseDefaults> {
    let (mut defs, mut conf) = snapshot();
    change(&mut defs, &mut conf);
    PulseDefaults::from_ibm(&defs.to_string(), &conf.to_string(), reading)
}

fn refusal(change: impl FnOnce(&mut Value, &mut Value)) -> String {
    read(Reading::Strict, change).unwrap_err().to_string()
}

#[test]
fn gates_become_schedules_on_the_lines_of_the_device() {
    let two = read(Reading::Strict, |_, _| {}).unwrap();
    assert_eq!((two.target().name(), two.target().width(), two.target().dt()), ("two", 2, 2.5e-10));
    assert_eq!(two.target().carrier(control(0, 1)), Some(Frequency::gigahertz(5.1)));
    let cx = two.schedule("cx", &[0, 1]).unwrap();
    cx.check(two.target(), &[]).unwrap();
    assert_eq!(cx.channels(), [drive(0), control(0, 1)]);
    let samples = cx.samples(2.5e-10, &[]).unwrap();
    assert_eq!(samples.duration(), 800);
    let [echo, early, late] = [
        samples.line(drive(0)).unwrap()[400],
        samples.line(control(0, 1)).unwrap()[160],
        samples.line(control(0, 1)).unwrap()[640],
    ];
    let wanted = C64::cis(1.5) * 0.2;
    assert!((echo - wanted).norm() < 1e-3, "{echo} is turned by 1.5");
    assert!((early - C64::new(0.0, 0.3)).norm() < 1e-15 && (late + early).norm() < 1e-15);
    let rz = two.schedule("rz", &[1]).unwrap();
    assert_eq!(rz.parameters().names(), ["P0"]);
    let frame = rz.timeline(1e-9).unwrap().frame(control(0, 1));
    assert_eq!(frame.phase.value(&[0.4]), -0.4);
    assert_eq!(two.schedule("id", &[0]).unwrap().duration(1.0).unwrap(), 2);
    assert_eq!(
        two.schedule("own", &[0]).unwrap().samples(1.0, &[]).unwrap().lines()[0].samples[1],
        C64::new(0.2, -0.1)
    );
    let measure = two.schedule("measure", &[0]).unwrap();
    assert_eq!((measure.bits(), measure.duration(1.0).unwrap()), (1, 400));
    assert_eq!(
        two.schedule("cx", &[1, 0]).unwrap_err().to_string(),
        "device `two` has no pulses for `cx` on qubits [1, 0], expected one of [[0, 1]]"
    );
}

#[test]
fn the_compact_form_says_the_same() {
    let two = read(Reading::Strict, |_, _| {}).unwrap().with_source("a bench");
    let again = PulseDefaults::from_compact("two", &two.to_compact(), Reading::Strict).unwrap();
    assert_eq!(again, two);
    assert_eq!(two.clone().with_gates(&["x"]).gates().collect::<Vec<_>>(), [("x", &[0][..])]);
}

#[test]
fn pulses_that_cannot_be_what_is_played_are_refused_or_flagged() {
    let silent = |defs: &mut Value, _: &mut Value| {
        defs["cmd_def"][4]["sequence"][2]["parameters"]["amp"] = json!([0.0, 0.0]);
    };
    let strict = read(Reading::Strict, silent).unwrap();
    assert_eq!(strict.warnings().iter().map(|w| w.trap).collect::<Vec<_>>(), [Trap::SilentPulse]);
    assert_eq!(
        strict.schedule("cx", &[0, 1]).unwrap_err().to_string(),
        "the pulses of `cx` on qubits [0, 1] of device `two` are not usable: control(0, 1) at 0 dt has amplitude 0"
    );
    assert!(read(Reading::Lenient, silent).unwrap().schedule("cx", &[0, 1]).is_ok());

    let stretched = |defs: &mut Value, _: &mut Value| {
        defs["cmd_def"][2]["sequence"][0]["parameters"]["duration"] = json!(2560);
    };
    let message = refusal(stretched);
    assert!(
        message.contains("2560 dt are 640 ns, which looks stretched: expected at most 300 ns"),
        "{message}"
    );
    assert_eq!(read(Reading::Lenient, stretched).unwrap().warnings()[0].trap, Trap::StretchedPulses);

    // A cancellation tone may be silent; it is flagged, and the gate is given out.
    let uncancelled = |defs: &mut Value, _: &mut Value| {
        let mut tone = defs["cmd_def"][4]["sequence"][2].clone();
        tone["ch"] = json!("d1");
        tone["parameters"]["amp"] = json!([0.0, 0.0]);
        defs["cmd_def"][4]["sequence"].as_array_mut().unwrap().push(tone);
        // and a frame that is published after the pulse before which it turns
        let late = json!({ "name": "fc", "t0": 0, "ch": "u0", "phase": 0.5 });
        defs["cmd_def"][4]["sequence"].as_array_mut().unwrap().push(late);
    };
    let two = read(Reading::Strict, uncancelled).unwrap();
    assert_eq!(two.warnings()[0].trap, Trap::SilentPulse);
    let cx = two.schedule("cx", &[0, 1]).unwrap().samples(2.5e-10, &[]).unwrap();
    assert!((cx.line(control(0, 1)).unwrap()[160] - C64::cis(0.5) * C64::new(0.0, 0.3)).norm() < 1e-12);

    let overlapping = |defs: &mut Value, _: &mut Value| defs["cmd_def"][4]["sequence"][3]["t0"] = json!(300);
    let message = refusal(overlapping);
    assert!(message.contains("control(0, 1) is busy until 320 dt (80 ns)"), "{message}");

    let seconds = read(Reading::Strict, |_, conf| conf["dt"] = json!(2.5e-10)).unwrap();
    assert_eq!((seconds.target().dt(), seconds.warnings()[0].trap), (2.5e-10, Trap::DtInSeconds));
}

#[test]
fn what_is_no_such_file_is_refused_with_its_field() {
    let cases: [(Change, &str); 13] = [
        (|defs, _| *defs = json!({ "hello": 1 }), "defs: `cmd_def` is missing"),
        (|defs, _| defs["cmd_def"] = json!([]), "defs: `cmd_def` is [], expected a list of 1 to"),
        (
            |defs, _| defs["qubit_freq_est"] = json!([5.0]),
            "expected 2 frequencies, as many as qubits in conf",
        ),
        (|_, conf| conf["dt"] = json!(0.0), "conf: `dt` is 0.0, expected a positive number"),
        (|_, conf| conf["dt"] = json!(-1.0), "conf: `dt` is -1.0, expected a positive number"),
        (|_, conf| conf["coupling_map"] = json!([[1, 0], [0, 1]]), "conf: `u_channel_lo[0]` is"),
        (|_, conf| conf["qubit_lo_range"] = json!([[5.5, 4.5]]), "expected a lowest and a highest frequency"),
        (|defs, _| defs["cmd_def"][3]["sequence"][0]["phase"] = json!("sin(P0)"), "expected a number, or P0"),
        (
            |defs, _| defs["cmd_def"][3]["sequence"][0]["phase"] = json!("P99999999999999999999"),
            "expected a number",
        ),
        (|defs, _| defs["cmd_def"][3]["sequence"][0]["ch"] = json!("u7"), "expected a channel d, m or a"),
        (
            |defs, _| defs["cmd_def"][3]["sequence"][0]["ch"] = json!("\u{e9}1"),
            "expected a channel d, m or a",
        ),
        (
            |defs, _| defs["cmd_def"][2]["sequence"][0]["pulse_shape"] = json!("sawtooth"),
            "expected drag, gaussian",
        ),
        (
            |defs, _| defs["cmd_def"][2]["sequence"][0]["t0"] = json!(1u64 << 40),
            "expected a whole number below",
        ),
    ];
    for (change, wanted) in cases {
        let message = refusal(change);
        assert!(message.contains(wanted), "{message}");
    }
    assert!(PulseDefaults::from_compact("two", "{\"format\": \"other\"}", Reading::Strict).is_err());
    assert!(PulseDefaults::from_compact("two", "[1, 2", Reading::Strict).is_err());
}

#[test]
fn bundled_pulses_can_be_played() {
    for (name, ..) in BUNDLED {
        let device = PulseDefaults::bundled(name).unwrap();
        assert!(device.source().contains("Apache"), "{name}");
        // A tone on a target that cancels nothing is silent, and plays.
        assert!(device.warnings().iter().all(|warning| warning.trap == Trap::SilentPulse), "{name}");
        for (gate, qubits) in device.gates() {
            let schedule = device.schedule(gate, qubits).unwrap();
            let values = vec![0.5; schedule.parameters().len()];
            schedule.check(device.target(), &values).unwrap();
        }
    }
    let jakarta = PulseDefaults::bundled("jakarta").unwrap();
    let x = jakarta.schedule("x", &[0]).unwrap().samples(jakarta.target().dt(), &[]).unwrap();
    assert!((x.line(drive(0)).unwrap()[80].norm() - 0.1944).abs() < 1e-3);
    assert!(PulseDefaults::bundled("tokyo").unwrap_err().to_string().contains("belem, guadalupe, jakarta"));
}

#[test]
fn a_cross_resonance_gate_is_drawn() {
    let jakarta = PulseDefaults::bundled("jakarta").unwrap();
    let timeline = jakarta.schedule("cx", &[0, 1]).unwrap().timeline_on(jakarta.target()).unwrap();
    let svg = timeline.to_svg(&[]).unwrap();
    for words in [">drive(0)<", ">drive(1)<", ">control(0, 1)<", ">peak 0.729<", ">90°<"] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
    if let Some(file) = std::env::var_os("KETLINE_PICTURE") {
        std::fs::write(file, svg).unwrap();
    }
}

/// Snapshots of a whole package, where `KETLINE_BACKENDS` says that there is one.
#[test]
fn every_snapshot_is_read_or_refused_with_a_reason() {
    let Some(folder) = std::env::var_os("KETLINE_BACKENDS") else { return };
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let file = path.join(format!("defs_{name}.json"));
        if !file.exists() {
            continue;
        }
        let device = match PulseDefaults::read(&file) {
            Ok(device) => device,
            Err(error) => {
                println!("{name}: {error}");
                PulseDefaults::read_with(&file, Reading::Lenient).unwrap()
            }
        };
        let (mut played, mut refused) = (0, Vec::new());
        for (gate, qubits) in device.gates() {
            let checked = device.schedule(gate, qubits).and_then(|schedule| {
                schedule.check(device.target(), &vec![0.5; schedule.parameters().len()])
            });
            match checked {
                Ok(()) => played += 1,
                Err(error) => refused.push(format!("{gate}{qubits:?}: {error}")),
            }
        }
        println!(
            "{name}: {played} gates played, {} refused {:?}; {} warnings {:?}",
            refused.len(),
            refused.first(),
            device.warnings().len(),
            device.warnings().first()
        );
        assert!(played > refused.len());
    }
}

#[test]
fn gates_are_given_other_pulses() {
    use crate::pulse::{Duration, ScheduleBuilder, Waveform};
    let two = read(Reading::Strict, |_, _| {}).unwrap();
    let built = |build: &dyn Fn(&mut ScheduleBuilder)| {
        let mut b = ScheduleBuilder::new("other");
        build(&mut b);
        b.finish().unwrap()
    };
    let dt = Duration::samples;
    let other = built(&|b| {
        let angle: crate::Angle = b.parameter("P0");
        b.shift_phase(drive(0), angle);
        b.play(drive(0), Waveform::drag(dt(64), -0.3, dt(16), -1.0).with_phase(0.4));
        b.delay(drive(0), dt(16));
        b.play(drive(0), Waveform::sampled(vec![C64::new(0.1, 0.2); 64]));
        b.shift_phase(drive(0), -angle);
        b.shift_phase(control(0, 1), 0.25);
    });
    let changed = two.clone().with_schedule("x", &[0], &other).unwrap().only(|name, _| name != "id");
    assert_eq!(changed.gates().count(), two.gates().count() - 1);
    let again = changed.schedule("x", &[0]).unwrap();
    for angle in [0.0, 0.9] {
        let [found, wanted] = [&again, &other].map(|s| s.samples(2.5e-10, &[angle]).unwrap());
        let pairs =
            found.lines().iter().zip(wanted.lines()).flat_map(|(a, b)| a.samples.iter().zip(&b.samples));
        assert!(found.duration() == 144 && pairs.into_iter().all(|(a, b)| (a - b).norm() < 1e-15));
    }
    let frame = again.timeline(2.5e-10).unwrap().frame(control(0, 1));
    assert_eq!(frame.phase.value(&[0.9]), 0.25);
    let text = changed.to_compact();
    assert_eq!(PulseDefaults::from_compact("two", &text, Reading::Strict).unwrap().to_compact(), text);
    let refused = |build: &dyn Fn(&mut ScheduleBuilder)| {
        two.clone().with_schedule("x", &[0], &built(build)).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&|b| {
            let amp: crate::Angle = b.parameter("P0");
            b.play(drive(0), Waveform::constant(dt(64), amp));
        }),
        "the pulses of `x` on qubits [0] of device `two` are not usable: drive(0) at 0 dt depends on parameters"
    );
    assert!(
        refused(&|b| b.shift_frequency(drive(0), Frequency::megahertz(1.0))).contains("shifts a frequency")
    );
    assert!(
        refused(&|b| {
            let angle: crate::Angle = b.parameter("P0");
            b.shift_phase(drive(0), 2.0 * angle);
        })
        .contains("more than one angle")
    );
}
