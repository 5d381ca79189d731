//! Derivatives by parameters against a dense solution of the equations of motion, and what batches promise.

use std::f64::consts::TAU;

use ndarray::Array2;

use super::*;
use crate::device::{ControlLine, Exchange, Hamiltonian, Transmon};
use crate::linalg::{Eigen, dagger, identity, kron};
use crate::pulse::{Channel, Duration, Frequency, Samples, Schedule, ScheduleBuilder, Waveform, control};
use crate::{Angle, C64, Gate};

const DT: f64 = 2e-9 / 9.0;

fn device() -> Hamiltonian {
    let transmon =
        |f: f64, strength: f64| Transmon { frequency: TAU * f, anharmonicity: -TAU * 0.34e9, strength };
    let transmons = vec![transmon(5.24e9, 0.84e9), transmon(5.01e9, 0.7e9)];
    let lines = vec![ControlLine { control: 0, target: 1, strength: 0.7e9 }];
    Hamiltonian::new("pair", transmons, vec![Exchange { a: 0, b: 1, strength: TAU * 2e6 }], lines).unwrap()
}

/// Parameters in amplitudes, phases, lengths, shapes, and in frames while and after pulses are played.
fn trainable() -> Schedule {
    let dt = Duration::samples;
    let mut b = ScheduleBuilder::new("trainable");
    let [amp, turn]: [Angle; 2] = b.parameter("x");
    let sigma: Angle = b.parameter("sigma");
    let beta: Angle = b.parameter("beta");
    b.play(drive(0), Waveform::drag(dt(8), 0.5 * amp, sigma, beta).with_phase(turn));
    b.shift_phase(drive(0), 2.0 * turn);
    b.play(control(0, 1), Waveform::gaussian_square(dt(16), amp, sigma, 2.0 * sigma).with_phase(0.3));
    b.shift_frequency(drive(0), Frequency::megahertz(30.0));
    b.play(drive(0), Waveform::cosine(dt(8), 0.8));
    b.shift_frequency(drive(0), Frequency::megahertz(-30.0));
    b.shift_phase(drive(1), 0.5 * beta);
    b.barrier(&[0, 1]);
    b.play(drive(1), Waveform::sech(dt(6), amp, sigma));
    b.shift_phase(drive(1), -1.5 * turn);
    b.finish().unwrap()
}

const VALUES: [f64; 4] = [0.7, 0.4, 2.3, -0.8];

fn gate(name: &str, angles: &[f64]) -> Matrix {
    Gate::named(name).unwrap().matrix(angles)
}

fn cx() -> Matrix {
    Matrix::from_shape_fn((4, 4), |(row, column)| {
        let image = if column & 1 == 1 { column ^ 2 } else { column };
        C64::from(f64::from(u8::from(row == image)))
    })
}

fn goals() -> Vec<Goal> {
    let initial = vec![C64::new(0.6, 0.0), C64::ZERO, C64::new(0.0, 0.8), C64::ZERO];
    let operator = kron(&gate("x", &[]), &gate("x", &[]));
    vec![
        Goal::Gate(cx()),
        Goal::State { initial: initial.clone(), target: vec![C64::from(0.5); 4] },
        Goal::Expectation { initial, operator },
    ]
}

/// exp(-i H t)
fn exponential(h: &Matrix, time: f64) -> Matrix {
    let Eigen { values, vectors } = Eigen::new(h).unwrap();
    let phases: ndarray::Array1<C64> = values.iter().map(|x| C64::cis(-x * time)).collect();
    let phases = Matrix::from_diag(&phases);
    vectors.dot(&phases).dot(&dagger(&vectors))
}

