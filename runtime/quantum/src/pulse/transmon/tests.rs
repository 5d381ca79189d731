//! Transmons against published pulses, closed forms and finite differences.

use std::f64::consts::{FRAC_PI_2, TAU};

use ndarray::array;

use super::*;
use crate::device::{ControlLine, Exchange, PUBLISHED_STRENGTH, Transmon};
use crate::linalg::frobenius;
use crate::pulse::{Channel, Line, Slope};

const DT: f64 = 2e-9 / 9.0;

/// A transmon from published numbers in rad/ns.
fn transmon(frequency: f64, anharmonicity: f64, strength: f64) -> Transmon {
    Transmon {
        frequency: frequency * 1e9,
        anharmonicity: anharmonicity * 1e9,
        strength: strength / PUBLISHED_STRENGTH * 1e9,
    }
}

/// Control and target of a published pair: (w, delta, omegad) each, and J.
fn pair(name: &str, control: [f64; 3], target: [f64; 3], exchange: f64) -> Hamiltonian {
    let [c, t] = [control, target].map(|[w, delta, omega]| transmon(w, delta, omega));
    let lines = vec![
        ControlLine { control: 0, target: 1, strength: t.strength },
        ControlLine { control: 1, target: 0, strength: c.strength },
    ];
    Hamiltonian::new(name, vec![c, t], vec![Exchange { a: 0, b: 1, strength: exchange * 1e9 }], lines)
        .unwrap()
}

fn jakarta() -> Hamiltonian {
    pair(
        "jakarta",
        [32.902_359_900_397_11, -2.135_551_738_172_07, 0.974_685_990_438_196_9],
        [31.506_207_391_761_517, -2.156_392_705_781_702_7, 0.808_629_374_451_513_1],
        0.012_286_377_631_357_464,
    )
}

/// A gaussian that starts and ends at 0, at time t of `duration` samples, and its derivative.
fn lifted(t: f64, duration: f64, sigma: f64) -> (f64, f64) {
    let gauss = |t: f64| (-0.5 * ((t - 0.5 * duration) / sigma).powi(2)).exp();
    let floor = gauss(-1.0);
    let value = (gauss(t) - floor) / (1.0 - floor);
    (value, -(t - 0.5 * duration) / sigma.powi(2) * gauss(t) / (1.0 - floor))
}

fn drag(amplitude: C64, beta: f64) -> Vec<C64> {
    (0..160)
        .map(|k| {
            let (g, slope) = lifted(f64::from(k) + 0.5, 160.0, 40.0);
            amplitude * C64::new(g, beta * slope)
        })
        .collect()
}

fn gaussian_square(amplitude: C64, duration: usize, width: usize) -> Vec<C64> {
    let rise = (duration - width) as f64 / 2.0;
    let gauss = |x: f64| (-0.5 * (x / 64.0).powi(2)).exp();
    let floor = gauss(rise + 1.0);
    (0..duration)
        .map(|k| {
            let t = k as f64 + 0.5;
            let beyond = (rise - t).max(t - rise - width as f64).max(0.0);
            amplitude * ((gauss(beyond) - floor) / (1.0 - floor))
        })
        .collect()
}

fn samples(duration: usize, plays: &[(Channel, usize, Vec<C64>)]) -> Samples {
    let mut lines: Vec<Line> = Vec::new();
    for (channel, start, envelope) in plays {
        let place = lines.iter().position(|line| line.channel == *channel).unwrap_or_else(|| {
            lines.push(Line { channel: *channel, samples: vec![C64::ZERO; duration] });
            lines.len() - 1
        });
        lines[place].samples[*start..start + envelope.len()].copy_from_slice(envelope);
    }
    Samples::new(DT, lines).unwrap()
}

fn x_gate() -> Matrix {
    array![[C64::ZERO, C64::ONE], [C64::ONE, C64::ZERO]]
}

/// A published echoed CX: amplitudes and betas of control X and target √X, of the tone on the target and on the control line.
struct Cx {
    x: (f64, f64),
    sx: (C64, f64),
    target: C64,
    control: C64,
    duration: usize,
    width: usize,
}

