use super::*;
use crate::C64;
use crate::pulse::{Action, Duration, Frequency, Timing, Waveform, acquire, control, drive, readout};

const DT: f64 = 2e-9 / 9.0;

fn dt(samples: i64) -> Duration {
    Duration::samples(samples)
}

fn flat(samples: i64, amp: f64) -> Waveform {
    Waveform::constant(dt(samples), amp)
}

/// What a test puts into a schedule.
type Build<'a> = &'a dyn Fn(&mut ScheduleBuilder);

fn built(build: impl FnOnce(&mut ScheduleBuilder)) -> Result<Schedule> {
    let mut b = ScheduleBuilder::new("test");
    build(&mut b);
    b.finish()
}

fn starts(schedule: &Schedule) -> Vec<(String, usize)> {
    let timeline = schedule.timeline(DT).unwrap();
    let plays = timeline.events().iter().filter(|e| matches!(e.action, Action::Play { .. }));
    plays.map(|e| (e.channel.to_string(), e.start)).collect()
}

#[test]
fn each_channel_has_its_clock_and_barriers_align_those_of_their_qubits() {
    let schedule = built(|b| {
        b.play(drive(0), flat(160, 0.1));
        b.play(drive(0), flat(32, 0.1));
        b.play(control(0, 1), flat(100, 0.1));
        b.barrier(&[1]); // the control line is of both
        b.play(drive(1), flat(16, 0.1));
        b.play(drive(2), flat(16, 0.1));
        b.delay(drive(2), dt(4));
        b.barrier(&[0, 1, 2]);
        b.play(control(2, 1), flat(16, 0.1));
        b.at(drive(2), dt(300));
        b.play(drive(2), flat(16, 0.1));
    });
    let found = starts(&schedule.unwrap());
    let wanted = [
        ("drive(0)", 0),
        ("control(0, 1)", 0),
        ("drive(2)", 0),
        ("drive(1)", 100),
        ("drive(0)", 160),
        ("control(2, 1)", 192),
        ("drive(2)", 300),
    ];
    assert_eq!(found, wanted.map(|(channel, start)| (channel.to_owned(), start)));
}

#[test]
fn seconds_and_samples_meet_on_the_device() {
    let schedule = built(|b| {
        b.delay(drive(0), dt(160) + Duration::nanoseconds(20.0));
        b.play(drive(0), flat(16, 0.1));
    });
    assert_eq!(schedule.as_ref().unwrap().duration(DT).unwrap(), 266);
    let error = schedule.unwrap().timeline(0.3e-9).unwrap_err().to_string();
    assert!(
        error.starts_with("drive(0) at 0 dt (0 ns): 160dt + 20ns is 226.66666666666")
            && error.contains("whole"),
        "{error}"
    );
}

#[test]
fn a_busy_channel_is_named_with_its_time() {
    let schedule = built(|b| {
        b.play(drive(3), flat(160, 0.1));
        b.at(drive(3), dt(100));
    });
    assert_eq!(
        schedule.unwrap().timeline(1e-9).unwrap_err().to_string(),
        "drive(3) is busy until 160 dt (160 ns), so nothing can start at 100 dt (100 ns)"
    );
}

#[test]
fn frames_turn_what_follows() {
    let schedule = built(|b| {
        b.play(drive(0), flat(1, 0.5));
        b.shift_phase(drive(0), std::f64::consts::FRAC_PI_2);
        b.play(drive(0), flat(1, 0.5));
        b.shift_frequency(drive(0), Frequency::megahertz(100.0));
        b.play(drive(0), flat(2, 0.5));
        b.shift_frequency(drive(0), Frequency::megahertz(-100.0));
        b.play(drive(0), flat(1, 0.5));
        b.set_phase(drive(0), 0.0);
        b.play(drive(0), flat(1, 0.5));
        b.play(drive(1), flat(1, 0.25));
    })
    .unwrap();
    let samples = schedule.samples(1e-9, &[]).unwrap();
    let turns = [0.0, 0.25, 0.25 + 0.05, 0.25 + 0.15, 0.25 + 0.2, 0.0];
    for (found, turns) in samples.line(drive(0)).unwrap().iter().zip(turns) {
        let wanted = C64::cis(std::f64::consts::TAU * turns) * 0.5;
        assert!((found - wanted).norm() < 1e-12, "{found} {wanted}");
    }
    assert_eq!(samples.line(drive(1)).unwrap()[1], C64::ZERO);
    let frame = schedule.timeline(1e-9).unwrap().frame(drive(0));
    assert!(frame.phase.value(&[]).abs() < 1e-12 && frame.frequency == Frequency::hertz(0.0));
}

