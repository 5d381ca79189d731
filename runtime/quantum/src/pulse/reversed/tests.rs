use super::*;
use crate::pulse::{Channel, Duration, Frequency, Samples, Waveform, control, drive};
use crate::{Angle, C64};

const DT: f64 = 2e-9 / 9.0;
/// Radians a second at full amplitude.
const STRENGTH: f64 = 6e8;

fn dt(samples: i64) -> Duration {
    Duration::samples(samples)
}

/// What two levels do in the frame of the carrier, a sample after another: the matrix by rows.
fn evolve(samples: &Samples, channel: Channel) -> [C64; 4] {
    let mut total = [C64::ONE, C64::ZERO, C64::ZERO, C64::ONE];
    for d in samples.line(channel).unwrap() {
        // exp(-i (angle / 2) (d a + conj(d) a^+)), with a = |0><1|
        let half = 0.5 * STRENGTH * samples.dt() * d.norm();
        let axis = if d.norm() > 0.0 { d / d.norm() } else { C64::ONE };
        let off = C64::new(0.0, -half.sin());
        let step = [C64::from(half.cos()), off * axis, off * axis.conj(), C64::from(half.cos())];
        let [a, b, c, e] = total;
        total = [
            step[0] * a + step[1] * c,
            step[0] * b + step[1] * e,
            step[2] * a + step[3] * c,
            step[2] * b + step[3] * e,
        ];
    }
    total
}

/// Pulses of all rows without a quadrature, phases and frequencies between them; one parameter in a phase.
fn program(closed: bool) -> Schedule {
    let mut b = ScheduleBuilder::new("program");
    let turn: Angle = b.parameter("turn");
    b.play(drive(0), Waveform::lifted_gaussian(dt(160), 0.3, dt(40)).with_phase(0.2));
    b.shift_phase(drive(0), turn);
    b.play(drive(0), Waveform::gaussian_square(dt(200), 0.2, dt(16), dt(120)));
    b.shift_frequency(drive(0), Frequency::megahertz(37.0));
    b.delay(drive(0), dt(33));
    b.play(drive(0), Waveform::cosine(dt(96), -0.4));
    b.set_phase(drive(0), 0.9);
    b.play(control(0, 1), Waveform::constant(dt(700), 0.1));
    b.shift_frequency(drive(0), Frequency::megahertz(-12.0));
    b.play(drive(0), Waveform::sech(dt(112), 0.25, dt(20)));
    if closed {
        b.shift_frequency(drive(0), Frequency::megahertz(-25.0));
    }
    b.shift_phase(drive(0), -0.4);
    b.delay(drive(0), dt(21));
    b.finish().unwrap()
}

fn assert_identity(total: [C64; 4], what: &str) {
    let far =
        (total[0] - total[3]).norm() + total[1].norm() + total[2].norm() + (total[0].norm() - 1.0).abs();
    assert!(far < 1e-9, "{what}: {total:?}");
}

#[test]
fn two_levels_return_to_where_they_were() {
    for closed in [true, false] {
        let program = program(closed);
        let forward = evolve(&program.samples(DT, &[0.7]).unwrap(), drive(0));
        assert!(forward[1].norm() > 0.1, "the program does something: {forward:?}");
        let there_and_back = program.then(&program.reversed().unwrap()).unwrap();
        let timeline = there_and_back.timeline(DT).unwrap();
        assert_eq!(timeline.duration(), 2 * program.duration(DT).unwrap());
        assert_identity(evolve(&timeline.samples(&[0.7]).unwrap(), drive(0)), "S then S^R");
        let frame = timeline.frame(drive(0));
        assert!(frame.phase.value(&[0.7]).abs() < 1e-9, "{frame:?}");
        assert!(frame.frequency.in_hertz().abs() < 1e-3, "{frame:?}");
    }
}

#[test]
fn folding_does_the_same_and_takes_longer() {
    let program = program(true);
    let [plain, folded] = [0, 2].map(|folds| program.folded(folds).unwrap());
    assert_eq!(folded.duration(DT).unwrap(), 5 * program.duration(DT).unwrap());
    let [a, b] = [plain, folded].map(|s| evolve(&s.samples(DT, &[0.7]).unwrap(), drive(0)));
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).norm() < 1e-9), "{a:?} {b:?}");
}

#[test]
fn a_reverse_is_itself_reversed() {
    let program = program(false);
    let back = program.reversed().unwrap();
    assert_eq!(back.reversed().unwrap().steps(), program.steps());
    let nested = back.then(&back).unwrap().reversed().unwrap();
    let round = back.then(&back).unwrap().then(&nested).unwrap();
    assert_identity(evolve(&round.samples(DT, &[0.7]).unwrap(), drive(0)), "twice back and forth");
}

#[test]
fn a_drag_keeps_its_beta_and_its_place() {
    let mut b = ScheduleBuilder::new("two");
    let x = Waveform::drag(dt(160), 0.2, dt(40), -1.1);
    b.play(drive(0), x.clone());
    b.shift_phase(drive(0), 0.5);
    b.delay(drive(0), dt(10));
    b.play(drive(0), 0.5 * x.clone());
    b.play(control(0, 1), Waveform::constant(dt(100), 0.3));
    let back = b.finish().unwrap().reversed().unwrap().samples(DT, &[]).unwrap();
    let (line, shape) = (back.line(drive(0)).unwrap(), x.samples(DT, &[]).unwrap());
    for k in 0..160 {
        assert!((line[k] + shape[k] * 0.5).norm() < 1e-15, "the last is first");
        assert!((line[170 + k] + shape[k] * C64::cis(-0.5)).norm() < 1e-15, "in the frame that turned back");
    }
    let control = back.line(control(0, 1)).unwrap();
    assert_eq!((control[229], control[230], control[329]), (C64::ZERO, C64::from(-0.3), C64::from(-0.3)));
}