impl Cx {
    fn samples(&self) -> Samples {
        let (drive, cancel, tone) = (Channel::Drive(0), Channel::Drive(1), Channel::Control(0, 1));
        let (first, second) = (160, 320 + self.duration);
        // -i of the first echo pulse and the shift of phase before it, by i, make 1.
        let x = drag(C64::from(self.x.0), self.x.1);
        let echo = C64::cis(FRAC_PI_2);
        let flat = |amplitude: C64| gaussian_square(amplitude, self.duration, self.width);
        samples(
            second + self.duration,
            &[
                (drive, 0, x.clone()),
                (drive, second - 160, x.iter().map(|d| d * echo).collect()),
                (cancel, 0, drag(self.sx.0, self.sx.1)),
                (cancel, first, flat(self.target)),
                (cancel, second, flat(-self.target)),
                (tone, first, flat(self.control)),
                (tone, second, flat(-self.control)),
            ],
        )
    }
}

fn cx_gate() -> Matrix {
    Matrix::from_shape_fn((4, 4), |(row, column)| {
        let image = if column & 1 == 1 { column ^ 2 } else { column };
        if row == image { C64::ONE } else { C64::ZERO }
    })
}

#[test]
fn the_published_x_pulse_is_an_x() {
    let one = Transmons::new(&jakarta(), &[0], 3).unwrap().with_tolerance(1e-9).unwrap();
    let play = |amplitude: f64, beta: f64| {
        let pulse = samples(160, &[(Channel::Drive(0), 0, drag(C64::from(amplitude), beta))]);
        one.propagator(&pulse).unwrap()
    };
    let infidelity = |amplitude: f64, beta: f64| 1.0 - play(amplitude, beta).fidelity(&x_gate()).unwrap();
    let shipped = infidelity(0.194_463_879_430_928_66, -1.121_524_299_910_051);
    assert!(shipped < 1e-3, "{shipped:e}");
    // The optimum of the model
    let best = infidelity(0.194_586, -1.062);
    assert!(best < 1e-6 && play(0.195, -1.06).leakage() < 1e-5, "{best:e}");
    assert!(infidelity(0.205, -1.06) > 10.0 * best && infidelity(0.194_586, 1.062) > 10.0 * best);
    // More levels change little
    let four = Transmons::new(&jakarta(), &[0], 4).unwrap();
    let pulse = samples(160, &[(Channel::Drive(0), 0, drag(C64::from(0.195), -1.06))]);
    let found = 1.0 - four.propagator(&pulse).unwrap().fidelity(&x_gate()).unwrap();
    assert!(found < 1e-3, "{found:e}");
}

#[test]
fn published_cross_resonance_pulses_come_near_to_a_cx_where_they_should() {
    let manila = pair(
        "manila",
        [31.179_405_260_046_938, -2.165_345_334_825_234_5, 0.953_713_242_708_539_9],
        [30.397_253_343_722_692, -2.169_482_392_636_701, 0.812_540_730_785_832_3],
        0.011_845_444_218_797_994,
    );
    let nairobi = pair(
        "nairobi",
        [32.223_545_265_182_62, -2.139_020_437_585_621_4, 0.971_052_291_938_739_1],
        [33.254_835_071_397_52, -2.139_627_672_377_683_3, 1.117_750_383_267_130_7],
        0.020_725_340_810_809_68,
    );
    let cases = [
        (
            manila,
            Cx {
                x: (0.198_740_3, -0.608_105_4),
                sx: (C64::new(0.117_301_8, 0.001_032_656), -0.761_925_6),
                target: C64::new(0.082_556_46, 0.000_928_240_3),
                control: C64::new(-0.755_332, 0.255_663),
                duration: 464,
                width: 208,
            },
            0.989,
        ),
        (
            nairobi,
            Cx {
                x: (0.195_191_6, -1.136_288),
                sx: (C64::new(0.085_368_66, -0.000_230_064_4), 0.632_622_8),
                target: C64::new(0.064_469_87, -0.005_554_607),
                control: C64::new(0.721_725, -0.104_283_7),
                duration: 528,
                width: 272,
            },
            0.989,
        ),
    ];
    for (device, cx, expected) in cases {
        let transmons = Transmons::new(&device, &[0, 1], 3).unwrap();
        let found = transmons.propagator(&cx.samples()).unwrap();
        assert!(found.error() <= 1e-6);
        let free = found.virtual_z(&cx_gate()).unwrap();
        let name = device.name();
        assert!((free.fidelity - expected).abs() < 0.01, "{name}: {free:?}");
        assert!(free.fidelity >= found.fidelity(&cx_gate()).unwrap());
        assert!((0.0..0.01).contains(&found.leakage()), "{name}: {:e}", found.leakage());
    }
}