#[test]
fn frequencies_are_set_where_carriers_are_known() {
    let schedule = built(|b| {
        b.set_frequency(control(0, 1), Frequency::gigahertz(5.1));
        b.play(control(0, 1), flat(64, 0.1));
    })
    .unwrap();
    let error = schedule.timeline(DT).unwrap_err().to_string();
    assert!(error.contains("the carrier of control(0, 1) is not known"), "{error}");
    let band = (Frequency::gigahertz(4.5), Frequency::gigahertz(5.5));
    let target = PulseTarget::new("two", DT, Timing::default(), 2).unwrap();
    let target = target.with_controls([(0, 1)]).unwrap();
    let target = target.with_carrier(drive(1), Frequency::gigahertz(5.0), Some(band));
    let timeline = schedule.timeline_on(&target).unwrap();
    let offset = timeline.frame(control(0, 1)).frequency.in_hertz();
    assert!((offset - 1e8).abs() < 1e-3, "{offset}");
    schedule.check(&target, &[]).unwrap();
    let far = built(|b| {
        b.shift_frequency(drive(1), Frequency::megahertz(900.0));
        b.play(drive(1), flat(64, 0.1));
    });
    assert_eq!(
        far.unwrap().check(&target, &[]).unwrap_err().to_string(),
        "drive(1) at 0 dt (0 ns): 5.9GHz is outside the band 4.5GHz to 5.5GHz"
    );
}