/// The logical gate by exponentials of the Hamiltonian in the middle of each of `parts` steps of a sample, in its own terms.
fn dense(t: &Transmons, samples: &Samples, frames: &[f64], parts: usize) -> Matrix {
    let transmons = t.device.transmons();
    let ladders = [0, 1].map(|place| super::super::lowering(place, 2, 3));
    let mut drift = Matrix::zeros((9, 9));
    for (a, transmon) in ladders.iter().zip(transmons) {
        let n = dagger(a).dot(a);
        drift = drift + &n * C64::from(transmon.frequency - t.frame);
        drift = drift + n.dot(&(&n - &identity(9))) * C64::from(0.5 * transmon.anharmonicity);
    }
    let hop = dagger(&ladders[0]).dot(&ladders[1]) * C64::from(t.device.exchange(0, 1).unwrap().strength);
    let drift = drift + dagger(&hop) + hop;
    let mut u = t.dressed.states.clone();
    let step = DT / parts as f64;
    for k in 0..samples.duration() * parts {
        let time = (k as f64 + 0.5) * step;
        let mut h = drift.clone();
        for line in samples.lines() {
            let (place, carrier) = match line.channel {
                Channel::Drive(q) => (q, q),
                Channel::Control(c, t) => (c, t),
                _ => panic!("not driven"),
            };
            let strength =
                if place == carrier { transmons[place].strength } else { t.device.lines()[0].strength };
            let carrier = t.frequency(carrier).unwrap() - t.frame;
            let drive = line.samples[k / parts].conj() * C64::cis(-carrier * time) * (0.5 * strength);
            let raise = dagger(&ladders[place]) * drive;
            h = h + dagger(&raise) + raise;
        }
        u = exponential(&h, step).dot(&u);
    }
    let time = DT * samples.duration() as f64;
    let mut u = dagger(&t.dressed.states).dot(&u);
    for (level, mut row) in u.rows_mut().into_iter().enumerate() {
        let angle: f64 = [level % 3, level / 3]
            .iter()
            .enumerate()
            .map(|(q, n)| *n as f64 * ((t.frequency(q).unwrap() - t.frame) * time + frames[q]))
            .sum();
        row.mapv_inplace(|z| z * C64::cis(angle));
    }
    let kept = [0, 1, 3, 4];
    Matrix::from_shape_fn((4, 4), |(row, column)| u[[kept[row], kept[column]]])
}

fn worth(goal: &Goal, gate: &Matrix) -> f64 {
    let column = |state: &[C64]| Matrix::from_shape_fn((4, 1), |(row, _)| state[row]);
    match goal {
        Goal::Gate(target) => {
            let overlap: C64 = dagger(target).dot(gate).diag().sum();
            (gate.iter().map(C64::norm_sqr).sum::<f64>() + overlap.norm_sqr()) / 20.0
        }
        Goal::State { initial, target } => {
            dagger(&column(target)).dot(gate).dot(&column(initial))[[0, 0]].norm_sqr()
        }
        Goal::Expectation { initial, operator } => {
            let end = gate.dot(&column(initial));
            dagger(&end).dot(operator).dot(&end)[[0, 0]].re
        }
    }
}

#[test]
fn derivatives_by_parameters_are_those_of_a_dense_solution() {
    let transmons = Transmons::new(&device(), &[0, 1], 3).unwrap().with_tolerance(1e-9).unwrap();
    let timeline = trainable().timeline(DT).unwrap();
    let plan = transmons.plan(&timeline).unwrap();
    let goals = goals();
    // Of second order, extrapolated to the fourth
    let oracle = |values: &[f64]| -> Vec<f64> {
        let (samples, frames) = (timeline.samples(values).unwrap(), plan.frames(values));
        let [coarse, fine] = [16, 32].map(|parts| dense(&transmons, &samples, &frames, parts));
        let gate = &fine * C64::from(4.0 / 3.0) - &coarse * C64::from(1.0 / 3.0);
        goals.iter().map(|goal| worth(goal, &gate)).collect()
    };
    let found: Vec<ParameterGradient> =
        goals.iter().map(|goal| plan.gradient(&VALUES, goal).unwrap()).collect();
    let expected = oracle(&VALUES);
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found.value - expected).abs() < 1e-7, "{} {expected}", found.value);
        assert!(found.leakage > 1e-6 && found.leakage < 0.5, "{}", found.leakage);
    }
    for parameter in 0..VALUES.len() {
        let h = 2e-3;
        let at = |shift: f64| {
            let mut moved = VALUES;
            moved[parameter] += shift;
            oracle(&moved)
        };
        let [a, b, c, d] = [at(h), at(-h), at(2.0 * h), at(-2.0 * h)];
        for (k, found) in found.iter().enumerate() {
            let expected = (8.0 * (a[k] - b[k]) - (c[k] - d[k])) / (12.0 * h);
            let derivative = found.gradient[parameter];
            assert!((derivative - expected).abs() < 1e-7, "{k} {parameter}: {derivative} {expected}");
        }
    }
}

/// |Tr U†V| / d
fn likeness(u: &Matrix, v: &Matrix) -> f64 {
    let overlap: C64 = dagger(u).dot(v).diag().sum();
    overlap.norm() / u.nrows() as f64
}