#[test]
fn without_pulses_only_the_zz_of_the_coupling_is_left() {
    let transmons = Transmons::new(&jakarta(), &[0, 1], 3).unwrap().with_tolerance(1e-9).unwrap();
    let zz = transmons.zz(0, 1).unwrap();
    // Levels 11 and 20 (02) repel by 2J²/(α - Δ). The snapshot has 0.05 to 0.1 MHz, with the other sign.
    let (j, alpha, other, delta) = (12.286_378e6, 2.135_552e9, 2.156_393e9, 1.396_153e9);
    let expected = 2.0 * j * j * (1.0 / (alpha - delta) + 1.0 / (other + delta));
    assert!((zz / expected - 1.0).abs() < 0.01, "{zz} {expected}");
    assert!((0.05e6..0.1e6).contains(&(zz / TAU)), "{}", zz / TAU);
    assert_eq!(transmons.zz(0, 0), None);
    let silence = samples(2000, &[(Channel::Drive(0), 0, vec![C64::ZERO; 2000])]);
    let gate = transmons.propagator(&silence).unwrap();
    let mut expected = Matrix::eye(4);
    expected[[3, 3]] = C64::cis(-zz * DT * 2000.0);
    assert!(frobenius(&(gate.gate() - &expected)) < 1e-8);
    // A dressed frequency moves by J²/Δ.
    let shift = transmons.frequency(0).unwrap() - jakarta().transmons()[0].frequency;
    let expected = 0.012_286_f64.powi(2) / (32.902_36 - 31.506_207) * 1e9;
    assert!((shift / expected - 1.0).abs() < 0.01, "{shift} {expected}");
}

#[test]
fn relaxation_is_exponential() {
    let (t1, t2) = (20e-6, 15e-6);
    let one = Transmons::new(&jakarta(), &[0], 3).unwrap().with_relaxation(&[(t1, t2)]).unwrap();
    let silence = samples(3000, &[(Channel::Drive(0), 0, vec![C64::ZERO; 3000])]);
    let half = C64::from(0.5);
    let plus = array![[half, half], [half, half]];
    let end = one.density(&silence, &plus).unwrap();
    let time = 3000.0 * DT;
    assert!((end.qubits()[[1, 1]].re - 0.5 * (-time / t1).exp()).abs() < 1e-6);
    assert!((end.qubits()[[0, 1]] - 0.5 * (-time / t2).exp()).norm() < 1e-6);
    assert!(end.leakage().abs() < 1e-9);
    assert!(matches!(one.clone().with_relaxation(&[(1e-5, 3e-5)]), Err(Error::OutOfRange { .. })));
    assert!(matches!(one.with_relaxation(&[]), Err(Error::Dimension { .. })));
}

#[test]
fn density_matrices_without_relaxation_are_those_of_states() {
    let transmons = Transmons::new(&jakarta(), &[0, 1], 3).unwrap();
    let pulse = samples(
        96,
        &[
            (Channel::Drive(0), 0, vec![C64::new(0.1, 0.05); 96]),
            (Channel::Control(0, 1), 0, vec![C64::new(0.4, -0.1); 96]),
        ],
    );
    let gate = transmons.propagator(&pulse).unwrap();
    let ground = Matrix::from_shape_fn((4, 4), |at| if at == (0, 0) { C64::ONE } else { C64::ZERO });
    let end = transmons.density(&pulse, &ground).unwrap();
    let column = gate.columns().column(0).to_vec();
    assert!(frobenius(&(end.levels() - crate::linalg::outer(&column, &column))) < 3e-6);
    assert!(
        (end.leakage() - (1.0 - gate.gate().column(0).iter().map(C64::norm_sqr).sum::<f64>())).abs() < 3e-6
    );
}