#[test]
fn a_device_refuses_what_it_cannot_play() {
    let timing = Timing { granularity: 16, min_length: 64, pulse_alignment: 16, acquire_alignment: 16 };
    let target = PulseTarget::new("line", DT, timing, 2).unwrap().with_controls([(0, 1)]).unwrap();
    let refused = |build: &dyn Fn(&mut ScheduleBuilder)| {
        built(build).unwrap().check(&target, &[]).unwrap_err().to_string()
    };
    assert!(built(|b| b.play(drive(1), flat(64, 1.0))).unwrap().check(&target, &[]).is_ok());
    let cases: [(Build<'_>, &str); 8] = [
        (
            &|b| b.play(drive(0), flat(72, 0.1)),
            "the length of a pulse is 72 samples, expected a multiple of 16",
        ),
        (&|b| b.play(drive(0), flat(48, 0.1)), "the length of a pulse is 48 samples, expected at least 64"),
        (
            &|b| {
                b.delay(drive(0), dt(8));
                b.play(drive(0), flat(64, 0.1));
            },
            "drive(0) at 8 dt (1.7778 ns): the start of a pulse is 8 samples, expected a multiple of 16",
        ),
        (
            &|b| b.play(drive(0), flat(64, -1.3)),
            "drive(0) at 0 dt (0 ns): amplitude 1.3 is above the device limit of 1",
        ),
        (&|b| b.play(drive(2), flat(64, 0.1)), "device `line` has no line drive(2): it has 2 qubits"),
        (&|b| b.play(control(1, 0), flat(64, 0.1)), "no line control(1, 0): these qubits are not coupled"),
        (
            &|b| {
                b.delay(acquire(0), dt(3));
                b.capture(acquire(0), dt(1000));
            },
            "acquire(0) at 3 dt (0.6667 ns): the start of a capture is 3 samples, expected a multiple of 16",
        ),
        (
            &|b| b.play(drive(0), Waveform::gaussian(dt(64), 0.1, dt(-4))),
            "drive(0) at 0 dt (0 ns): `sigma` of `gaussian` is -4, but more than 0 samples was expected",
        ),
    ];
    for (build, wanted) in cases {
        let message = refused(build);
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn mistakes_are_refused_when_the_schedule_is_built() {
    let refused = |build: &dyn Fn(&mut ScheduleBuilder)| built(build).unwrap_err().to_string();
    assert_eq!(
        refused(&|b| b.play(Channel::Acquire(0), flat(64, 0.1))),
        "nothing can be played on acquire(0): it listens"
    );
    assert!(refused(&|b| b.play(control(1, 1), flat(64, 0.1))).contains("joins qubit 1 to itself"));
    let nan = vec![C64::ZERO, C64::new(0.0, f64::NAN)];
    assert_eq!(
        refused(&|b| b.play(drive(0), Waveform::sampled(nan.clone()))),
        "drive(0) at 1 dt: the sample is 0+NaNi, expected a finite number"
    );
    assert!(
        refused(&|b| b.shift_phase(drive(0), f64::NAN)).contains("an angle of `shift_phase` is not finite")
    );
    assert!(
        refused(&|b| b.play(drive(0), flat(4, 0.1).with_phase(Angle::parameter(0)))).contains("parameter 0")
    );
    assert!(refused(&|b| b.shift_frequency(drive(0), Frequency::hertz(f64::INFINITY))).contains("inf"));
}

#[test]
fn absurd_lengths_are_refused_before_memory_is_taken() {
    let long = built(|b| {
        for _ in 0..5 {
            b.delay(drive(0), dt(1 << 32));
        }
    });
    assert!(matches!(long.unwrap().timeline(1e-9), Err(Error::ScheduleSize { what: "samples", .. })));
    let wide = built(|b| {
        b.play(drive(0), flat(16, 0.1));
        b.delay(drive(0), dt(1 << 31));
    });
    assert!(matches!(wide.unwrap().samples(1e-9, &[]), Err(Error::ScheduleSize { .. })));
    let mut deep = built(|b| b.play(drive(0), flat(16, 0.1))).unwrap();
    let mut refused = false;
    for _ in 0..100 {
        match built(|b| b.append(&deep)) {
            Ok(next) => deep = next,
            Err(error) => {
                assert!(error.to_string().contains("blocks within blocks"), "{error}");
                refused = true;
                break;
            }
        }
    }
    assert!(refused);
    assert!(deep.folded(1 << 30).is_err());
}

/// Two parameters by name, in amplitudes, phases and lengths.
fn trainable() -> Schedule {
    let mut b = ScheduleBuilder::new("trainable");
    let [amp, turn]: [Angle; 2] = b.parameter("x");
    let sigma: Angle = b.parameter("sigma");
    let pulse = Waveform::drag(dt(40), 0.5 * amp, 2.0 * sigma, turn);
    b.play(drive(0), pulse.clone());
    b.shift_phase(drive(0), turn + amp);
    b.shift_frequency(drive(0), Frequency::megahertz(30.0));
    b.play(drive(0), -pulse.clone().with_phase(-turn));
    b.barrier(&[0]);
    b.set_phase(drive(0), 3.0 * sigma);
    b.play(drive(0), Waveform::gaussian_square(dt(64), amp, sigma, 3.0 * sigma));
    b.play(control(0, 1), pulse);
    b.finish().unwrap()
}

#[test]
fn slopes_are_those_of_finite_differences() {
    let schedule = trainable();
    let values = [0.6, 0.3, 8.11];
    assert_eq!(schedule.parameters().names(), ["x[0]", "x[1]", "sigma"]);
    let reversed = schedule.then(&schedule.reversed().unwrap()).unwrap();
    for schedule in [schedule, reversed] {
        let slopes = schedule.slopes(DT, &values).unwrap();
        for parameter in 0..3 {
            let step = 1e-4;
            let at = |shift: f64| {
                let mut moved = values;
                moved[parameter] += shift;
                schedule.samples(DT, &moved).unwrap()
            };
            let [a, b, c, d] = [at(step), at(-step), at(2.0 * step), at(-2.0 * step)];
            for line in 0..a.lines().len() {
                let channel = a.lines()[line].channel;
                let mut found = vec![C64::ZERO; a.duration()];
                for slope in slopes.iter().filter(|s| s.channel == channel && s.parameter == parameter) {
                    for (k, value) in slope.samples.iter().enumerate() {
                        found[slope.start + k] += value;
                    }
                }
                let of = |samples: &Samples, k: usize| samples.lines()[line].samples[k];
                for (k, found) in found.iter().enumerate() {
                    let wanted = ((of(&a, k) - of(&b, k)) * 8.0 - (of(&c, k) - of(&d, k))) / (12.0 * step);
                    assert!((found - wanted).norm() < 1e-7, "{channel} {parameter} {k}: {found} {wanted}");
                }
            }
        }
    }
}

#[test]
fn schedules_are_called_on_other_qubits_with_other_parameters() {
    let inner = trainable();
    let mut b = ScheduleBuilder::new("outer");
    let [a, c]: [Angle; 2] = b.parameter("a");
    b.play(drive(7), flat(100, 0.1));
    b.call(&inner, &[7, 2], &[a, Angle::radians(0.2), 4.0 * c]);
    b.append(&inner.on(&[2, 7]).unwrap());
    let outer = b.finish().unwrap();
    assert_eq!(outer.parameters().names(), ["a[0]", "a[1]", "x[0]", "x[1]", "sigma"]);
    assert_eq!(outer.qubits(), [2, 7]);
    let length = inner.duration(DT).unwrap();
    assert_eq!(outer.duration(DT).unwrap(), 100 + 2 * length);
    let all = outer.samples(DT, &[0.4, 2.0, 0.1, 0.2, 9.0]).unwrap();
    let first = inner.samples(DT, &[0.4, 0.2, 8.0]).unwrap();
    assert_eq!(all.line(drive(7)).unwrap()[100..100 + length], *first.line(drive(0)).unwrap());
    assert_eq!(all.line(control(7, 2)).unwrap()[100..100 + length], *first.line(control(0, 1)).unwrap());
    let second = inner.samples(DT, &[0.1, 0.2, 9.0]).unwrap();
    assert_eq!(all.line(drive(2)).unwrap()[100 + length..], *second.line(drive(0)).unwrap());

    let refused =
        |qubits: &[usize], arguments: &[Angle]| built(|b| _ = b.call(&inner, qubits, arguments)).unwrap_err();
    let three = [Angle::ZERO; 3];
    assert_eq!(refused(&[0, 1], &three[..2]), Error::ParameterCount { found: 2, expected: 3 });
    assert_eq!(refused(&[0], &three), Error::QubitIndex { qubit: 1, width: 1 });
    assert_eq!(refused(&[4, 4], &three), Error::RepeatedQubit { qubit: 4 });
    assert_eq!(inner.on(&[4, 4]).unwrap_err(), Error::RepeatedQubit { qubit: 4 });
}

#[test]
fn numbers_in_the_place_of_parameters_give_the_same_samples() {
    let (schedule, values) = (trainable(), [0.6, 0.3, 8.0]);
    let bound = schedule.bind(&values).unwrap();
    assert!(bound.parameters().is_empty());
    let [a, b] = [bound.samples(DT, &[]).unwrap(), schedule.samples(DT, &values).unwrap()];
    let pairs = a.lines().iter().zip(b.lines()).flat_map(|(a, b)| a.samples.iter().zip(&b.samples));
    assert!(pairs.into_iter().all(|(a, b)| (a - b).norm() < 1e-14));
    assert!(matches!(schedule.samples(DT, &[0.0; 2]), Err(Error::ParameterCount { .. })));
    assert!(matches!(schedule.samples(DT, &[0.0, f64::NAN, 1.0]), Err(Error::ParameterValue { .. })));
}

#[test]
fn captures_number_their_bits() {
    let schedule = built(|b| {
        b.play(readout(0), flat(100, 0.1));
        assert_eq!(b.capture(acquire(0), dt(100)), 0);
        assert_eq!(b.capture(acquire(1), dt(100)), 1);
    });
    let schedule = schedule.unwrap();
    assert_eq!(schedule.bits(), 2);
    let twice = schedule.then(&schedule).unwrap();
    let bits: Vec<_> = twice
        .timeline(DT)
        .unwrap()
        .events()
        .iter()
        .filter_map(|e| match e.action {
            Action::Capture { bit } => Some((bit, e.start)),
            _ => None,
        })
        .collect();
    assert_eq!(bits, [(0, 0), (1, 0), (2, 100), (3, 100)]);
    assert!(matches!(twice.reversed(), Err(Error::Irreversible { .. })));
}