#[test]
fn frames_at_the_end_are_virtual_rotations() {
    let one = Transmons::new(&device(), &[1], 3).unwrap().with_tolerance(1e-9).unwrap();
    let built = |build: &dyn Fn(&mut ScheduleBuilder)| {
        let mut b = ScheduleBuilder::new("test");
        build(&mut b);
        one.plan(&b.finish().unwrap().timeline(DT).unwrap()).unwrap().propagator(&[]).unwrap().gate().clone()
    };
    let dt = Duration::samples;
    let pulse = Waveform::drag(dt(160), 0.07, dt(40), -1.0);
    let (first, last) = (gate("rz", &[0.7]), gate("rz", &[-1.9]));
    assert!((likeness(&built(&|b| b.shift_phase(drive(1), 0.7)), &first) - 1.0).abs() < 1e-12);
    let plain = built(&|b| b.play(drive(1), pulse.clone()));
    let part = |b: &mut ScheduleBuilder| {
        b.shift_phase(drive(1), 0.7);
        b.play(drive(1), pulse.clone());
        b.shift_phase(drive(1), -1.9);
    };
    let between = built(&part);
    let leaks = 1.0 - likeness(&plain, &plain);
    assert!((likeness(&between, &last.dot(&plain).dot(&first)) + leaks - 1.0).abs() < 1e-8);
    // One schedule after the other is the product of both, but for what has leaked in between.
    let twice = built(&|b| {
        part(b);
        part(b);
    });
    assert!((likeness(&twice, &between.dot(&between)) - 1.0).abs() < 1e-3);
    let wrong = last.dot(&plain).dot(&gate("rz", &[-0.7]));
    assert!(likeness(&between, &wrong) < 0.99);
}

#[test]
fn batches_are_their_rows() {
    let transmons = Transmons::new(&device(), &[0, 1], 3).unwrap().with_relaxation(&[(50e-6, 40e-6); 2]);
    let plan = transmons.unwrap().plan(&trainable().timeline(DT).unwrap()).unwrap();
    let goal = &goals()[0];
    let plan = plan.fitted(&VALUES, goal).unwrap();
    let sets = Array2::from_shape_fn((5, 4), |(set, k)| VALUES[k] * (1.0 + 0.01 * set as f64));
    let together = plan.gradients(&sets, goal).unwrap();
    let gates = plan.propagators(&sets).unwrap();
    let ground = Matrix::from_shape_fn((4, 4), |at| if at == (0, 0) { C64::ONE } else { C64::ZERO });
    let open = plan.densities(&sets, &ground).unwrap();
    for (set, values) in sets.rows().into_iter().enumerate() {
        let values = values.to_vec();
        assert_eq!(together[set], plan.gradient(&values, goal).unwrap());
        assert_eq!(gates[set], plan.propagator(&values).unwrap());
        assert_eq!(open[set], plan.density(&values, &ground).unwrap());
        assert!((together[set].value - gates[set].fidelity(&cx()).unwrap()).abs() < 1e-9);
        // Relaxation takes little of so short a schedule.
        let closed = gates[set].gate()[[0, 0]].norm_sqr();
        assert!((open[set].qubits()[[0, 0]].re - closed).abs() < 1e-3);
    }
    let mut wrong = sets;
    wrong[[3, 2]] = -1.0;
    let error = plan.gradients(&wrong, goal).unwrap_err().to_string();
    assert!(error.contains("drive(0) at 0 dt") && error.contains("`sigma`"), "{error}");
}

#[test]
fn plans_refuse_what_they_cannot_play_and_print_themselves() {
    let one = Transmons::new(&device(), &[1], 3).unwrap();
    let timeline = trainable().timeline(DT).unwrap();
    assert!(matches!(one.plan(&timeline), Err(Error::Shape { .. })));
    let transmons = Transmons::new(&device(), &[0, 1], 3).unwrap();
    let plan = transmons.plan(&timeline).unwrap();
    assert!(matches!(plan.clone().with_parts(0), Err(Error::OutOfRange { .. })));
    assert!(matches!(plan.gradient(&VALUES[..2], &goals()[0]), Err(Error::ParameterCount { .. })));
    let text = plan.with_parts(2).unwrap().to_string();
    assert!(text.ends_with("on qubits [0, 1] of 3 levels, in 9 dimensions: 2 steps of a sample"), "{text}");
}

#[test]
fn training_by_parameters_finds_an_x() {
    let one = Transmons::new(&device(), &[0], 3).unwrap().with_tolerance(1e-10).unwrap();
    let dt = Duration::samples;
    let mut b = ScheduleBuilder::new("x");
    let [amp, beta]: [Angle; 2] = b.parameter("drag");
    b.play(drive(0), Waveform::drag(dt(160), amp, dt(40), beta));
    let plan = one.plan(&b.finish().unwrap().timeline(DT).unwrap()).unwrap();
    let bounds = vec![(0.0, 1.0), (-5.0, 5.0)];
    let method = Lbfgs { first: 0.01, bounds, ..Lbfgs::new(60) };
    let found = plan.maximise(&[0.17, 0.0], &Goal::Gate(gate("x", &[])), &method).unwrap();
    assert!(1.0 - found.value < 1e-6 && found.leakage < 1e-6, "{found:?}");
    // Half of what the first-order theory takes away from a transmon with this anharmonicity, in samples
    assert!((-1.2..-0.9).contains(&found.values[1]) && found.evaluations <= 60, "{found:?}");
}