#[test]
fn gradients_by_samples_are_those_of_finite_differences() {
    let transmons = Transmons::new(&jakarta(), &[0, 1], 3).unwrap();
    let line = |k: f64| (0..12).map(|n| C64::cis(k * f64::from(n)) * 0.3).collect::<Vec<_>>();
    let plays = [
        (Channel::Drive(0), 0, line(0.3)),
        (Channel::Drive(1), 0, vec![C64::ZERO; 12]),
        (Channel::Control(0, 1), 0, line(-0.7)),
    ];
    let start = samples(12, &plays);
    let initial = vec![C64::new(0.6, 0.0), C64::ZERO, C64::new(0.0, 0.8), C64::ZERO];
    let goals = [
        Goal::Gate(cx_gate()),
        Goal::State { initial: initial.clone(), target: vec![C64::from(0.5); 4] },
        Goal::Expectation { initial, operator: cx_gate() },
    ];
    for goal in &goals {
        let found = transmons.gradient_with(&start, goal, 1).unwrap();
        let full = transmons.gradient(&start, goal).unwrap();
        assert!((full.value - found.value).abs() < 1e-5 && full.parts >= 2);
        for (place, line) in found.lines.iter().enumerate() {
            for k in [0, 5, 11] {
                for (direction, derivative) in
                    [(C64::ONE, line.samples[k].re), (C64::new(0.0, 1.0), line.samples[k].im)]
                {
                    let at = |h: f64| {
                        let mut lines = start.lines().to_vec();
                        lines[place].samples[k] += direction * h;
                        transmons.gradient_with(&Samples::new(DT, lines).unwrap(), goal, 1).unwrap().value
                    };
                    let h = 1e-2;
                    let expected = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                    assert!(
                        (derivative - expected).abs() < 1e-7,
                        "{} {k}: {derivative} {expected}",
                        line.channel
                    );
                }
            }
        }
        // A parameter that scales the control line
        let slope = Slope {
            parameter: 1,
            channel: Channel::Control(0, 1),
            start: 2,
            samples: line(-0.7)[2..].to_vec(),
        };
        let along = found.along(&[slope], 2);
        let tone = &found.lines.iter().find(|l| l.channel == Channel::Control(0, 1)).unwrap().samples;
        let expected: f64 = (2..12).map(|k| (tone[k].conj() * line(-0.7)[k]).re).sum();
        assert!(along[0] == 0.0 && (along[1] - expected).abs() < 1e-15);
    }
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let device = jakarta();
    assert!(matches!(Transmons::new(&device, &[0, 2], 3), Err(Error::QubitIndex { qubit: 2, .. })));
    assert!(matches!(Transmons::new(&device, &[0, 0], 3), Err(Error::RepeatedQubit { qubit: 0 })));
    for (qubits, levels) in [(&[0][..], 1), (&[], 3), (&[0, 1], 50)] {
        assert!(matches!(Transmons::new(&device, qubits, levels), Err(Error::OutOfRange { .. })));
    }
    let one = Transmons::new(&device, &[1], 3).unwrap();
    let on = |channel| samples(4, &[(channel, 0, vec![C64::from(0.1); 4])]);
    let other = one.propagator(&on(Channel::Drive(0))).unwrap_err();
    assert_eq!(other.to_string(), "drive(0): found qubit 0, expected one of the simulated qubits [1]");
    assert!(one.propagator(&on(Channel::Readout(0))).is_ok(), "readout is not simulated");
    let apart =
        Hamiltonian::new("apart", device.transmons().to_vec(), vec![], device.lines().to_vec()).unwrap();
    let apart = Transmons::new(&apart, &[0, 1], 3).unwrap();
    let error = apart.propagator(&on(Channel::Control(0, 1))).unwrap_err();
    assert_eq!(error, Error::NoExchange { control: 0, target: 1 });
    let tight = Transmons::new(&device, &[0, 1], 3).unwrap().with_tolerance(1e-15).unwrap();
    assert!(matches!(tight.propagator(&on(Channel::Drive(0))), Err(Error::Tolerance { .. })));
    let gate = one.propagator(&on(Channel::Drive(1))).unwrap();
    assert!(matches!(gate.fidelity(&cx_gate()), Err(Error::Dimension { found: 4, expected: 2, .. })));
    assert!(matches!(gate.fidelity(&Matrix::zeros((2, 2))), Err(Error::NotUnitary { .. })));
    let goal = Goal::State { initial: vec![C64::ONE; 3], target: vec![C64::ONE; 2] };
    assert!(matches!(one.gradient(&on(Channel::Drive(1)), &goal), Err(Error::Dimension { found: 3, .. })));
}
